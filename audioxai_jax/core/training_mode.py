"""Models that still train: dropout draws, batch statistics of one example, state that moves.

An explanation is of the model as it is used. What is refused is what happens, not what is set:
a layer in training mode that is told at its call to be still, or whose rate is zero, does no
harm. The switches of Flax, Equinox and Keras only give the layers their names.
"""

import contextlib
import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any

SWITCHES = {
    "deterministic": False,
    "use_running_average": False,
    "inference": False,
    "train": True,
    "training": True,
    "is_training": True,
}
"""Attributes of layers, and arguments of calls, with the values that mean training."""

RATES = ("rate", "dropout_rate", "p")
"""Attributes that say how much is dropped."""

HOW = (
    "explain it as it is used: module.eval() (NNX), train=False or deterministic=True (Linen), "
    "eqx.nn.inference_mode (Equinox), training=False (Keras)"
)


class TrainingMode(ValueError):
    """A model that drops values at random, or takes the statistics of what it is given."""


def refusal(what: str) -> TrainingMode:
    """The error that says what trains, and what to do."""
    return TrainingMode(f"the model is in training mode: {what}: {HOW}")


def wants_training(error: Exception) -> bool:
    """Whether a layer may have failed since it trains: without a key, an axis, or a way to move."""
    flax = type(error).__module__.startswith("flax.")
    return flax or isinstance(error, (RuntimeError, NameError))


def named(parts: list[str], most: int = 3) -> str:
    """The first few, as a text."""
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + more


def parts_in_training(model: Any) -> list[str]:
    """Such as "drop (Dropout)": the submodules whose switches say training, in their order."""
    return list(dict.fromkeys(_search(model, "", set())))


def _search(value: Any, path: str, seen: set[int]) -> Iterator[str]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, functools.partial):
        for name, setting in value.keywords.items():
            if SWITCHES.get(name) is setting:
                yield f"{name}={setting}"
    elif _is_module(value) and _trains(value):
        yield f"{path or 'the module itself'} ({type(value).__name__})"
    for name, part in _parts(value):
        yield from _search(part, f"{path}/{name}".strip("/"), seen)


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, functools.partial):
        yield from (("", part) for part in (value.func, *value.args, *value.keywords.values()))
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif _is_module(value):
        yield from ((n, p) for n, p in vars(value).items() if not n.startswith("_"))
    elif isinstance(value, types.MethodType):
        yield "", value.__self__
    elif isinstance(value, types.FunctionType):
        yield from (("", held) for held in _held(value) if _is_module(held))


def _held(function: types.FunctionType) -> Iterator[Any]:
    """What a function closes over, and the globals that it names."""
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # not filled yet
            yield cell.cell_contents
    for name in function.__code__.co_names:
        yield function.__globals__.get(name)


def _is_module(value: Any) -> bool:
    """Of Flax, Equinox or Haiku, or a layer of Keras: seen by the names of its classes."""
    return {"Module", "Pytree", "Layer"} & {kind.__name__ for kind in type(value).__mro__} != set()


def _trains(module: Any) -> bool:
    on = [n for n, setting in SWITCHES.items() if getattr(module, n, None) is setting]
    rates = [getattr(module, name) for name in RATES if hasattr(module, name)]
    still = all(isinstance(rate, (int, float)) and rate == 0 for rate in rates)
    return bool(on) and not (rates and still)
