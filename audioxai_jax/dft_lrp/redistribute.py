"""Building blocks of LRP-0 through a linear transform.

A value z with relevance R was put together from contributions p_i that add up to z. LRP-0
hands on p_i R / z; so relevance travels as the quotient R / z, and z times the quotient must
give R back. Where z is zero or next to it nothing was put together, and that part of R is
left over, to be shared out by the transform's weights alone.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import Tracer

from audioxai_jax.core.checks import as_audio, as_floats
from audioxai_jax.core.programs import compiled


def quotient(values: Array, relevance: Array, epsilon: float | Array) -> tuple[Array, Array]:
    """R / z where z is large enough to carry it, and the relevance that is left over.

        q = R z / (|z|^2 + epsilon^2),    left = R epsilon^2 / (|z|^2 + epsilon^2)

    so that conj(q) z + left = R. Values have to be scaled, see `largest`. Of R = z c no more
    than epsilon |c| / 2 is left over, though q is c only where z is well above epsilon. Unlike
    R / (z + epsilon sign(z)), which is largest at z = 0 and carries nothing there, q goes to
    zero with z.

    Raises:
      ValueError: if epsilon is negative (a traced one cannot be checked).
    """
    if not isinstance(epsilon, Tracer) and epsilon < 0:
        raise ValueError(f"epsilon is {epsilon}, expected 0 (LRP-0) or a small positive number")
    power = jnp.real(values) ** 2 + jnp.imag(values) ** 2
    square = jnp.asarray(epsilon**2, power.dtype)
    nothing = power + square == 0
    share = relevance / jnp.where(nothing, 1, power + square)
    return jnp.where(nothing, 0, share * values), jnp.where(nothing, relevance, share * square)


def largest(values: Array) -> Array:
    """The largest magnitude, which values are divided by; 1 if all are 0."""
    found = jax.lax.stop_gradient(jnp.max(jnp.abs(values)))
    return jnp.where(found == 0, 1, found)


@compiled  # many small programs take far longer to compile
def settle(found: Array, relevance: Array) -> Array:
    """`found`, with what rounding took from its sum given back to two of its entries.

    The largest gets it, and what that one's own rounding leaves goes to the smallest that is
    at least a thousandth of it. Afterwards both sums, taken exactly, differ by the rounding of
    the smaller one: in single precision 1e-10 of the largest, or 1e-7 if all are as large.
    That is far below the rounding of an ordinary sum, so sums are compensated here.
    """
    flat = found.ravel()
    lost = _exact_sum(jnp.concatenate([relevance.ravel(), -flat]))
    for part in (1, 1e-3):
        size = jnp.abs(flat)
        place = jnp.argmin(jnp.where(size >= part * jnp.max(size), size, jnp.inf))
        after = flat[place] + lost
        lost = lost - (after - flat[place])
        flat = flat.at[place].set(after)
    return flat.reshape(found.shape)


def check(audio: Array, relevance: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Both in one type, of at least single precision.

    Raises:
      ValueError: if the audio is not a waveform `[T]`, relevance has another shape, or one
        of them is not floating point.
    """
    audio, relevance = as_audio(audio), as_floats(relevance, "relevance")
    if relevance.shape != shape:
        raise ValueError(
            f"relevance is {list(relevance.shape)}, expected {list(shape)} for audio "
            f"{list(audio.shape)}"
        )
    dtype = jnp.promote_types(jnp.promote_types(audio.dtype, relevance.dtype), jnp.float32)
    return audio.astype(dtype), relevance.astype(dtype)


def _exact_sum(values: Array) -> Array:
    """The sum `[]` of values `[N]`, by halves, with the rounding of each addition kept.

    D. Knuth, "The Art of Computer Programming 2", section 4.2.2, theorem B.
    """
    lost = jnp.zeros_like(values)
    while values.size > 1:
        odd = values.size % 2
        values, lost = jnp.pad(values, (0, odd)), jnp.pad(lost, (0, odd))
        (a, b), (lost_a, lost_b) = values.reshape(2, -1), lost.reshape(2, -1)
        values = a + b
        of_b = values - a
        lost = lost_a + lost_b + ((a - (values - of_b)) + (b - of_b))
    return values[0] + lost[0]
