"""What is refused of a module of PyTorch, and of its example, before it is exported."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.pytorch_call import Call

HALVES = (torch.float16, torch.bfloat16)
TRAINED = ("Dropout", "BatchNorm", "RNN", "LSTM", "GRU", "InstanceNorm", "Attention")
"""Parts of names of layers that compute something else while they are trained."""


def check_module(module: Any) -> None:
    """Refuses what cannot be exported, or would not be the model that the user means.

    Raises:
      BridgeError: naming the layer.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise BridgeError(
            f"{type(module).__name__} is a TorchScript module, which torch.export does not follow: "
            "give the Python module that it was made of, or an ONNX file to from_onnx"
        )
    if isinstance(module, (Mapping, str, Path)) or isinstance(module, type):
        raise BridgeError(_unbuilt(module))
    if not isinstance(module, torch.nn.Module):
        raise BridgeError(
            f"expected a torch.nn.Module, got {type(module).__name__}: put a function into the "
            "forward method of a module, with its tensors as buffers"
        )
    _check_mode(module)
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if value.device.type != "cpu":
            raise BridgeError(f"{name!r} is on {value.device}: call module.cpu() first")
        if value.dtype in HALVES:
            raise BridgeError(
                f"{name!r} is {_short(value.dtype)}, which CPUs compute with other roundings: call "
                "module.float() first, which changes no weight"
            )
        if value.is_quantized:
            raise BridgeError(f"{name!r} is quantised: give the module before its quantisation")


def _unbuilt(module: Any) -> str:
    """What to do with weights, a file or a class in place of a module."""
    if isinstance(module, type):
        return f"the class {module.__name__} was given: give a module of it, {module.__name__}(..)"
    if isinstance(module, Mapping):
        return (
            f"a {type(module).__name__} was given, such as a state_dict, which holds weights "
            "alone: build the module, call module.load_state_dict(weights), and give the module"
        )
    return (
        f"a path was given ({Path(module).name}): build the module, call module.load_state_dict("
        "torch.load(path, weights_only=True)), and give the module"
    )


def _check_mode(module: torch.nn.Module) -> None:
    training = [(name, part) for name, part in module.named_modules() if part.training]
    if not training:
        return
    telling = [pair for pair in training if any(n in type(pair[1]).__name__ for n in TRAINED)]
    name, part = (telling or training)[0]
    where = f"the layer {name!r} ({type(part).__name__})" if name else type(part).__name__
    raise BridgeError(f"{where} is in training mode: call module.eval() first")


def as_call(module: torch.nn.Module, example: Any) -> Call:
    """The arguments of an example by their names in `forward`.

    Raises:
      BridgeError: for an example without tensors, with unknown names, or with tensors within
        lists.
    """
    if isinstance(example, Mapping):
        given, positions = {str(name): value for name, value in example.items()}, ()
        _check_names(module, list(given))
    else:
        values = tuple(example) if isinstance(example, (tuple, list)) else (example,)
        positions = tuple(_names(module, len(values)))
        given = dict(zip(positions, values, strict=True))
    tensors = {}
    for name, value in given.items():
        if isinstance(value, torch.Tensor):
            tensors[name] = value.detach().cpu()
        elif hasattr(value, "__array__"):
            raise BridgeError(
                f"the argument {name!r} of the example is a {type(value).__name__} of another "
                "package: give a tensor: torch.from_numpy(numpy.asarray(example))"
            )
        elif isinstance(value, (tuple, list, dict)):
            raise BridgeError(
                f"the argument {name!r} of the example is a {type(value).__name__}: give tensors, "
                "and wrap a module that takes lists of them"
            )
    for name, value in tensors.items():
        if value.dtype in HALVES:
            raise BridgeError(f"the argument {name!r} is {_short(value.dtype)}: give it as float32")
    if not tensors:
        raise BridgeError("the example holds no tensor: give one, such as torch.zeros(1, 16000)")
    rest = {name: value for name, value in given.items() if name not in tensors}
    return Call(tensors, rest, positions)


def _parameters(module: torch.nn.Module) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(module.forward).parameters)


def _names(module: torch.nn.Module, count: int) -> list[str]:
    """Names of arguments by position; those of `*args` are numbered."""
    names = []
    for name, parameter in _parameters(module).items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{name}_{index}" for index in range(count - len(names))]
        elif parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            names.append(name)
        if len(names) >= count:
            return names[:count]
    raise BridgeError(
        f"the example has {count} arguments, {type(module).__name__}.forward takes {len(names)}: "
        "give a tuple of those, or a dictionary by their names"
    )


def _check_names(module: torch.nn.Module, names: list[str]) -> None:
    known = _parameters(module)
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values()):
        return
    for name in names:
        if name not in known:
            raise BridgeError(
                f"{type(module).__name__}.forward has no argument {name!r}: it has "
                f"{nearest(name, known)}"
            )


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
