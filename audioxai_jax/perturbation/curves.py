"""Perturbation curves: what a model says as features of one sound are deleted, or kept, in order.

S. Bach et al., PLoS ONE 10(7), 2015 (pixel flipping); W. Samek et al., IEEE TNNLS 28(11), 2017
(most and least relevant first); V. Petsiuk et al., "RISE", BMVC 2018 (deletion; insertion, which
keeps more and more). What stands for absent features decides much of the result: say which base it
was. Numbers made of curves are in `metrics.curve_scores`.

For many sounds, methods and controls at once, see `perturbation.deletion`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.perturbation.ask import answer, check_question
from audioxai_jax.perturbation.edit import check_edit, edit_first
from audioxai_jax.perturbation.fractions import Fractions, unit_counts
from audioxai_jax.perturbation.rank import (
    check_order,
    find_units,
    order_positions,
    random_scores,
    rank_positions,
    unit_number,
    unit_scores,
)
from audioxai_jax.types import Model

Value = float | Array | np.ndarray


@checked
def perturbation_curve(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array,
    *,
    edit: str = "delete",
    order: str = "morf",
    fractions: Fractions = 20,
    base: Value | None = None,
    question: str = "probability",
    domain: Domain | None = None,
    units: np.ndarray | None = None,
    chunk: int | None = None,
) -> Array:
    """What a model says with a growing fraction of the features deleted, or kept.

    A curve of deletion that falls soon, and one of keeping that rises soon, speak for the
    relevance. Of n units, exactly `round(fraction * n)`, halves to even, are edited. Ties go to
    the lowest index first, and "lerf" is the reverse of "morf" to the last tie: to keep the most
    relevant k is to delete the least relevant n - k.

    Args:
      model: one input to logits `[K]`: a function of features, or, with a domain, of audio.
      x: input of the model, floating point: the features, or, with a domain, the audio `[T]`.
      relevance: relevance of the features; signed, or made absolute by the caller. With axes of
        length 1 it ranks what it is given for: `[F, 1]` the frames of features `[F, C]`, `[1, C]`
        channels.
      target: class whose output is asked for; the true class if "class" shall ask for that.
      edit: "delete" starts from all features, "keep" from nothing but the base.
      order: "morf", most relevant first; "lerf", least relevant first.
      fractions: M of them in [0, 1], which may be traced; or a number of equal steps S from 0 to
        1, with M = S + 1.
      base: values that stand for absent features: a number, or an array that broadcasts to them.
        The domain's own if None, 0 without a domain. Of `synthesis.bases`, call one first:
        `silence()(domain, features, audio, key)`.
      question: see `ask.answer`. A `Classifier` says what its outputs are.
      domain: view of the audio whose features are edited; None if x is the features.
      units: labels of the units, see `rank.unit_scores`; the domain's
        default if None, each feature by itself without a domain.
      chunk: evaluations of the model at once, which bounds memory; all if None. Loops over
        convolutions are slow on CPU.

    Returns:
      `[M]`; NaN where a logit is not finite or a traced fraction is outside [0, 1], and throughout
      if relevance holds NaN.

    Raises:
      ValueError: for shapes, names, fractions or a target that do not fit.
    """
    check_order(order)
    view = _view(model, x, domain, base)
    shape = view.features.shape
    labels = find_units(relevance.shape, shape, _default_units(domain, shape, units, relevance))
    own = labels if relevance.shape == shape else None
    positions = order_positions(unit_scores(relevance, own, rank="signed"), order)
    settings = {"edit": edit, "question": question, "units": labels, "chunk": chunk}
    curves = _ask_all(view, target, positions[None], fractions, **settings)
    return jnp.where(jnp.any(jnp.isnan(relevance)), jnp.nan, curves[0])


@checked
def random_curves(
    model: Model,
    x: Array,
    target: int | Array,
    *,
    key: Array,
    draws: int = 20,
    edit: str = "delete",
    fractions: Fractions = 20,
    base: Value | None = None,
    question: str = "probability",
    domain: Domain | None = None,
    units: np.ndarray | None = None,
    chunk: int | None = None,
) -> Array:
    """The curves of rankings drawn at random: what relevance must beat, see `band`.

    Args:
      model: one input to logits `[K]`, of features or, with a domain, of audio.
      x: input of the model, floating point.
      target: class whose output is asked for.
      key: consumed.
      draws: number of rankings.
      edit: "delete" or "keep", see `perturbation_curve` for this and all that follow.
      fractions: M of them, or a number of equal steps.
      base: values that stand for absent features.
      question: question that is asked.
      domain: view of the audio whose features are edited.
      units: labels of the units.
      chunk: evaluations of the model at once.

    Returns:
      `[draws, M]`.

    Raises:
      ValueError: as `perturbation_curve`, or for fewer than one draw.
    """
    if draws < 1:
        raise ValueError(f"at least one ranking is drawn, got {draws}")
    view = _view(model, x, domain, base)
    shape = view.features.shape
    labels = find_units(shape, shape, _default_units(domain, shape, units, None))

    def draw(key: Array) -> Array:
        return rank_positions(random_scores(key, unit_number(shape, labels)))

    positions = jax.vmap(draw)(jax.random.split(key, draws))
    settings = {"edit": edit, "question": question, "units": labels, "chunk": chunk}
    return _ask_all(view, target, positions, fractions, **settings)


def band(curves: Array, level: float = 0.95) -> dict[str, Array]:
    """Mean and quantiles of curves, or of numbers made of them, over the draws.

    Args:
      curves: `[draws, ...]`.
      level: share of the draws between "low" and "high".

    Returns:
      "mean", "low", "high", `[...]`. NaN where a draw is.

    Raises:
      ValueError: for a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must be between 0 and 1, got {level}")
    low, high = (1 - level) / 2, (1 + level) / 2
    return {
        "mean": jnp.mean(curves, axis=0),
        "low": jnp.quantile(curves, low, axis=0),
        "high": jnp.quantile(curves, high, axis=0),
    }


