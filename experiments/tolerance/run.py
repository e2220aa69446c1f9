"""Integrated Gradients to a tolerance, on real clips: what it costs, and whether it is kept.

    python -m experiments.tolerance.run --data DIR --json runs/tolerance.json

All clips of the `test` part are explained to the tolerance, beside 50 steps of Gauss-Legendre
for each (captum's default). A small completeness gap can be luck, so the true error is printed
too: the largest difference from an integral with 2,000 steps, relative to the largest
relevance, on every n-th clip. Clips that are not within the tolerance are listed.
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import (
    adaptive_integrated_gradients,
    attribute_batch,
    integrated_gradients,
    map_examples,
)
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_data_option,
    add_json_option,
    positive,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.data import tasks
from audioxai_jax.weights.load import load_classifier, load_codec
from audioxai_jax.weights.pair import default_classifier


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    add_codec_options(parser)
    parser.add_argument("--classifier", help="name or path; the one that comes with the codec")
    parser.add_argument("--tolerance", type=float, default=0.01)
    parser.add_argument("--truth-steps", type=positive, default=2000)
    parser.add_argument("--truth-every", type=positive, default=6, help="clips with a true error")
    parser.add_argument("--clips", type=positive, help="number of clips; by default all")
    add_json_option(parser)
    options = parser.parse_args()
    return options


KEY = jax.random.key(0)
"""Unused by these methods, which draw nothing."""


def main() -> None:
    options = read_options()
    codec = load_codec(options.codec, options.codec_weights)
    options.classifier = options.classifier or default_classifier(codec)
    classifier = load_classifier(options.classifier, codec)
    manifest = classifier.manifest or {}
    clips = tasks.load(options.data, manifest["task"], rate=codec.sample_rate)
    say_each(manifest["task"], clips.outcome.lines())
    clips = clips.part(manifest["split"], "test")
    if options.clips and options.clips < len(clips):
        clips = clips[np.linspace(0, len(clips) - 1, options.clips).round().astype(int)]
    latents = map_examples(encode, codec, clips.audio, key=KEY)
    probed = slice(None, None, options.truth_every)

    methods = {
        f"to {options.tolerance:.1%}": adaptive_integrated_gradients(tolerance=options.tolerance),
        "50 steps": integrated_gradients(steps=50),
    }
    found, seconds = {}, {}
    for name, method in methods.items():
        attribute_batch(method, classifier.model, latents, key=KEY)  # compiles
        began = time.perf_counter()
        found[name] = jax.block_until_ready(
            attribute_batch(method, classifier.model, latents, key=KEY)
        )
        seconds[name] = time.perf_counter() - began
    exact = integrated_gradients(steps=options.truth_steps)
    truth = attribute_batch(exact, classifier.model, latents[probed], key=KEY).relevance

    rows = []
    say(f"{len(clips)} clips; true error on {len(truth)}, {options.truth_steps} steps")
    head = ("", "evaluations", "95 %", "seconds", "gap 95 %", "gap max", "error", "95 %", "max")
    say(f"| {' | '.join(head)} |", "|---" * len(head) + "|")
    for name, result in found.items():
        row = row_of(name, result.info, distance(result.relevance[probed], truth), seconds[name])
        cells = [
            f"{row['evaluations']:.1f}",
            f"{row['evaluations_95']:.0f}",
            f"{row['seconds']:.0f}",
        ]
        cells += [f"{row[k]:.2%}" for k in ("gap_95", "gap_max", "error", "error_95", "error_max")]
        say(f"| {name} | {' | '.join(cells)} |")
        rows.append(row)

    info = next(iter(found.values())).info
    missed = (info["completeness_gap"] > options.tolerance) | (info["change"] > options.tolerance)
    rows[0]["met"] = 1 - float(jnp.mean(missed))
    say(f"within the tolerance: {rows[0]['met']:.1%} of the clips")
    for index in np.flatnonzero(missed):
        gap, change = (float(info[name][index]) for name in ("completeness_gap", "change"))
        say(f"not within: {clips.file[index]}, gap {gap:.2%}, last change {change:.2%}")
    write_rows(options.json, rows)


def row_of(name: str, info, errors: np.ndarray, seconds: float) -> dict:
    """One method's cost, and how far off it is."""
    evaluations, gap = info["evaluations"], info["completeness_gap"]
    return {
        "method": name,
        "evaluations": float(jnp.mean(evaluations)),
        "evaluations_95": float(np.percentile(evaluations, 95)),
        "seconds": seconds,
        "gap_95": float(np.percentile(gap, 95)),
        "gap_max": float(jnp.max(gap)),
        "error": float(np.median(errors)),
        "error_95": float(np.percentile(errors, 95)),
        "error_max": float(np.max(errors)),
    }


def encode(codec, clip, key):
    return codec.encode(clip.astype(jnp.float32) / 32768)


def distance(found, truth):
    """Largest difference of each clip, relative to its largest relevance, `[N]`."""
    largest = lambda values: np.abs(np.asarray(values)).reshape(len(values), -1).max(axis=1)
    return largest(found - truth) / largest(truth)


if __name__ == "__main__":
    sys.exit(run_main(main))
