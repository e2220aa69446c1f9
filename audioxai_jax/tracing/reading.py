"""What a graph takes for dependent on its input, and the primitives that decide it."""

import dataclasses
from typing import Any

import jax

CALLS = frozenset(
    "jit pjit call closed_call core_call remat remat2 checkpoint custom_jvp_call custom_vjp_call "
    "custom_vjp_call_jaxpr custom_vmap_call".split()
)
"""Primitives that only group equations; all others with jaxprs inside steer the control flow."""

LINEAR = "linear_map"
"""Name of a compiled function that stays whole: it is linear in the operand that depends on the
input, and rules need not see how it is computed, such as by complex numbers."""

CUSTOM = frozenset("custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr".split())
"""Those of them that have derivatives of their own."""

OUTSIDE = frozenset("pure_callback io_callback ffi_call".split())
"""Primitives that JAX cannot look into."""

CUTS = OUTSIDE | frozenset("stop_gradient sign floor ceil round".split())
"""Primitives whose result is constant as far as the gradient is concerned."""

DECISIONS = frozenset(
    "gt lt ge le eq ne and or not xor is_finite select_n add sub mul neg max min clamp rem div abs "
    "sign square integer_pow convert_element_type".split()
)
"""Functions of single values that may decide, count or be decided by what was."""

MOVED = frozenset(
    "reshape squeeze expand_dims broadcast_in_dim transpose slice rev concatenate reduce_sum "
    "cumsum copy name dot_general".split()
)
"""Primitives that treat what was decided or counted as they treat other numbers."""

IDENTITY: tuple[Any, dict[str, Any]] = (jax.lax.squeeze_p, {"dimensions": ()})
"""A primitive that changes nothing, with its parameters."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """What counts as depending on the input, and what is left whole.

    A function with a derivative of its own is replaced by what it contains, but for outputs to
    which no gradient leads within: they come from the function as a whole.

    Attributes:
      compares: whether a value depends that differs between two inputs, and not only one that
        a gradient leads to. Stopped values are what they are, and decisions and counts are
        numbers; but where something was found (`argmax`, the order of a sort) or is looked up,
        no difference is handed back.
      whole: whether functions with derivatives of their own stay whole, for their gradient.
    """

    compares: bool = False
    whole: bool = False


GRADIENT, DIFFERENCES, WHOLE = Reading(), Reading(compares=True), Reading(whole=True)
