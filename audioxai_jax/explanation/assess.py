"""A look at a model before it is explained: what would make an explanation say nothing.

Some models cannot be explained by some methods, and their numbers do not show it. A model that
divides a clip by its own level gives one answer at all levels: on the way from silence to the clip
its output does not change, so that integrated gradients sum to 0, and a comparison with silence
says anything. `assess` evaluates the model and its gradient at a few points of that way.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.attribution.deep_lift import deep_lift
from audioxai_jax.attribution.options import baseline_like
from audioxai_jax.core.checks import as_audio, as_input
from audioxai_jax.core.contracts import check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_logits
from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import as_model, output_shape
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.explanation.assessment import LEVELS, Assessment, of
from audioxai_jax.explanation.views import view
from audioxai_jax.propagation.softmax_check import ending
from audioxai_jax.tracing.not_finite import first_not_finite
from audioxai_jax.types import Classifier, Model

EQUAL = 1e-3
"""Largest change of the outputs along the way, beside their own size, that counts as rounding."""

SATURATED = 1e-3
"""Largest sum of all |gradient x (x - baseline)|, beside the change of the output."""


@relaxed()
def assess(
    model: Classifier | Model,
    x: Array,
    *,
    baseline: Array | float | None = None,
    target: int | str | None = None,
    domain: Domain | None = None,
    residual: str | None = None,
) -> Assessment:
    """What a model does on the way from a baseline to one input, before that is explained.

    Its outputs and their gradients are evaluated at five points. One program, compiled once for a
    model and a shape.

    Args:
      model: a `Classifier`, or any model of features.
      x: audio `[T]` at the domain's rate for a classifier, else the model's input.
      baseline: start of the way: the method's baseline, a number or an array of the features; 0
        if None.
      target: output to explain, its number or its label; the largest if None.
      domain: explained domain of a classifier; what it reads if None.
      residual: "keep" as `explain` has it.

    Returns:
      An `Assessment`: `print(*assess(..).lines(), sep="\\n")`.

    Raises:
      WrongType, ValueError: as `explain`, and for a domain of a plain function.

    >>> peak = lambda x: x[:1] / jnp.max(jnp.abs(x))
    >>> assess(peak, jnp.array([0.5, -0.25])).ignores_level
    True
    """
    labels, outputs, axes = getattr(model, "labels", None), getattr(model, "outputs", None), ()
    if isinstance(model, Classifier):
        function, x, axes = view(model, as_audio(x), domain, residual)
    elif domain is not None:
        raise ValueError("a function has no domain: give a Classifier, or leave out domain=")
    else:
        check_model(model, "the model")
        function, x = as_model(model), as_input(x)
    baseline = 0.0 if baseline is None else baseline
    start = baseline_like(baseline, x)
    logits = output_shape(function, x)
    check_logits(logits, "the model")
    if target is not None:
        chosen = as_targets(target, labels)
        check_classes(chosen, logits.shape[0])
    else:
        chosen = jnp.argmax(_outputs(function, x))
    seen = jax.tree.map(np.asarray, _look(function, x, start, jnp.asarray(chosen)))
    found = _read(function, (x, start), baseline, int(chosen), seen, axes)
    return dataclasses.replace(found, ends_in=None) if outputs == "value" else found


def _read(
    model: Model,
    ends: tuple[Array, Array],
    baseline: Any,
    target: int,
    seen: tuple[np.ndarray, ...],
    axes: tuple[Axis, ...],
) -> Assessment:
    outputs, reached, finite, total = seen
    outputs, (x, start) = outputs.astype(np.float64), ends
    change = abs(outputs[0, target] - outputs[-1, target])
    change = change if np.isfinite(change) else abs(outputs[0, target])
    strength = float(total) / max(change, np.finfo(np.float64).tiny)
    moves = bool(jnp.any(x != start))
    bad = None if np.isfinite(outputs[-1]).all() else _named(model, start, None)
    flat = moves and _flat(outputs)
    return Assessment(
        target=target,
        outputs=outputs,
        baseline=baseline,
        ignores_level=flat,
        gap=_reference_gap(model, x, start, target) if flat and bad is None else np.nan,
        nan_at_baseline=bad,
        nan_gradient=_bad_gradient(model, ends, target, finite, bad is None),
        nan_on_the_way=not finite[1:-1].all(),
        ends_in=ending(model, x),
        ignored=float(1 - np.mean(reached)),
        spans=_spans(reached, axes),
        silent=_silent(reached, np.asarray(x)),
        unit=axes[0].unit if axes else "",
        strength=strength,
        saturated=bool(change > 0 and strength < SATURATED),
    )


@compiled
def _outputs(model: Model, x: Array) -> Array:
    return model(x)


@compiled
def _look(model: Model, x: Array, start: Array, target: Array) -> tuple[Array, ...]:
    """Outputs `[5, K]`, where any gradient is not 0, whether each is finite, |gradient x way|."""

    def at(level: Array) -> tuple[Array, Array]:
        point = jnp.where(level == 1, x, start + level * (x - start))
        values, pull = jax.vjp(model, point)
        wanted = (jnp.arange(values.shape[0]) == target).astype(values.dtype)
        return values, pull(wanted)[0]

    values, slopes = jax.lax.map(at, jnp.asarray((*LEVELS, 0.0), x.dtype))
    finite = jnp.all(jnp.isfinite(slopes), axis=tuple(range(1, slopes.ndim)))
    total = jnp.sum(jnp.abs(slopes[0] * (x - start)))
    return values, jnp.any(slopes != 0, axis=0), finite, total


def _flat(outputs: np.ndarray) -> bool:
    """Whether what is before the baseline is equal, beside its size or its distance from it."""
    way, last = outputs[:-1], outputs[-1]
    if not np.isfinite(way).all():
        return False
    distance = np.abs(way[0] - last)
    size = max(np.abs(way[0]).max(), distance[np.isfinite(distance)].max(initial=0))
    return bool(np.abs(way - way[0]).max() <= EQUAL * size)


def _reference_gap(model: Model, x: Array, start: Array, target: int) -> float:
    """By how much DeepLIFT's sum is off; NaN where it cannot be computed."""
    try:
        return float(_deep_lift_gap(model, x, start, jnp.asarray(target)))
    except ValueError:
        return np.nan


