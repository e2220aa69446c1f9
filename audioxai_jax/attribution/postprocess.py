r"""Relevance of any method, changed afterwards: rectified, absolute, per frame, to one scale.

What the method knows of its result is kept as far as it still holds, else it becomes NaN:

============ ================ ====== ==============
\            completeness gap change standard error
============ ================ ====== ==============
rectify      NaN              NaN    kept: at most that
absolute     NaN              kept   kept: at most that
sum_channels kept             NaN    NaN
normalise    NaN              NaN    NaN
============ ================ ====== ==============
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution.combinators import inner
from audioxai_jax.core.checks import whole
from audioxai_jax.core.records import record
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.types import Attribution, Info, Method, Model, attribute


def rectify(method: Method | None = None) -> Method:
    """The positive part: what speaks for the target. Negative relevance becomes zero.

    Args:
      method: method to change; the signed gradient if None.

    Returns a `Method`; it needs a key if the method inside does.

    Raises:
      ValueError: if `method` is not callable.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> rectify()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 0.0]
    """
    return Rectify(inner(method, "rectify"))


def absolute(method: Method | None = None) -> Method:
    """The magnitude of relevance, whether it speaks for the target or against it.

    Args:
      method: method to change; the signed gradient if None.

    Returns a `Method`; it needs a key if the method inside does.

    Raises:
      ValueError: if `method` is not callable.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> absolute()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [3.0, 2.0]
    """
    return Absolute(inner(method, "absolute"))


def sum_channels(method: Method | None = None, *, axis: int = -1) -> Method:
    """Relevance summed over the channels and spread evenly over them: shape and total are kept.

    Frames of a latent are then ranked whole. An input `[T]` has one channel, and keeps its
    relevance as it is.

    Args:
      method: method to change; the signed gradient if None.
      axis: axis of the channels, 0 for inputs `[C, T]`.

    Returns a `Method`; it needs a key if the method inside does.

    Raises:
      ValueError: if `method` is not callable.
      TypeError: if `axis` is not an integer.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.sum(jnp.array([[3.0, -2.0], [1.0, 1.0]]) * x)[None]
    >>> sum_channels()(model, jnp.ones((2, 2)), 0, key=jax.random.key(0)).relevance.tolist()
    [[0.5, 0.5], [1.0, 1.0]]
    """
    return SumChannels(inner(method, "sum_channels"), whole(axis, "sum_channels: axis", None))


def normalise(method: Method | None = None) -> Method:
    """Relevance divided by its largest magnitude; relevance that is zero everywhere stays so.

    Args:
      method: method to change; the signed gradient if None.

    Returns a `Method`; it needs a key if the method inside does.

    Raises:
      ValueError: if `method` is not callable.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([1.0, -4.0]) @ x[:, None]
    >>> normalise()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [0.25, -1.0]
    """
    return Normalise(inner(method, "normalise"))


@record()
class Rectify:
    """See `rectify`."""

    method: Any

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        found = attribute(self.method, model, x, target, key=key)
        info = _without(found.info, "completeness_gap", "change")
        return Attribution(jnp.maximum(found.relevance, 0), info)


@record()
class Absolute:
    """See `absolute`."""

    method: Any

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        found = attribute(self.method, model, x, target, key=key)
        return Attribution(jnp.abs(found.relevance), _without(found.info, "completeness_gap"))


@record(static=("axis",))
class SumChannels:
    """See `sum_channels`."""

    method: Any
    axis: int

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        found = attribute(self.method, model, x, target, key=key)
        if x.ndim < 2:
            return found
        mean = jnp.mean(found.relevance, axis=self.axis, keepdims=True)
        info = _without(found.info, "change", "standard_error")
        return Attribution(jnp.broadcast_to(mean, x.shape), info)


@record()
class Normalise:
    """See `normalise`."""

    method: Any

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        found = attribute(self.method, model, x, target, key=key)
        largest = jnp.max(jnp.abs(found.relevance))
        relevance = found.relevance / jnp.where(largest == 0, 1, largest)
        info = _without(found.info, "completeness_gap", "change", "standard_error")
        return Attribution(relevance, info)


@relaxed()
def _without(info: Info, *names: str) -> Info:
    return info | {name: jnp.full_like(info[name], jnp.nan) for name in names}
