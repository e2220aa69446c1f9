"""What to do where an export of a module of PyTorch failed, if the reason can be told."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audioxai_jax.models.bridges.pytorch_call import Call

CODE = re.compile(r'File "([^"]+)", line (\d+), in (\w+)')
DATA = ("GuardOnDataDependent", "data-dependent", "_local_scalar_dense")
"""Parts of the exporter's messages about a branch that depends on values."""
BATCH = "a batch of one, such as torch.zeros(1, 16000)"


def place(text: str) -> str:
    """Such as "in forward, net.py:12": the last line of code that a message names; "" if none."""
    lines = CODE.findall(text)
    if not lines:
        return ""
    file, line, name = lines[-1]
    return f"in {name}, {Path(file).name}:{line}"


def advice(call: Call, error: Exception, succeeds: Callable[[Call], bool]) -> str:
    """What is wrong and what to do; "" if it is not known.

    Args:
      call: how the module was called.
      error: exception of the export.
      succeeds: whether the export of another call succeeds.
    """
    if (whole := whole_numbers(call)) and succeeds(_with(call, lambda tensor: tensor.float())):
        return whole
    if succeeds(_with(call, lambda tensor: tensor[None])):
        shapes = ", ".join(str(list(tensor.shape)) for tensor in call.tensors.values())
        return f"the example {shapes} has no axis of a batch: the example is {BATCH}"
    text = f"{type(error).__name__}: {error}"
    if any(part in text for part in DATA):
        where = place(text)
        return (
            f"an `if` on the sound's values{f' ({where})' if where else ''}: write it with "
            "torch.where, or with shapes and switches alone"
        )
    return ""


def whole_numbers(call: Call) -> str:
    """What is wrong with an example without floating point; "" if it has some."""
    if any(tensor.is_floating_point() for tensor in call.tensors.values()):
        return ""
    name, tensor = next(iter(call.tensors.items()))
    return (
        f"the argument {name!r} holds whole numbers ({str(tensor.dtype).removeprefix('torch.')}), "
        "and a waveform is floating point: give example.float()"
    )


def _with(call: Call, change: Callable[[Any], Any]) -> Call:
    """The call with other tensors."""
    return dataclasses.replace(call, tensors={n: change(t) for n, t in call.tensors.items()})
