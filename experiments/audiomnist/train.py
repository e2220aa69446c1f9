"""One fold of the AudioMNIST experiments: a network trained without its test speakers."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.extras import needed_by
from audioxai_jax.core.files import check_settings, replace_file
from audioxai_jax.data import tasks
from audioxai_jax.data.builders import BUILDERS
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.loop import train
from audioxai_jax.weights.save import save
from experiments.audiomnist import clips as audiomnist
from experiments.audiomnist.recipes import FORMAT, Recipe

with needed_by("experiments.audiomnist"):
    import grain

TOGETHER = 50
"""Clips that are classified at a time."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """What is trained: names, as `experiments/audiomnist/reproduce.py` takes them, and a seed."""

    dataset: str
    task: str
    net: str
    recipe: str
    fold: str
    seed: int

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return audiomnist.QUESTIONS[self.dataset, self.task].labels


def train_fold(
    run: Fold, recipe: Recipe, clips: tasks.Clips, folder: Path, *, save_every: int
) -> dict[str, Any]:
    """Trains one fold, unless that is done, and returns its row of the table.

    Args:
      run: what it is.
      recipe: of its network.
      clips: of all folds.
      folder: where log, state, checkpoint and row lie; the same call goes on from there.
      save_every: steps between saved states.

    Raises:
      ValueError: if the folder holds another training.
    """
    learned, settings = clips.part(run.fold, "train"), _settings(run, recipe, clips)
    file = folder / "row.json"
    if file.is_file():
        return _known_row(file, settings)
    copies = recipe.copies(learned.audio)
    order = grain.MapDataset.range(len(learned)).seed(run.seed).shuffle().repeat()
    order = order.batch(min(recipe.batch, len(learned)))
    key = jax.random.key(run.seed)
    step = make_step(
        lambda variables, x, key: (recipe.forward(variables["params"], x, key), {}),
        recipe.prepare,
        recipe.optimiser,
        classes=len(run.labels),
        smoothing=recipe.smoothing,
    )
    read = Partial(_waveform_logits, Partial(recipe.features), Partial(recipe.predict))

    def advance(state, number):
        batch = order[number]
        return step(state, copies[batch], learned.target[batch], jax.random.fold_in(key, number))

    def accuracy(state, part: str) -> float:
        held_out = clips.part(run.fold, part)
        logits = map_examples(read, state["params"], held_out.audio, key=key, chunk=TOGETHER)
        return float(np.mean(np.argmax(logits, axis=1) == held_out.target))

    params = recipe.init(jax.random.fold_in(key, 2**31))
    state = {"params": params, "other": {}, "optimiser": recipe.optimiser.init(params)}
    state = train(
        advance,
        state,
        steps=recipe.steps,
        folder=folder,
        title=f"{run.net} {run.task} {run.fold}",
        settings=settings,
        save_every=save_every,
        evaluate=lambda state: {"val": accuracy(state, "val")},
    )
    row = {
        "fold": run.fold,
        "steps": recipe.steps,
        "val": accuracy(state, "val"),
        "test": accuracy(state, "test"),
        "test_clips": len(clips.part(run.fold, "test")),
        "seconds": _seconds(folder),
        "settings": settings,
    }
    _save(run, folder, recipe, state["params"], row, len(learned))
    replace_file(file, json.dumps(row, indent=1).encode())
    return row


def _known_row(file: Path, settings: dict[str, Any]) -> dict[str, Any]:
    row = json.loads(file.read_text())
    check_settings(file, row["settings"], settings)
    return row


def _seconds(folder: Path) -> int:
    """How long the training took, by its log."""
    log = (folder / "log.jsonl").read_text().splitlines()
    return round(json.loads(log[-1])["seconds"])


def _settings(run: Fold, recipe: Recipe, clips: tasks.Clips) -> dict[str, Any]:
    """What decides the weights, as JSON holds it."""
    settings = {
        "config": dataclasses.asdict(recipe.config),
        "recipe": run.recipe,
        "format": FORMAT,
        "batch": recipe.batch,
        "steps": recipe.steps,
        "seed": run.seed,
        "clips": tasks.digest(clips[clips.parts[run.fold] != ""]),
    }
    return json.loads(json.dumps(settings))


def _waveform_logits(features, predict, params, clip, key):
    """Logits of one int16 clip."""
    del key
    return predict(params, features(clip.astype(jnp.float32) / 32768))


def _save(run: Fold, folder: Path, recipe: Recipe, params, row: dict, learned: int) -> None:
    """The checkpoint."""
    name = run.net.partition(":")[0]
    credit = BUILDERS[run.dataset].CREDIT
    save(
        folder,
        name,
        {
            "kind": "network",
            "network": name,
            "config": recipe.config,
            "dataset": run.dataset,
            "task": run.task,
            "split": run.fold,
            "labels": run.labels,
            "metrics": {"val_accuracy": row["val"], "test_accuracy": row["test"]},
            "data": [credit | {"split": f"{run.fold}, {learned} clips of its train part"}],
            "command": f"experiments/audiomnist/reproduce.py --dataset {run.dataset} --task "
            f"{run.task} --net {run.net} --recipe {run.recipe} --folds {run.fold} "
            f"--steps {recipe.steps} --seed {run.seed}",
            "note": f"{run.net} for the {run.task}, {run.recipe} recipe",
        },
        params,
    )
