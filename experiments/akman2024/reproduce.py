"""Latent explanations (Akman, Sun, Schuller, arXiv 2410.07530), rerun from recordings to tables.

    python -m experiments.akman2024.reproduce --data DIR --task kws --out RUNS/kws
    python -m experiments.akman2024.reproduce --data DIR --task ser --train-seeds 3 --out RUNS/ser \
        --codec lyra_v2 --codec-weights DIR

kws are the keywords of Speech Commands (12 classes; the paper has 35 words), ser the emotions of
TESS (other words in test than in training). Printed are the accuracy of the classifiers; how often
the original prediction stays when the most important features are kept (fidelity), and flips
when they are deleted (faithfulness), for latent features and for samples of the waveform, for
several methods and random features, with zeros, means and noise in place of the others; all
differences with 95 % bootstrap intervals; which of the paper's claims hold; and its figures.

`code-faithful` classifies an edited latent as it is, as the released code does; an edited
waveform is encoded. `fair` lets both pay one codec trip (decoded, encoded) before the answer. The
released code edits what the codec makes of a clip: `--waveform decoded` does that too.

Resumable: after an interruption, run the same command again. `<out>` gets `results.md`,
`results.json`, pictures and, with `--train-seeds N`, N trained classifiers. What is made from TESS
may not be passed on: keep it in `<out>`.
"""

import argparse
import functools
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from audioxai_jax import Classifier, explain, map_examples
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
from audioxai_jax.core.files import make_folder, replace_file
from audioxai_jax.data import tasks
from audioxai_jax.domains import latent
from audioxai_jax.report.curve_figures import words
from audioxai_jax.runs.shards import Parts
from audioxai_jax.weights import file_format, registry
from audioxai_jax.weights.load import load_classifier as load_pair
from audioxai_jax.weights.load import load_codec
from experiments.akman2024 import protocol, tables
from experiments.akman2024.figures import plot_confusion, plot_fidelity, plot_spectrograms
from experiments.akman2024.markdown import COLUMN_WORDS, notes, to_markdown

TASKS = {"kws": "keywords", "ser": "emotion"}
TOGETHER = 8
"""Clips between two looks at the disk."""
FOR_THE_MEAN = 200
"""Clips of the train part, whose mean latent stands in for a codec's that knows none."""


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, required=True, help="folder of this rerun")
    add_codec_options(parser)
    parser.add_argument("--task", default="kws", choices=TASKS)
    parser.add_argument("--classifiers", "--classifier", nargs="+", help="the shipped one")
    parser.add_argument("--train-seeds", type=positive, metavar="N", help="train N instead")
    parser.add_argument("--train-steps", type=positive, help="of each, instead of the recipe's")
    parser.add_argument("--clips", type=positive, default=200, help="of the test part")
    parser.add_argument("--seeds", type=positive, default=5, help="of random features and noise")
    parser.add_argument("--methods", nargs="+", default=protocol.METHODS, choices=protocol.METHODS)
    parser.add_argument("--waveform", default="clip", choices=("clip", "decoded"))
    parser.add_argument("--level", type=float, default=-60.0, help="of noise, dB re full scale")
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    if options.classifiers and options.train_seeds:
        parser.error("--train-seeds trains classifiers, --classifiers names them: choose one")
    if options.clips < 2:
        parser.error("--clips 1: an interval needs two clips or more")
    if options.train_steps and not options.train_seeds:
        parser.error("--train-steps is for classifiers that are trained: add --train-seeds")
    for option in ("methods", "classifiers"):
        given = getattr(options, option) or []
        if len(set(given)) < len(given):
            parser.error(f"--{option} names one twice: {' '.join(given)}")
    if not np.isfinite(options.level):
        parser.error(f"--level {options.level}: must be a number of dB")
    return options


