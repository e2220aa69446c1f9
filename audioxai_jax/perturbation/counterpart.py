"""Adversarial counterparts: a small change after which the model answers another class.

What was deleted must become something, and zeros, means and noise are inputs that the model has
never seen. C.-Y. Hsieh, H.-Y. Fang, C.-S. Wei, "AIM", arXiv 2605.16905, 2026, take the values of
an adversarial counterpart instead: nearly the same sound, that is heard as another class.
Deleting `x_i <- x'_i` moves the answer where the model looks, and nowhere else. The counterpart
here is found by projected gradient descent (A. Madry et al., ICLR 2018) in a ball of the L2 norm,
whose radius is a signal-to-noise ratio in dB.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.core.checked import checked
from audioxai_jax.core.checks import check_number
from audioxai_jax.core.programs import compiled
from audioxai_jax.core.records import as_model, record
from audioxai_jax.types import Model

STRIDE = 2.5
"""Length of all steps together, in radii of the ball."""


@record()
class Counterpart:
    """An input, moved.

    Attributes:
      x: moved input, of the input's shape.
      flipped: whether another class than the target has the larger logit.
      margin: largest logit of other classes over the target's.
      snr_db: energy of the input over that of the change, dB; infinite if nothing moved.
    """

    x: Array
    flipped: Array
    margin: Array
    snr_db: Array


@checked
def adversarial_counterpart(
    model: Model,
    x: Array,
    target: int | Array,
    *,
    snr_db: float | Array = 20.0,
    steps: int = 40,
    margin: float = 1.0,
) -> Counterpart:
    """The input, moved within a ball until another class leads by a margin.

    `delta <- project(delta + a g / |g|)`, g the gradient of the lead `max_(k != t) f_k - f_t`,
    until that reaches the margin; `|delta| <= 10^(-snr_db / 20) |x|`. Nothing is drawn: the same
    input has the same counterpart.

    Args:
      model: one input to logits `[K]`, of two classes or more.
      x: input, floating point, of any shape.
      target: class that is left.
      snr_db: bound of the change, dB below the input.
      steps: largest number of steps; each costs one gradient.
      margin: lead of the other class at which it stops, in logits. With 0 it stops at the border,
        where the answer is a coin's.

    Returns:
      The `Counterpart`; `flipped` says whether the bound allowed one. Of an input of zeros it is
      the input.

    Raises:
      ValueError: for a single logit, fewer than one step, or a margin below 0.
    """
    if steps < 1:
        raise ValueError(f"steps must be 1 or more, got {steps}")
    check_number(margin, "margin", "a lead in logits, 0 or more")
    if margin < 0:
        raise ValueError(f"margin must be 0 or more, got {margin}")
    ends = (jnp.asarray(snr_db, x.dtype), jnp.asarray(margin, x.dtype))
    return _search(as_model(model), x, jnp.asarray(target, jnp.int32), *ends, steps)


def lead(logits: Array, target: Array) -> Array:
    """The largest logit of other classes over the target's; above 0 if another class is heard.

    Raises:
      ValueError: for a single logit.
    """
    if logits.shape[0] < 2:
        raise ValueError("a counterpart is of another class: the model has a single logit")
    others = jnp.where(jnp.arange(logits.shape[0]) == target, -jnp.inf, logits)
    return jnp.max(others) - logits[target]


def within(change: Array, radius: Array) -> Array:
    """The nearest change whose L2 norm is at most a radius."""
    size = jnp.sqrt(jnp.sum(change**2))
    return change * jnp.minimum(1, radius / jnp.where(size > 0, size, 1))


def ratio_db(x: Array, change: Array) -> Array:
    """Energy of an input over that of its change, dB; infinite without a change."""
    energy = jnp.sum(change**2)
    ratio = jnp.sum(x**2) / jnp.where(energy > 0, energy, 1)
    return jnp.where(energy > 0, 10 * jnp.log10(ratio), jnp.inf)


@functools.partial(compiled, static_argnums=5)
def _search(
    model: Model, x: Array, target: Array, snr_db: Array, margin: Array, steps: int
) -> Counterpart:
    radius = 10 ** (-snr_db / 20) * jnp.sqrt(jnp.sum(x**2))
    stride = STRIDE * radius / steps
    ahead = lambda change: lead(model(x + change), target)

    def move(change: Array, _: None) -> tuple[Array, None]:
        value, gradient = jax.value_and_grad(ahead)(change)
        size = jnp.sqrt(jnp.sum(gradient**2))
        moved = within(change + stride * gradient / jnp.where(size > 0, size, 1), radius)
        return jnp.where(value < margin, moved, change), None

    change, _ = lax.scan(move, jnp.zeros_like(x), None, length=steps)
    value = ahead(change)
    return Counterpart(x + change, value > 0, value, ratio_db(x, change))
