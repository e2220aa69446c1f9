"""Do codecs of full size give in pieces what they give at once, in memory that does not grow?

    python -m tools.verify.streaming [--lyra FOLDER] [--codecs NAME ..]

EnCodec's members with random weights, Lyra V2 with its own from a folder (else random ones) and
the codec that is shipped, on noise cut into odd pieces. Errors are relative to the largest value
of the whole. Peak memory is of processes that encode and decode a short and a long sound, a window
after the other; it varies by 5 %. Exit status 1 if an error exceeds 1e-5, or the long sound needs
10 % more.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from audioxai_jax.weights.pretrained import load_codec

from audioxai_jax import Codec
from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows
from audioxai_jax.nets.codecs import encodec, lyra
from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.streaming import api

CODECS = ("gainshape_16khz", "lyra_v2", *MEMBERS)
MOST_ERROR, MOST_GROWTH = 1e-5, 1.1


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--codecs", nargs="+", choices=CODECS, default=CODECS, metavar="NAME")
    add("--lyra", metavar="FOLDER", help="of Lyra V2's weights")
    add("--seconds", type=float, default=20.0, help="of the comparison")
    add("--short", type=float, default=60.0, help="seconds of the short sound")
    add("--long", type=float, default=300.0, help="seconds of the long one")
    add_json_option(parser)
    add("--memory", nargs=2, metavar=("NAME", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        name, seconds = options.memory
        say(json.dumps(memory(build(name, options.lyra), float(seconds))))
        return
    rows = []
    for name in options.codecs:
        given = ["--lyra", options.lyra] if options.lyra else []
        command = [sys.executable, __file__, *given, "--memory", name]
        short, long = (
            json.loads(
                subprocess.run([*command, str(s)], check=True, stdout=subprocess.PIPE).stdout
            )
            for s in (options.short, options.long)
        )
        row = {"codec": name, **errors(build(name, options.lyra), options.seconds)}
        rows.append({**row, "short": short, "long": long, "growth": long / short})
        say(
            f"{name}: encoder {row['encoder']:.1e}, decoder {row['decoder']:.1e}; "
            f"{options.short:g} s {short:.0f} MB, {options.long:g} s {long:.0f} MB "
            f"({long / short:.3f})",
            flush=True,
        )
    write_rows(options.json, rows)
    if max(max(row["encoder"], row["decoder"]) for row in rows) > MOST_ERROR:
        raise ValueError("pieces differ from the whole")
    if max(row["growth"] for row in rows) > MOST_GROWTH:
        raise ValueError("memory grows with the sound")


def build(name: str, lyra_folder: str | None) -> Codec:
    if name == "gainshape_16khz" or (name == "lyra_v2" and lyra_folder):
        return load_codec(name, lyra_folder if name == "lyra_v2" else None)[0]
    key = jax.random.key(0)
    if name == "lyra_v2":
        return lyra.codec(lyra.LyraConfig(), lyra.init(lyra.LyraConfig(), key), name=name)
    config = MEMBERS[name]
    return encodec.codec(config, jax.jit(encodec.init, static_argnums=0)(config, key), name=name)


def errors(codec: Codec, seconds: float) -> dict[str, float]:
    """Largest difference of the joined pieces from the whole, over the whole's largest value."""
    sound = np.concatenate(list(noise(codec, seconds)))
    latent = jax.jit(lambda codec, x: codec.encode(x))(codec, sound)
    decoded = jax.jit(lambda codec, z: codec.decode(z))(codec, latent)
    found = api.encode(codec, noise(codec, seconds))
    pieces = np.array_split(np.asarray(latent), 17)
    return {
        "encoder": difference(list(found), latent),
        "decoder": difference(list(api.decode(codec, pieces)), decoded),
    }


def difference(pieces: list[np.ndarray], whole: jax.Array) -> float:
    joined = np.concatenate(pieces)
    if joined.shape != whole.shape:
        raise ValueError(f"the pieces are {joined.shape}, the whole is {whole.shape}")
    return float(jnp.abs(joined - whole).max() / jnp.abs(whole).max())


def memory(codec: Codec, seconds: float) -> float:
    """Peak memory of the process, MB (Linux counts in kB, macOS in bytes), after a round trip."""
    for _ in api.decode(codec, api.encode(codec, noise(codec, seconds))):
        pass
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def noise(codec: Codec, seconds: float) -> Iterator[np.ndarray]:
    """Pieces of 12,345 samples, the last one shorter; a number of samples that is odd."""
    draw, left = np.random.default_rng(0), round(seconds * codec.sample_rate) | 1
    while left:
        size = min(left, 12_345)
        yield (0.1 * draw.normal(size=size)).astype(np.float32)
        left -= size


if __name__ == "__main__":
    sys.exit(run_main(main))
