"""Deletion curves: what a model still says when the highest-ranking part of its input is gone.

S. Becker et al., arXiv 1807.03418, for waveforms: a fraction of the samples is zeroed by
relevance, by magnitude and at random. Where relevance tells what the model uses, its curve falls
first. T. Bruesch et al., "FreqRISE", NLDL 2025, draw the softmax of the true class instead of
accuracy, and delete in frequency and in time-frequency as well. Both here, in any domain.

The fraction is of all units, as in the papers. In a clip padded with zeros most of a random
selection then changes nothing; `among` counts and deletes among some only.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.logits import decision
from audioxai_jax.core.records import Static, as_model
from audioxai_jax.domains.grid import unit_grid, unit_name
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.engine.batch import check_targets
from audioxai_jax.perturbation.ask import probability, says
from audioxai_jax.perturbation.edit import edit_first
from audioxai_jax.perturbation.fractions import host_fractions
from audioxai_jax.perturbation.hearable import counted_size
from audioxai_jax.perturbation.rank import (
    kept_count,
    random_scores,
    rank_positions,
    unit_number,
    unit_scores,
)
from audioxai_jax.types import Model

EVALUATIONS = 64
"""Of the model at once: more costs memory and, on CPU, saves no time."""
RESERVED = ("magnitude", "random", "original")
Rows = Array | np.ndarray


def deletion_curves(
    model: Model,
    inputs: Rows,
    labels: Rows,
    relevance: Mapping[str, Rows],
    fractions: Sequence[float] | np.ndarray,
    *,
    key: Array,
    draws: int = 5,
    domain: Domain | None = None,
    unit: str | None = None,
    base: float | Rows | None = None,
    magnitude: Rows | None = None,
    among: Rows | None = None,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> dict[str, dict[str, Array]]:
    """Answers of a model to its inputs with more and more deleted, by several rankings.

    Example i draws from `fold_in(key, first_index + i)`: but for the last digits, results do not
    depend on chunks and devices, nor on which methods are compared. One compilation serves all
    fractions, parameters and inputs of one shape.

    Args:
      model: one input to logits `[K]`: a function of features, or, with a domain, of audio.
      inputs: features `[N, ...]`, or, with a domain, audio `[N, T]`; floating point.
      labels: the true class of each, integers `[N]`.
      relevance: relevance by the name of the method; signed, `[N, ...]` in the shape of the
        features, or with axes of length 1 for relevance of units; the largest is deleted first.
      fractions: M of them, in [0, 1], of all units, or of those `among`.
      key: key for the random rankings.
      draws: random rankings per example, of which the mean is returned.
      domain: view of the audio whose features are deleted; None if the inputs are features.
      unit: name of the unit that is deleted as one, see `Domain.units`; the domain's first if
        None, each feature by itself without a domain.
      base: values that stand for deleted features: a number, or an array that broadcasts to those
        of one example. The domain's own if None, 0 without a domain.
      magnitude: how large each feature is, `[N, ...]`, for the control; `domain.size`, or
        the absolute value of the features, if None.
      among: True for the units that may be deleted, bool `[N, ...]`, shaped as the units' labels;
        all if None. `inputs != 0` leaves out zeros that a clip was padded with.
      chunk: examples at once and per device, see `batching.map_examples`; all edits of an
        example are evaluated together. "auto" is about EVALUATIONS of the model at once.
      devices: examples are spread over these; all local devices if None.
      first_index: index of the first example in a larger collection.

    Returns:
      By ranking, the names of `relevance`, "magnitude" and "random", the answers by their names
      in `ask_labels`, `[N, M]`. "original" has the answers to the whole inputs, `[N]`, which a
      fraction of 0 gives too. Each example costs 1 + M (rankings + 1 + draws) evaluations.

    Raises:
      ValueError: for shapes, labels, names, fractions or draws that do not fit, and for inputs
        or relevance that are not finite, before anything is computed.
    """
    model = as_model(model)
    inputs = _array(inputs, "inputs")
    number, shape = inputs.shape[0], _feature_shape(inputs, domain)
    units = _units(domain, unit, shape)
    whole, parts = (number, *shape), (number, *(shape if units is None else units.shape))
    ranked = {
        name: _array(rows, f"relevance {name!r}", whole, parts) for name, rows in relevance.items()
    }
    if magnitude is not None:
        magnitude = _array(magnitude, "magnitude", whole, parts)
    if np.ndim(labels) != 1:
        raise ValueError(f"labels are one class for each input [N], got {list(np.shape(labels))}")
    labels = check_targets(model, inputs, labels)  # type: ignore[arg-type]
    if taken := [name for name in RESERVED if name in ranked]:
        raise ValueError(f"relevance cannot be named {taken[0]!r}: that is a ranking of its own")
    if draws < 1:
        raise ValueError(f"at least one random ranking is drawn, got {draws}")
    counts = _counts(fractions, among, parts, unit_number(shape, units))
    if chunk == "auto":
        chunk = max(1, EVALUATIONS // (counts.shape[1] * (len(ranked) + 1 + draws)))
    return map_examples(
        _curves,
        (model, domain, base, Static((draws, unit))),
        (inputs, labels, ranked, magnitude, among, counts),
        key=key,
        chunk=chunk,
        devices=devices,
        first_index=first_index,
    )


def ask_labels(logits: Array, label: Array, prediction: Array) -> dict[str, Array]:
    """What a model says of an input that was edited, scalars.

    Returns:
      "label": 1 if it is the true class, else 0; "prediction": 1 if it is what the model said
      before; "probability": that of the true class. NaN where a logit is not finite: that is
      neither right nor wrong.
    """
    return {
        "label": says(logits, label),
        "prediction": says(logits, prediction),
        "probability": probability(logits, label),
    }


def _curves(shared: Any, example: Any, key: Array) -> dict[str, dict[str, Array]]:
    """The curves of one example: rankings once, then all edits at once."""
    model, domain, base, static = shared
    x, label, relevance, magnitude, among, counts = example
    draws, unit = static.value
    features = x if domain is None else domain.analyse(x)
    units = _units(domain, unit, features.shape)
    if base is None:
        base = 0.0 if domain is None else domain.base(features)
    if magnitude is None:
        magnitude = _size(domain, unit, features)
    number = unit_number(features.shape, units)
    scores = [_scores(rows, features.shape, units) for rows in relevance.values()]
    scores.append(_scores(magnitude, features.shape, units))
    scores += [random_scores(draw, number) for draw in jax.random.split(key, draws)]
    among = None if among is None else among.ravel()
    positions = jax.vmap(rank_positions, in_axes=(0, None))(jnp.stack(scores), among)
    whole = model(x)
    prediction = decision(whole)

    def ask(edit: tuple[Array, Array]) -> dict[str, Array]:
        ranking, count = edit
        edited = edit_first("delete", features, positions[ranking], count, base, units)
        edited = edited if domain is None else domain.synthesise(edited, x)
        return ask_labels(model(edited), label, prediction)

    rankings, points = len(scores), counts.shape[0]
    edits = (jnp.repeat(jnp.arange(rankings), points), jnp.tile(counts, rankings))
    answers = jax.vmap(ask)(edits)  # convolutions within a loop take three times as long on CPU
    curves = jax.tree.map(lambda values: values.reshape(rankings, points), answers)

    def of(ranking: int | slice) -> dict[str, Array]:
        return jax.tree.map(lambda values: values[ranking], curves)

    rows = {name: of(index) for index, name in enumerate([*relevance, "magnitude"])}
    random = jax.tree.map(lambda values: jnp.mean(values, axis=0), of(slice(len(rows), None)))
    return {**rows, "random": random, "original": ask_labels(whole, label, prediction)}


def _scores(rows: Array, shape: tuple[int, ...], units: np.ndarray | None) -> Array:
    """Scores of the units, `[n]`, of relevance of the features, or of the units themselves."""
    return unit_scores(rows, units if rows.shape == shape else None, rank="signed")


def _size(domain: Domain | None, unit: str | None, features: Array) -> Array:
    """How large each feature is, or 0 where it does not tell how large its unit is."""
    if domain is None:
        return jnp.abs(features)
    grid = unit_grid(domain, features.shape, unit_name(domain, features.shape, unit))
    return counted_size(domain.size(features), grid)


def _feature_shape(inputs: Rows, domain: Domain | None) -> tuple[int, ...]:
    one = jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype)
    return one.shape if domain is None else jax.eval_shape(domain.analyse, one).shape


def _units(domain: Domain | None, unit: str | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Labels of the units of that name; the domain's first if None."""
    if domain is None:
        if unit is not None:
            raise ValueError(f"unit {unit!r} needs a domain: without one, each feature is its own")
        return None
    return domain.units(shape)[unit_name(domain, shape, unit)]


