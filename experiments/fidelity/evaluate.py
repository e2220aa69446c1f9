"""Are the explanations true? Fidelity curves with controls, on clips that were held out.

    python -m experiments.fidelity.evaluate --data DIR --out runs/evaluation
    python -m experiments.fidelity.evaluate --data DIR --out runs/digits --units feature \
        --classifiers runs/classifiers/digits/*/transformer/seed_0/digits.json \
        --listeners runs/classifiers/digits/*/listener/seed_0/digits_listener.json

Each classifier is judged on the `test` part of the split that its manifest names; several of
them (folds) are pooled. Latent features (or whole frames, or channels) are ranked by each
method; the most relevant are kept, or deleted. Printed is how often the prediction stays
(keep) or flips (delete) in the latent, in the sound encoded again, and as the independent
listener hears the sound, beside features at random and beside the codec alone; with 95 %
bootstrap intervals over clips, and over speakers. `<out>` gets `table.json`, `curves.png`
and the clips that are done: after an interruption, run the same command again.
"""

import sys
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from audioxai_jax import METHODS, map_examples
from audioxai_jax.cli import user_files
from audioxai_jax.cli.bases import NAMES, named_base
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_data_option,
    add_json_option,
    output_folder,
    positive,
    printable,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.core.files import make_folder
from audioxai_jax.data import tasks
from audioxai_jax.perturbation.rank import SIGNS
from audioxai_jax.report.curve_figures import plot_curves, words
from audioxai_jax.runs.shards import Parts
from audioxai_jax.types import Classifier, Codec
from audioxai_jax.weights.load import load_classifier, load_codec, load_listener
from audioxai_jax.weights.pair import default_classifier
from experiments.fidelity.curves import RANDOM, UNITS, Curves, fidelity_curves
from experiments.fidelity.table import make_rows, make_summary

KEEP = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
DELETE = (0.05, 0.1, 0.2, 0.4)
PLACES = {
    "latent": "in the latent",
    "sound": "in the sound",
    "listener": "for the listener",
}
USUAL = ("input_x_gradient", "integrated_gradients", "magnitude_control", "saliency")
TOGETHER = 32
"""Clips between two looks at the disk."""


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, required=True, help="its folder")
    add_codec_options(parser)
    parser.add_argument("--classifiers", nargs="+", help="names or paths; the codec's own one")
    parser.add_argument("--listeners", nargs="+", help="one each; the shipped one of the task")
    parser.add_argument("--methods", nargs="+", default=USUAL, help="names, or FILE.py:FUNCTION")
    parser.add_argument("--base", default="zero", choices=NAMES)
    parser.add_argument(
        "--baseline", default="zero", choices=("zero", "mean"), help="of integrated gradients"
    )
    parser.add_argument("--units", nargs="+", default=["feature", "frame"], choices=UNITS)
    parser.add_argument("--rank", default="signed", choices=SIGNS)
    parser.add_argument("--draws", type=positive, default=5, help="of random features, per clip")
    parser.add_argument("--clips", type=positive, help="clips per classifier; all by default")
    parser.add_argument("--part", default="test", choices=("train", "val", "test"))
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    if options.classifiers is None:
        codec = load_codec(options.codec, options.codec_weights)
        options.classifiers = [default_classifier(codec)]
    if options.listeners and len(options.listeners) != len(options.classifiers):
        parser.error("--listeners: name one for each of --classifiers")

    make_folder(options.out)
    jobs = list(zip(options.classifiers, options.listeners or [None] * len(options.classifiers)))
    found, facts = [], []
    for number, job in enumerate(jobs):
        results, about = judge(options, number, *job)
        found.append(results)
        facts.append(about)
    found = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    target, speaker = (np.concatenate([f[name] for f in facts]) for name in ("target", "speaker"))

    if not found["finite"].all():
        raise ValueError(f"the models gave NaN or infinity on {np.sum(~found['finite'])} clips")
    names, groups = np.unique(speaker, return_inverse=True)
    nobody = names[0] == ""  # "" sorts first, so the others count from 0
    groups = jnp.asarray(groups - nobody)
    rows = make_rows(found, groups, KEEP, DELETE, jax.random.key(options.seed + 1))
    print_tables(rows, options)
    summary = make_summary(found, target, len(names) - nobody)
    print_summary(summary)
    settings = {name: str(value) for name, value in vars(options).items()}
    table = {"settings": settings, "summary": summary, "rows": rows}
    write_rows(options.out / "table.json", table)
    write_rows(options.json, rows)
    plot_curves(rows, options.out / "curves.png", unit=options.units[0])