class _View(NamedTuple):
    """Features, what stands for them, and the model seen from them."""

    features: Array
    base: Array
    model: Callable[[Array], Array]
    outputs: str | None


def _view(model: Model, x: Array, domain: Domain | None, base: Value | None) -> _View:
    features = x if domain is None else domain.analyse(x)
    shape = features.shape
    if base is None:
        base = 0.0 if domain is None else domain.base(features)
    fits = not isinstance(base, str) and np.ndim(base) <= len(shape)
    fits = fits and all(a in (1, b) for a, b in zip(np.shape(base)[::-1], shape[::-1]))
    if not fits or callable(base):
        told = list(np.shape(base)) if not isinstance(base, str) and not callable(base) else base
        raise ValueError(
            f"the base is {told!r}, but the features are {list(shape)}: give a number or an array "
            "that broadcasts to them"
        )
    filled = jnp.broadcast_to(jnp.asarray(base, features.dtype), shape)
    seen = model if domain is None else lambda edited: model(domain.synthesise(edited, x))
    return _View(features, filled, seen, getattr(model, "outputs", None))


def _default_units(
    domain: Domain | None,
    shape: tuple[int, ...],
    units: np.ndarray | None,
    relevance: Array | None,
) -> np.ndarray | None:
    """The units that were given, or the domain's first; None if relevance is that of units."""
    whole = relevance is None or relevance.shape == shape
    if units is not None or domain is None or not whole:
        return units
    return next(iter(domain.units(shape).values()))


def _ask_all(view: _View, target: Any, positions: Array, fractions: Fractions, **how: Any) -> Array:
    """`[R, M]`: all edits of all rankings `[R, n]`, at once or in chunks."""
    check_edit(how["edit"])
    check_question(how["question"])
    counts = unit_counts(fractions, positions.shape[1])
    whole = view.model(view.features) if how["question"] == "agreement" else None

    def one(which: tuple[Array, Array]) -> Array:
        ranking, count = which
        edited = edit_first(
            how["edit"], view.features, positions[ranking], count, view.base, how["units"]
        )
        logits = view.model(edited)
        value = answer(how["question"], logits, target, whole=whole, outputs=view.outputs)
        return jnp.where(count < 0, jnp.nan, value)

    rankings, points = positions.shape[0], counts.shape[0]
    edits = (jnp.repeat(jnp.arange(rankings), points), jnp.tile(counts, rankings))
    if how["chunk"] is None:
        answers = jax.vmap(one)(edits)
    else:
        answers = jax.lax.map(one, edits, batch_size=how["chunk"])
    return answers.reshape(rankings, points)
