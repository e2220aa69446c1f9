"""Trains classifiers on a codec's frozen latents, and yardsticks on log-mel spectrograms.

    python scripts/train_classifier.py --data DIR --out runs/classifiers
    python scripts/train_classifier.py --data DIR --out runs/classifiers --seeds 0 1 2 \
        --tasks keywords digits emotion --splits all --heads transformer cnn gru listener

Killed at any moment, the same command goes on where it was: one run per task, split, head and
seed lies in `<out>/<task>/<split>/<head>/seed_<n>` with its state, log and checkpoint. All heads
learn from the same augmented copies of the same clips; half of those of the latent heads have
gaps, as explanations have. `--heads gru:code` is a variant, see VARIANTS in `nets/`. At the
end comes a table of the accuracy on the clips that were held out; `--json FILE` writes it.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import grain
import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import pretrained
from audioxai_jax.cli import one_line
from audioxai_jax.data import augment as augmentation
from audioxai_jax.data import tasks
from audioxai_jax.data.augment import spec_augment, speed_copies
from audioxai_jax.nets import cnn, gru, listener, transformer
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.features import augmented_features, encode_gaps, plain_features
from audioxai_jax.training.loop import train
from audioxai_jax.training.masking import loud_mask
from audioxai_jax.training.optimisers import adamw, muon

BATCHES, COPIES = {"keywords": 64, "digits": 32, "emotion": 32}, 12
LEAST = 0.05
"""Fraction of a latent that is left at least, in copies with gaps."""
CONFIG_OF_LISTENER = listener.ListenerConfig()
HEADS = {"transformer": transformer, "cnn": cnn, "gru": gru}
STEPS = {
    "keywords": {"transformer": 2000, "cnn": 3000, "gru": 1200, "listener": 2500},
    "digits": {"transformer": 600, "cnn": 2000, "gru": 800, "listener": 1000},
    "emotion": {"transformer": 500, "cnn": 1500, "gru": 600, "listener": 600},
}
USUAL = {("digits", "transformer"): "small", ("emotion", "transformer"): "small"}
"""Variants that are meant where none is named."""
SPEEDS = {"digits": (0.75, 0.85, 0.95, 1.05, 1.2, 1.35)}
"""Where speakers are few, they are made to differ more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--codec", default="gainshape_16khz", help="name or path")
    parser.add_argument("--tasks", nargs="+", default=["keywords"], choices=sorted(tasks.TASKS))
    parser.add_argument("--splits", nargs="+", default=[], help="all, or names; a task's first")
    parser.add_argument("--heads", nargs="+", default=["transformer"], help="and: listener")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, help="of each run, instead of STEPS")
    parser.add_argument("--save-every", type=int, default=500, help="steps")
    parser.add_argument("--json", type=Path, help="write the table's rows here")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")
    codec, _ = pretrained.load_codec(options.codec)
    for head in options.heads:
        if head != "listener":
            head_config(head, codec, "keywords")  # an unknown one is said before any work

    rows = [row for task in options.tasks for row in run_task(options, codec, task)]
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


def run_task(options, codec, task: str) -> list[dict]:
    """All runs of one task, head by head: what they learn from is computed once for each kind."""
    clips = tasks.load(options.data, task)
    splits = chosen_splits(options, task)
    used = np.any([clips.parts[split] == "train" for split in splits], axis=0)
    rows, features = [], {}
    for head in options.heads:
        kind = "listener" if head == "listener" else "latent"
        finished = [
            done(run_folder(options, task, s, head, n)) for s in splits for n in options.seeds
        ]
        if kind not in features and not all(finished):
            features = {kind: make_features(kind, codec, task, clips, used)}  # one kind at a time
        network = None
        for split in splits:
            for seed in options.seeds:
                folder = run_folder(options, task, split, head, seed)
                if not done(folder):
                    network = network or make_network(options, head, codec, task)
                    run(options, network, clips, features[kind], used, (task, split, head, seed))
                rows.append(json.loads((folder / "row.json").read_text()))
    return rows


def chosen_splits(options, task: str) -> tuple[str, ...]:
    """Those of `--splits` that the task has; its first if none is named."""
    usual = tasks.TASKS[task].splits
    if options.splits == ["all"]:
        return usual
    unknown = [s for s in options.splits if not any(s in t.splits for t in tasks.TASKS.values())]
    if unknown:
        raise ValueError(f"unknown split {unknown[0]!r} of {task}: known are {', '.join(usual)}")
    return tuple(split for split in options.splits if split in usual) or usual[:1]


