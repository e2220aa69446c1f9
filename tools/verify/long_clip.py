"""Explains a clip of ten minutes, the longest that is accepted, and says what it took.

python -m tools.verify.long_clip --out runs/long
"""

import resource
import sys
import time

import numpy as np

from audioxai_jax import cli
from audioxai_jax.cli.console import Parser, output_folder, run_main, say
from audioxai_jax.core.files import make_folder
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.data.example import example_clip

SECONDS, RATE = 600, 16_000


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=output_folder, required=True, help="its folder")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args()
    make_folder(options.out)
    word = read_clip(example_clip(), RATE).samples
    sound = 0.001 * np.random.default_rng(0).normal(size=options.seconds * RATE)
    for start in range(0, len(sound) - len(word), 7 * RATE):
        sound[start : start + len(word)] += word
    write_wav(options.out / "long.wav", sound, RATE)
    began = time.monotonic()
    status = cli.main(
        ["explain", str(options.out / "long.wav"), "--out", str(options.out), "--overwrite"]
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    say(f"{options.seconds} s: {time.monotonic() - began:.0f} s, {memory:.1f} GB")
    if status:
        raise ValueError("the clip was not explained")


if __name__ == "__main__":
    sys.exit(run_main(main))
