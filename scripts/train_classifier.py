"""Trains classifiers on a codec's frozen latents, and yardsticks on log-mel spectrograms.

    python scripts/train_classifier.py --data DIR --out runs/classifiers
    python scripts/train_classifier.py --data DIR --out runs/classifiers --seeds 0 1 2 \
        --tasks keywords digits emotion --splits all --heads transformer cnn gru listener

Killed at any moment, the same command goes on where it was: one run per task, split, head and
seed lies in `<out>/<task>/<split>/<head>/seed_<n>` with its state, log and checkpoint. All heads
learn from the same augmented copies of the same clips; half of those of the latent heads have
gaps, as explanations have. `--heads gru:code` is a variant, see VARIANTS in `nets/`. At the
end comes a table of the accuracy on the clips that were held out, mean and standard deviation
over seeds; `--json FILE` writes its rows.
"""

import dataclasses
import itertools
import json
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_data_option,
    add_json_option,
    output_folder,
    positive,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.core.extras import needed_by
from audioxai_jax.core.files import check_settings, make_folder
from audioxai_jax.data import tasks
from audioxai_jax.data.augment import spec_augment
from audioxai_jax.data.splits import SPLITS
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.loop import train
from audioxai_jax.training.recipes import COPIES, LISTENER, Recipe, make_features, make_recipe
from audioxai_jax.weights import save as checkpoints
from audioxai_jax.weights.load import load_codec
from audioxai_jax.weights.published import huggingface

with needed_by("train_classifier.py"):
    import grain

FOLDS = "mean of the speakers left out"


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, required=True, help="folder of the runs")
    add_codec_options(parser)
    parser.add_argument("--tasks", nargs="+", default=["keywords"], choices=sorted(tasks.TASKS))
    parser.add_argument("--splits", nargs="+", default=[], help="all usual ones, or names")
    parser.add_argument("--heads", nargs="+", default=["transformer"], help="and: listener")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=positive, help="of each run, instead of the recipe's")
    parser.add_argument("--save-every", type=positive, default=500, help="steps")
    add_json_option(parser)
    options = parser.parse_args()
    codec = load_codec(options.codec, options.codec_weights)
    make_folder(options.out)
    for task in options.tasks:  # what is unknown is said before any work
        chosen_splits(options, task)
        for head in options.heads:
            make_recipe(head, task, codec)

    rows = [row for task in options.tasks for row in run_task(options, codec, task)]
    print_table(rows)
    write_rows(options.json, rows)


def run_task(options, codec, task: str) -> list[dict]:
    """All runs of one task, head by head: what they learn from is computed once for each kind."""
    clips = tasks.load(options.data, task, rate=codec.sample_rate)
    say_each(task, clips.outcome.lines())
    splits = dict.fromkeys((*tasks.TASKS[task].splits, *chosen_splits(options, task)))
    learned = np.any([clips.parts[split] == "train" for split in splits], axis=0)  # in any run
    source = tasks.digest(clips[learned])
    rows, features = [], {}
    for head in options.heads:
        recipe = make_recipe(head, task, codec, steps=options.steps)
        step, predict = compiled(recipe, task)
        settings = settings_of(recipe, codec, source)
        for split, seed in itertools.product(chosen_splits(options, task), options.seeds):
            names = (task, split, head, seed)
            file = run_folder(options, *names) / "row.json"
            if not known_run(file, settings):
                if recipe.kind not in features:  # one kind at a time: they are large
                    found = timed_features(recipe.kind, task, codec, clips, learned)
                    features = {recipe.kind: found}
                known = (clips, features[recipe.kind], learned)
                run(options, recipe, step, predict, *known, names, settings)
            rows.append(json.loads(file.read_text()))
    return rows


def known_run(file: Path, settings: dict) -> bool:
    """Whether a run is done; refused if it was another one."""
    if file.is_file():
        check_settings(file, json.loads(file.read_text()).get("settings", {}), settings)
    return file.is_file()


def settings_of(recipe: Recipe, codec, source: str) -> dict:
    """What decides a run, beside its name.

    Args:
      source: digest of the clips that any run learns from: a clip's augmented copies follow from
        its place among them, so not only those of the run's own split count.
    """
    return {
        "codec": codec.fingerprint,
        "config": dataclasses.asdict(recipe.manifest["config"]),
        "batch": recipe.batch,
        "steps": recipe.steps,
        "clips": source,
    }


def timed_features(kind: str, task: str, codec, clips, learned):
    began = time.monotonic()
    say(
        f"{task}: {kind} features of {len(clips)} clips, and {COPIES} augmented copies of "
        f"{learned.sum()}; this takes minutes"
    )
    found = make_features(kind, task, codec, clips, learned)
    say(f"{task}: ready after {time.monotonic() - began:.0f} s")
    return found


def compiled(recipe: Recipe, task: str):
    """The training step and the prediction of a batch, compiled once for all splits and seeds."""
    step = make_step(
        recipe.forward,
        lambda key, x: spec_augment(key, x, recipe.fill),
        recipe.optimiser,
        classes=len(tasks.TASKS[task].labels),
    )
    best = lambda variables, x: jnp.argmax(recipe.predict(variables, x))
    return step, jax.jit(jax.vmap(best, in_axes=(None, 0)))


