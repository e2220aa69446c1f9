"""Trains a codec on speech, in one or two stages, and writes it as a checkpoint.

    python scripts/train_codec.py --config experiments/train/gainshape_16khz.py \
        --data DIR --out runs/gainshape_16khz

Resumable: after an interruption, run the same command again. `<out>/reconstruct` and
`<out>/masked` hold the two stages' states and logs (one JSON line per 50 steps), `<out>`
the resulting checkpoints `<name>` (first stage) and `<name>_masked` (both).
"""

import dataclasses
import functools
import importlib
import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.cli.console import (
    Parser,
    add_data_option,
    output_folder,
    positive,
    run_main,
    say,
    say_each,
)
from audioxai_jax.core.extras import needed_by
from audioxai_jax.data import tasks
from audioxai_jax.data.augment import speed_copies
from audioxai_jax.metrics.audio_quality import log_mel_distance, si_sdr
from audioxai_jax.training.codec import make_step
from audioxai_jax.training.latent_gaps import loud_cells
from audioxai_jax.training.loop import train
from audioxai_jax.weights import save as checkpoints

with needed_by("train_codec.py"):
    import optax

SPLIT = "speaker_disjoint"
DECIDING = ("network", "seed", "batch", "speeds", "peak_rate", "weights", "gaps")
"""Settings of a configuration file that decide the weights, beside the network's own."""
SILENCE = tasks.TASKS["keywords"].labels.index("_silence_")


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, required=True, help="a file of experiments/train")
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, required=True, help="folder of this run")
    parser.add_argument("--save-every", type=positive, default=500, help="steps")
    parser.add_argument("--stop-after", type=positive, help="steps of each stage, to try")
    options = parser.parse_args()
    if not options.config.is_file():
        raise ValueError(f"--config {options.config}: no such file, see experiments/train")
    return options


def main() -> None:
    options = read_options()
    settings = SimpleNamespace(**runpy.run_path(str(options.config)))
    network = importlib.import_module(f"audioxai_jax.nets.codecs.{settings.network}")
    encode = functools.partial(network.encode, settings.config)
    decode = functools.partial(network.decode, settings.config)
    rate = settings.config.sample_rate
    tasks.check_rate(f"the codec {settings.name!r}", rate)

    keywords = tasks.load(options.data, "keywords")
    say_each("keywords", keywords.outcome.lines())
    clips, validation = (keywords.part(SPLIT, part) for part in ("train", "val"))
    audio = speed_copies(clips.audio, settings.speeds).reshape(-1, clips.audio.shape[1])
    quality = make_quality(encode, decode, spoken_clips(validation), rate)
    run = functools.partial(
        run_stage, options, settings, encode, decode, quality, audio, tasks.digest(clips)
    )
    plain = run(0, network.init(settings.config, jax.random.key(settings.seed)))
    mean = mean_latent(encode, plain, audio)
    credit = tasks.provenance("keywords", SPLIT, clips)
    save(options, settings, settings.name, plain, mean, quality(plain), credit)
    if len(settings.steps) > 1:
        masked = run(1, plain)
        save(options, settings, f"{settings.name}_masked", masked, mean, quality(masked), credit)


def make_gaps(settings):
    """What the first stage leaves out of its latents; None where a configuration has no `gaps`."""
    if not hasattr(settings, "gaps"):
        return None
    network = importlib.import_module(f"audioxai_jax.nets.codecs.{settings.network}")
    return loud_cells(network, settings.config, settings.gaps)


def spoken_clips(clips):
    """Some that hold a word, at a peak of 0.7, `[N, T]`."""
    spoken = clips.audio[clips.target != SILENCE][:256]
    return jnp.asarray(spoken / np.abs(spoken).max(1, keepdims=True) * 0.7, jnp.float32)