def judge(options, number: int, classifier_name: str, listener_name: str | None):
    """Results of every clip of one classifier, and what is known of the clips."""
    codec = load_codec(options.codec, options.codec_weights)
    classifier = load_classifier(classifier_name, codec)
    manifest = facts(classifier)
    task, split = held_out(classifier_name, manifest)
    listener_name = listener_name or f"{task}_listener"
    listener = load_listener(listener_name)
    listener_manifest = facts(listener)
    theirs = held_out(listener_name, listener_manifest)
    if theirs != (task, split):
        raise ValueError(
            f"{listener_name} is for {', '.join(theirs)}: {classifier_name} needs a listener for "
            f"{task}, {split}"
        )
    tasks.check_rate(f"the codec {codec.name!r}", codec.sample_rate)
    tasks.check_rate(f"the listener {listener_name}", listener_manifest["sample_rate"])
    clips = tasks.load(options.data, task).part(split, options.part)
    say_each(task, clips.outcome.lines())
    if options.clips and options.clips < len(clips):
        clips = clips[np.linspace(0, len(clips) - 1, options.clips).round().astype(int)]
    settings = settings_of(options, [facts(codec), manifest, listener_manifest], clips)
    what = Curves(
        codec=codec,
        classifier=classifier.model,
        listener=listener.model,
        methods={name: make_method(name, codec, options) for name in options.methods},
        base=named_base(options.base, classifier, codec.sample_rate),
        keep=jnp.asarray(KEEP),
        delete=jnp.asarray(DELETE),
        units=tuple(options.units),
        rank=options.rank,
        draws=options.draws,
    )
    key = jax.random.fold_in(jax.random.key(options.seed), number)
    parts = Parts(options.out / "parts" / str(number), settings)
    starts = range(0, len(clips), TOGETHER)
    title = f"{task} {split}, {TOGETHER} clips at a time"
    results = [
        parts.get(
            start,
            lambda start=start: map_examples(
                one_clip, what, clips.audio[start : start + TOGETHER], key=key, first_index=start
            ),
        )
        for start in tqdm(starts, printable(title), mininterval=2)
    ]
    found = jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)
    return found, {"target": clips.target, "speaker": clips.speaker}


def settings_of(options, manifests: list[Mapping[str, Any]], clips) -> dict:
    """What decides the results of a classifier's clips."""
    names = ("methods", "base", "baseline", "units", "rank", "draws", "part", "seed")
    return {name: getattr(options, name) for name in names} | {
        "fractions": [KEEP, DELETE],
        "plugins": [
            user_files.file_digest(name)
            for name in options.methods
            if user_files.is_user_file(name)
        ],
        "weights": [manifest["sha256"] for manifest in manifests],
        "clips": clips.file.tolist(),
    }


def facts(thing: Codec | Classifier) -> Mapping[str, Any]:
    """What the manifest of a loaded thing says."""
    assert thing.manifest is not None
    return thing.manifest


