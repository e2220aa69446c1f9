"""Why does a stranger hear less of an explanation? Ablations on `val`.

    python -m experiments.strangers.why --data DIR --out runs/strangers_why --tasks keywords

One classifier and method; 10 and 20 % are kept in many ways (`variants.py`): scattered features or
whole cells, gains without their coefficients and the reverse, blocks, frames, and the hearable
rank with several widths of its context. And where does the codec lose words: its sound gets that of
the clip itself back below or above a frequency. Printed and written to `<out>/why.json` and
`why.md`: what pocketsphinx hears, with and without a floor, and how the kept sound is made: its
energy beside that of the codec-only sound, runs of kept cells in time, frames with any of them.
"""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import map_examples
from audioxai_jax.cli.console import Parser, add_json_option, run_main, write_rows
from audioxai_jax.perturbation.ask import prediction
from audioxai_jax.perturbation.edit import keep
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.types import attribute
from experiments.strangers.answers import mix
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
from experiments.strangers.clips import numbers
from experiments.strangers.listeners import NOTHING
from experiments.strangers.markdown import line, with_ends
from experiments.strangers.protocol import Study, keys_of, noise_of, seen_from
from experiments.strangers.ratios import retention
from experiments.strangers.table import at
from experiments.strangers.variants import SWAPS, VARIANTS, shape_of, swaps, view_of

WHOLE = "codec only"


def sounds_of(shared: tuple[Study, Array], clip: dict[str, Array], _: Array) -> dict[str, Any]:
    """Sounds of one clip, and how kept ones are made.

    Args:
      shared: the study, of one method, and a key of all clips.
      clip: "audio", int16 `[T]`; "number".

    Returns:
      "whole": sounds `[T]` by name, see `variants.swaps`; "kept": by variant, `[fractions, T]`;
      "facts": "energy", "run" and "frames", each by variant, `[fractions]`; "noise" `[T]`.
    """
    study, key = shared
    domain = study.domain
    audio = clip["audio"].astype(jnp.float32) / 32768
    features = domain.analyse(audio)
    method_key, order_key, base_key, noise_key = keys_of(key, clip["number"])
    target = prediction(study.classifier(audio))
    (method,) = study.methods.values()
    model = seen_from(study, audio)
    relevance = attribute(method, model, features, target, key=method_key).relevance
    view = view_of(domain, features, relevance, order_key)
    base = study.base(domain, features, audio, base_key)
    trip = domain.synthesise(features, audio)
    chosen = jnp.stack(
        [
            jnp.broadcast_to(variant(view, fraction), features.shape)
            for variant in VARIANTS.values()
            for fraction in study.fractions
        ]
    )
    sounds = jax.vmap(lambda own: domain.synthesise(keep(features, own, base), audio))(chosen)
    energy = jnp.sum(sounds**2, axis=1) / (jnp.sum(trip**2) + 1e-12)
    facts = {"energy": energy} | jax.vmap(lambda own: shape_of(view, own))(chosen)
    shape = (len(VARIANTS), len(study.fractions))
    named = lambda values: dict(zip(VARIANTS, values.reshape(*shape, *values.shape[1:])))
    kept = named(sounds)
    facts = {name: named(values) for name, values in facts.items()}
    noise = noise_of(audio, domain.sample_rate, 0, noise_key)
    whole = swaps(audio, trip, domain.sample_rate)
    return {"whole": whole, "kept": kept, "facts": facts, "noise": noise}


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add_clip_options(parser, part="val")
    add_model_options(parser)
    parser.add_argument("--method", default="lrp", metavar="NAME")
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.1, 0.2])
    add_json_option(parser)
    parser.set_defaults(floors=[None, -30.0], tasks=["keywords"])
    options = parser.parse_args()
    options.methods, options.draws, rows = [options.method], 1, []
    for task in options.tasks:
        rows += rows_of(options, ask(options, task))
    write_rows(options.json, write_study(options, "why", rows, markdown(rows)))


def rows_of(options, asked: Asked) -> list[dict[str, Any]]:
    """A row for each sound of one task, with what is heard at each floor."""
    study, clips = study_of(options, asked, voice=False), asked.clips
    key = jax.random.key(options.seed)
    examples = {"audio": clips.audio, "number": numbers(clips)}
    made = map_examples(sounds_of, (study, key), examples, key=key, chunk=2)
    made = jax.tree.map(np.asarray, made)
    arms = [(name, None, made["whole"][name], {}) for name in SWAPS]
    for place, fraction in enumerate(options.fractions):
        for name in VARIANTS:
            sounds = made["kept"][name]
            facts = {n: float(v[name][:, place].mean()) for n, v in made["facts"].items()}
            arms.append((name, fraction, sounds[:, place], facts))
    speakers, rows = clips.speaker_numbers, []
    with make_ears(asked.task, options.processes) as ears:
        said = {
            (name, fraction, floor): ears.hear(_mixed(study, sounds, made["noise"], floor))
            for name, fraction, sounds, _ in arms
            for floor in options.floors
        }
    for name, fraction, _, facts in arms:
        row: dict[str, Any] = {"task": asked.task, "sound": name, "fraction": fraction} | facts
        for floor in options.floors:
            heard = (said[name, fraction, floor] == asked.truth).astype(float)
            trip = (said[WHOLE, None, floor] == asked.truth).astype(float)
            ends = {"right": at(mean_with_intervals(heard, key, speakers=speakers), ())}
            ends["retention"] = at(retention(heard, trip, key, speakers=speakers), ())
            nothing = float(np.mean(said[name, fraction, floor] == NOTHING))
            row[floor_name(floor)] = ends | {"nothing": nothing}
        rows.append(row)
    return rows


def _mixed(study: Study, sounds: np.ndarray, noise: np.ndarray, floor: float | None) -> np.ndarray:
    pairs = zip(sounds, noise, strict=True)
    return np.concatenate([mix(study, sound[None], own, floor) for sound, own in pairs])


def markdown(rows: list[dict[str, Any]]) -> str:
    """A table for each task: % of clips and retention at each floor."""
    floors = [name for name, value in rows[0].items() if isinstance(value, dict)]
    lines: list[str] = []
    for task in dict.fromkeys(row["task"] for row in rows):
        head = ["sound", "kept"]
        head += [f"{what}, floor {f}" for f in floors for what in ("right", "retention", "nothing")]
        head += ["energy", "run, frames", "frames with any"]
        lines += [f"### {task}", "", line(head), line(["---"] * len(head))]
        for row in rows:
            if row["task"] == task:
                lines.append(line(_cells(row, floors)))
        lines.append("")
    return "\n".join(lines)


def _cells(row: dict[str, Any], floors: list[str]) -> list[str]:
    cells = [row["sound"], "" if row["fraction"] is None else f"{row['fraction']:.0%}"]
    for floor in floors:
        cells += [f"{100 * row[floor]['right']['mean']:.0f}", with_ends(row[floor]["retention"])]
        cells.append(f"{100 * row[floor]['nothing']:.0f}")
    if "energy" not in row:
        return [*cells, "", "", ""]
    return [*cells, f"{row['energy']:.0%}", f"{row['run']:.1f}", f"{row['frames']:.0%}"]


if __name__ == "__main__":
    sys.exit(run_main(main))
