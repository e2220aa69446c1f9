"""The smallest set of latent features that keeps a prediction, or whose loss flips it.

Sets follow the order of relevance: set k holds the k most relevant units. It *keeps* a class
if the model predicts it from the set alone (base values elsewhere), and *flips* it if the
model predicts another class once the set is replaced. Neither need be monotone in k: a class
may be lost and come back as features are added. So two counts are reported,

    first     the smallest count examined that has the property
    lasting   the smallest from which all larger counts examined have it, too

which are equal if the property, once there, stays. A first set may be a handful of features
from which the class is heard, but barely: it is the largest logit, however small its
probability. No other order of features is tried: a smaller set may exist that the relevance
does not know of.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats, whole
from audioxai_jax.core.contracts import check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_logits, decision
from audioxai_jax.core.records import as_model, record
from audioxai_jax.perturbation.edit import mix
from audioxai_jax.perturbation.rank import rank_positions, spread, unit_number, unit_scores
from audioxai_jax.types import Model

EDITS = ("keep", "delete")
CHUNK = 64
"""Edited latents that are classified at once."""


@record()
class SmallestSet:
    """What `smallest_set` found for one example; with M counts examined in the first pass.

    Attributes:
      count: units in the set, int32; all of them where the fraction is NaN.
      fraction: count over the number of units; 0 if the empty set has the property (the base
        alone is heard as the class, or as another one: the set explains nothing), NaN if no
        set has it, or if not all is finite.
      lasting: as `fraction`, of the count from which the property lasts; NaN if it does not
        hold for the set of all units.
      mask: 1 for the features of the set, in both edits, shaped as x.
      counts: examined in the first pass, int32 `[M]`; the first is 0, the last all units.
      holds: whether each has the property, `[M]`: `holds[0]` and `holds[-1]` are the ends.
      finite: whether relevance and all outputs of the model were; a NaN fraction then says
        that there is no such set.
    """

    count: Array
    fraction: Array
    lasting: Array
    mask: Array
    counts: Array
    holds: Array
    finite: Array


def smallest_set(
    model: Model,
    x: Array,
    relevance: Array,
    target: int | Array | None = None,
    *,
    base: Array,
    edit: str = "keep",
    counts: Sequence[int] | None = None,
    rank: str = "signed",
    units: np.ndarray | None = None,
    chunk: int = CHUNK,
) -> SmallestSet:
    """The smallest set of most relevant units that keeps, or by its loss flips, the prediction.

    A pure function of one example: `jax.jit` and `jax.vmap` apply. With `counts=None` all
    n + 1 sets are classified, and the answer is exact. Else those counts are, and then the gaps
    before the first and the lasting one are halved until they are closed: the model is run
    `len(counts)` times, and twice per halving, at most log2 of the widest gap. The result then
    is a boundary (the set has the property, the one a unit smaller does not) in the first
    gap that showed one; what lies between two counts without the property, or with it, is not
    seen. `counts=(0, n)` is binary search: log2 n halvings, which find *a* boundary, the
    only one if the property is monotone.

    Args:
      model: `x -> logits [K]`.
      x: features.
      relevance: shaped as x, of a class; ranks the units.
      base: shaped as x, stands in for what is not in the set ("keep"), or is ("delete").
      edit: "keep" or "delete".
      target: the class to be kept or flipped; the model's own prediction of x if None. The label
        of a single logit is predicted where that is above 0.
      counts: of the first pass, whole numbers from 0 to n; 0 and n are added. See `count_grid`.
      rank, units: see `rank.unit_scores`.
      chunk: edited latents in one call of the model: memory against speed.

    Raises:
      ValueError: for shapes, counts or options that do not fit, and a target that is no class (a
        traced one cannot be checked).
    """
    chunk = whole(chunk, "chunk")
    if edit not in EDITS:
        raise ValueError(f"unknown edit {edit!r}: choose one of {', '.join(EDITS)}")
    check_model(model, "the model")
    x = as_floats(x, "x")
    relevance, base = as_floats(relevance, "relevance"), as_floats(base, "base")
    if relevance.shape != x.shape or base.shape != x.shape:
        raise ValueError(
            f"relevance and base must have the shape of x, got {x.shape}, "
            f"{relevance.shape} and {base.shape}"
        )
    number = unit_number(x.shape, units)
    grid = _grid(counts, number)
    place = rank_positions(unit_scores(relevance, units, rank=rank))
    logits = jax.eval_shape(as_model(model), x)
    check_logits(logits)
    if target is None:
        target = decision(model(x))
    else:
        target = as_targets(target, getattr(model, "labels", None))
        check_classes(target, logits.shape[0])

    def examine(count: Array) -> tuple[Array, Array]:
        mask = spread(place < count, x.shape, units).astype(x.dtype)
        logits = model(mix(x, mask if edit == "keep" else 1 - mask, base))
        finite = jnp.all(jnp.isfinite(logits))
        says = decision(logits) == target
        return finite & (says if edit == "keep" else ~says), finite

    examined = jnp.asarray(grid, jnp.int32)
    if len(grid) <= chunk:
        holds, fine = jax.vmap(examine)(examined)
    else:
        holds, fine = jax.lax.map(examine, examined, batch_size=chunk)
    finite = jnp.all(fine) & ~jnp.any(jnp.isnan(relevance))

    # Counts at either side of both boundaries: without the property (or -1), and with it.
    upto = jnp.asarray([jnp.argmax(holds), len(grid) - jnp.argmin(holds[::-1])])
    upto = jnp.where(jnp.all(holds), 0, jnp.minimum(upto, len(grid) - 1))
    high = examined[upto]
    low = jnp.where(upto == 0, -1, examined[jnp.maximum(upto - 1, 0)])
    there = jnp.asarray([jnp.any(holds), holds[-1]])

    def halve(state, _):
        low, high, finite = state
        middle = (low + high) // 2
        held, fine = jax.vmap(examine)(jnp.maximum(middle, 0))
        going = there & (high - low > 1)
        low, high = jnp.where(going & ~held, middle, low), jnp.where(going & held, middle, high)
        return (low, high, finite & jnp.all(fine | ~going)), None

    halvings = math.ceil(math.log2(int(np.diff(grid).max())))
    (_, high, finite), _ = jax.lax.scan(halve, (low, high, finite), length=halvings)
    there &= finite
    count = jnp.where(there[0], high[0], number)
    share = jnp.where(there, high / number, jnp.nan)
    return SmallestSet(
        count=count,
        fraction=share[0],
        lasting=share[1],
        mask=spread(place < count, x.shape, units).astype(x.dtype),
        counts=examined,
        holds=holds,
        finite=finite,
    )


def _grid(counts: Sequence[int] | None, number: int) -> np.ndarray:
    """Counts of the first pass, ascending, both ends among them."""
    if number < 1:
        raise ValueError("x has no units: nothing can be kept or removed")
    if counts is None:
        return np.arange(number + 1)
    given = np.asarray(counts)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"counts must be whole numbers, got {given.dtype}")
    if given.size and not (0 <= given.min() and given.max() <= number):
        raise ValueError(f"counts must be 0 to {number}, got {given.min()} to {given.max()}")
    return np.union1d(given.astype(int), [0, number])


def count_grid(number: int, points: int = 32) -> tuple[int, ...]:
    """About so many counts from 0 to `number`, evenly spaced in their logarithm from 1 up.

    Raises:
      ValueError: for fewer than 2 points, or no units.
    """
    if number < 1 or points < 2:
        raise ValueError(f"a grid needs 1 unit and 2 points, got {number} and {points}")
    return (0, *np.unique(np.geomspace(1, number, points - 1).round().astype(int)).tolist())