def make_quality(encode, decode, sounds, rate: int):
    """Medians of SI-SDR and log-mel distance over `sounds`, as a function of the parameters."""

    @jax.jit
    def quality(params):
        def one(sound):
            decoded = decode(params, encode(params, sound))[: len(sound)]
            distance = log_mel_distance(decoded, sound, sample_rate=rate)
            return si_sdr(decoded, sound), distance

        return jax.tree.map(jnp.median, jax.vmap(one)(sounds))

    return quality


def make_batch(settings, audio: np.ndarray, stage: int, step: int) -> np.ndarray:
    """Clips at random levels, shifts and polarity; all that is random follows from seed,
    stage and step. Without shifts a clip's frames would be the same ones every time, and
    the networks would learn them by heart."""
    random = np.random.default_rng([settings.seed, stage, step])
    chosen = audio[random.integers(0, len(audio), settings.batch)].astype(np.float32) / 32768
    for clip in chosen:
        clip[:] = np.roll(clip, random.integers(len(clip)))
    peak = 10 ** random.uniform(-1.3, -0.05, (settings.batch, 1)).astype(np.float32)
    sign = random.choice([-1, 1], (settings.batch, 1)).astype(np.float32)
    return chosen / (np.abs(chosen).max(1, keepdims=True) + 1e-4) * peak * sign


def run_stage(options, settings, encode, decode, quality, audio, digest, stage: int, params):
    """Trains one stage from `params`, or from where it was killed, and returns its parameters."""
    steps = options.stop_after or settings.steps[stage]
    schedule = optax.cosine_onecycle_schedule(steps, settings.peak_rate[stage], pct_start=0.1)
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3)
    )
    step = make_step(
        encode,
        decode,
        optimiser,
        sample_rate=settings.config.sample_rate,
        masked=stage == 1,
        weights=settings.weights,
        gaps=make_gaps(settings) if stage == 0 else None,
    )
    key = jax.random.fold_in(jax.random.key(settings.seed), stage)

    def advance(state, number):
        params, optimiser_state, metrics = step(
            state["params"],
            state["optimiser"],
            make_batch(settings, audio, stage, number),
            jax.random.fold_in(key, number),
        )
        return {"params": params, "optimiser": optimiser_state}, metrics

    def evaluate(state):
        return dict(zip(("val_si_sdr", "val_log_mel"), map(float, quality(state["params"]))))

    trained = {"decoder": params["decoder"]} if stage == 1 else params
    title = ("reconstruct", "masked")[stage]
    state = train(
        advance,
        {"params": params, "optimiser": optimiser.init(trained)},
        steps=steps,
        folder=options.out / title,
        title=title,
        settings={
            "config": dataclasses.asdict(settings.config),
            "clips": digest,
            **{name: getattr(settings, name) for name in DECIDING if hasattr(settings, name)},
        },
        evaluate=evaluate,
        save_every=options.save_every,
    )
    return state["params"]


def mean_latent(encode, params, audio: np.ndarray) -> np.ndarray:
    """Mean over 1,024 training clips and their frames, `[C]`."""
    chosen = audio[np.random.default_rng(0).permutation(len(audio))[:1024]]
    latents = jax.jit(jax.vmap(lambda sound: encode(params, sound)))(
        jnp.asarray(chosen, jnp.float32) / 32768
    )
    return np.asarray(latents.mean((0, 1)))


def save(options, settings, name: str, params, mean: np.ndarray, quality, credit) -> None:
    checkpoints.save(
        options.out,
        name,
        {
            "kind": "codec",
            "network": settings.network,
            "config": settings.config,
            "metrics": dict(zip(("val_si_sdr_db", "val_log_mel_l1"), map(float, quality))),
            "data": [credit],
            "command": f"scripts/train_codec.py --config experiments/train/{options.config.name}",
        },
        {**params, "mean": mean},
    )
    say(json.dumps({"written": str(options.out / f"{name}.safetensors")}))


if __name__ == "__main__":
    sys.exit(run_main(main))
