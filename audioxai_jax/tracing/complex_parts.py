"""Functions of complex values, by their real and imaginary parts.

Relevance and multipliers are real. What is linear in complex values is one linear map between
real ones and needs no parts inside; all else is written here by real operations, each of which
has a rule. A part that is known to be zero is None, so that a real factor of a spectrum stays one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.tracing.affine import MOVES, PRODUCTS, SUMS

PARTS = frozenset("real imag conj fft".split())
"""Linear in their operand, over real factors."""

JOINED = SUMS | frozenset("complex select_n scatter scatter-add dynamic_update_slice".split())
"""Linear in all operands together; a constant among them is a shift."""

WEIGHED = PRODUCTS | frozenset({"mul"})
"""Linear in one operand, given the other."""

CASTS = frozenset("convert_element_type copy copy_p reduce_precision name neg".split())


def is_linear(name: str, moving: list[bool]) -> bool:
    """Whether a primitive is linear over real factors in the operands that depend on the input.

    Args:
      moving: whether each operand depends.
    """
    if name in WEIGHED:
        return sum(moving) == 1
    if name == "div":
        return not moving[1]
    return name in MOVES | PARTS | JOINED | CASTS


class Parts(NamedTuple):
    """A complex value; a part that is None is zero. Not both are."""

    re: Any
    im: Any


def _times(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a * b


def _plus(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _minus(a: Any, b: Any) -> Any:
    return _negative(b) if a is None else a if b is None else a - b


def _negative(a: Any) -> Any:
    return None if a is None else -a


def _over(a: Any, b: Any) -> Any:
    return None if a is None else a / b


def _full(z: Parts) -> tuple[Array, Array]:
    re = jnp.zeros_like(z.im) if z.re is None else z.re
    return re, jnp.zeros_like(re) if z.im is None else z.im


def square(z: Parts) -> Parts:
    """(a^2 - b^2) + i 2ab."""
    squares = [None if part is None else lax.square(part) for part in z]
    product = _times(z.re, z.im)
    return Parts(_minus(*squares), None if product is None else 2 * product)


def power(z: Parts) -> Array:
    """|z|^2 = a^2 + b^2."""
    return _plus(*(None if part is None else lax.square(part) for part in z))


def magnitude(z: Parts) -> Array:
    """sqrt(a^2 + b^2), with the derivative 0 at 0."""
    if z.re is None or z.im is None:
        known: Any = z.im if z.re is None else z.re
        return jnp.abs(known)
    squares = power(z)
    zero = squares == 0
    return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, squares)))


def angle(z: Parts) -> Array:
    """atan2(b, a)."""
    re, im = _full(z)
    return lax.atan2(im, re)


def multiply(z: Parts, w: Parts) -> Parts:
    """(ac - bd) + i (ad + bc)."""
    re = _minus(_times(z.re, w.re), _times(z.im, w.im))
    im = _plus(_times(z.re, w.im), _times(z.im, w.re))
    return Parts(re, im)


def divide(z: Parts, w: Parts) -> Parts:
    """z / w, by a real w where it is one; else z conj(w) / |w|^2."""
    if w.im is None:
        return Parts(_over(z.re, w.re), _over(z.im, w.re))
    if w.re is None:
        return Parts(_over(z.im, w.im), _negative(_over(z.re, w.im)))
    found = multiply(z, Parts(w.re, -w.im))
    squares = power(w)
    return Parts(_over(found.re, squares), _over(found.im, squares))


def integer_power(z: Parts, *, y: int) -> Parts:
    """By squares: z^5 = (z^2)^2 z."""
    if y < 0:
        whole = integer_power(z, y=-y)
        return divide(Parts(jnp.ones_like(_full(whole)[0]), None), whole)
    if y == 0:
        return Parts(jnp.ones_like(_full(z)[0]), None)
    half = square(integer_power(z, y=y // 2)) if y > 1 else None
    if half is None:
        return z
    return multiply(half, z) if y % 2 else half


def from_polar(size: Array | None, phase: Any) -> Parts:
    """size (cos + i sin)(phase); a size of None is 1."""
    if phase is None:
        return Parts(size, None)
    parts = jnp.cos(phase), jnp.sin(phase)
    return Parts(*parts) if size is None else Parts(*(size * part for part in parts))


def exponential(z: Parts) -> Parts:
    """exp(a) (cos b + i sin b)."""
    return from_polar(None if z.re is None else jnp.exp(z.re), z.im)


def logarithm(z: Parts) -> Parts:
    """log |z| + i angle(z)."""
    return Parts(jnp.log(power(z)) / 2, angle(z))


def raised(z: Parts, w: Parts) -> Parts:
    """z^w: |z|^c (cos + i sin)(c angle(z)) for a real exponent c; else exp(w log z)."""
    if w.im is None:
        return from_polar(magnitude(z) ** w.re, w.re * angle(z))
    return exponential(multiply(w, logarithm(z)))


def root(z: Parts) -> Parts:
    """sqrt |z| (cos + i sin)(angle(z) / 2)."""
    return from_polar(jnp.sqrt(magnitude(z)), angle(z) / 2)


def inverse_root(z: Parts) -> Parts:
    return from_polar(1 / jnp.sqrt(magnitude(z)), angle(z) / -2)


def same(z: Parts, w: Parts) -> Array:
    (a, b), (c, d) = _full(z), _full(w)
    return (a == c) & (b == d)


def other(z: Parts, w: Parts) -> Array:
    return ~same(z, w)


def choose(which: Array, *cases: Parts) -> Parts:
    pairs = [_full(case) for case in cases]
    return Parts(*(lax.select_n(which, *column) for column in zip(*pairs, strict=True)))


def product(bind: Callable[[Array, Array], Array], z: Parts, w: Parts) -> Parts:
    """A product of matrices or a convolution, of four real ones."""
    pairs = lambda a, b: None if a is None or b is None else bind(a, b)
    re = _minus(pairs(z.re, w.re), pairs(z.im, w.im))
    return Parts(re, _plus(pairs(z.re, w.im), pairs(z.im, w.re)))


FUNCTIONS: dict[str, Callable[..., Parts | Array]] = {
    "abs": magnitude,
    "div": divide,
    "eq": same,
    "exp": exponential,
    "integer_pow": integer_power,
    "log": logarithm,
    "mul": multiply,
    "ne": other,
    "pow": raised,
    "rsqrt": inverse_root,
    "select_n": choose,
    "sqrt": root,
    "square": square,
}
"""Of primitives that are not linear, each as a function of parts. Products, loops and branches
are in `complex_values`."""
