"""Operators along axes: sums, extremes, and the Fourier transform as a real linear map."""

import functools

import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.tflite.operators.base import (
    HIGHEST,
    Node,
    Operator,
    Pair,
    numpy_or_jax,
    whole_numbers,
)

KEEP = {"keep": (0, "?", False)}


def _along(name: str):
    """A reduction that numpy and jax have under that name."""

    def apply(node: Node, x, axes):
        over = tuple(whole_numbers(node, axes, "axes"))
        reduce = getattr(numpy_or_jax(x), name)
        result = reduce(x, axis=over, keepdims=node.options["keep"])
        return np.asarray(result, x.dtype) if isinstance(x, np.ndarray) else result

    return apply


def _place(name: str):
    def apply(node: Node, x, axis):
        place = int(whole_numbers(node, axis, "axis")[0])
        return getattr(numpy_or_jax(x), name)(x, axis=place).astype(np.int32)

    return apply


def _cumulative(node: Node, x, axis):
    place, module = int(whole_numbers(node, axis, "axis")[0]), numpy_or_jax(x)
    x = module.flip(x, place) if node.options["reverse"] else x
    y = module.cumsum(x, axis=place)
    y = y - x if node.options["exclusive"] else y
    return module.flip(y, place) if node.options["reverse"] else y


def _one_hot(node: Node, indices, depth, on, off):
    count = whole_numbers(node, depth, "depth")[0]
    axis = node.options["axis"]
    module = numpy_or_jax(indices)
    hit = module.expand_dims(indices, axis)
    shape = [1] * hit.ndim
    shape[axis] = count
    return numpy_or_jax(indices, on, off).where(hit == np.arange(count).reshape(shape), on, off)


def _rfft2d(node: Node, x, length):
    """Real and imaginary part of the transform along the last two axes, by real matrices.

    X_k = sum_n x_n (cos(2 pi n k / N) - i sin(2 pi n k / N)); every rule for matrices applies.
    """
    rows, columns = whole_numbers(node, length, "length")
    x = _fitted(_fitted(x, -1, columns), -2, rows)
    cosine, sine = _matrices(columns, columns // 2 + 1, x.dtype.name)
    real = jnp.matmul(x, cosine, precision=HIGHEST)
    imag = -jnp.matmul(x, sine, precision=HIGHEST)
    if rows == 1:
        return Pair(real, imag)
    cosine, sine = _matrices(rows, rows, x.dtype.name)
    down = lambda matrix, part: jnp.matmul(matrix, part, precision=HIGHEST)
    return Pair(
        down(cosine, real) + down(sine, imag),
        down(cosine, imag) - down(sine, real),
    )


def _fitted(x, axis: int, length: int):
    """Cut, or filled up with zeros, to a length."""
    size = x.shape[axis]
    if size < length:
        widths = [(0, 0)] * x.ndim
        widths[axis] = (0, length - size)
        return jnp.pad(x, widths)
    return x if size == length else jnp.take(x, np.arange(length), axis=axis)


@functools.lru_cache(maxsize=8)
def _matrices(length: int, bins: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines `[length, bins]`, of exact multiples of the circle."""
    steps = np.outer(np.arange(length), np.arange(bins)) % length
    angle = 2 * np.pi * steps / length
    return np.cos(angle).astype(dtype), np.sin(angle).astype(dtype)


OPERATORS = {
    40: Operator("MEAN", _along("mean"), KEEP),
    56: Operator("ARG_MAX", _place("argmax")),
    74: Operator("SUM", _along("sum"), KEEP),
    79: Operator("ARG_MIN", _place("argmin")),
    81: Operator("REDUCE_PROD", _along("prod"), KEEP),
    82: Operator("REDUCE_MAX", _along("max"), KEEP),
    85: Operator("ONE_HOT", _one_hot, {"axis": (0, "<i", 0)}),
    89: Operator("REDUCE_MIN", _along("min"), KEEP),
    91: Operator("REDUCE_ANY", _along("any"), KEEP),
    128: Operator(
        "CUMSUM", _cumulative, {"exclusive": (0, "?", False), "reverse": (1, "?", False)}
    ),
    131: Operator("RFFT2D", _rfft2d),
    140: Operator("REDUCE_ALL", _along("all"), KEEP),
}
