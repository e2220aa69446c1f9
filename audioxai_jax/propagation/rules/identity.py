"""Rules for what only moves relevance, or lets it through."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.propagation.rules.base import Linear, Shares, transposed


def pass_through() -> "PassThrough":
    """Relevance as it is, for functions of single values: all of it belongs to the one input."""
    return PassThrough()


def scaled() -> "Scaled":
    """Relevance as it is, but none through a factor of zero."""
    return Scaled()


def route() -> "Route":
    """Relevance goes where each value came from; that of constants counts as bias."""
    return Route()


def gradient() -> "Gradient":
    """The gradient: for maxima, relevance goes to the winner."""
    return Gradient()


def constant() -> "Constant":
    """No relevance: the operation counts as a constant."""
    return Constant()


@record()
class PassThrough:
    """See `pass_through`."""

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any) -> Any:
        if isinstance(x, tuple):
            raise ValueError("pass_through is for operations with one input, and not for products")
        if jnp.shape(x) == jnp.shape(R):
            return R
        return unbroadcast(R, x.shape)


@record()
class Scaled:
    """See `scaled`."""

    kinds = ("scale", "affine")

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any) -> Any:
        return unbroadcast(jnp.where(w == 0, 0, R), x.shape)


@record()
class Route:
    """See `route`."""

    kinds = ("route",)

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any) -> Shares:
        found = jax.tree.map(jnp.ones_like, x)
        kept, back = jax.vjp(lambda x: lin(x, w), found)
        lost = jax.tree.map(lambda r, part: jnp.sum(r * (1 - part)), R, kept)
        return Shares(back(R)[0], bias=sum(jax.tree.leaves(lost)))


@record()
class Gradient:
    """See `gradient`."""

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any) -> Any:
        return transposed(lin, x, w)(R)


@record()
class Constant:
    """See `constant`."""

    def __call__(self, lin: Linear, x: Any, w: Any, b: Any, z: Any, R: Any) -> Shares:
        total = sum(jnp.sum(part) for part in jax.tree.leaves(R))
        return Shares(jax.tree.map(jnp.zeros_like, x), bias=total)


def unbroadcast(R: Array, shape: tuple[int, ...]) -> Array:
    """Sums relevance over the axes that broadcasting added or enlarged.

    Raises:
      ValueError: if the shape does not broadcast to that of R.
    """
    added = R.ndim - len(shape)
    pairs = zip(shape, R.shape[max(added, 0) :], strict=False)
    if added < 0 or any(size not in (1, whole) for size, whole in pairs):
        raise ValueError(
            f"pass_through takes relevance {list(R.shape)} to an input {list(shape)}: it is for "
            "operations on single values"
        )
    grown = [i for i, size in enumerate(shape, added) if size != R.shape[i]]
    return jnp.sum(R, axis=(*range(added), *grown)).reshape(shape)
