"""Random changes of an input, `(x, key) -> changed x`: what infidelity and sensitivity sample.

Each is a record, so that it crosses `jit`; anything else that is called so will do, too.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.perturbation.rank import kept_count

Perturbation = Callable[[Array, Array], Array]
"""`(x, key) -> changed`, of one shape."""


def gaussian_noise(deviation: float | Array) -> Perturbation:
    """Adds normal noise, its deviation in the units of the input."""
    return GaussianNoise(deviation)


def uniform_noise(radius: float | Array) -> Perturbation:
    """Adds noise from [-radius, radius): the cube about the input of captum and Quantus."""
    return UniformNoise(radius)


def random_subset(baseline: float | Array, fraction: float) -> Perturbation:
    """Sets a random fraction of the features, rounded, to a baseline.

    Args:
      baseline: baseline of the input's shape, or a number.
      fraction: fraction of all features.

    Raises:
      ValueError: for a fraction outside [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction must be between 0 and 1, got {fraction}")
    return RandomSubset(baseline, fraction)


def drawn_subset(key: Array, features: int, size: int) -> Array:
    """`size` of all features, without replacement; booleans `[features]`.

    The largest of random bits: a permutation takes twice as long on CPU.
    """
    places = jax.lax.top_k(jax.random.bits(key, (features,)), size)[1]
    return jnp.zeros(features, bool).at[places].set(True)


def perturbed_inputs(perturb: Perturbation, x: Array, key: Array, samples: int) -> Array:
    """Draws `[samples, ...]`, sample i from `fold_in(key, i)`: more samples begin with the fewer.

    Raises:
      ValueError: for less than one sample, or changed inputs of another shape.
    """
    if samples < 1:
        raise ValueError(f"samples must be 1 or more, got {samples}")
    keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(jnp.arange(samples))
    return check_perturbed(jax.vmap(lambda one: perturb(x, one))(keys), x)


def check_perturbed(perturbed: Array, x: Array) -> Array:
    """Those inputs themselves, if they are `[S, *x.shape]`.

    Raises:
      ValueError: otherwise.
    """
    perturbed = jnp.asarray(perturbed)
    if perturbed.shape[1:] != x.shape or perturbed.ndim != x.ndim + 1 or not len(perturbed):
        raise ValueError(
            f"changed inputs are {list(perturbed.shape)} of an input {list(x.shape)}: expected "
            f"{['S', *x.shape]}, S of them"
        )
    return perturbed


@record()
class GaussianNoise:
    deviation: float | Array

    def __call__(self, x: Array, key: Array) -> Array:
        return x + self.deviation * jax.random.normal(key, x.shape, x.dtype)


@record()
class UniformNoise:
    radius: float | Array

    def __call__(self, x: Array, key: Array) -> Array:
        return x + self.radius * jax.random.uniform(key, x.shape, x.dtype, -1, 1)


@record(static=("fraction",))
class RandomSubset:
    baseline: float | Array
    fraction: float

    def __call__(self, x: Array, key: Array) -> Array:
        size = int(kept_count(self.fraction, x.size))
        chosen = drawn_subset(key, x.size, size).reshape(x.shape)
        return jnp.where(chosen, jnp.asarray(self.baseline, x.dtype), x)
