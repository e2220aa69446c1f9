"""Parts of a codec that run window by window: how far each sees, and what it carries.

A codec is a few `Local` and `Carried` stages, which `audioxai_jax.streaming` runs in constant
memory.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.types import Model


@record(static=("takes", "gives", "left", "right", "units"))
class Local:
    """A function whose output at one place depends on a neighbourhood of its input.

    Rows of input and output come in units. Output unit u depends on input units u - `left` to
    u + `right`, and on nothing else but where the signal ends. The function of a window has to
    treat the window's ends as if the signal ended there; what that spoils is dropped.

    Attributes:
      function: `[n, ..] -> [m, ..]` of the signal, or of a window of it.
      takes, gives: rows of input and of output per unit.
      left, right: reach, in units.
      units: number of units that one window gives; it takes `left + units + right`.
      last: the function of the last window, which may lack rows, or of a short signal; None if
        `function` does for that, too.

    Raises:
      ValueError: if these are not integers, a reach is below 0, or another number below 1.
    """

    function: Model
    takes: int = 1
    gives: int = 1
    left: int = 0
    right: int = 0
    units: int = 1
    last: Model | None = None

    def __post_init__(self):
        _check_numbers(self, {"takes": 1, "gives": 1, "left": 0, "right": 0, "units": 1})


@record(static=("rows",))
class Carried:
    """A recurrence: what it makes of a row depends on the rows before by a state alone.

    Attributes:
      function: `(state, x [rows, ..]) -> (state, y [rows, ..])`.
      start: `x -> state` before the first row, of the shape and dtypes of all later ones.
      rows: rows that run at once; zeros fill the last window.

    Raises:
      ValueError: if `rows` is not an integer of at least 1.
    """

    function: Callable[[Any, Array], tuple[Any, Array]]
    start: Callable[[Any], Any]
    rows: int = 1

    def __post_init__(self):
        _check_numbers(self, {"rows": 1})


Stage = Local | Carried


def frames_of(samples: int, hop: int) -> int:
    """Whole frames that hold this number of samples."""
    return -(-samples // hop)


def _check_numbers(stage: Any, least: Mapping[str, int]) -> None:
    values = {name: getattr(stage, name) for name in least}
    wrong = [
        f"{name}={values[name]!r} (from {low} up)"
        for name, low in least.items()
        if not isinstance(values[name], int | np.integer)
        or isinstance(values[name], bool)
        or values[name] < low
    ]
    if wrong:
        raise ValueError(
            f"{type(stage).__name__} is counted in whole numbers, got {', '.join(wrong)}"
        )
