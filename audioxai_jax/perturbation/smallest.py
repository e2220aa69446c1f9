"""The smallest set of features that keeps a prediction, or whose deletion flips it.

Sets follow the order of relevance: set k holds the k most relevant units. It *keeps* a class
if the model predicts it from the set alone (base values elsewhere), and *flips* it if the
model predicts another class once the set is deleted. Neither need be monotone in k: a class
may be lost and come back as features are added. So two counts are reported,

    first     the smallest count examined that has the property
    lasting   the smallest from which all larger counts examined have it, too

which are equal if the property, once there, stays. A first set may be a handful of features
from which the class is heard, but barely: it is the largest logit, however small its
probability. No other order of features is tried: a smaller set may exist that the relevance
does not know of.
"""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats, whole
from audioxai_jax.core.contracts import check_model
from audioxai_jax.core.logits import as_targets, check_classes, check_logits
from audioxai_jax.core.records import as_model, record
from audioxai_jax.domains.protocol import Grid
from audioxai_jax.perturbation.ask import prediction, says
from audioxai_jax.perturbation.edit import check_edit, edit_first
from audioxai_jax.perturbation.hearable import ranked_scores
from audioxai_jax.perturbation.rank import rank_positions, unit_mask, unit_number
from audioxai_jax.types import Model

CHUNK = 64
"""Edited inputs that are classified at once."""
Examine = Callable[[Array], tuple[Array, Array]]
"""A count to whether its set has the property, and whether the logits were finite."""


@record()
class SmallestSet:
    """The smallest set of one example; with M counts examined in the first pass.

    Attributes:
      count: units in the set, int32; all of them where the fraction is NaN.
      fraction: count over the number of units; 0 if the empty set has the property (the base
        alone is heard as the class, or as another one: the set explains nothing), NaN if no
        set has it, or if not all is finite.
      lasting: fraction of the count from which the property lasts; NaN if it does not hold for the
        set of all units.
      mask: 1 for the features of the set, in both edits, shaped as x.
      counts: examined in the first pass, int32 `[M]`; the first is 0, the last all units.
      holds: whether each has the property, `[M]`: `holds[0]` and `holds[-1]` are the ends.
      finite: whether relevance and all outputs of the model were; a NaN fraction then says
        that no such set exists.
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
    target: int | Array | str | None = None,
    *,
    base: Array,
    edit: str = "keep",
    counts: Sequence[int] | None = None,
    rank: str = "signed",
    units: np.ndarray | None = None,
    size: Array | None = None,
    grid: Grid | None = None,
    chunk: int = CHUNK,
) -> SmallestSet:
    """The smallest set of most relevant units that keeps, or by its deletion flips, the prediction.

    A pure function of one example: `jax.jit` and `jax.vmap` apply. With `counts=None` all
    n + 1 sets are classified, and the answer is exact. Else those counts are, and then the gaps
    before the first and the lasting one are halved until they are closed: the model is run
    `len(counts)` times, and twice per halving, at most log2 of the widest gap. The result then
    is a boundary (the set has the property, the one a unit smaller does not) in the first
    gap that showed one; what lies between two counts without the property, or with it, is not
    seen. `counts=(0, n)` is binary search: log2 n halvings, which find *a* boundary, the
    only one if the property is monotone.

    Args:
      model: features to logits `[K]`.
      x: features, floating point.
      relevance: shaped as x, of a class; ranks the units.
      target: the class to be kept or flipped; the model's own prediction of x if None. The label
        of a single logit is predicted where that is above 0.
      base: shaped as x, stands for features out of the set ("keep"), or in it ("delete").
      edit: "keep" or "delete".
      counts: counts of the first pass, whole numbers from 0 to n; 0 and n are added. See
        `count_grid`.
      rank: "signed", "absolute" or "hearable", see `hearable.ranked_scores`.
      units: labels of the units, see `rank.unit_scores`; each feature if None.
      size: size of each feature, as `domain.size` says; the rank "hearable" needs it.
      grid: places of the units, see `domains.grid.unit_grid`; the rank "hearable" needs it.
      chunk: edited inputs in one call of the model: memory against speed.

    Raises:
      ValueError: for shapes, counts or options that do not fit, and a target that is not a class
        (a traced one cannot be checked).
    """
    check_edit(edit)
    chunk = whole(chunk, "chunk")
    check_model(model, "the model")
    x, relevance, base = _arrays(x, relevance, base)
    score = ranked_scores(relevance, units, rank=rank, size=size, grid=grid)
    positions = rank_positions(score)
    number = unit_number(x.shape, units) if x.size else 0
    tried = _grid(counts, number)
    label, outputs = _target(model, x, target), getattr(model, "outputs", None)

    def examine(count: Array) -> tuple[Array, Array]:
        logits = model(edit_first(edit, x, positions, count, base, units))
        said = says(logits, label, outputs)
        return said == (1 if edit == "keep" else 0), jnp.all(jnp.isfinite(logits))

    examined = jnp.asarray(tried, jnp.int32)
    if len(tried) <= chunk:
        holds, fine = jax.vmap(examine)(examined)
    else:
        holds, fine = jax.lax.map(examine, examined, batch_size=chunk)
    finite = jnp.all(fine) & ~jnp.any(jnp.isnan(relevance))
    high, finite = _close_gaps(examine, tried, holds, finite)
    there = jnp.asarray([jnp.any(holds), holds[-1]]) & finite
    count = jnp.where(there[0], high[0], number)
    share = jnp.where(there, high / number, jnp.nan)
    return SmallestSet(
        count=count,
        fraction=share[0],
        lasting=share[1],
        mask=unit_mask(positions, count, x.shape, units).astype(x.dtype),
        counts=examined,
        holds=holds,
        finite=finite,
    )


def _arrays(x: Array, relevance: Array, base: Array) -> tuple[Array, Array, Array]:
    """All three in floating point, of one shape."""
    x = as_floats(x, "x")
    relevance, base = as_floats(relevance, "relevance"), as_floats(base, "base")
    if relevance.shape != x.shape or base.shape != x.shape:
        raise ValueError(
            f"x is {list(x.shape)}, relevance and base must have its shape, got "
            f"{list(relevance.shape)} and {list(base.shape)}"
        )
    return x, relevance, base


def _target(model: Model, x: Array, target: int | Array | str | None) -> Array:
    """The class that was given, or the model's own prediction of x."""
    logits = jax.eval_shape(as_model(model), x)
    check_logits(logits)
    if target is None:
        return prediction(model(x), getattr(model, "outputs", None))
    label = as_targets(target, getattr(model, "labels", None))
    check_classes(label, logits.shape[0])
    return label


