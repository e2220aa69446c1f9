"""Perturbation curves: what a model says as one input is deleted, or inserted, bit by bit.

S. Bach et al., PLoS ONE 10(7), 2015 (pixel flipping); W. Samek et al., IEEE TNNLS 28(11), 2017
(most and least relevant first); V. Petsiuk et al., "RISE", BMVC 2018 (deletion, insertion).
What stands in for deleted features decides much of the result: say which it was. Numbers
made of curves are in `metrics.curve_scores`.

For many inputs, methods and controls at once, see `perturbation.deletion`.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.checked import checked
from audioxai_jax.core.logits import decision
from audioxai_jax.perturbation.domains import Domain, samples
from audioxai_jax.perturbation.edits import places, without
from audioxai_jax.synthesis.masks import kept_count
from audioxai_jax.types import Model, select

EDITS = ("delete", "insert")
ORDERS = ("morf", "lerf", "random")
READINGS = ("probability", "logit", "class", "agreement")

Fractions = int | Sequence[float] | np.ndarray | Array
Replacement = float | Array | np.ndarray | Callable[[Array, Array], Array]


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
    replacement: Replacement | None = None,
    read: str = "probability",
    domain: Domain | None = None,
    key: Array | None = None,
    batch: int | None = None,
) -> Array:
    """What the model says with a growing fraction of its input deleted, or inserted.

    A deletion curve that falls soon, an insertion curve that rises soon, and a curve of the least
    relevant that falls late speak for the relevance. Of n units, exactly `round(fraction * n)`,
    halves to even, are edited. Ties go to the lowest index first, and "lerf" is the reverse of
    "morf" to the last tie: inserting the most relevant k is deleting the least relevant n - k.

    Args:
      model: one input to logits `[K]`.
      x: one input, floating point.
      relevance: of the domain's coefficients; signed, or made absolute by the caller. Of
        their shape, or with axes of length 1, along which all is edited together: `[F, 1]` ranks
        the frames of a latent `[F, C]`, `[1, C]` its channels.
      target: class whose output is read; the true class if that is what "class" shall ask.
      edit: "delete" starts from the whole input, "insert" from nothing but the replacement.
      order: "morf", most relevant first; "lerf", least relevant first; "random".
      fractions: M of them in [0, 1], which may be traced; or a number of equal steps S from 0 to
        1, with M = S + 1.
      replacement: in place of what is deleted: anything that broadcasts to the coefficients, such
        as 0 or a mean, or a function `(coefficients, key) -> coefficients`, such as noise; the
        domain's fill if None, which is 0 for the input as it is. For latents, any base of
        `synthesis.bases` will do: `Partial(silence(), codec)`.
      read: "probability", softmax of the target's logit, once; "logit", the target's; "class", 1
        if the target has the largest logit, else 0; "agreement", 1 if the class with the
        largest logit is that of the whole input. Of a single logit the probability is its
        sigmoid, and its label is said where it is above 0.
      domain: where is edited, see `perturbation.domains`; the input as it is if None.
      key: for a random order or a replacement that is drawn.
      batch: evaluations of the model at once, which bounds memory; all if None. Loops over
        convolutions are slow on CPU.

    Returns:
      `[M]`; NaN where a logit is not finite or a traced fraction is outside [0, 1], and throughout
      if relevance holds NaN.

    Raises:
      ValueError: for shapes, names, fractions or a target that do not fit, and a missing key.
    """
    domain = samples() if domain is None else domain
    coefficients, counts, base, keys = _prepare(
        x, fractions, replacement, domain, key, np.shape(relevance)
    )
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}: choose one of {', '.join(ORDERS)}")
    if order == "random":
        turns = _at_random(keys[1], relevance.shape)
    else:
        turns = places(relevance)
    if order == "lerf":
        turns = relevance.size - 1 - turns
    looked = _look(
        model, x, target, coefficients, base, turns[None], counts, edit, read, domain, batch
    )
    return jnp.where(jnp.any(jnp.isnan(relevance)), jnp.nan, looked[0])


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
    replacement: Replacement | None = None,
    read: str = "probability",
    domain: Domain | None = None,
    units: tuple[int, ...] | None = None,
    batch: int | None = None,
) -> Array:
    """The curves of rankings drawn at random: what relevance must beat, see `band`.

    A replacement that is drawn is the one that `perturbation_curve` draws from the same key.

    Args:
      draws: rankings; the others as for `perturbation_curve`.
      units: shape of what is ranked, such as `(F, 1)`; that of the coefficients if None.

    Returns:
      `[draws, M]`.

    Raises:
      ValueError: as `perturbation_curve`, or for fewer than one draw.
    """
    if draws < 1:
        raise ValueError(f"at least one ranking is drawn, got {draws}")
    domain = samples() if domain is None else domain
    coefficients, counts, base, keys = _prepare(x, fractions, replacement, domain, key, units)
    shape = coefficients.shape if units is None else units
    turns = jax.vmap(_at_random, (0, None))(jax.random.split(keys[1], draws), shape)
    return _look(model, x, target, coefficients, base, turns, counts, edit, read, domain, batch)


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


def _prepare(
    x, fractions, replacement, domain: Domain, key, ranked: tuple[int, ...] | None
) -> tuple[Any, ...]:
    """Coefficients, the number of units edited at each point, the replacement, two keys."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"the input is {x.dtype}, expected floating point: convert it first")
    coefficients = domain.analyse(x)
    full = coefficients.shape
    shape = full if ranked is None else tuple(ranked)
    if len(shape) != len(full) or any(a not in (1, b) for a, b in zip(shape, full, strict=True)):
        raise ValueError(
            f"relevance is {list(shape)}, but there are {list(full)} coefficients in this "
            "domain: give it that shape, or axes of length 1"
        )
    replacement = domain.fill if replacement is None else replacement
    drawn = callable(replacement)
    keys = (None, None) if key is None else jax.random.split(key)
    if drawn and key is None:
        raise ValueError("a replacement that is a function needs a key")
    base: Any = replacement(coefficients, keys[0]) if drawn else replacement
    fits = all(a in (1, b) for a, b in zip(np.shape(base)[::-1], full[::-1], strict=False))
    if isinstance(base, str) or np.ndim(base) > len(full) or not fits:
        told = repr(base) if isinstance(base, str) else list(np.shape(base))
        raise ValueError(
            f"the replacement is {told}, but there are {list(full)} coefficients: give a number, "
            "an array that broadcasts to them, or a function (coefficients, key) -> coefficients"
        )
    base = jnp.broadcast_to(jnp.asarray(base, coefficients.dtype), full)
    return coefficients, _counts(fractions, int(np.prod(shape, dtype=int))), base, keys