def chosen_splits(options, task: str) -> tuple[str, ...]:
    """Those of `--splits` that the task's data has; the task's first if none is named."""
    usual = tasks.TASKS[task].splits
    if options.splits == ["all"]:
        return usual
    known = SPLITS[tasks.TASKS[task].dataset]
    unknown = [s for s in options.splits if not any(s in splits for splits in SPLITS.values())]
    if unknown:
        raise ValueError(f"unknown split {unknown[0]!r} of {task}: known are {', '.join(known)}")
    return tuple(split for split in options.splits if split in known) or usual[:1]


def run_folder(options, task: str, split: str, head: str, seed: int) -> Path:
    return options.out / task / split / head.replace(":", "_") / f"seed_{seed}"


def run(options, recipe, step, predict, clips, features, learned, names, settings) -> None:
    """Trains one network and writes its checkpoint and its row of the table."""
    task, split, head, seed = names
    copies, plain = features
    place = np.cumsum(learned) - 1  # of a clip among those that have copies
    wanted = np.flatnonzero(clips.parts[split] == "train")
    examples = len(copies) * len(wanted)
    order = grain.MapDataset.range(examples).seed(seed).shuffle().repeat()
    order = order.batch(min(recipe.batch, examples))
    key = jax.random.key(seed)

    def advance(state, number):
        copy, clip = np.divmod(order[number], len(wanted))
        batch, target = copies[copy, place[wanted[clip]]], clips.target[wanted[clip]]
        return step(state, batch, target, jax.random.fold_in(key, number))

    def accuracy(state, part: str) -> float:
        held_out = np.flatnonzero(clips.parts[split] == part)
        variables = {"params": state["params"], **state["other"]}
        parts = [held_out[i : i + 100] for i in range(0, len(held_out), 100)]
        found = np.concatenate([predict(variables, plain[part]) for part in parts])
        return float(np.mean(found == clips.target[held_out]))

    variables = recipe.init(jax.random.fold_in(key, 2**31))
    params = variables.pop("params")
    state = {"params": params, "other": variables, "optimiser": recipe.optimiser.init(params)}
    has_val = (clips.parts[split] == "val").any()
    folder, began = run_folder(options, *names), time.monotonic()
    state = train(
        advance,
        state,
        steps=recipe.steps,
        folder=folder,
        title=" ".join(map(str, names)),
        settings=settings,
        save_every=options.save_every,
        evaluate=(lambda state: {"val": accuracy(state, "val")}) if has_val else None,
    )
    row = dict(zip(("task", "split", "head", "seed"), names)) | {
        "val": accuracy(state, "val") if has_val else None,
        "test": accuracy(state, "test"),
        "seconds": round(time.monotonic() - began),
        "settings": settings,
    }
    save(folder, recipe, state, clips[wanted], row, options)
    write_rows(folder / "row.json", row)


def save(folder: Path, recipe: Recipe, state, learned, row: dict, options) -> None:
    """The checkpoint: `<task>`, `<task>_cnn`, `<task>_listener` and so on."""
    task, head = row["task"], row["head"].replace(":", "_")
    source = tasks.provenance(task, row["split"], learned)
    note = f"{row['head']} for {task}"
    if "official test" in source["name"]:
        note += "; knows official test clips: never report official test accuracy with it"
    weights = options.codec_weights or ""
    if weights and not huggingface.is_repository(weights):
        weights = Path(weights).resolve().name
    weights = weights and f"--codec-weights {weights} "
    checkpoints.save(
        folder,
        task if head == "transformer" else f"{task}_{head}",
        {
            **recipe.manifest,
            "task": task,
            "split": row["split"],
            "labels": tasks.TASKS[task].labels,
            "background": tasks.TASKS[task].background,
            "metrics": {f"{part}_accuracy": row[part] for part in ("val", "test") if row[part]}
            | {"seed": row["seed"]},
            "data": [source],
            "command": f"scripts/train_classifier.py --codec {Path(options.codec).name} {weights}"
            f"--tasks {task} --splits {row['split']} --heads {row['head']} "
            f"--steps {recipe.steps} --seeds {row['seed']}",
            "note": note,
        },
        state["params"] if head != LISTENER else {"params": state["params"], **state["other"]},
    )


def print_table(rows: list[dict]) -> None:
    """As Markdown, ready for a README; folds are also averaged, seed by seed."""
    heads = list(dict.fromkeys(row["head"] for row in rows))
    lines: dict[str, dict] = {}
    for row in rows:
        fold = row["split"].startswith("without_")
        for split in (FOLDS, row["split"]) if fold else (row["split"],):
            seeds = lines.setdefault(f"{row['task']}, {split}", {}).setdefault(row["head"], {})
            seeds.setdefault(row["seed"], []).append(row["test"])

    def cell(seeds: dict[int, list[float]]) -> str:
        means = [100 * np.mean(tests) for tests in seeds.values()]
        spread = f" ± {np.std(means, ddof=1):.1f}" if len(means) > 1 else ""
        return f"{np.mean(means):.1f}{spread}" if means else ""

    say(f"| % of `test` right | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|")
    for name, found in lines.items():
        say(f"| {name} | {' | '.join(cell(found.get(head, {})) for head in heads)} |")


if __name__ == "__main__":
    sys.exit(run_main(main))