def main() -> None:
    options = read_options()
    codec = load_codec(options.codec, options.codec_weights)
    task, key = TASKS[options.task], jax.random.key(options.seed)
    split = tasks.TASKS[task].splits[0]
    names = chosen_classifiers(options, codec, task)
    loaded = [load_classifier(codec, name, task, split) for name in names]
    clips = tasks.load(options.data, task, rate=codec.sample_rate)
    say_each(task, clips.outcome.lines())
    make_folder(options.out)
    codec = protocol.with_mean(codec, mean_latent(options, codec, clips.part(split, "train")))
    test = clips.part(split, "test")
    del clips  # all but the test part
    judged = some_of(test, options.clips)

    right = np.stack([accuracy(options, n, codec, *loaded[n], test) for n in range(len(loaded))])
    edits, index = protocol.plan(len(options.methods), options.seeds)
    found = [judge(options, n, codec, *loaded[n], judged, edits) for n in range(len(loaded))]
    speakers = judged.speaker_numbers
    fidelity = np.mean([tables.scores(one, index) for one in found], axis=0)
    keys = jax.random.split(jax.random.fold_in(key, 1), 2)
    rows = tables.make_rows(fidelity, options.methods, speakers, keys[0])
    papers = "integrated_gradients"
    claimed = papers if papers in options.methods else options.methods[0]
    labels = tasks.TASKS[task].labels
    removed = index[list(options.methods).index(claimed), 0, 1, tables.TENTH, 0]
    confusion = confusion_tables(found, removed, len(labels))
    result = {
        "settings": {name: str(value) for name, value in vars(options).items()},
        "weights": [one["sha256"] for one in (codec.manifest or {}, *(one for _, one in loaded))],
        "notes": notes(vars(options), codec.name, len(labels), split),
        "methods": list(options.methods),
        "labels": labels,
        "classifiers": names,
        "claimed": claimed,
        "clips": len(judged),
        "test_clips": len(test),
        "accuracy": tables.accuracy_row(right, test.speaker_numbers, keys[1]),
        "codec_alone": float(np.mean([np.mean(one["again"] == one["target"]) for one in found])),
        "rows": rows,
        "confusion": confusion,
        "claims": tables.claims(rows, claimed),
    }
    write_rows(options.out / "results.json", result)
    text = to_markdown(result)
    replace_file(options.out / "results.md", text)
    say(*text.split("\n"))
    write_rows(options.json, rows)
    draw_tables(options, result)
    draw_spectrograms(options, codec, loaded[0][0], judged, found[0]["target"])


def some_of(clips, count: int):
    """`count` clips, evenly from all of them, or all if there are fewer."""
    if count >= len(clips):
        return clips
    return clips[np.linspace(0, len(clips) - 1, count).round().astype(int)]


def confusion_tables(found: list[dict], edit: int, classes: int) -> dict[str, list]:
    """What each class becomes after one edit of the latent, over all classifiers, by column."""
    return {
        column: sum(
            tables.confusion(one["target"], one["latent"][column][:, edit], classes)
            for one in found
        ).tolist()
        for column in protocol.COLUMNS
    }


def draw_tables(options, result: dict) -> None:
    """Fidelity for each base, and what becomes of each class without the top tenth."""
    for base in protocol.BASES:
        plot_fidelity(result["rows"], options.out / f"fidelity_{base}.png", base=base)
    titles = {
        COLUMN_WORDS[column]: np.asarray(table) for column, table in result["confusion"].items()
    }
    share = f"{protocol.KEPT[tables.TENTH]:.1%}"
    title = f"Latents, {words(result['claimed'])}: the top {share} is replaced by zero"
    plot_confusion(titles, result["labels"], options.out / "confusion.png", title=title)


def chosen_classifiers(options, codec, task: str) -> list[str]:
    """Classifiers that are named, trained now, or shipped."""
    if options.train_seeds:
        return train(options, codec, task)
    if options.classifiers:
        return options.classifiers
    for name in registry.available()["classifier"]:
        manifest = file_format.read_manifest(registry.shipped_folder() / name)
        if (manifest.get("codec"), manifest.get("task")) == (codec.name, task):
            return [name]
    raise ValueError(
        f"no classifier of {task} on latents of {codec.name!r} is shipped: train some with "
        "--train-seeds 3, or name one with --classifier"
    )


def train(options, codec, task: str) -> list[str]:
    """Trains the transformer head, or finds it trained; the paths of the checkpoints."""
    from scripts import train_classifier

    folder = options.out / "classifiers"
    recipe = argparse.Namespace(
        data=options.data,
        out=folder,
        codec=options.codec,
        codec_weights=options.codec_weights,
        tasks=[task],
        splits=[],
        heads=["transformer"],
        seeds=range(options.train_seeds),
        steps=options.train_steps,
        save_every=500,
        json=None,
    )
    train_classifier.run_task(recipe, codec, task)
    split = tasks.TASKS[task].splits[0]
    runs = folder / task / split / "transformer"
    return [str(runs / f"seed_{seed}" / task) for seed in recipe.seeds]


def load_classifier(codec, name: str, task: str, split: str):
    """Its model and manifest; refused if it was made for something else."""
    classifier = load_pair(name, codec)
    manifest = classifier.manifest or {}
    theirs = manifest.get("task"), manifest.get("split")
    if theirs != (task, split):
        raise ValueError(
            f"{name} is for {', '.join(map(str, theirs))}, not for {task}, {split}: choose one "
            "that was trained for it, so that it is judged on clips that it does not know"
        )
    return classifier.model, manifest


