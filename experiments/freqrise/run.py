"""FreqRISE's experiment on FSDD: deletion in time, frequency and time-frequency.

    python -m experiments.freqrise.run --data DIR --out RUNS/freqrise

DIR holds the Free Spoken Digit Dataset. For each fold AudioNet, with rectifiers between its
dense layers, is trained without the test speaker (recipe "modern" of `experiments.audiomnist`),
and explained on that speaker's clips. Resumable: after an interruption, run the same command again.
`<out>/freqrise.json` has the rows with command, commit, versions, machine and date,
`<out>/freqrise.md` the table.
"""

import functools
import os
import sys
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from audioxai_jax.cli.console import (
    Parser,
    output_folder,
    positive,
    printable,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import make_folder, replace_file
from audioxai_jax.data import tasks
from audioxai_jax.nets.classifiers import audionet
from audioxai_jax.runs.shards import Parts
from audioxai_jax.weights.load import read_checkpoint
from experiments.audiomnist import clips as audiomnist
from experiments.audiomnist.recipes import make_recipe
from experiments.audiomnist.train import Fold, train_fold
from experiments.freqrise.protocol import CELLS, FRACTIONS, concatenate, measure_clips
from experiments.freqrise.table import make_rows, render

NET, RECIPE, DATASET = "audionet:rectified", "modern", "fsdd"
CLIPS_PER_SHARD = 10
FOLDS = audiomnist.QUESTIONS[DATASET, "digit"].folds


def main() -> None:
    options = parse()
    clips = audiomnist.load(options.data, DATASET, "digit", seed=options.seed)
    say_each(DATASET, clips.outcome.lines())
    recipe = make_recipe(NET, RECIPE, steps=options.steps)
    parts, speakers, accuracy = [], [], {}
    for fold in options.folds:
        folder = options.out / fold
        run = Fold(DATASET, "digit", NET, RECIPE, fold, options.seed)
        row = train_fold(run, recipe, clips, folder, save_every=300)
        accuracy[fold] = row["test"]
        held_out = choose(clips.part(fold, "test"), options.clips)
        parts += test_fold(options, folder, fold, held_out)
        speakers += held_out.speaker.tolist()
    numbers = np.unique(speakers, return_inverse=True)[1]
    rows = make_rows(concatenate(parts), numbers, jax.random.key(options.seed))
    table = {**describe_run("python -m experiments.freqrise.run"), "accuracy": accuracy}
    write_rows(options.out / "freqrise.json", table | {"fractions": FRACTIONS, "rows": rows})
    text = render(rows)
    replace_file(options.out / "freqrise.md", text + "\n")
    say(*text.split("\n"))


def parse():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add, default = parser.add_argument, "; default: %(default)s"
    add("--data", default=os.environ.get("AUDIOXAI_DATA"), help="folder of data sets")
    add("--folds", nargs="+", default=list(FOLDS), help="such as without_theo; all if left out")
    add("--clips", type=positive, default=50, help="clips of each fold" + default)
    add("--masks", type=positive, default=1000, help="masks of rise" + default)
    add("--draws", type=positive, default=5, help="random rankings of each clip" + default)
    add("--steps", type=positive, help="training steps, instead of the recipe's")
    add("--seed", type=int, default=0, help="random seed" + default)
    add("--out", type=output_folder, required=True, help="folder of the results")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")
    unknown = [fold for fold in options.folds if fold not in FOLDS]
    if unknown:
        parser.error(f"unknown fold {unknown[0]!r}: choose from {', '.join(FOLDS)}")
    make_folder(options.out)
    return options


def choose(held_out: tasks.Clips, number: int) -> tasks.Clips:
    """Clips of a fold, evenly from all of its digits."""
    if number >= len(held_out):
        return held_out
    return held_out[np.linspace(0, len(held_out) - 1, number).round().astype(int)]


def test_fold(options, folder: Path, fold: str, held_out: tasks.Clips) -> list:
    """Results of one fold, in shards that are kept."""
    found = read_checkpoint(folder / "audionet", "network")
    model = audionet.model(found.config, found.params)
    settings = {
        "weights": found.manifest["sha256"],
        "clips": held_out.file.tolist(),
        "digest": tasks.digest(held_out),
        "fractions": FRACTIONS,
        "cells": {name: str(cells) for name, cells in CELLS.items()},
        "masks": options.masks,
        "draws": options.draws,
        "seed": options.seed,
    }
    kept = Parts(folder / "tests", settings)
    key = jax.random.fold_in(jax.random.key(options.seed), FOLDS.index(fold))
    read = jax.jit(jax.vmap(functools.partial(audionet.features, found.config)))
    results = []
    for start in tqdm(range(0, len(held_out), CLIPS_PER_SHARD), printable(fold), mininterval=2):
        few = held_out[start : start + CLIPS_PER_SHARD]
        how = {"masks": options.masks, "draws": options.draws, "key": key, "start": start}

        def compute(few=few, how=how):
            return measure_clips(
                model, read(few.audio.astype(np.float32) / 32768), few.target, **how
            )

        results.append(kept.get(start, compute))
    return results


if __name__ == "__main__":
    sys.exit(run_main(main))
