"""How fast EnCodec encodes and decodes beside `transformers`, on this machine, now.

    python -m benchmarks.codecs --json runs/benchmark_codecs.json
    python -m benchmarks.codecs --batches 8 32 128 512 --bfloat16 --peak 494 --lyra

One interleaved run, the minimum of the repeats. Both sides have a member's full size and random
weights; theirs runs eagerly, as it is distributed, ours is compiled once per batch size. The
shipped codec is timed beside them. Without torch and transformers (the extra `oracles`) the
column of torch is empty; it is on a GPU if both jax and torch see one. Sounds have whole frames
and one chunk, so both do the same work.

Per row: milliseconds a batch, seconds of sound per second, and the rate of operations: those of
the matrix products and convolutions, twice their multiplications, transforms not counted. On a
GPU jax multiplies float32 as TF32 unless a network asks for more, and Lyra does. A peak is that
of the type: an H100 and an H200 have 989 TFLOP/s in dense bfloat16, 494 in TF32, 67 in float32.
"""

import dataclasses
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxprs_in_params

from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.models.precision import cast
from audioxai_jax.nets.codecs import encodec, lyra
from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.types import Codec
from audioxai_jax.weights.load import load_codec


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--member", choices=list(MEMBERS), default="encodec_24khz")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each sound, at most")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--own", default="gainshape_16khz", help="a shipped codec, or its path")
    parser.add_argument("--bfloat16", action="store_true", help="ours in bfloat16, too")
    parser.add_argument(
        "--lyra",
        nargs="?",
        const="",
        metavar="DIR",
        help="Lyra V2, too, with its published weights or random ones",
    )
    parser.add_argument("--peak", type=float, metavar="TFLOPS", help="of the float32 rows")
    parser.add_argument(
        "--peak-bfloat16",
        type=float,
        default=None,
        metavar="TFLOPS",
        help="of the bfloat16 rows; that of the others if not given",
    )
    add_json_option(parser)
    options = parser.parse_args()
    return options


def main() -> None:
    options = read_options()
    config = MEMBERS[options.member]
    params = random_params(lambda: encodec.init(config, jax.random.key(0)))
    networks = {"ours": network_codec(config, params, options.member)}
    if options.bfloat16:
        networks["bfloat16"] = cast(networks["ours"], jnp.bfloat16)
    own = load_codec(options.own)
    networks[own.name] = own
    if options.lyra is not None:
        networks["lyra"] = lyra_codec(options.lyra)
    torch, model, device = their_model(config)
    peaks = {"bfloat16": options.peak_bfloat16 or options.peak}
    rows = []
    say(
        f"{jax.devices()[0].device_kind}; torch {where(torch, device)}; {options.seconds:g} s of "
        "sound; milliseconds a batch, seconds of sound per second"
    )
    for batch in options.batches:
        jobs, work = {}, {}
        for name, codec in networks.items():
            jobs |= our_jobs(name, codec, batch, options.seconds)
            work |= operations(name, codec, batch, options.seconds)
        if torch:
            jobs |= their_jobs(torch, model, device, config, batch, options.seconds)
            work |= {("theirs", way): work["ours", way] for way in ("encode", "decode")}
        sounds = {
            name: batch * whole_frames(codec, options.seconds) / codec.sample_rate
            for name, codec in (networks | {"theirs": config}).items()
        }
        for row in measured(least(jobs, options.repeats), work, sounds):
            row |= {"member": options.member, "batch": batch, "seconds_each": options.seconds}
            show(row, peaks.get(row["codec"], options.peak))
            rows.append(row)
    write_rows(options.json, {**describe_run("python -m benchmarks.codecs"), "rows": rows})


def random_params(init):
    """Parameters of the shapes that `init` makes, normal with standard deviation 0.1."""
    draw = np.random.default_rng(0).normal
    array = lambda leaf: jnp.asarray(0.1 * draw(size=leaf.shape), leaf.dtype)
    return jax.tree.map(array, jax.eval_shape(init))