def mean_latent(options, codec, clips) -> jax.Array:
    """The codec's own, else that of some clips that classifiers learn from, `[C]`."""
    if codec.mean is not None:
        return codec.mean
    some = np.unique(np.linspace(0, len(clips) - 1, FOR_THE_MEAN).round().astype(int))
    settings = {"codec": codec.fingerprint, "clips": clips.file[some].tolist()}
    parts = Parts(options.out / "parts" / "mean", settings)
    key = jax.random.key(0)
    latents = parts.get(
        0,
        lambda: {"mean": map_examples(protocol.encode_clip, codec, clips.audio[some], key=key)},
    )
    return jnp.asarray(latents["mean"].mean(axis=0))


def accuracy(options, number: int, codec, model, manifest, clips) -> np.ndarray:
    """Which clips of the test part the classifier gets right, 0 or 1."""
    settings = {"weights": [codec.fingerprint, manifest["sha256"]], "clips": tasks.digest(clips)}
    parts, key = Parts(options.out / "parts" / f"accuracy_{number}", settings), jax.random.key(0)
    what = (codec, model)
    known = parts.get(
        0, lambda: {"class": map_examples(protocol.classify_clip, what, clips.audio, key=key)}
    )
    return (known["class"] == clips.target).astype(np.float32)


def judge(options, number: int, codec, model, manifest, clips, edits) -> dict:
    """Predictions of all clips after all edits, by one classifier."""
    on_cpu = jax.default_backend() == "cpu"
    methods = protocol.make_methods(options.methods, chunk=4 if on_cpu else 50)
    what = protocol.Protocol(
        codec=codec,
        classifier=model,
        methods={arm: tuple(methods.values()) for arm in protocol.ARMS},
        edits=edits,
        level_db=options.level,
        decoded=options.waveform == "decoded",
        seeds=options.seeds,
        chunk=4 if on_cpu else 64,
    )
    names = ("methods", "waveform", "level", "seed", "seeds")
    settings = {name: getattr(options, name) for name in names} | {
        "weights": [codec.fingerprint, manifest["sha256"]],
        "mean": np.asarray(codec.mean).tolist(),
        "kept": protocol.KEPT,
        "clips": clips.file.tolist(),
        "sounds": tasks.digest(clips),
    }
    parts = Parts(options.out / "parts" / f"judged_{number}", settings)
    key, spent = jax.random.fold_in(jax.random.key(options.seed), 0), []

    def compute(start: int):
        began = time.monotonic()
        some = clips.audio[start : start + TOGETHER]
        chunk = 1 if on_cpu else TOGETHER
        found = map_examples(
            protocol.judge_clip, what, some, key=key, chunk=chunk, first_index=start
        )
        found = jax.tree.map(np.asarray, found)
        spent.append((time.monotonic() - began) / len(some))
        return found

    title = f"{manifest['name']}, {TOGETHER} clips at a time"
    starts = tqdm(range(0, len(clips), TOGETHER), printable(title), mininterval=2)
    found = [parts.get(start, lambda start=start: compute(start)) for start in starts]
    if spent:
        later = spent[1:] or spent
        what = "" if spent[1:] else ", compilation included"
        say(f"{np.mean(later):.2f} s per clip{what}, on {jax.devices()[0].device_kind}")
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)


def draw_spectrograms(options, codec, model, clips, target) -> None:
    """Their Figure 2, of the first clip of a word or emotion that is classified right."""
    labels = tasks.TASKS[TASKS[options.task]].labels
    words = [number for number, label in enumerate(labels) if not label.startswith("_")]
    good = np.flatnonzero((target == clips.target) & np.isin(clips.target, words))
    number = good[0] if len(good) else 0
    kept = protocol.KEPT[tables.TENTH]
    audio = jnp.asarray(clips.audio[number], jnp.float32) / 32768
    method = protocol.make_methods(["integrated_gradients"], 10)["integrated_gradients"]
    classifier = Classifier(model, reads=latent(codec))
    explained = functools.partial(explain, method=method, keep=kept, key=jax.random.key(0))
    sounds = jax.jit(explained)(classifier, audio).sounds
    titles = {
        f"original, “{labels[target[number]]}”": audio,
        "codec alone": sounds["reconstruction"],
        f"integrated gradients: top {kept:.1%} kept": sounds["explanation"],
        f"top {kept:.1%} removed": sounds["removed"],
    }
    plot_spectrograms(titles, codec.sample_rate, options.out / "spectrograms.png")


if __name__ == "__main__":
    sys.exit(run_main(main))