def _counts(fractions: Fractions, units: int) -> Array:
    """Units edited at each point `[M]`; -1 for a traced fraction outside [0, 1]."""
    if isinstance(fractions, Tracer):
        traced = cast(Array, fractions)
        return jnp.where((traced >= 0) & (traced <= 1), kept_count(traced, units), -1)
    found = host_fractions(fractions)
    return jnp.asarray([kept_count(float(fraction), units) for fraction in found], jnp.int32)


def host_fractions(fractions: Fractions) -> np.ndarray:
    """Fractions `[M]` as float64, on the host; S equal steps if a whole number S is given.

    Raises:
      ValueError: if they are not in [0, 1], or there are none.
    """
    if isinstance(fractions, int | np.integer):
        if fractions < 1:
            raise ValueError(f"at least one step is made, got {fractions}")
        return np.linspace(0, 1, int(fractions) + 1)
    found = np.asarray(fractions, float)
    if found.ndim != 1 or found.size == 0 or not np.all((found >= 0) & (found <= 1)):
        raise ValueError(f"fractions are numbers between 0 and 1, got {found.tolist()}")
    return found


def _at_random(key: Array | None, shape: tuple[int, ...]) -> Array:
    if key is None:
        raise ValueError("a random order needs a key")
    return places(jax.random.uniform(key, shape))


def _look(model, x, target, coefficients, base, turns, counts, edit, read, domain, batch) -> Array:
    """`[R, M]`: all edits of all rankings `[R, ...]`, in one batch or in batches."""
    if edit not in EDITS:
        raise ValueError(f"unknown edit {edit!r}: choose one of {', '.join(EDITS)}")
    if read not in READINGS:
        raise ValueError(f"unknown reading {read!r}: choose one of {', '.join(READINGS)}")
    start, end = (coefficients, base) if edit == "delete" else (base, coefficients)
    whole = model(x) if read == "agreement" else None

    def one(which: tuple[Array, Array]) -> Array:
        ranking, count = which
        edited = without(start, turns[ranking], count, end)
        found = _read(model(domain.synthesise(edited, x)), target, whole, read)
        return jnp.where(count < 0, jnp.nan, found)

    rankings, points = turns.shape[0], counts.shape[0]
    edits = (jnp.repeat(jnp.arange(rankings), points), jnp.tile(counts, rankings))
    if batch is None:
        looked = jax.vmap(one)(edits)
    else:
        looked = jax.lax.map(one, edits, batch_size=batch)
    return looked.reshape(rankings, points)


def _read(logits: Array, target: int | Array, whole: Array | None, read: str) -> Array:
    logit = select(logits, target)
    if read == "logit":
        found = logit
    elif read == "probability":
        found = (
            jnp.exp(logit - jax.nn.logsumexp(logits))
            if logits.shape[0] > 1
            else jax.nn.sigmoid(logit)
        )
    else:
        wanted = target if whole is None else decision(whole)
        found = (decision(logits) == wanted).astype(logits.dtype)
        if whole is not None:
            found = jnp.where(jnp.all(jnp.isfinite(whole)), found, jnp.nan)
    return jnp.where(jnp.all(jnp.isfinite(logits)), found, jnp.nan)
