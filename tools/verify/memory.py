"""Does memory grow with the steps of an integral? Measured in processes of their own.

    python -m tools.verify.memory

Peak memory of Integrated Gradients with 10 and with 1,000 steps, chunks of 5, in both drivers:
within one program, and stepped from outside. Exit status 1 if one grows by more than 5 %.
"""

import json
import resource
import subprocess
import sys

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from audioxai_jax import attribute_batch, integrated_gradients
from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows

SAMPLES, WIDTH, CHUNK = 32_000, 64, 5  # 10 steps are two chunks: a state before and one after
MOST = 1.05


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", nargs=2, metavar=("DRIVER", "STEPS"), help="one measurement")
    add_json_option(parser)
    options = parser.parse_args()
    if options.run:
        driver, steps = options.run
        say(json.dumps(measure(driver, int(steps))))
        return
    rows = []
    for driver in ("inside", "stepwise"):
        command = [sys.executable, __file__, "--run", driver]
        few, many = (
            json.loads(subprocess.run([*command, steps], check=True, stdout=subprocess.PIPE).stdout)
            for steps in ("10", "1000")
        )
        rows.append({"driver": driver, "few": few, "many": many, "growth": many / few})
        say(f"{driver}: {few:.0f} MB with 10 steps, {many:.0f} MB with 1,000 ({many / few:.3f})")
    write_rows(options.json, rows)
    if max(row["growth"] for row in rows) > MOST:
        raise ValueError("memory grows with the steps")


def measure(driver: str, steps: int) -> float:
    """What computing adds to the memory of the process at its peak, MB."""
    kernels = [
        jax.random.normal(jax.random.key(i), (9, 1 if i == 0 else WIDTH, WIDTH)) / 20
        for i in range(2)
    ]
    model, x = Partial(network, kernels), jax.random.normal(jax.random.key(3), (2, SAMPLES))
    method, target = integrated_gradients(steps=steps, chunk=CHUNK), jnp.zeros(2, jnp.int32)
    jax.block_until_ready((model, x))
    before = peak()
    if driver == "stepwise":
        found = attribute_batch(method, model, x, target, chunk=2 * CHUNK, key=jax.random.key(0))
    else:
        one = lambda model, x: method(model, x, 0, key=jax.random.key(0))
        found = jax.jit(jax.vmap(one, (None, 0)))(model, x)
    jax.block_until_ready(found)
    return peak() - before


def network(kernels, audio):
    """Two convolutions over a waveform `[T]`, so that activations are most of the memory."""
    hidden = audio[None, :, None]
    for kernel in kernels:
        layout = ("NWC", "WIO", "NWC")
        hidden = jax.lax.conv_general_dilated(
            hidden, kernel, (2,), "SAME", dimension_numbers=layout
        )
        hidden = jax.nn.relu(hidden)
    return hidden[0].mean(axis=0)[:4]


def peak() -> float:
    """Largest resident set so far, MB (Linux counts in kB, macOS in bytes)."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    sys.exit(run_main(main))
