"""Deletion curves: what a model still says when the highest-ranking part of its input is gone.

The test of arXiv 1807.03418 for waveforms: a fraction of the samples is zeroed by relevance, by
amplitude and at random. Where relevance tells what the model uses, its curve falls first.
FreqRISE (NLDL 2025) draws the softmax of the true class instead of accuracy, and deletes in
frequency and in time-frequency as well, see `domains`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.logits import decision, probabilities
from audioxai_jax.core.records import Static, as_model
from audioxai_jax.engine.batch import check_targets
from audioxai_jax.perturbation.domains import Domain, samples
from audioxai_jax.perturbation.edits import at_random, by_amplitude, places, without
from audioxai_jax.synthesis.masks import kept_count
from audioxai_jax.types import Model

EVALUATIONS = 64
"""Of the model at once: more costs memory and, on CPU, saves no time."""
RESERVED = ("amplitude", "random", "original")


def deletion_curves(
    model: Model,
    inputs: Array | np.ndarray,
    labels: Array | np.ndarray,
    relevance: Mapping[str, Array | np.ndarray],
    fractions: Iterable[float],
    *,
    key: Array,
    draws: int = 5,
    domain: Domain | None = None,
    among: Array | np.ndarray | None = None,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> dict[str, dict[str, Array]]:
    """Answers of a model to its inputs with more and more deleted, by several rankings.

    Example i draws from `fold_in(key, first_index + i)`: but for the last digits, results do not
    depend on chunks and devices, nor on which methods are compared. One compilation serves all
    fractions, parameters and inputs of one shape.

    Args:
      model: one input to logits `[K]`.
      inputs: `[N, ...]`, floating point.
      labels: the true class of each, integers `[N]`.
      relevance: by the name of the method; signed, `[N, ...]` in the shape of the domain's
        coefficients; the largest is deleted first.
      fractions: M of them, in [0, 1], of all coefficients, or of those `among`.
      key: for the random rankings.
      draws: random rankings per example, of which the mean is returned.
      domain: where is deleted; `samples()`, the inputs as they are, if None.
      among: True for the coefficients that may be deleted, `[N, ...]`; all if None. A clip
        padded with zeros has many samples whose deletion does nothing: they flatter the
        random ranking, which `inputs != 0` prevents.
      chunk: examples at once and per device, see `batching.map_examples`; all edits of an
        example are evaluated together. "auto" is about EVALUATIONS of the model at once.
      devices: examples are spread over these; all local devices if None.
      first_index: index of the first example in a larger collection.

    Returns:
      By ranking, the names of `relevance`, "amplitude" and "random", what `answer` says: by
      its names, `[N, M]`. "original" has the answers to the whole inputs, `[N]`, which a
      fraction of 0 gives too. Each example costs 1 + M (rankings + 1 + draws) evaluations.

    Raises:
      ValueError: for shapes, labels, names, fractions or draws that do not fit, and for inputs
        or relevance that are not finite, before anything is computed.
    """
    domain = samples() if domain is None else domain
    model = as_model(model)
    inputs = _array(inputs, "inputs")
    one = jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype)
    shape = (inputs.shape[0], *jax.eval_shape(domain.analyse, one).shape)
    given = {
        name: _array(values, f"relevance {name!r}", shape) for name, values in relevance.items()
    }
    if np.ndim(labels) != 1:
        raise ValueError(f"labels are one class for each input [N], got {list(np.shape(labels))}")
    labels = check_targets(model, inputs, labels)  # type: ignore[arg-type]
    if taken := [name for name in RESERVED if name in given]:
        raise ValueError(f"relevance cannot be named {taken[0]!r}: that is a ranking of its own")
    if draws < 1:
        raise ValueError(f"at least one random ranking is drawn, got {draws}")
    counts = _counts(fractions, among, shape)
    if chunk == "auto":
        chunk = max(1, EVALUATIONS // (counts.shape[1] * (len(given) + 1 + draws)))
    return map_examples(
        _curves,
        (model, domain, Static(draws)),
        (inputs, labels, given, among, counts),
        key=key,
        chunk=chunk,
        devices=devices,
        first_index=first_index,
    )


def answer(model: Model, x: Array, label: Array, prediction: Array) -> dict[str, Array]:
    """What a model says of an input that was edited, scalars.

    Returns:
      "label": 1 if it is the true class, else 0; "prediction": 1 if it is what the model said
      before; "probability": the softmax of the true class. A single logit says 0 if it is above
      0, else 1, and its probability is the sigmoid. NaN where a logit is not finite: that is
      neither right nor wrong.
    """
    logits = model(x)
    said = decision(logits)
    found = {
        "label": (said == label) * 1.0,
        "prediction": (said == prediction) * 1.0,
        "probability": probabilities(logits)[label],
    }
    finite = jnp.all(jnp.isfinite(logits))
    return jax.tree.map(lambda value: jnp.where(finite, value, jnp.nan), found)


def _curves(shared: Any, example: Any, key: Array) -> dict[str, dict[str, Array]]:
    """The curves of one example: rankings once, then all edits at once."""
    model, domain, draws = shared
    x, label, relevance, among, counts = example
    coefficients = domain.analyse(x)
    drawn = jax.vmap(at_random, in_axes=(None, None, 0))(
        x, domain, jax.random.split(key, draws.value)
    )
    scores = jnp.stack([*relevance.values(), by_amplitude(x, domain), *drawn])
    order = jax.vmap(places, in_axes=(0, None))(scores, among)
    prediction = decision(model(x))

    def look(edit: tuple[Array, Array]) -> dict[str, Array]:
        ranking, count = edit
        edited = without(coefficients, order[ranking], count, domain.fill)
        return answer(model, domain.synthesise(edited, x), label, prediction)

    rankings, points = len(scores), counts.shape[0]
    edits = (jnp.repeat(jnp.arange(rankings), points), jnp.tile(counts, rankings))
    looked = jax.vmap(look)(edits)  # convolutions within a loop take three times as long on CPU
    curves = jax.tree.map(lambda values: values.reshape(rankings, points), looked)

    def of(ranking: int | slice) -> dict[str, Array]:
        return jax.tree.map(lambda values: values[ranking], curves)

    found = {name: of(number) for number, name in enumerate([*relevance, "amplitude"])}
    random = jax.tree.map(lambda values: jnp.mean(values, axis=0), of(slice(len(found), None)))
    return {**found, "random": random, "original": answer(model, x, label, prediction)}


def _array(values: Any, name: str, shape: tuple[int, ...] | None = None) -> Array | np.ndarray:
    """Values where they are, on the host or not, in the precision that JAX gives them."""
    if not isinstance(values, Array):
        values = np.asarray(values)
        values = values.astype(jax.dtypes.canonicalize_dtype(values.dtype), copy=False)
    if values.ndim == 0 or values.shape[0] == 0:
        raise ValueError(f"{name} must be a batch [N, ...], got {list(values.shape)}")
    if shape is not None and values.shape != shape:
        raise ValueError(f"{name} is {list(values.shape)}, expected {list(shape)} in this domain")
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise ValueError(f"{name} is {values.dtype}, expected floating point: convert it first")
    numbers = jnp if isinstance(values, Array) else np
    fine = np.asarray(numbers.isfinite(values).reshape(values.shape[0], -1).all(axis=1))
    if not fine.all():
        raise ValueError(f"{name} of example {int(np.argmin(fine))} is not finite")
    return values


def _counts(
    fractions: Iterable[float], among: Array | np.ndarray | None, shape: tuple[int, ...]
) -> np.ndarray:
    """How many coefficients are deleted of each example, `[N, M]`."""
    given = np.asarray(list(fractions), float)
    if given.ndim != 1 or given.size == 0 or not np.all((given >= 0) & (given <= 1)):
        raise ValueError(f"fractions are numbers between 0 and 1, got {given.tolist()}")
    sizes = np.full(shape[0], math.prod(shape[1:]))
    if among is not None:
        if among.shape != shape or not np.issubdtype(among.dtype, np.bool_):
            raise ValueError(
                f"among is {among.dtype} {list(among.shape)}, expected bool {list(shape)}"
            )
        sizes = np.asarray(among.reshape(shape[0], -1).sum(axis=1))
    counts = [[kept_count(float(fraction), int(size)) for fraction in given] for size in sizes]
    return np.asarray(counts, np.int32)