def run_folder(options, task: str, split: str, head: str, seed: int) -> Path:
    return options.out / task / split / head.replace(":", "_") / f"seed_{seed}"


def done(folder: Path) -> bool:
    return (folder / "row.json").is_file()


def make_features(kind: str, codec, task: str, clips, used) -> dict[str, np.ndarray]:
    """What is learned from `[COPIES, N, F, C]`, and the clips as they are `[N, F, C]`."""
    began, samples = time.monotonic(), tasks.TASKS[task].samples
    background = [tasks.TASKS[task].labels.index(b) for b in tasks.TASKS[task].background]
    noises = clips.audio[used & np.isin(clips.target, background)]
    if not len(noises):
        noises = np.zeros((1, samples), np.int16)
    copies = speed_copies(clips.audio[used], SPEEDS.get(task, augmentation.SPEEDS))
    extract = codec.encode if kind == "latent" else Partial(listener.features, CONFIG_OF_LISTENER)
    plain_key, gaps_key = jax.random.split(jax.random.key(0))
    settings = {"copies": COPIES if kind == "listener" else COPIES // 2, "key": plain_key}
    learned = augmented_features(extract, copies, noises, **settings)
    if kind == "latent":
        gaps = encode_gaps(codec, samples, Partial(loud_mask, least=LEAST))
        settings["key"] = gaps_key
        holed = augmented_features(extract, copies, noises, gaps=gaps, **settings)
        learned = np.concatenate([learned, holed])
    found = {"learned": learned, "plain": plain_features(extract, clips.audio)}
    print(f"{task}: {kind} features after {time.monotonic() - began:.0f} s", flush=True)
    return found


def make_network(options, head: str, codec, task: str) -> dict:
    """How to make, train, use and describe a head."""
    steps = options.steps or STEPS[task][head.partition(":")[0]]
    if head == "listener":
        config = listener.ListenerConfig(classes=len(tasks.TASKS[task].labels))
        network = {
            "init": lambda key: dict(listener.init(config, key)),
            "forward": lambda variables, x, key: with_statistics(config, variables, x, key),
            "predict": lambda variables, x: listener.Listener(config).apply(variables, x),
            "optimiser": muon(steps, 0.02, 0.05),
            "fill": -1.0,
            "manifest": {"kind": "listener", "network": "listener", "config": config},
        }
    else:
        name, config = head_config(head, codec, task)
        net = HEADS[name]
        network = {
            "init": lambda key: {"params": net.init(config, key)},
            "forward": lambda v, x, key: (net.apply(config, v["params"], x, key), {}),
            "predict": lambda v, x: net.apply(config, v["params"], x),
            "optimiser": adamw(steps, 3e-3, 0.01) if name == "cnn" else muon(steps, 0.02, 0.05),
            "fill": 0.0,
            "manifest": {
                "kind": "classifier",
                "network": name,
                "config": config,
                "codec": codec.name,
                "frames": config.frames,
            },
        }  # fmt: skip
    network["steps"] = steps
    network["step"] = make_step(
        network["forward"],
        lambda key, x: spec_augment(key, x, network["fill"]),
        network["optimiser"],
        classes=len(tasks.TASKS[task].labels),
    )
    network["predict"] = jax.jit(
        jax.vmap(lambda v, x, f=network["predict"]: jnp.argmax(f(v, x)), in_axes=(None, 0))
    )
    return network


def head_config(head: str, codec, task: str):
    """Name and configuration of "cnn", "gru:code" and so on, for the latents of a codec."""
    name, _, variant = head.partition(":")
    if name not in HEADS:
        raise ValueError(f"unknown head {name!r}: known are {', '.join(HEADS)}, listener")
    variant = variant or USUAL.get((task, name), "")
    if variant not in HEADS[name].VARIANTS:
        known = ", ".join(filter(None, HEADS[name].VARIANTS))
        raise ValueError(f"unknown variant {variant!r} of {name}: known are {known}")
    clip = jax.ShapeDtypeStruct((tasks.TASKS[task].samples,), jnp.float32)
    frames, channels = jax.eval_shape(codec.encode, clip).shape
    network = pretrained.NETWORKS[name]
    sizes = {"frames": frames, "channels": channels, "classes": len(tasks.TASKS[task].labels)}
    return name, network.config(**sizes, **HEADS[name].VARIANTS[variant])


def run(options, network: dict, clips, features, used, names: tuple) -> None:
    """Trains one network and writes its checkpoint and its row of the table."""
    task, split, head, seed = names
    place = np.cumsum(used) - 1  # of a clip among those that have copies
    wanted = np.flatnonzero(clips.parts[split] == "train")
    learned, copies = features["learned"], len(features["learned"])
    order = grain.MapDataset.range(copies * len(wanted)).seed(seed).shuffle().repeat()
    order = order.batch(min(BATCHES[task], copies * len(wanted)))
    key = jax.random.key(seed)

    def advance(state, number):
        copy, clip = np.divmod(order[number], len(wanted))
        examples = learned[copy, place[wanted[clip]]]
        target = clips.target[wanted[clip]]
        return network["step"](state, examples, target, jax.random.fold_in(key, number))

    def accuracy(state, part: str) -> float:
        held_out = np.flatnonzero(clips.parts[split] == part)
        variables = {"params": state["params"], **state["other"]}
        found = [
            network["predict"](variables, features["plain"][held_out[i : i + 100]])
            for i in range(0, len(held_out), 100)
        ]
        return float(np.mean(np.concatenate(found) == clips.target[held_out]))

    variables = network["init"](jax.random.fold_in(key, 2**31))
    params = variables.pop("params")
    state = {"params": params, "other": variables, "optimiser": network["optimiser"].init(params)}
    has_val = (clips.parts[split] == "val").any()
    folder, began = run_folder(options, *names), time.monotonic()
    state = train(
        advance,
        state,
        steps=network["steps"],
        folder=folder,
        title=" ".join(map(str, names)),
        save_every=options.save_every,
        evaluate=(lambda state: {"val": accuracy(state, "val")}) if has_val else None,
    )
    row = dict(zip(("task", "split", "head", "seed"), names)) | {
        "val": accuracy(state, "val") if has_val else None,
        "test": accuracy(state, "test"),
        "seconds": round(time.monotonic() - began),
    }
    save(folder, network, state, clips[wanted], row, options)
    (folder / "row.json").write_text(json.dumps(row))


def save(folder: Path, network: dict, state, learned, row: dict, options) -> None:
    """The checkpoint: `<task>`, `<task>_cnn`, `<task>_listener` and so on."""
    task, head = row["task"], row["head"].replace(":", "_")
    source = tasks.provenance(task, row["split"], learned)
    note = f"{row['head']} for {task}"
    if "official test" in source["name"]:
        note += "; knows official test clips: never report official test accuracy with it"
    pretrained.save(
        folder,
        task if head == "transformer" else f"{task}_{head}",
        {
            **network["manifest"],
            "task": task,
            "split": row["split"],
            "labels": tasks.TASKS[task].labels,
            "background": tasks.TASKS[task].background,
            "metrics": {f"{part}_accuracy": row[part] for part in ("val", "test") if row[part]}
            | {"seed": row["seed"]},
            "data": [source],
            "command": f"scripts/train_classifier.py --codec {Path(options.codec).name} "
            f"--tasks {task} --splits {row['split']} --heads {row['head']} "
            f"--steps {network['steps']} --seeds {row['seed']}",
            "note": note,
        },
        state["params"] if head != "listener" else {"params": state["params"], **state["other"]},
    )


def with_statistics(config, variables, x, key):
    logits, statistics = listener.apply_training(config, variables, x, key)
    return logits, {"batch_stats": statistics}


def print_table(rows: list[dict]) -> None:
    """Mean over a task's folds, then mean and standard deviation over seeds."""
    print(f"{'task':10} {'split':18} {'head':12} {'test, mean and sd of seeds':>27}  each")
    groups: dict[tuple, dict] = {}
    for row in rows:
        split = "one speaker out" if row["split"].startswith("without_") else row["split"]
        seeds = groups.setdefault((row["task"], split, row["head"]), {})
        seeds.setdefault(row["seed"], {})[row["split"]] = row["test"]
    for (task, split, head), seeds in groups.items():
        means = [np.mean(list(folds.values())) for folds in seeds.values()]
        spread = f" +- {np.std(means, ddof=1):.1%}" if len(means) > 1 else ""
        each = " ".join(f"{mean:.1%}" for mean in means)
        names = sorted({fold for folds in seeds.values() for fold in folds})
        if len(names) > 1:
            folds = [np.mean([folds[n] for folds in seeds.values() if n in folds]) for n in names]
            each += "; folds " + " ".join(f"{fold:.1%}" for fold in folds)
        print(f"{task:10} {split:18} {head:12} {f'{np.mean(means):.1%}{spread}':>27}  {each}")


if __name__ == "__main__":
    sys.exit(one_line(main))
