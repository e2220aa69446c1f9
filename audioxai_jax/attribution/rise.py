"""RISE: the mean of random masks, weighted by what the model still says behind them.

V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box
Models", BMVC 2018, equation 6:

    R_i = 1 / (N p) * sum over masks m of  f(b + m (x - b)) m_i,        p = E[m_i]

Masks are low-resolution grids of zeros and ones, one with probability p, upsampled linearly and
shifted at random by less than a cell. One node more than cells on either side of the input lets
every value be interpolated, so that p is the mean of each.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options
from audioxai_jax.attribution.coalitions import worth
from audioxai_jax.attribution.options import baseline_like, count, number
from audioxai_jax.attribution.running_moments import add, no_samples
from audioxai_jax.attribution.window_sizes import Shape, sizes
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import CHUNK, State, check_key, run_inside_jit, sum_type
from audioxai_jax.tracing.gradient_flow import check_dependence
from audioxai_jax.types import Attribution, Method, Model, make_info


def rise(
    *,
    samples: int = 512,
    cells: Any = 8,
    probability: float = 0.5,
    baseline: Array | float = 0.0,
    chunk: int = CHUNK,
) -> Method:
    """Random masks, weighted by the logit of what they leave.

    The standard error of the mean over masks comes back as `info["standard_error"]`. Relevance
    is what the paper defines: it contains `f(x)` itself, the same for every feature in
    expectation, so that only differences between features mean something.

    Args:
      samples: masks; one evaluation each.
      cells: number of cells of the grid: one number for every axis but the last (for the only one
        of `[T]`), or one for each of the last axes. Along other axes, and for None or -1, masks are
        constant.
      probability: probability with which a node of the grid is one.
      baseline: values of masked features; broadcast to the input's shape.
      chunk: masks that are tried at once: memory, not results.

    Returns:
      A `Method`. It consumes the key.

    Raises:
      ValueError: if there are no samples or cells, or the probability is not between 0 and 1;
        without a key; of inputs with fewer axes than cells are given for.

    >>> import jax, jax.numpy as jnp
    >>> first = lambda x: x[:1]
    >>> found = rise(cells=2)(first, jnp.ones(8), 0, key=jax.random.key(0)).relevance
    >>> bool(found[0] > found[4] > 0)
    True
    """
    samples = count(samples, "rise", "samples")
    if not 0 < number(probability, "rise", "probability") < 1:
        raise ValueError(f"rise: probability must lie between 0 and 1, got {probability}")
    chunk = count(chunk, "rise", "chunk")
    return Rise(
        options.baseline(baseline, "rise"),
        float(probability),
        samples,
        sizes(cells, "rise: cells"),
        chunk,
    )


@record(static=("samples", "cells", "chunk"))
class Rise:
    """See `rise`."""

    baseline: Array | float
    probability: Array | float
    samples: int
    cells: Any
    chunk: int

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        self._cells(x.shape)
        return (self.samples,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_key(key, "rise")
        check_dependence(model, x)
        return no_samples(jnp.zeros(x.shape, sum_type(x)))

    def step(self, model, x, target, state, numbers, valid, *, key):
        base = baseline_like(self.baseline, x)

        def sample(number: Array) -> Array:
            mask = self._mask(x, jax.random.fold_in(key, number))
            left = base + mask.astype(x.dtype) * (x - base)
            return worth(model, left, target) * mask / self.probability

        return add(state, jax.vmap(sample)(numbers).astype(state.mean.dtype), valid)

    def done(self, state: State, count: Array) -> Array:
        return count >= self.samples

    def read(self, model, x, target, state, count):
        info = make_info(evaluations=self.samples, standard_error=state.standard_error)
        return Attribution(state.mean.astype(x.dtype), info)

    def _cells(self, shape: Shape) -> tuple[int | None, ...]:
        """Of each axis; None where masks are constant."""
        cells = self.cells
        if not isinstance(cells, tuple):
            cells = (cells,) * max(1, len(shape) - 1) + (None,) * (len(shape) > 1)
        if len(cells) > len(shape):
            raise ValueError(f"rise: cells {cells} for an input {list(shape)} of {len(shape)} axes")
        return (None,) * (len(shape) - len(cells)) + cells

    def _mask(self, x: Array, key: Array) -> Array:
        """One mask, of the shape of `x`, with values in [0, 1]."""
        cells = self._cells(x.shape)
        draw, shift = jax.random.split(key)
        nodes = [1 if count is None else count + 2 for count in cells]
        kept = jnp.float32(self.probability)  # drawn alike whatever JAX's default type is
        mask = jax.random.bernoulli(draw, kept, nodes).astype(sum_type(x))
        for axis, cell_count in enumerate(cells):
            if cell_count is None:
                continue
            length = x.shape[axis]
            width = math.ceil(length / cell_count)
            start = jax.random.randint(jax.random.fold_in(shift, axis), (), 0, width, jnp.int32)
            place = start + jnp.arange(length)
            below, part = place // width, (place % width / width).astype(mask.dtype)
            part = part.reshape(-1, *(1,) * (x.ndim - axis - 1))
            low, high = (jnp.take(mask, below + up, axis) for up in (0, 1))
            mask = low + part * (high - low)
        return jnp.broadcast_to(mask, x.shape)