def _close_gaps(
    examine: Examine, grid: np.ndarray, holds: Array, finite: Array
) -> tuple[Array, Array]:
    """The first and the lasting count `[2]`, by halving the gaps before them, and `finite`.

    `low` and `high` are counts at either side of both boundaries: without the property (or -1),
    and with it. Each halving moves the one that is like the middle.
    """
    examined = jnp.asarray(grid, jnp.int32)
    upto = jnp.asarray([jnp.argmax(holds), len(grid) - jnp.argmin(holds[::-1])])
    upto = jnp.where(jnp.all(holds), 0, jnp.minimum(upto, len(grid) - 1))
    high = examined[upto]
    low = jnp.where(upto == 0, -1, examined[jnp.maximum(upto - 1, 0)])
    there = jnp.asarray([jnp.any(holds), holds[-1]])

    def halve(state, _):
        low, high, finite = state
        middle = (low + high) // 2
        held, fine = jax.vmap(examine)(jnp.maximum(middle, 0))
        open_gap = there & (high - low > 1)
        low = jnp.where(open_gap & ~held, middle, low)
        high = jnp.where(open_gap & held, middle, high)
        return (low, high, finite & jnp.all(fine | ~open_gap)), None

    halvings = math.ceil(math.log2(int(np.diff(grid).max())))
    (_, high, finite), _ = jax.lax.scan(halve, (low, high, finite), length=halvings)
    return high, finite


def _grid(counts: Sequence[int] | None, number: int) -> np.ndarray:
    """Counts of the first pass, ascending, both ends among them."""
    if number < 1:
        raise ValueError("x has no units: nothing can be kept or deleted")
    if counts is None:
        return np.arange(number + 1)
    given = np.asarray(counts)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"counts must be whole numbers, got {given.dtype}")
    if given.size and not (0 <= given.min() and given.max() <= number):
        raise ValueError(f"counts must be 0 to {number}, got {given.min()} to {given.max()}")
    return np.union1d(given.astype(int), [0, number])


def count_grid(number: int, points: int = 32) -> tuple[int, ...]:
    """At most `points` counts from 0 to `number`, evenly spaced in their logarithm from 1 up.

    Raises:
      ValueError: for fewer than 2 points, or no units.
    """
    if number < 1 or points < 2:
        raise ValueError(f"a grid needs 1 unit and 2 points, got {number} and {points}")
    return (0, *np.unique(np.geomspace(1, number, points - 1).round().astype(int)).tolist())