def held_out(name: str, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The task and the split that a checkpoint was trained for."""
    task, split = manifest.get("task"), manifest.get("split")
    if task not in tasks.TASKS or split is None:
        raise ValueError(
            f"{name}: its manifest must name its task ({', '.join(tasks.TASKS)}) and the split "
            "it was trained on, so that it is judged on clips that it does not know"
        )
    return task, split


def one_clip(what: Curves, clip, key):
    return fidelity_curves(what, clip.astype(jnp.float32) / 32768, key)


def make_method(name: str, codec, options):
    if user_files.is_user_file(name):
        return user_files.load_method(name, [])[0]
    if name not in METHODS or name == RANDOM:
        raise ValueError(f"unknown method {name!r}: known are {', '.join(set(METHODS) - {RANDOM})}")
    if name == "integrated_gradients" and options.baseline == "mean":
        if codec.mean is None:
            raise ValueError(f"--baseline mean: the codec {codec.name!r} knows no mean latent")
        return METHODS[name](baseline=codec.mean)
    return METHODS[name]()


def print_tables(rows: list[dict], options) -> None:
    """As Markdown, ready for a README."""
    columns = [("keep", f) for f in KEEP] + [("delete", f) for f in DELETE]
    methods = [*options.methods, RANDOM]
    for unit in options.units:
        for place, title in PLACES.items():
            say("", f"By {unit}, {title}: % of clips (95 % interval over clips)", "")
            print_row("", *(f"{edit} {fraction:.0%}" for edit, fraction in columns))
            say("|---" * (1 + len(columns)) + "|")
            for name in methods:
                cells = [cell(find(rows, name, unit, place, *column)) for column in columns]
                print_row(words(name), *cells)
    only = {p: find(rows, "codec_only", "-", p, "keep", 1.0) for p in PLACES if p != "latent"}
    say("", f"Codec only: sound {cell(only['sound'])}, listener {cell(only['listener'])}")
    wanted = (("keep", 0.1), ("keep", 0.2), ("delete", 0.1))
    say("", "Over random, points (95 % interval over clips; over speakers)", "")
    print_row("", *(f"{edit} {fraction:.0%}" for edit, fraction in wanted))
    say("|---" * (1 + len(wanted)) + "|")
    for name in options.methods:
        for place, title in PLACES.items():
            found = [find(rows, name, options.units[0], place, *column) for column in wanted]
            print_row(f"{words(name)}, {title}", *map(over_random, found))


def print_row(*cells: str) -> None:
    say(f"| {' | '.join(cells)} |")


def over_random(row: dict) -> str:
    """With its interval over clips and, if there are several, the one over speakers."""
    ends = []
    for who in ("over_random_", "over_random_speakers_"):
        if f"{who}low" in row:
            ends.append(f"{100 * row[f'{who}low']:+.0f} to {100 * row[f'{who}high']:+.0f}")
    return f"{100 * row['over_random']:+.0f} ({'; '.join(ends)})"


def find(rows, method, unit, place, edit, fraction) -> dict:
    wanted = dict(method=method, unit=unit, place=place, edit=edit, fraction=fraction)
    return next(row for row in rows if all(row[k] == v for k, v in wanted.items()))


def cell(row: dict) -> str:
    return f"{100 * row['score']:.0f} ({100 * row['low']:.0f}-{100 * row['high']:.0f})"


def print_summary(summary: dict) -> None:
    say("")
    say(
        "{clips} clips; right: classifier {classifier_right:.1%}, listener {listener_right:.1%},"
        " ratio {share_of_listener:.1%}; they agree on {listener_agrees:.1%}".format(**summary)
    )
    if "gap_below_1_percent" in summary:
        say(
            "completeness gap of integrated gradients: below 1 % on {gap_below_1_percent:.1%}, "
            "95th percentile {gap_95th_percentile:.2%}".format(**summary)
        )
    levels = ", ".join(f"{name} {level:.1f}" for name, level in summary["level_db"].items())
    say(f"level of the 10 % sound re original, median dB: {levels}")


if __name__ == "__main__":
    sys.exit(run_main(main))