def _array(values: Any, name: str, *shapes: tuple[int, ...]) -> Rows:
    """Values where they are, on the host or not, in the precision that JAX gives them."""
    if not isinstance(values, Array):
        values = np.asarray(values)
        values = values.astype(jax.dtypes.canonicalize_dtype(values.dtype), copy=False)
    if values.ndim == 0 or values.shape[0] == 0:
        raise ValueError(f"{name} must be a batch [N, ...], got {list(values.shape)}")
    if shapes and values.shape not in shapes:
        wanted = " or ".join(str(list(shape)) for shape in dict.fromkeys(shapes))
        raise ValueError(f"{name} is {list(values.shape)}, expected {wanted} in this domain")
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise ValueError(f"{name} is {values.dtype}, expected floating point: convert it first")
    numbers = jnp if isinstance(values, Array) else np
    fine = np.asarray(numbers.isfinite(values).reshape(values.shape[0], -1).all(axis=1))
    if not fine.all():
        raise ValueError(f"{name} of example {int(np.argmin(fine))} is not finite")
    return values


def _counts(
    fractions: Sequence[float] | np.ndarray,
    among: Rows | None,
    shape: tuple[int, ...],
    units: int,
) -> np.ndarray:
    """How many units are deleted of each example, `[N, M]`."""
    points = host_fractions(list(fractions))
    sizes = np.full(shape[0], units)
    if among is not None:
        if among.shape != shape or among[0].size != units or among.dtype != bool:
            raise ValueError(
                f"among is {among.dtype} {list(among.shape)}, expected bool {list(shape)}, one "
                f"for each of {units} units"
            )
        sizes = np.asarray(among.reshape(shape[0], -1).sum(axis=1))
    counts = [[kept_count(float(fraction), int(size)) for fraction in points] for size in sizes]
    return np.asarray(counts, np.int32)
