"""Relevance of noisy copies of the input: their mean, mean square and variance.

D. Smilkov et al., "SmoothGrad: Removing Noise by Adding Noise", arXiv 1706.03825; S. Hooker et
al., "A Benchmark for Interpretability Methods in Deep Neural Networks", NeurIPS 2019
(SmoothGrad-Squared); J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018 (VarGrad).
With n copies x + e_j, and R the relevance by any method:

    smoothgrad = 1/n sum_j R(x + e_j)        squaregrad = 1/n sum_j R(x + e_j)^2
    vargrad    = 1/n sum_j R(x + e_j)^2 - smoothgrad^2
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import options, running_moments
from audioxai_jax.attribution.combinators import calls_per_chunk, inner, numbers_as_floats
from audioxai_jax.attribution.fourth_moment import add_powers, no_power_sums
from audioxai_jax.attribution.options import baseline_like, count
from audioxai_jax.core.records import record
from audioxai_jax.engine.estimator import State, check_key, run_inside_jit
from audioxai_jax.types import Attribution, Method, Model, attribute, make_info


def smoothgrad(
    method: Method | None = None,
    *,
    samples: int = 50,
    deviation: Array | float = 0.15,
    absolute: bool = False,
    chunk: int | None = None,
) -> Method:
    """The mean relevance of noisy copies of the input.

    Args:
      method: method that gives the relevance of each copy; the signed gradient if None. If it
        draws at random, each copy has a key of its own.
      samples: number of copies.
      deviation: deviation of the normal noise, relative to the range max(x) - min(x) of the
        example.
      absolute: whether the deviation is in the input's own units instead.
      chunk: copies at once: memory, not results; by default those that make 64 evaluations.

    Returns:
      A `Method`; it needs a key. `info["standard_error"]` is that of the mean.

    Raises:
      ValueError: if `samples` or `chunk` is below 1, or the deviation is negative; when called,
        if the key is missing.

    >>> import jax, jax.numpy as jnp
    >>> square = lambda x: jnp.sum(x**2, keepdims=True)
    >>> found = smoothgrad(samples=1000)(square, jnp.array([0.0, 1.0]), 0, key=jax.random.key(0))
    >>> found.relevance.round(1).tolist(), found.info["standard_error"].round(2).tolist()
    ([0.0, 2.0], [0.009999999776482582, 0.009999999776482582])
    """
    return _noisy("smoothgrad", method, samples, deviation, absolute, chunk)


def squaregrad(
    method: Method | None = None,
    *,
    samples: int = 50,
    deviation: Array | float = 0.15,
    absolute: bool = False,
    chunk: int | None = None,
) -> Method:
    """The mean of the squared relevance of noisy copies of the input. Never negative.

    Args:
      method: method that gives the relevance of each copy; the signed gradient if None. If it
        draws at random, each copy has a key of its own.
      samples: number of copies.
      deviation: deviation of the normal noise, relative to the range max(x) - min(x) of the
        example.
      absolute: whether the deviation is in the input's own units instead.
      chunk: copies at once: memory, not results; by default those that make 64 evaluations.

    Returns:
      A `Method`; it needs a key. `info["standard_error"]` is that of the mean of the squares.

    Raises:
      ValueError: if `samples` or `chunk` is below 1, or the deviation is negative; when called,
        if the key is missing.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: jnp.array([3.0, -2.0]) @ x[:, None]
    >>> squaregrad()(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.tolist()
    [9.0, 4.0]
    """
    return _noisy("squaregrad", method, samples, deviation, absolute, chunk)


def vargrad(
    method: Method | None = None,
    *,
    samples: int = 50,
    deviation: Array | float = 0.15,
    absolute: bool = False,
    chunk: int | None = None,
) -> Method:
    """The variance of the relevance of noisy copies of the input. Never negative.

    It does not see what is linear: a constant gradient has no variance. It is divided by the
    number of samples, and so on average too small by that part of it.

    Args:
      method: method that gives the relevance of each copy; the signed gradient if None. If it
        draws at random, each copy has a key of its own.
      samples: number of copies.
      deviation: deviation of the normal noise, relative to the range max(x) - min(x) of the
        example.
      absolute: whether the deviation is in the input's own units instead.
      chunk: copies at once: memory, not results; by default those that make 64 evaluations.

    Returns:
      A `Method`; it needs a key. `info["standard_error"]` is that of the variance.

    Raises:
      ValueError: if `samples` or `chunk` is below 1, or the deviation is negative; when called,
        if the key is missing.

    >>> import jax, jax.numpy as jnp
    >>> model = lambda x: (3 * x[0] + x[1] ** 2)[None]
    >>> method = vargrad(deviation=0.1, absolute=True, samples=1000)
    >>> method(model, jnp.ones(2), 0, key=jax.random.key(0)).relevance.round(2).tolist()
    [0.0, 0.03999999910593033]
    """
    return _noisy("vargrad", method, samples, deviation, absolute, chunk)


def noise(
    key: Array, number: Array | int, x: Array, deviation: Array | float, *, absolute: bool = False
) -> Array:
    """What is added to the input in copy `number`, shaped as the input."""
    draw = jax.random.normal(_keys(key, number)[0], x.shape, x.dtype)
    scale = baseline_like(deviation, x, "deviation")
    return draw * (scale if absolute else scale * (jnp.max(x) - jnp.min(x)))


@record(static=("samples", "absolute", "statistic", "chunk"))
class NoisyCopies:
    """See `smoothgrad`, `squaregrad` and `vargrad`."""

    method: Any
    deviation: Array | float
    samples: int
    absolute: bool
    statistic: str
    chunk: int
    noisy = True

    __call__ = run_inside_jit

    def milestones(self, x: Array) -> tuple[int, ...]:
        return (self.samples,)

    def init(self, model: Model, x: Array, target: Array, *, key: Array) -> State:
        check_key(key, self.statistic)
        empty = no_power_sums(x) if self.statistic == "vargrad" else running_moments.no_samples(x)
        return {"sums": empty, "evaluations": jnp.int32(0)}

    def step(self, model, x, target, state, numbers, valid, *, key):
        def copy(number: Array) -> Attribution:
            point = x + noise(key, number, x, self.deviation, absolute=self.absolute)
            return attribute(self.method, model, point, target, key=_keys(key, number)[1])

        found = jax.vmap(copy)(numbers)
        relevance = found.relevance**2 if self.statistic == "squaregrad" else found.relevance
        include = add_powers if self.statistic == "vargrad" else running_moments.add
        spent = jnp.sum(jnp.where(valid, found.info["evaluations"], 0), dtype=jnp.int32)
        return {
            "sums": include(state["sums"], relevance, valid),
            "evaluations": state["evaluations"] + spent,
        }

    def done(self, state: State, count: Array) -> Array:
        return count >= self.samples

    def read(self, model, x, target, state, count):
        sums = state["sums"]
        relevance = sums.variance if self.statistic == "vargrad" else sums.mean
        info = make_info(evaluations=state["evaluations"], standard_error=sums.standard_error)
        return Attribution(relevance.astype(x.dtype), info)


def _keys(key: Array, number: Array | int) -> tuple[Array, Array]:
    """For the noise of a copy, and for the method inside."""
    own = jax.random.fold_in(key, number)
    return jax.random.fold_in(own, 0), jax.random.fold_in(own, 1)


def _noisy(
    name: str,
    method: Method | None,
    samples: int,
    deviation: Array | float,
    absolute: bool,
    chunk: int | None,
) -> Method:
    method = inner(method, name)
    samples = count(samples, name, "samples")
    check_deviation(deviation, name)
    chunk = calls_per_chunk(method) if chunk is None else chunk
    chunk = count(chunk, name, "chunk")
    return NoisyCopies(method, numbers_as_floats(deviation), samples, absolute, name, chunk)


def check_deviation(deviation: Any, name: str) -> None:
    """Refuses a negative number, and what is none.

    Raises:
      WrongType, ValueError: naming the method.
    """
    options.baseline(deviation, name, "deviation")
    if isinstance(deviation, int | float) and not deviation >= 0:
        raise ValueError(f"{name}: the deviation must not be negative, got {deviation}")
