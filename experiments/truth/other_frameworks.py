"""The same trained networks in torch, explained by captum and zennit, and scored by the same truth.

    python -m experiments.truth.other_frameworks --data DIR --json runs/other_frameworks.json

Each network is written in torch with its plain weights. Rows of both sides: method, package,
precision, largest difference of relevance over the largest of theirs, and mean scores. In double
precision rows must be equal; in single precision they are printed. Needs the extra `oracles`.
"""

import argparse
import contextlib
import dataclasses
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    positive,
    print_aligned,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.extras import MissingExtra
from audioxai_jax.truth import TRUTHS, Trial
from audioxai_jax.truth.answers import merged_shape
from audioxai_jax.truth.score import explained, scores
from experiments.truth.shared_methods import SHARED, double_in_torch, zennit_parts
from experiments.truth.torch_network import replica

TOLERANCE = 1e-9
"""Of relevance and logits in double precision, over the largest of theirs."""
PRECISIONS = {"double": np.float64, "single": np.float32}
KEY = jax.random.key(0)
"""Unused by these methods, which draw nothing."""
Row = dict[str, Any]


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--truths", nargs="+", default=["time"], choices=list(TRUTHS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--clips", type=positive, default=24)
    parser.add_argument("--data", type=Path, help="folder of data sets, for truths that need it")
    add_json_option(parser)
    options = parser.parse_args()
    one_thread()
    rows = [row for trial_rows in trials_of(options) for row in trial_rows]
    about = describe_run("python -m experiments.truth.other_frameworks")
    write_rows(options.json, about | {"rows": rows})
    print_aligned(table(rows))
    unequal = [row for row in rows if row["precision"] == "double" and not equal(row)]
    if unequal:
        names = ", ".join(f"{row['method']} of {row['truth']}" for row in unequal)
        raise ValueError(f"rows differ in double precision: {names}")
    say("In double precision all rows are equal.")


def one_thread() -> None:
    """torch adds up in one order, and does not wait for cores that jax has.

    Raises:
      MissingExtra: if torch, captum or zennit is not installed.
    """
    try:
        import captum  # noqa: F401
        import torch

        zennit_parts()
    except ImportError as error:
        raise MissingExtra(
            f"the comparison needs {error.name}: pip install 'audioxai_jax[oracles]'"
        ) from None
    torch.set_num_threads(1)


def trials_of(options: argparse.Namespace) -> Iterator[list[Row]]:
    for name in options.truths:
        for seed in options.seeds:
            trial = TRUTHS[name].make(seed, clips=options.clips, data=options.data)
            for precision in PRECISIONS:
                rows = compare(trial, precision)
                yield [{"truth": name, "seed": seed, **row} for row in rows]


def compare(trial: Trial, precision: str, methods: Sequence[str] = tuple(SHARED)) -> list[Row]:
    """Rows of both sides, one for each method, and first one of the logits.

    Args:
      trial: one whose network `torch_network.replica` knows, explained in samples.
      precision: key of PRECISIONS, of both sides.
      methods: keys of SHARED.

    Raises:
      ValueError: for another trial.
    """
    import torch

    if trial.classifier is None:
        raise ValueError("this truth's examples are no sounds: it has no counterpart in torch")
    if merged_shape(trial) != trial.examples.shape[1:]:
        raise ValueError("this truth is not scored by samples, which the module of torch reads")
    dtype = PRECISIONS[precision]
    net = replica(trial.classifier).to(getattr(torch, np.dtype(dtype).name))
    rows = []
    with jax.enable_x64(precision == "double"):
        cast = in_precision(trial, dtype)
        sounds = np.asarray(cast.examples)
        ours, theirs = logits(cast), net(torch.tensor(sounds)).detach().numpy()
        rows.append({"method": "logits", "package": "torch", "precision": precision})
        rows[0]["difference"] = difference(ours, theirs)
        for name in methods:
            shared = SHARED[name]
            ours, _ = explained(cast, shared.ours(labels(cast)), key=KEY)
            theirs = by_torch(net, cast, shared.theirs)
            row = {"method": name, "package": shared.package, "precision": precision}
            row["difference"] = difference(ours, theirs)
            row |= {"ours": means(cast, ours), "theirs": means(cast, theirs)}
            rows.append(row)
    return rows


def in_precision(trial: Trial, dtype: Any) -> Trial:
    """The trial with all its floating numbers in a precision."""
    cast = lambda leaf: leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
    view, examples = jax.tree.map(lambda leaf: cast(np.asarray(leaf)), (trial.view, trial.examples))
    return dataclasses.replace(trial, view=view, examples=examples)


def labels(trial: Trial) -> np.ndarray:
    """The segment of each sample, `[T]`."""
    return np.broadcast_to(trial.segments, trial.examples.shape[1:])


def logits(trial: Trial) -> np.ndarray:
    return np.asarray(map_examples(_logits, trial.view, jnp.asarray(trial.examples), key=KEY))


def _logits(view: Any, example: Any, key: Any) -> Any:
    del key
    model, features = view(example)
    return model(features)


def by_torch(net: Any, trial: Trial, call: Any) -> np.ndarray:
    """Their relevance of each sound, `[N, T]`."""
    import torch

    segments = torch.tensor(labels(trial).astype(np.int64)[None])
    double, made = trial.examples.dtype == np.float64, []
    with double_in_torch() if double else contextlib.nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum warns of its own hooks
        for sound, target in zip(trial.examples, trial.targets, strict=True):
            rows = torch.tensor(sound[None], requires_grad=True)
            made.append(call(net, rows, int(target), segments).detach().numpy()[0])
    return np.stack(made)


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest of any example, over the largest of theirs of that example."""
    flat = lambda values: np.abs(values.astype(np.float64)).reshape(len(values), -1).max(axis=1)
    return float((flat(ours - theirs) / np.maximum(flat(theirs), np.finfo(np.float64).tiny)).max())


def means(trial: Trial, relevance: np.ndarray) -> dict[str, float]:
    """Mean of each score over examples that have one; NaN if none has."""
    told = {name: values[~np.isnan(values)] for name, values in scores(trial, relevance).items()}
    return {name: float(np.mean(v)) if len(v) else float("nan") for name, v in told.items()}


def equal(row: Row) -> bool:
    """Whether both sides of a row are: relevance, and every score that either has."""
    pairs = [(value, row["theirs"][name]) for name, value in row.get("ours", {}).items()]
    pairs = [pair for pair in pairs if not np.isnan(pair).all()]
    apart = [row["difference"], *(abs(ours - theirs) for ours, theirs in pairs)]
    return all(value <= TOLERANCE for value in apart)


def table(rows: Sequence[Row]) -> list[list[str]]:
    """Rows as text; scores as ours / theirs."""
    names = list(dict.fromkeys(name for row in rows for name in row.get("ours", {})))
    lines = [["truth", "seed", "method", "package", "precision", "difference", *names]]
    for row in rows:
        pair = lambda name: f"{row['ours'][name]:.4f} / {row['theirs'][name]:.4f}"  # noqa: B023
        told = [pair(name) if name in row.get("ours", {}) else "" for name in names]
        begin = [str(row[name]) for name in ("truth", "seed", "method", "package", "precision")]
        lines.append([*begin, f"{row['difference']:.1e}", *told])
    return lines


if __name__ == "__main__":
    sys.exit(run_main(main))
