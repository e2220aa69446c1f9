"""Interaction: each output is a product, a maximum or an exclusive or of events in a real latent.

Events are levels, "how much sounds in that cell". Of each kind the exact relevance is the Shapley
value; players that an output does not read get exactly zero. With p the scale of a level:

    product   f = sum over groups g of prod over i in g of x_i / p
              R_i = prod over g of x / p, divided by |g|: all of g are needed, and are equal
    max       f = sum over groups g of max over i in g of x_i
              R_i of the k-th smallest of g = sum over j <= k of (x_j - x_(j-1)) / (|g| - j + 1):
              each rise is shared by those that reach it, as the costs of a runway are
              (S. C. Littlechild, G. Owen, Management Science 20(3), 1973)
    xor       f = a + b - 2 a b, a = x_i / p, b = x_j / p:  R_i = a - a b,  R_j = b - a b

Of products and of the exclusive or, Integrated Gradients from zero, the value of R. J. Aumann and
L. S. Shapley, is the same: along the path t x, a term c x_T grows as t^|T|, of which each of T
has an equal share. Of the maximum, it gives all to the largest.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.truth.closed import Closed, closed_trial, draw, members, readers
from audioxai_jax.truth.record import Trial

SCALE = 3.0
"""A level that sounds."""
SIZES = {"product": (2, 3), "max": (4, 3), "xor": (2,)}
"""Sizes of the groups of players by kind."""


def grouped(params: dict[str, Array], x: Array, filled: float) -> Array:
    """Levels of each group `[K, groups, size]`, on the scale; groups are filled up."""
    filler = jnp.full(1, filled, x.dtype)
    return jnp.concatenate([x / SCALE, filler])[params["groups"]]


def product(params: dict[str, Array], x: Array) -> Array:
    values = grouped(params, x, 1.0)
    made = values[..., 0]
    for index in range(1, values.shape[-1]):
        made = made * values[..., index]
    return jnp.sum(made, axis=-1)


def largest(params: dict[str, Array], x: Array) -> Array:
    return SCALE * jnp.sum(jnp.max(grouped(params, x, 0.0), axis=-1), axis=-1)


def exclusive(params: dict[str, Array], x: Array) -> Array:
    pair = grouped(params, x, 0.0)[:, 0]
    return pair[:, 0] + pair[:, 1] - 2 * pair[:, 0] * pair[:, 1]


def product_values(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of a group's levels `[n]`, and what each takes away if it alone goes."""
    whole = np.full(len(x), np.prod(x / SCALE))
    return whole / len(x), whole


def largest_values(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `product_values`."""
    order, count = np.argsort(x), len(x)
    rises = np.diff(x[order], prepend=0.0) / np.arange(count, 0, -1)
    values, falls = np.zeros(count), np.zeros(count)
    values[order] = np.cumsum(rises)
    falls[order[-1]] = x[order[-1]] - x[order[-2]]
    return values, falls


def exclusive_values(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `product_values`."""
    scaled = x / SCALE
    return scaled - np.prod(scaled), scaled - 2 * np.prod(scaled)


KINDS = {
    "product": (product, product_values),
    "max": (largest, largest_values),
    "xor": (exclusive, exclusive_values),
}
"""Model, and exact values of one group, by name."""


def closed(seed: int, kind: str) -> Closed:
    """The model of a seed, and its exact values."""
    model, exact = KINDS[kind]
    groups = members(np.random.default_rng([seed, 24]), SIZES[kind])
    of_player = len(readers(groups)[0])

    def placed(x: np.ndarray, target: int, which: int) -> np.ndarray:
        shares = np.zeros(of_player)
        for group in groups[target]:
            own = group[group < of_player]
            shares[own] = exact(x[own])[which]
        return shares

    values = lambda x, target: placed(x, target, 0)
    falls = lambda x, target: placed(x, target, 1)
    return Closed(Partial(model, {"groups": groups}), values, falls, readers(groups))


def build(seed: int, *, clips: int = 24, data: Path | None = None, kind: str = "product") -> Trial:
    """See `Truth.build`; `kind` is a key of `KINDS`."""
    del data
    return closed_trial(closed(seed, kind), draw(clips, seed=seed))
