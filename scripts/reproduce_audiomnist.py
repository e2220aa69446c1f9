"""AudioMNIST (Becker et al., arXiv 1807.03418), from recordings to tables and figures.

    python scripts/reproduce_audiomnist.py --data DIR --task digit --net audionet --out RUNS
    python scripts/reproduce_audiomnist.py --data DIR --dataset fsdd --net alexnet --out RUNS \
        --folds without_george without_theo

DIR holds a checkout of AudioMNIST (or, with `--dataset fsdd`, the Free Spoken Digit Dataset).
Each fold is trained and tested on speakers it never heard. Killed at any moment, the same
command goes on where it was; a fold that is done is not done again. `--recipe paper` trains as
the authors did, for tens of thousands of steps; the default is a modern, shorter recipe.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

import grain
import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import pretrained
from audioxai_jax.data import audiomnist, tasks
from audioxai_jax.files import check_settings, replace_file
from audioxai_jax.terminal import one_line, positive
from audioxai_jax.training.audiomnist import RECIPES, Recipe, make_recipe
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.loop import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--dataset", default="audiomnist", choices=("audiomnist", "fsdd"))
    parser.add_argument("--task", default="digit", choices=("digit", "sex"))
    parser.add_argument("--net", default="audionet", help="audionet, alexnet, or a variant: "
                        "audionet:rectified")  # fmt: skip
    parser.add_argument("--recipe", default="modern", choices=RECIPES)
    parser.add_argument("--folds", nargs="+", help="names; all if left out")
    parser.add_argument("--steps", type=positive, help="of training, instead of the recipe's")
    parser.add_argument("--save-every", type=positive, default=300, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")
    question = audiomnist.QUESTIONS.get((options.dataset, options.task))
    if question is None:
        parser.error(f"{options.task} cannot be asked of {options.dataset}")
    unknown = [fold for fold in options.folds or () if fold not in question.folds]
    if unknown:
        parser.error(f"unknown fold {unknown[0]!r}: known are {', '.join(question.folds)}")
    classes = len(question.labels)
    recipe = make_recipe(options.net, options.recipe, task=options.task, classes=classes,
                         steps=options.steps)  # fmt: skip
    clips = audiomnist.load(options.data, options.dataset, options.task, seed=options.seed)
    for fold in options.folds or question.folds:
        run_fold(options, question, recipe, clips, fold)


def folder_of(options, fold: str) -> Path:
    net = options.net.replace(":", "_")
    return options.out / f"{options.dataset}_{options.task}" / f"{net}_{options.recipe}" / fold


def run_fold(options, question, recipe: Recipe, clips: tasks.Clips, fold: str) -> dict:
    """Trains one fold, unless that is done, and returns its row of the table."""
    folder = folder_of(options, fold)
    learned = clips.part(fold, "train")
    settings = {
        "config": dataclasses.asdict(recipe.config),
        "recipe": options.recipe,
        "batch": recipe.batch,
        "steps": recipe.steps,
        "seed": options.seed,
        "clips": tasks.digest(learned),
    }
    settings = json.loads(json.dumps(settings))
    file = folder / "row.json"
    if file.is_file():
        row = json.loads(file.read_text())
        check_settings(file, row["settings"], settings)
        return row
    began = time.monotonic()
    copies = recipe.copies(learned.audio)
    order = grain.MapDataset.range(len(learned)).seed(options.seed).shuffle().repeat()
    order = order.batch(min(recipe.batch, len(learned)))
    key = jax.random.key(options.seed)
    step = make_step(
        lambda variables, x, key: (recipe.forward(variables["params"], x, key), {}),
        recipe.prepare,
        recipe.optimiser,
        classes=len(question.labels),
        smoothing=recipe.smoothing,
    )

    def advance(state, number):
        batch = order[number]
        return step(state, copies[batch], learned.target[batch], jax.random.fold_in(key, number))

    def accuracy(state, part: str) -> float:
        held_out = clips.part(fold, part)
        return float(np.mean(predictions(recipe, state["params"], held_out) == held_out.target))

    params = recipe.init(jax.random.fold_in(key, 2**31))
    state = {"params": params, "other": {}, "optimiser": recipe.optimiser.init(params)}
    state = train(
        advance,
        state,
        steps=recipe.steps,
        folder=folder,
        title=f"{options.net} {options.task} {fold}",
        settings=settings,
        save_every=options.save_every,
        evaluate=lambda state: {"val": accuracy(state, "val")},
    )
    row = {
        "fold": fold,
        "steps": recipe.steps,
        "val": accuracy(state, "val"),
        "test": accuracy(state, "test"),
        "test_clips": len(clips.part(fold, "test")),
        "seconds": round(time.monotonic() - began),
        "settings": settings,
    }
    save(options, folder, recipe, question, state["params"], learned, row)
    replace_file(file, json.dumps(row, indent=1).encode())
    return row


def predictions(recipe: Recipe, params, clips: tasks.Clips) -> np.ndarray:
    """The class of each clip, int `[N]`."""
    best = _best(recipe)
    parts = [clips.audio[i : i + 50] for i in range(0, len(clips), 50)]
    return np.concatenate([best(params, part) for part in parts])


def _best(recipe: Recipe, known={}):
    if id(recipe) not in known:
        one = lambda params, clip: jnp.argmax(
            recipe.predict(params, recipe.features(clip.astype(jnp.float32) / 32768))
        )
        known[id(recipe)] = jax.jit(jax.vmap(one, in_axes=(None, 0)))
    return known[id(recipe)]


def save(options, folder: Path, recipe, question, params, learned, row) -> None:
    name, _, _ = options.net.partition(":")
    pretrained.save(
        folder,
        name,
        {
            "kind": "network",
            "network": name,
            "config": recipe.config,
            "task": options.task,
            "split": row["fold"],
            "labels": question.labels,
            "metrics": {"val_accuracy": row["val"], "test_accuracy": row["test"]},
            "data": [],
            "command": " ".join(["scripts/reproduce_audiomnist.py", *sys.argv[1:]]),
            "note": f"{options.net} for the {options.task}, recipe {options.recipe}",
        },
        params,
    )


if __name__ == "__main__":
    sys.exit(one_line(main))