@compiled
def _deep_lift_gap(model: Model, x: Array, start: Array, target: Array) -> Array:
    method = deep_lift(baseline=start)
    return method(model, x, target, key=jax.random.key(0)).info["completeness_gap"]


def _bad_gradient(
    model: Model, ends: tuple[Array, Array], target: int, finite: np.ndarray, numbers: bool
) -> str | None:
    """Where the gradient is not finite, and which operation makes it; None if all are."""
    x, start = ends
    if not finite[0]:
        return f"at the clip{of(_named(model, x, target))}"
    if numbers and not finite[-1]:
        return f"at the baseline{of(_named(model, start, target))}"
    return None


def _named(model: Model, x: Array, target: int | None) -> str:
    """The operation that makes an output, or a target's gradient, not finite; "" if unknown."""
    culprit = first_not_finite(model, x, target)
    return "" if culprit is None else culprit.place


def _silent(reached: np.ndarray, x: np.ndarray) -> float:
    """Share of zeros among the features without a gradient."""
    return 0.0 if reached.all() else float(np.mean(x[~reached] == 0))


def _spans(reached: np.ndarray, axes: tuple[Axis, ...]) -> tuple[tuple[float, float], ...]:
    """Stretches of the first axis in which nothing is reached, by the axis' values or numbers."""
    steps = np.asarray(reached).reshape(reached.shape[0], -1).max(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], steps, [True]]).astype(int)))
    values = axes[0].values if axes else np.arange(steps.size)
    return tuple(
        (float(values[first]), float(values[last - 1]))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    )
