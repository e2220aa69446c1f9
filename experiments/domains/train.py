"""Trains the two networks that the study explains: waveforms and log-mel spectrograms to keywords.

    python -m experiments.domains.train --data DIR --out runs/domains --net wave_cnn mel_cnn

Neither ever hears a codec or a clip with gaps: both learn from recordings, at several speeds,
moved, coloured, louder or quieter, and in noise. Killed at any moment, the same command continues
from the last saved state in `<out>/<net>/seed_<n>`, which gets log, checkpoint and `row.json`.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grain
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import map_examples
from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    output_folder,
    positive,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.data import tasks
from audioxai_jax.data.augment import augment, other_recording, spec_augment, speed_copies
from audioxai_jax.nets.classifiers import mel_cnn, wave_cnn
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.loop import train
from audioxai_jax.training.optimisers import muon
from audioxai_jax.weights.save import save as save_checkpoint

TASK, SPLIT = "keywords", "speaker_disjoint"
SHIPPED = {"wave_cnn": "wave_keywords", "mel_cnn": "mel_keywords"}
"""Networks, and the names of their checkpoints."""
BATCH = 32
RATE, DECAY = 0.02, 0.05
"""Of Muon."""
CLIPS_AT_ONCE = 50
"""Clips that are classified at a time."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A network and how it learns.

    Attributes:
      config: configuration of the network.
      init: `key -> variables`, `{"params": .., **other}`.
      prepare: `(key, copies int16 [S, T], noises int16 [M, T]) -> what the network learns from`.
      forward: see `training.classifier.make_step`.
      model: `variables -> Model` of waveforms.
      steps: number of steps of the training.
    """

    config: Any
    init: Callable[..., Any]
    prepare: Callable[..., Any]
    forward: Callable[..., Any]
    model: Callable[..., Any]
    steps: int


def make_recipe(net: str, *, steps: int | None = None, width: int | None = None) -> Recipe:
    """The recipe of "wave_cnn" or "mel_cnn".

    Args:
      steps: instead of the recipe's own.
      width: channels of all convolutions instead of the configuration's own, for tests.
    """
    if net == "wave_cnn":
        config = wave_cnn.WaveCnnConfig()
        if width:
            config = dataclasses.replace(config, filters=width, width=width)
        prepare, module, usual = _recorded, wave_cnn, 3500
    else:
        config = mel_cnn.MelCnnConfig()
        if width:
            config = dataclasses.replace(config, widths=(width,) * len(config.widths))
        prepare, module, usual = Partial(_pictured, config), mel_cnn, 2500
    return Recipe(
        config=config,
        init=lambda key: dict(module.init(config, key)),
        prepare=prepare,
        forward=lambda variables, x, key: _with_statistics(module, config, variables, x, key),
        model=lambda variables: module.model(config, variables),
        steps=steps or usual,
    )


def _recorded(key, copies, noises):
    """A waveform as another microphone may have it."""
    sound_key, recording_key = jax.random.split(key)
    return other_recording(recording_key, augment(sound_key, copies, noises))


def _pictured(config, key, copies, noises):
    """Its log-mel spectrogram, with a band and a span blanked; `features` of silence is near -1."""
    sound_key, blank_key = jax.random.split(key)
    sound = augment(sound_key, copies, noises)
    return spec_augment(blank_key, mel_cnn.features(config, sound), -1.0)


def _with_statistics(module, config, variables, x, key):
    logits, statistics = module.apply_training(config, variables, x, key)
    return logits, {"batch_stats": statistics}


def run(net: str, recipe: Recipe, clips: tasks.Clips, seed: int, folder: Path, *, save_every: int):
    """Trains one network, and returns its row, unless that is done.

    Args:
      clips: clips of the task.
      folder: folder of log, state, checkpoint and row.
      save_every: steps between saved states.
    """
    file = folder / "row.json"
    if file.is_file():
        return json.loads(file.read_text())
    learned = clips.part(SPLIT, "train")
    copies = speed_copies(learned.audio)
    background = [tasks.TASKS[TASK].labels.index(label) for label in tasks.TASKS[TASK].background]
    noises = jnp.asarray(learned.audio[np.isin(learned.target, background)])
    optimiser = muon(recipe.steps, RATE, DECAY)
    classes = len(tasks.TASKS[TASK].labels)
    prepare = lambda key, clip: recipe.prepare(key, clip, noises)
    step = make_step(recipe.forward, prepare, optimiser, classes=classes)
    order = grain.MapDataset.range(len(learned)).seed(seed).shuffle().repeat()
    order = order.batch(min(BATCH, len(learned)))
    key = jax.random.key(seed)

    def advance(state, number):
        batch = order[number]
        return step(state, copies[batch], learned.target[batch], jax.random.fold_in(key, number))

    state = train(
        advance,
        fresh_state(recipe, optimiser, jax.random.fold_in(key, 2**31)),
        steps=recipe.steps,
        folder=folder,
        title=f"{net} seed {seed}",
        settings={
            "config": json.loads(json.dumps(dataclasses.asdict(recipe.config))),
            "seed": seed,
            "batch": BATCH,
            "clips": tasks.digest(learned),
        },
        save_every=save_every,
        evaluate=lambda state: {"val": accuracy(recipe, state, clips.part(SPLIT, "val"))},
    )
    log = (folder / "log.jsonl").read_text().splitlines()
    row = {"net": net, "seed": seed, "steps": recipe.steps}
    for part in ("val", "test"):
        held_out = clips.part(SPLIT, part)
        row |= {part: accuracy(recipe, state, held_out), f"{part}_clips": len(held_out)}
    row["seconds"] = round(json.loads(log[-1])["seconds"])
    save(net, recipe, state, learned, row, folder)
    write_rows(file, row)
    return row


def fresh_state(recipe: Recipe, optimiser, key) -> dict[str, Any]:
    """Of `training.classifier.make_step`, before the first step."""
    variables = recipe.init(key)
    params = variables.pop("params")
    return {"params": params, "other": variables, "optimiser": optimiser.init(params)}


def accuracy(recipe: Recipe, state, clips: tasks.Clips) -> float:
    """Fraction of clips that are recognised."""
    model = recipe.model({"params": state["params"], **state["other"]})
    key = jax.random.key(0)  # of no consequence
    logits = map_examples(_logits, model, clips.audio, key=key, chunk=CLIPS_AT_ONCE)
    return float(np.mean(np.argmax(logits, axis=1) == clips.target))


def _logits(model, clip, key):
    del key
    return model(clip.astype(jnp.float32) / 32768)


def save(net: str, recipe: Recipe, state, learned: tasks.Clips, row: dict, folder: Path) -> None:
    """The checkpoint."""
    task = tasks.TASKS[TASK]
    save_checkpoint(
        folder,
        SHIPPED[net],
        {
            "kind": "network",
            "network": net,
            "config": recipe.config,
            "task": TASK,
            "split": SPLIT,
            "labels": task.labels,
            "background": task.background,
            "metrics": {f"{part}_accuracy": row[part] for part in ("val", "test")}
            | {"seed": row["seed"]},
            "data": [tasks.provenance(TASK, SPLIT, learned)],
            "command": f"experiments/domains/train.py --net {net} --steps {recipe.steps} "
            f"--seeds {row['seed']}",
            "note": f"{net} for {TASK}; knows official test clips: never report official test "
            "accuracy with it",
        },
        {"params": state["params"], **state["other"]},
    )


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--out", type=output_folder, required=True, help="folder of the runs")
    parser.add_argument("--net", nargs="+", default=list(SHIPPED), choices=list(SHIPPED))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=positive, help="of each run, instead of the recipe's")
    parser.add_argument("--width", type=positive, help="channels of all layers, for a quick try")
    parser.add_argument("--save-every", type=positive, default=500, help="steps")
    add_json_option(parser)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")
    clips = tasks.load(options.data, TASK)
    say_each(TASK, clips.outcome.lines())
    rows = []
    for net in options.net:
        recipe = make_recipe(net, steps=options.steps, width=options.width)
        for seed in options.seeds:
            folder = options.out / net / f"seed_{seed}"
            row = run(net, recipe, clips, seed, folder, save_every=options.save_every)
            say(f"{net}, seed {seed}: val {row['val']:.3f}, test {row['test']:.3f}")
            rows.append(row)
    write_rows(options.json, rows)


if __name__ == "__main__":
    sys.exit(run_main(main))
