"""Sensitivity: how much does relevance change when the input hardly does?

C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. Inouye, P. Ravikumar, "On the (In)fidelity and
Sensitivity of Explanations", NeurIPS 2019, definition 3.1, relative as captum and Quantus
have it; with samples of a ball about the input in place of all of it:

    SENS(y) = ||R(y) - R(x)|| / ||R(x)||,    |y_i - x_i| <= radius

The largest over the samples is max-sensitivity, which more samples can only raise; their mean
is the average sensitivity of U. Bhatt, A. Weller, J. Moura, IJCAI 2020.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.perturbation.noise import check_perturbed, perturbed_inputs, uniform_noise
from audioxai_jax.types import Method, Model, attribute


@checked
def max_sensitivity(
    method: Method,
    model: Model,
    x: Array,
    target: Array | int,
    *,
    key: Array,
    radius: float | Array = 0.02,
    samples: int = 10,
    chunk: int = 1,
) -> Array:
    """Largest relative change of relevance in a ball about the input; lower is better.

    Args:
      method: explains each changed input anew, for the same target and with the same key: what
        a method draws does not count as a change.
      model: one example to logits `[K]`, of audio or of the features of any domain.
      x: input of the model, floating point.
      key: consumed.
      radius: radius of the ball in the maximum norm, in units of the input.
      samples: uniform in the ball.
      chunk: changed inputs explained at once.

    Returns:
      A scalar in [0, inf); NaN if relevance is all zero, or not a number.

    Raises:
      ValueError: for less than one sample.
    """
    return jnp.max(_drawn(method, model, x, target, key, radius, samples, chunk))


@checked
def average_sensitivity(
    method: Method,
    model: Model,
    x: Array,
    target: Array | int,
    *,
    key: Array,
    radius: float | Array = 0.02,
    samples: int = 10,
    chunk: int = 1,
) -> Array:
    """Mean relative change of relevance in a ball about the input; lower is better.

    In [0, inf); everything else is as for `max_sensitivity`.
    """
    return jnp.mean(_drawn(method, model, x, target, key, radius, samples, chunk))


@checked
def sensitivities(
    method: Method,
    model: Model,
    x: Array,
    target: Array | int,
    perturbed: Array,
    *,
    key: Array,
    chunk: int = 1,
) -> Array:
    """Relative change of relevance `[S]` at changed inputs `[S, ...]` that are given.

    Raises:
      ValueError: if those are not of the input's shape.
    """

    def explain(x: Array) -> Array:
        return attribute(method, model, x, jnp.asarray(target), key=key).relevance

    whole = explain(x)
    size = jnp.sqrt(jnp.sum(whole**2))

    def change(one: Array) -> Array:
        return jnp.sqrt(jnp.sum((explain(one) - whole) ** 2))

    found = jax.lax.map(change, check_perturbed(perturbed, x), batch_size=chunk)
    return jnp.where(size > 0, found / jnp.where(size > 0, size, 1), jnp.nan)


def _drawn(method, model, x, target, key, radius, samples, chunk) -> Array:
    method_key, noise_key = jax.random.split(key)
    changed = perturbed_inputs(uniform_noise(radius), x, noise_key, samples)
    return sensitivities(method, model, x, target, changed, key=method_key, chunk=chunk)
