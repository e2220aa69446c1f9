"""AudioMNIST (Becker et al., arXiv 1807.03418), from recordings to tables and figures.

    python -m experiments.audiomnist.reproduce --data DIR --task digit --net audionet --out RUNS
    python -m experiments.audiomnist.reproduce --data DIR --dataset fsdd --net audionet alexnet \
        --folds without_jackson without_theo --out RUNS

DIR holds a checkout of AudioMNIST (or, with `--dataset fsdd`, the Free Spoken Digit Dataset).
Each fold is trained, and tested on speakers it never heard; then its explanations are tested:
what is left of its accuracy when what they point at is deleted, and when clips are moved in time
and frequency. With two networks they are compared in a common domain. Killed at any moment, the
same command goes on where it was. `--recipe paper` trains as the authors did, for tens of
thousands of steps; the default is a modern, shorter recipe.

`<out>/<dataset>_<task>/<recipe>_<net>.md` gets all tables of the folds that are named, which are
printed too, and figures lie beside it. So folds may be done by several commands, and one that
names all of them makes the tables of all, from what is done. Each fold has a folder with its
checkpoint, its log and `rules.txt`, the LRP rule of each layer.
"""

import functools
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial
from tqdm import tqdm

from audioxai_jax.cli.console import (
    Parser,
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
from audioxai_jax.core.records import Static
from audioxai_jax.data import tasks
from audioxai_jax.propagation import PRESETS
from audioxai_jax.runs.shards import Parts
from audioxai_jax.weights.load import read_checkpoint
from experiments.audiomnist import clips as audiomnist
from experiments.audiomnist import protocol as experiments
from experiments.audiomnist.comparison import compared, in_common_cells
from experiments.audiomnist.figures import plot_deletion, plot_maps, plot_training
from experiments.audiomnist.recipes import RECIPES, Recipe, make_recipe
from experiments.audiomnist.tables import (
    MEASURES,
    accuracy_table,
    comparison_rows,
    comparison_table,
    deletion_rows,
    deletion_table,
    moves_rows,
    moves_table,
    reach,
)
from experiments.audiomnist.train import Fold, train_fold

TOGETHER = 50
"""Clips that are explained, tested and kept at a time."""
TITLES = {
    "samples": "samples zeroed",
    "sounding": "samples zeroed, of those that are not zero",
    "frequencies": "frequencies zeroed",
    "time_frequency": "blocks of 0.1 s by 10 Hz zeroed",
    "cells": "cells of the spectrogram silenced",
}


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add, default = parser.add_argument, "; default: %(default)s"
    add_data_option(parser)
    add("--dataset", default="audiomnist", choices=("audiomnist", "fsdd"), help=default[2:])
    add("--task", default="digit", choices=("digit", "sex"), help=default[2:])
    add(
        "--net",
        nargs="+",
        default=["audionet"],
        help="audionet, alexnet, or a variant such as "
        "audionet:rectified; one or two; default: audionet",
    )
    add("--recipe", default="modern", choices=RECIPES, help=default[2:])
    add("--folds", nargs="+", help="names, such as digit_0, sex_3, without_theo; all if left out")
    add("--steps", type=positive, help="of training, instead of the recipe's")
    add("--save-every", type=positive, default=300, help="steps" + default)
    add("--clips", type=positive, default=200, help="to explain, of each fold" + default)
    add("--only-train", action="store_true", help="accuracy alone")
    add("--seed", type=int, default=0, help=default[2:])
    add("--out", type=output_folder, required=True, help="folder of the runs")
    add_json_option(parser)
    options = parser.parse_args()
    question = audiomnist.QUESTIONS.get((options.dataset, options.task))
    if question is None:
        parser.error(f"{options.task} cannot be asked of {options.dataset}")
    options.folds = options.folds or question.folds
    unknown = [fold for fold in options.folds if fold not in question.folds]
    if unknown:
        parser.error(f"unknown fold {unknown[0]!r}: known are {', '.join(question.folds)}")
    if len({net.partition(":")[0] for net in options.net}) != len(options.net):
        parser.error("--net: two networks are compared, one of each kind")
    return options


def main() -> None:
    options = read_options()
    folds, question = options.folds, audiomnist.QUESTIONS[options.dataset, options.task]
    recipes = {
        net: make_recipe(
            net,
            options.recipe,
            task=options.task,
            classes=len(question.labels),
            steps=options.steps,
        )
        for net in options.net
    }
    clips = audiomnist.load(options.data, options.dataset, options.task, seed=options.seed)
    say_each(options.dataset, clips.outcome.lines())
    text, table = [], []
    for net, recipe in recipes.items():
        rows = [train_one(options, net, recipe, clips, fold) for fold in folds]
        logs = {fold: folder_of(options, net, fold) / "log.jsonl" for fold in folds}
        plot_training(logs, place(options, f"training_{net}.png"))
        text += ["", f"## {net}, {options.recipe} recipe\n"]
        text.append("Accuracy on speakers that were never heard, %\n")
        text.append(accuracy_table(rows, options.task, net))
        one = {"table": "accuracy", "network": net}
        table += [one | {k: v for k, v in row.items() if k != "settings"} for row in rows]
        if not options.only_train:
            more, rows = tested(options, net, recipe, clips, folds)
            text, table = text + more, table + rows
    if len(recipes) == 2 and not options.only_train:
        more, rows = compare(options, recipes, clips, folds)
        text, table = text + more, table + rows
    title = f"# {options.task} of {options.dataset}, folds {', '.join(folds)}"
    report = "\n".join([title, *text, ""])
    name = "_".join([*options.net, *["accuracy"] * options.only_train])
    replace_file(place(options, f"{name}.md"), report)
    say(*report.split("\n"))
    write_rows(options.json, table)


def place(options, name: str) -> Path:
    """A file of the results, beside the folders of the networks."""
    folder = options.out / f"{options.dataset}_{options.task}"
    make_folder(folder)
    return folder / f"{options.recipe}_{name.replace(':', '_')}"


def folder_of(options, net: str, fold: str) -> Path:
    name = f"{net.replace(':', '_')}_{options.recipe}"
    return options.out / f"{options.dataset}_{options.task}" / name / fold


def train_one(options, net: str, recipe: Recipe, clips: tasks.Clips, fold: str) -> dict:
    run = Fold(options.dataset, options.task, net, options.recipe, fold, options.seed)
    folder = folder_of(options, net, fold)
    return train_fold(run, recipe, clips, folder, save_every=options.save_every)


def chosen(options, clips: tasks.Clips, fold: str) -> tasks.Clips:
    """The clips that are explained: of all speakers and classes, evenly from the test part."""
    held_out = clips.part(fold, "test")
    if options.clips >= len(held_out):
        return held_out
    return held_out[np.linspace(0, len(held_out) - 1, options.clips).round().astype(int)]


def tested(options, net: str, recipe: Recipe, clips: tasks.Clips, folds):
    """Tables of one network, over all folds: the lines of a text, and rows."""
    found, speakers = [], []
    for fold in folds:
        held_out = chosen(options, clips, fold)
        parts, *one = opened(options, net, recipe, fold, held_out)
        example = one[1](jnp.zeros(audiomnist.SAMPLES))
        rules = str(PRESETS["epsilon_plus"]().table(one[0], example))
        replace_file(folder_of(options, net, fold) / "rules.txt", rules)
        title = f"{net} {fold}, {TOGETHER} clips at a time"
        for start in tqdm(range(0, len(held_out), TOGETHER), printable(title), mininterval=2):
            few = held_out[start : start + TOGETHER]
            compute = functools.partial(test_few, net, *one, few, start)
            found.append(parts.get(start, compute))
        speakers += held_out.speaker.tolist()
        few = held_out[:: max(1, len(held_out) // 4)][:4]
        plot_maps(net, *one[:2], few, place(options, f"maps_{net}_{fold}.png"))
    found = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    numbers = np.unique(speakers, return_inverse=True)[1]
    key = jax.random.key(options.seed)
    fractions = experiments.FRACTIONS
    text = ["", reach(numbers)]
    table: dict = {}
    for measure, what in MEASURES.items():
        rows = {
            domain: deletion_rows(
                found["deletions"][domain], fractions, numbers, key, measure=measure
            )
            for domain in TITLES
            if domain in found["deletions"]
        }
        for domain, found_rows in rows.items():
            text += [
                "",
                f"% of {len(numbers)} {what}, with {TITLES[domain]}; area before the "
                "controls, points\n",
                deletion_table(found_rows, fractions),
            ]
        file = place(options, f"deletion_{net}_{measure}.png")
        plot_deletion(rows, fractions, TITLES, what, file)
        table[measure] = rows
    table["folds"] = list(folds)
    write_rows(place(options, f"deletion_{net}.json"), table)
    moves = moves_rows(found["moves"], found["labels"], options.task, key)
    lines = [{"table": "moves", "network": net} | row for row in moves]
    for measure in MEASURES:
        for domain, rows in table[measure].items():
            one = {"table": "deletion", "network": net, "measure": measure, "domain": domain}
            lines += [one | row for row in rows]
    scaled = "" if "cells" in table["label"] else "; only a spectrogram's frequency axis is scaled"
    return [*text, "", f"Accuracy on moved clips{scaled}\n", moves_table(moves)], lines


def opened(options, net: str, recipe: Recipe, fold: str, held_out: tasks.Clips):
    """Where results of a fold are kept, its network, what silence is to it, a key of its own."""
    folder = folder_of(options, net, fold)
    read = read_checkpoint(folder / net.partition(":")[0], "network")
    model = read.network.build(read.config, read.params)
    features = Partial(_features, Static((read.network.features, read.config)))
    floor = getattr(recipe.config, "floor", 0.0)
    settings = {
        "weights": read.manifest["sha256"],
        "clips": held_out.file.tolist(),
        "digest": tasks.digest(held_out),
        "format": experiments.FORMAT,
        "fractions": experiments.FRACTIONS,
        "together": TOGETHER,
        "methods": {name: str(m) for name, m in experiments.methods(floor).items()},
        "moves": experiments.MOVES,
        "seed": options.seed,
    }
    number = audiomnist.QUESTIONS[options.dataset, options.task].folds.index(fold)
    key = jax.random.fold_in(jax.random.key(options.seed), number)
    return Parts(folder / "tests", settings), model, features, floor, key


def _features(settled: Static, audio):
    features, config = settled.value  # type: ignore[misc]
    return features(config, audio)


def test_few(net: str, model, features, floor, key, clips: tasks.Clips, start: int) -> dict:
    name = net.partition(":")[0]
    audio = clips.audio.astype(np.float32) / 32768
    inputs = read(features, audio)
    relevance = experiments.explained(model, inputs, experiments.methods(floor))
    return {
        "deletions": experiments.deletions(
            name, model, inputs, clips.target, relevance, floor=floor, key=key, first_index=start
        ),
        "moves": experiments.moved(name, model, features, audio, clips.target, floor=floor),
        "labels": clips.target,
    }


def read(features, audio: np.ndarray):
    """What a network reads of waveforms `[N, T]`."""
    return _read(features, audio)


@jax.jit
def _read(features, audio):
    return jax.vmap(features)(audio)


def compare(options, recipes, clips: tasks.Clips, folds):
    """Tables of both networks on the same clips: the lines of a text, and rows."""
    found, labels = [], []
    for fold in folds:
        held_out = chosen(options, clips, fold)
        labels += held_out.target.tolist()
        opens = {net: opened(options, net, recipes[net], fold, held_out) for net in recipes}
        names = [net.replace(":", "_") for net in recipes]
        folder = folder_of(options, next(iter(recipes)), fold) / f"beside_{names[1]}"
        settings = {
            net: json.loads((one[0].folder / "settings.json").read_text())
            for net, one in opens.items()
        }
        parts = Parts(folder, settings)
        title = f"both networks, {fold}, {TOGETHER} clips at a time"
        for start in tqdm(range(0, len(held_out), TOGETHER), printable(title), mininterval=2):
            few = held_out[start : start + TOGETHER]
            found.append(parts.get(start, functools.partial(compare_few, opens, few, start)))
    found = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    key, count = jax.random.key(options.seed), len(labels)
    tables = comparison_rows(found, np.array(labels), key)
    lines = [{"table": name} | row for name, rows in tables.items() for row in rows]
    text = comparison_table(tables, experiments.FRACTIONS)
    return ["", f"## Both on the same {count} clips, in cells of 4.4 ms by 17.6 Hz\n", text], lines


def compare_few(opens, clips: tasks.Clips, start: int) -> dict:
    audio = clips.audio.astype(np.float32) / 32768
    cells, models = {}, {}
    for net, (_, model, features, floor, key) in opens.items():
        inputs = read(features, audio)
        method = {"lrp": experiments.methods(floor)["lrp"]}
        relevance = experiments.explained(model, inputs, method)["lrp"]
        cells[net] = in_common_cells(net.partition(":")[0], inputs, relevance)
        models[net] = Partial(behind, features, model)
    return compared(cells, models, audio, clips.target, key=key, first_index=start)


def behind(features, model, audio):
    """Logits of a waveform."""
    return model(features(audio))


if __name__ == "__main__":
    sys.exit(run_main(main))