def lyra_codec(folder: str) -> Codec:
    """Lyra V2 of a folder's files, or with random weights if they are not there."""
    if folder and (Path(folder) / "lyragan.tflite").exists():
        return load_codec("lyra_v2", folder)
    say("Lyra V2 has random weights")
    config = lyra.LyraConfig()
    params = random_params(lambda: lyra.init(config, jax.random.key(0)))
    return lyra.codec(config, params, name="lyra_v2")


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


def operations(name: str, codec: Codec, batch: int, seconds: float):
    """Operations of a batch, by name and way."""
    audio = jax.ShapeDtypeStruct((batch, whole_frames(codec, seconds)), jnp.float32)
    latent = jax.eval_shape(encode, codec, audio)
    return {
        (name, "encode"): products(jax.make_jaxpr(encode)(codec, audio).jaxpr),
        (name, "decode"): products(jax.make_jaxpr(decode)(codec, latent).jaxpr),
    }


def products(jaxpr) -> int:
    """Twice the multiplications of all matrix products and convolutions, of loops in each turn.

    XLA's own count, `compiled.cost_analysis()`, has a loop's body once.
    """
    total = 0
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        size = math.prod(equation.outvars[0].aval.shape)
        if name == "dot_general":
            left, axes = equation.invars[0].aval.shape, params["dimension_numbers"][0][0]
            total += 2 * size * math.prod(left[axis] for axis in axes)
        elif name == "conv_general_dilated":
            kernel, (out_axis, *_) = equation.invars[1].aval.shape, params["dimension_numbers"][1]
            dilated = math.prod(params["lhs_dilation"])  # zeros between inputs are no work
            total += 2 * size * math.prod(kernel) // kernel[out_axis] // dilated
        for inner in jaxprs_in_params(params):
            total += params.get("length", 1) * products(inner)
    return total


@jax.jit
def encode(codec: Codec, audio):
    return jax.vmap(codec.encode)(audio)


@jax.jit
def decode(codec: Codec, latent):
    return jax.vmap(codec.decode)(latent)


def where(torch, device: str) -> str:
    if not torch:
        return "not there"
    return f"on {device}" if device == "cuda" else f"with {torch.get_num_threads()} threads"


def their_model(config: encodec.EncodecConfig):
    """torch, a fresh model of the same size and its device, or (None, None, "")."""
    try:
        import torch
        import transformers
    except ImportError:
        return None, None, ""
    device = "cuda" if jax.default_backend() == "gpu" and torch.cuda.is_available() else "cpu"
    if jax.default_backend() != "cpu" and device == "cpu":
        return None, None, ""
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
    return torch, model.eval().to(device), device


def their_jobs(torch, model, device: str, config, batch: int, seconds: float) -> Jobs:
    samples, net = whole_frames(config, seconds), config.seanet
    audio = 0.1 * torch.randn(batch, net.audio_channels, samples, device=device)
    latent = torch.randn(batch, net.latent, samples // config.hop, device=device)

    def alone(half, x):
        def job():
            with torch.inference_mode():
                half(x)
                if device == "cuda":
                    torch.cuda.synchronize()

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


def measured(seconds, work, sounds: dict[str, float]) -> list[dict]:
    """A row for each job; `ratio` is how many times as long theirs takes."""
    rows = []
    for (name, way), taken in seconds.items():
        theirs = seconds.get(("theirs", way))
        rows.append(
            {
                "codec": name,
                "way": way,
                "seconds": taken,
                "ratio": theirs / taken if theirs else None,
                "sound_per_second": sounds[name] / taken,
                "gflop": work[name, way] / 1e9,
                "tflops": work[name, way] / taken / 1e12,
            }
        )
    return rows


def show(row: dict, peak: float | None) -> None:
    share = f" {row['tflops'] / peak:6.1%}" if peak else ""
    ratio = f"   theirs / this {row['ratio']:.2f}" if row["ratio"] else ""
    say(
        f"{row['batch']:4} {row['way']}  {row['codec']:16}{1e3 * row['seconds']:10.2f}"
        f"{row['sound_per_second']:10.0f}  {row['gflop']:8.2f} GFLOP {row['tflops']:8.3f} TFLOP/s"
        f"{share}{ratio}"
    )


if __name__ == "__main__":
    sys.exit(run_main(main))
