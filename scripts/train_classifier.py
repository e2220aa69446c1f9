"""Trains the keyword classifier on a codec's frozen latents, or the independent listener.

    python scripts/train_classifier.py --codec gainshape_16khz --data DIR --out runs/keywords
    python scripts/train_classifier.py --listener --data DIR --out runs/listener

Killed at any moment, the same command goes on where it was. One run per seed lies in
`<out>/seed_<n>`: state, log (a JSON line per 50 steps), checkpoint. Both networks learn from
the same clips under the same augmentation. The one on latents sees half of them with gaps,
as explanations have, most of these decoded and encoded again. The table at the end holds
the accuracy on unseen speakers; `--json FILE` writes its rows.
"""

import argparse
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import pretrained
from audioxai_jax.data import speech_commands
from audioxai_jax.data.augment import augment, spec_augment, speed_copies
from audioxai_jax.nets import heads, listener
from audioxai_jax.training.classifier import make_step
from audioxai_jax.training.loop import train
from audioxai_jax.training.masking import loud_mask
from audioxai_jax.training.optimisers import adamw, muon

BATCH = 64
SMALLEST = 0.05
"""Fraction of a latent that is left at least, in training."""
LABELS = speech_commands.LABELS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    network = parser.add_mutually_exclusive_group(required=True)
    network.add_argument("--codec", help="train on this codec's latents: a name or a path")
    network.add_argument("--listener", action="store_true", help="train on log-mel spectrograms")
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of this run")
    parser.add_argument("--steps", type=int, help="2,000 on latents, 2,500 for the listener")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--json", type=Path, help="write the table's rows here")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")

    clips = {split: speech_commands.load(options.data, split) for split in ("train", "val", "test")}
    copies = speed_copies(clips["train"].audio)
    rows = [run(options, seed, clips, copies) for seed in options.seeds]
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))


def run(options, seed: int, clips, copies: np.ndarray) -> dict:
    """Trains one network from one seed, writes its checkpoint, returns its accuracy."""
    net = listener_network() if options.listener else latent_network(options.codec)
    steps = net["steps"] if options.steps is None else options.steps
    optimiser = net["optimiser"](steps)
    noises = jnp.asarray(clips["train"].audio[clips["train"].target == speech_commands.SILENCE])

    def prepare(key, clip):
        augment_key, blank_key = jax.random.split(key)
        features = net["extract"](augment(augment_key, clip, noises))
        return spec_augment(blank_key, features, net["fill"])

    step = make_step(net["forward"], prepare, optimiser, classes=len(LABELS), gaps=net["gaps"])
    key = jax.random.key(seed)

    def advance(state, number):
        random = np.random.default_rng([seed, number])
        index = random.integers(0, len(copies), BATCH)
        target = clips["train"].target[index]
        return step(state, copies[index], target, jax.random.fold_in(key, number))

    variables = net["init"](jax.random.fold_in(key, 2**31))
    params = variables.pop("params")
    state = {"params": params, "other": variables, "optimiser": optimiser.init(params)}

    predict = jax.jit(jax.vmap(lambda model, sound: jnp.argmax(model(sound)), in_axes=(None, 0)))

    def accuracy(state, split: str) -> float:
        model = net["model"]({"params": state["params"], **state["other"]})
        audio = clips[split].audio.astype(np.float32) / 32768
        found = [predict(model, audio[i : i + 100]) for i in range(0, len(audio), 100)]
        return float(np.mean(np.concatenate(found) == clips[split].target))

    name = "listener" if options.listener else "keywords"
    folder = options.out / f"seed_{seed}"
    state = train(
        advance,
        state,
        steps=steps,
        folder=folder,
        title=f"{name}, seed {seed}",
        evaluate=lambda state: {"val": accuracy(state, "val")},
    )
    row = {"network": name, "codec": net["manifest"].get("codec", ""), "seed": seed}
    row |= {"val": accuracy(state, "val"), "test": accuracy(state, "test")}
    pretrained.save(
        folder,
        name,
        {
            **net["manifest"],
            "labels": LABELS,
            "background": ["_silence_"],
            "metrics": {"val_accuracy": row["val"], "test_accuracy": row["test"], "seed": seed},
            "data": [speech_commands.CREDIT],
            "command": f"scripts/train_classifier.py --steps {steps} --seeds {seed} "
            + ("--listener" if options.listener else f"--codec {net['manifest']['codec']}"),
        },
        {"params": state["params"], **state["other"]} if options.listener else state["params"],
    )
    return row


def latent_network(name: str) -> dict:
    """The transformer on latents: how to make, train, use and describe it."""
    codec, manifest = pretrained.load_codec(name)
    latent = jax.eval_shape(
        codec.encode, jax.ShapeDtypeStruct((speech_commands.SAMPLE_RATE,), jnp.float32)
    )
    config = heads.TransformerConfig(
        frames=latent.shape[0], channels=latent.shape[1], classes=len(LABELS)
    )

    def gaps(key, latent):
        """Most of these latents are heard again, as explanations are; the rest stay."""
        sounded_key, mask_key = jax.random.split(key)
        holed = loud_mask(mask_key, latent, least=SMALLEST) * latent
        again = codec.encode(codec.decode(holed)[: speech_commands.SAMPLE_RATE])
        return jnp.where(jax.random.bernoulli(sounded_key, 0.75), again, holed)

    return {
        "init": lambda key: {"params": heads.init(config, key)},
        "forward": lambda variables, x, key: (
            heads.apply(config, variables["params"], x, key),
            {},
        ),
        "extract": codec.encode,
        "fill": 0.0,
        "model": lambda variables: jax.tree_util.Partial(
            after, heads.model(config, variables["params"]), codec.encode
        ),
        "gaps": gaps,
        "steps": 2000,
        "optimiser": lambda steps: muon(steps, 0.02, 0.05),
        "manifest": {
            "kind": "classifier",
            "network": "transformer",
            "config": config,
            "codec": codec.name,
            "frames": latent.shape[0],
        },
    }


def listener_network() -> dict:
    """The log-mel network on waveforms, described in the same way."""
    config = listener.ListenerConfig()
    return {
        "init": lambda key: dict(listener.init(config, key)),
        "forward": lambda variables, x, key: with_statistics(config, variables, x, key),
        "extract": lambda sound: listener.features(config, sound),
        "fill": -1.0,
        "model": lambda variables: listener.model(config, variables),
        "gaps": None,
        "steps": 2500,
        "optimiser": lambda steps: adamw(steps, 3e-3, 0.01),
        "manifest": {"kind": "listener", "network": "listener", "config": config},
    }


def with_statistics(config, variables, x, key):
    logits, statistics = listener.apply_training(config, variables, x, key)
    return logits, {"batch_stats": statistics}


def after(model, encode, sound):
    return model(encode(sound))


def print_table(rows: list[dict]) -> None:
    print(f"{'network':10} {'seed':>4} {'val':>7} {'test':>7}")
    for row in rows:
        print(f"{row['network']:10} {row['seed']:4} {row['val']:7.1%} {row['test']:7.1%}")
    test = [row["test"] for row in rows]
    if len(test) > 1:
        print(f"mean {np.mean(test):.1%}, standard deviation {np.std(test, ddof=1):.1%}")


if __name__ == "__main__":
    main()
