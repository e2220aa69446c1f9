"""How fast EnCodec encodes and decodes beside `transformers`, on this machine, now.

    python scripts/benchmark_codecs.py --json runs/benchmark_codecs.json

One interleaved run, the minimum of the repeats. Both sides have a member's full size and random
weights; theirs runs eagerly, as it is distributed, ours is compiled once per batch size. The
shipped codec is timed beside them. Without torch and transformers (the extra `oracles`) there
is no column of theirs. Sounds have whole frames and one chunk, so both do the same work.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import pretrained
from audioxai_jax.nets import encodec
from audioxai_jax.nets.encodec import MEMBERS
from audioxai_jax.precision import cast
from audioxai_jax.types import Codec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--member", choices=list(MEMBERS), default="encodec_24khz")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each sound, at most")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--own", default="gainshape_16khz", help="a shipped codec, or its path")
    parser.add_argument("--bfloat16", action="store_true", help="ours in bfloat16, too")
    parser.add_argument("--json", type=Path, help="write the table's rows here")
    options = parser.parse_args()

    config = MEMBERS[options.member]
    shapes = jax.eval_shape(lambda: encodec.init(config, jax.random.key(0)))
    draw = np.random.default_rng(0).normal
    params = jax.tree.map(lambda leaf: jnp.asarray(0.1 * draw(size=leaf.shape), leaf.dtype), shapes)
    networks = {"ours": network_codec(config, params, options.member)}
    if options.bfloat16:
        networks["bfloat16"] = cast(networks["ours"], jnp.bfloat16)
    own, _ = pretrained.load_codec(options.own)
    networks[own.name] = own
    torch, model = their_model(config)
    rows = []
    print(f"{jax.devices()[0].device_kind}, {torch.get_num_threads() if torch else 0} threads of "
          f"torch, {options.seconds:g} s of sound, milliseconds a batch")  # fmt: skip
    for batch in options.batches:
        jobs = {}
        for name, codec in networks.items():
            jobs |= our_jobs(name, codec, batch, options.seconds)
        if torch:
            jobs |= their_jobs(torch, model, config, batch, options.seconds)
        for row in table(batch, jobs, least(jobs, options.repeats)):
            rows.append({"member": options.member, "seconds": options.seconds, **row})
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


def network_codec(config: encodec.EncodecConfig, params, name: str) -> Codec:
    """The network alone, without loudness and chunks; several channels are one mono sound's."""
    mono = dataclasses.replace(config, normalise=False, chunk_seconds=0.0)
    return encodec.codec(mono, params, name=name)


def whole_frames(codec, seconds: float) -> int:
    return max(1, int(seconds * codec.sample_rate / codec.hop)) * codec.hop


Jobs = dict[tuple[str, str], Callable[[], object]]
"""What to time, by name of the codec and "encode" or "decode"."""


def our_jobs(name: str, codec: Codec, batch: int, seconds: float) -> Jobs:
    samples = whole_frames(codec, seconds)
    audio = jnp.asarray(0.1 * np.random.default_rng(0).normal(size=(batch, samples)), jnp.float32)
    latent = encode(codec, audio)
    return {
        (name, "encode"): lambda: jax.block_until_ready(encode(codec, audio)),
        (name, "decode"): lambda: jax.block_until_ready(decode(codec, latent)),
    }


@jax.jit
def encode(codec: Codec, audio):
    return jax.vmap(codec.encode)(audio)


@jax.jit
def decode(codec: Codec, latent):
    return jax.vmap(codec.decode)(latent)


def their_model(config: encodec.EncodecConfig):
    """torch and a fresh model of the same size, or (None, None)."""
    try:
        import torch
        import transformers
    except ImportError:
        return None, None
    net = config.seanet
    model = transformers.EncodecModel(
        transformers.EncodecConfig(
            sampling_rate=net.sample_rate,
            audio_channels=net.audio_channels,
            num_filters=net.filters,
            upsampling_ratios=list(net.strides),
            norm_type="time_group_norm" if net.norm == "group" else "weight_norm",
            use_causal_conv=net.causal,
            use_conv_shortcut=net.shortcut == "conv",
        )
    )
    return torch, model.eval()


def their_jobs(torch, model, config: encodec.EncodecConfig, batch: int, seconds: float) -> Jobs:
    samples, net = whole_frames(config, seconds), config.seanet
    audio = 0.1 * torch.randn(batch, net.audio_channels, samples)
    latent = torch.randn(batch, net.latent, samples // config.hop)

    def alone(half, x):
        def job():
            with torch.inference_mode():
                return half(x)

        return job

    return {
        ("theirs", "encode"): alone(model.encoder, audio),
        ("theirs", "decode"): alone(model.decoder, latent),
    }


def least(jobs: Jobs, repeats: int) -> dict[tuple[str, str], float]:
    """Shortest seconds of each job; all run once before, then in turn."""
    for job in jobs.values():
        job()
    seconds = dict.fromkeys(jobs, float("inf"))
    for _ in range(repeats):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds


def table(batch: int, jobs: Jobs, seconds: dict[tuple[str, str], float]) -> list[dict]:
    """Prints a line for each job, with how many times theirs takes as long; the lines' values."""
    rows = []
    for name, way in jobs:
        theirs = seconds.get(("theirs", way))
        row = {"batch": batch, "codec": name, "way": way, "seconds": seconds[name, way]}
        row["ratio"] = theirs / row["seconds"] if theirs else None
        ratio = "" if not theirs or name == "theirs" else f"   theirs / this {row['ratio']:.2f}"
        print(f"{batch:4} {way}  {name:20}{1000 * row['seconds']:10.1f}{ratio}", flush=True)
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
