"""Does the codec, or a base, invent words? A stranger hears sounds that should not hold one.

    python -m experiments.strangers.hallucination --data DIR --out runs/strangers_hallucination

The decoder gets features that say nothing of the clip, or too little: those of silence, shuffled
ones, a fifth of the clip's units at random, all but the first fifth of an explanation; other units
are those of each base. With features of a clip of another class as the base, the sound may hold
that clip's word, which is counted by itself. Told is the share of sounds in which pocketsphinx
names any word, the true one, the one that is explained (the classifier's prediction), and the
neighbour's. `<out>` gets `hallucination.json` and `hallucination.md`.
"""

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import map_examples
from audioxai_jax.cli.console import Parser, add_json_option, run_main, write_rows
from audioxai_jax.perturbation.ask import prediction
from audioxai_jax.perturbation.edit import delete, keep
from audioxai_jax.perturbation.rank import kept_count, rank_positions, unit_mask, unit_number
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.synthesis import bases
from audioxai_jax.types import attribute
from experiments.strangers.asked import (
    Asked,
    add_clip_options,
    add_model_options,
    ask,
    floor_name,
    make_ears,
    study_of,
    write_study,
)
from experiments.strangers.clips import numbers, word_labels
from experiments.strangers.listeners import NOTHING
from experiments.strangers.markdown import line, with_ends
from experiments.strangers.protocol import (
    Study,
    keys_of,
    level_factor,
    noise_of,
    seen_from,
    with_floor,
)
from experiments.strangers.ranking import chance, scores, units_of
from experiments.strangers.table import at

FRACTION = 0.2
BASES: dict[str, Callable[[Array], Any]] = {
    "own": lambda other: bases.own(),
    "noise": lambda other: bases.noise(),
    "matched noise": lambda other: bases.level_matched(),
    "neighbour": bases.neighbour,
}
"""Bases by name, given the features of a clip of another class."""
EDITS = ("base alone", "random 20 % kept", "first 20 % kept", "first 20 % deleted")
SHUFFLED = "features shuffled in time, each channel for itself"
SOUNDS = (
    *("original", "codec only", "silence", "features of silence", SHUFFLED),
    *(f"{edit}, base {base}" for base in BASES for edit in EDITS),
)
"""Names of the sounds, in the order of the table."""
HEARD = ("any word", "true word", "explained word", "neighbour's word")


def sounds_of(shared: tuple[Study, Array], clip: dict[str, Array], _: Array) -> dict[str, Array]:
    """Sounds `[T]` of one clip by name, "prediction", and "noise" at its level.

    Args:
      shared: the study, of one method, and a key of all clips.
      clip: "audio" and "other", int16 `[T]`, the clip and its neighbour; "number".
    """
    study, key = shared
    domain = study.domain
    audio, other = (clip[name].astype(jnp.float32) / 32768 for name in ("audio", "other"))
    features, others = domain.analyse(audio), domain.analyse(other)
    method_key, order_key, base_key, noise_key = keys_of(key, clip["number"])
    target = prediction(study.classifier(audio))
    units, grid = units_of(domain, study.unit, features.shape)
    (method,) = study.methods.values()
    model = seen_from(study, audio)
    relevance = attribute(method, model, features, target, key=method_key).relevance
    number = unit_number(features.shape, units)
    count = kept_count(FRACTION, number)

    def first(score: Array) -> Array:
        return unit_mask(rank_positions(score), count, features.shape, units)

    explained = first(scores(study.rank, relevance, domain.size(features), units, grid))
    drawn = first(chance(order_key, 1, number)[0])
    silent = jnp.zeros_like(audio)
    shuffled = jax.random.permutation(base_key, features, axis=0, independent=True)
    edited = {
        "codec only": features,
        "features of silence": domain.analyse(silent),
        SHUFFLED: shuffled,
    }
    for name, factory in BASES.items():
        base = factory(others)(domain, features, audio, base_key)
        parts = (
            jnp.broadcast_to(base, features.shape),
            keep(features, drawn, base),
            keep(features, explained, base),
            delete(features, explained, base),
        )
        edited |= {f"{edit}, base {name}": part for edit, part in zip(EDITS, parts, strict=True)}
    decoded = jax.vmap(lambda z: domain.synthesise(z, audio))(jnp.stack(list(edited.values())))
    made = {"original": audio, "silence": silent, **dict(zip(edited, decoded))}
    noise = noise_of(audio, domain.sample_rate, 0, noise_key)
    return {"sounds": made, "prediction": target, "noise": noise}  # type: ignore[return-value]


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add_clip_options(parser, part="val")
    add_model_options(parser)
    parser.add_argument("--method", default="lrp", metavar="NAME")
    add_json_option(parser)
    parser.set_defaults(floors=[None, -30.0])
    options = parser.parse_args()
    options.methods, options.fractions, options.draws = [options.method], (FRACTION,), 1
    rows = []
    for task in options.tasks:
        rows += rows_of(options, ask(options, task))
    write_rows(options.json, write_study(options, "hallucination", rows, markdown(rows)))


def rows_of(options, asked: Asked) -> list[dict[str, Any]]:
    """A row for each sound and floor of one task."""
    study, clips = study_of(options, asked, voice=False), asked.clips
    next_one = bases.next_of_another_class(clips.target)
    examples = {"audio": clips.audio, "other": clips.audio[next_one], "number": numbers(clips)}
    key = jax.random.key(options.seed)
    made = jax.tree.map(
        np.asarray, map_examples(sounds_of, (study, key), examples, key=key, chunk=4)
    )
    labels = word_labels(asked.task)
    explained = np.array([labels.index(p) if p in labels else -2 for p in made["prediction"]])
    words = {"true word": asked.truth, "explained word": explained}
    words["neighbour's word"] = asked.truth[next_one]
    rows = []
    with make_ears(asked.task, options.processes) as ears:
        for name in SOUNDS:
            sounds = made["sounds"][name]
            for floor in options.floors:
                said = ears.hear(_mixed(sounds, made["noise"], floor))
                heard = {"any word": said != NOTHING} | {w: said == n for w, n in words.items()}
                row = {"task": asked.task, "sound": name, "floor": floor_name(floor)}
                for what, values in heard.items():
                    ends = mean_with_intervals(
                        values.astype(float), key, speakers=clips.speaker_numbers
                    )
                    row[what] = at(ends, ())
                rows.append(row)
    return rows


def _mixed(sounds: np.ndarray, noise: np.ndarray, floor: float | None) -> np.ndarray:
    factor = level_factor(floor)
    return np.stack(
        [with_floor(sound[None], own, factor, 0)[0] for sound, own in zip(sounds, noise)]
    )


def markdown(rows: list[dict[str, Any]]) -> str:
    """A table for each task, % of clips."""
    lines: list[str] = []
    for task in dict.fromkeys(row["task"] for row in rows):
        head = ["sound", "floor", *HEARD]
        lines += [f"### {task}", "", line(head), line(["---"] * len(head))]
        for row in rows:
            if row["task"] == task:
                cells = [with_ends(row[what]) for what in HEARD]
                lines.append(line([row["sound"], row["floor"], *cells]))
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(run_main(main))
