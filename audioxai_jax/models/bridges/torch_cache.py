"""Exported graphs in a folder, by the content of all that made them."""

import hashlib
import importlib.metadata
import inspect
from pathlib import Path
from typing import Any

import torch

from audioxai_jax.core.files import make_folder, replace_file
from audioxai_jax.models.bridges.torch_call import Call

PACKAGES = ("torch", "onnx", "onnxscript", "transformers")
PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, torch.Size)
ELSEWHERE = (
    *("_parameters", "_buffers", "_modules", "_flat_weights", "_flat_weight_refs"),
    *("_state_dict_hooks", "_state_dict_pre_hooks", "_state_dict_post_hooks"),
)
"""Attributes of layers that are told of elsewhere, or that have no part in a call."""
FORM = b"1"
"""Changes with what is kept, or with how it is made."""


class Unknown(Exception):
    """Something whose content cannot be told."""


def place(folder: Path, module: torch.nn.Module, call: Call) -> Path | None:
    """The file of a module's graph; None if the module holds something whose content is unknown."""
    try:
        return make_folder(folder) / f"{_fingerprint(module, call)}.onnx"
    except Unknown:
        return None


def kept(file: Path) -> bytes | None:
    """The graph that is kept, or None."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, graph = content[:32], content[32:]
    return graph if hashlib.sha256(graph).digest() == digest else None


def keep(file: Path, content: bytes) -> None:
    """Keeps a graph, with its sha256 in front."""
    replace_file(file, hashlib.sha256(content).digest() + content)


def _fingerprint(module: torch.nn.Module, call: Call) -> str:
    total = hashlib.sha256(FORM)
    for package in PACKAGES:
        try:
            total.update(f"{package} {importlib.metadata.version(package)}\n".encode())
        except importlib.metadata.PackageNotFoundError:
            continue
    for name, part in module.named_modules():
        total.update(f"{name} {_code(type(part))}\n".encode())
        rest = {key: value for key, value in vars(part).items() if not key.endswith(ELSEWHERE)}
        total.update(_told(rest).encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        total.update(f"{name} {_tensor(value)}\n".encode())
    total.update(f"{list(call.positions)} {_told(call.values)}".encode())
    for name, value in call.tensors.items():
        total.update(f"{name} {_tensor(value)}\n".encode())
    return total.hexdigest()


def _code(kind: type) -> str:
    """Name of a class and sha256 of the file that it stands in."""
    try:
        source = Path(inspect.getsourcefile(kind) or "").read_bytes()
    except (OSError, TypeError):
        raise Unknown(kind) from None
    return f"{kind.__module__}.{kind.__qualname__} {hashlib.sha256(source).hexdigest()}"


def _tensor(value: torch.Tensor) -> str:
    raw = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return f"{value.dtype} {tuple(value.shape)} {hashlib.sha256(raw).hexdigest()}"


def _told(value: Any) -> str:
    """A text that differs for values that differ."""
    if isinstance(value, PLAIN):
        return f"{type(value).__name__}({value!r})"
    if isinstance(value, torch.Tensor):
        return _tensor(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_told(key)}:{_told(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}[{','.join(map(_told, value))}]"
    if isinstance(value, (set, frozenset)):
        return f"set[{','.join(sorted(map(_told, value)))}]"
    if inspect.isfunction(value) and (value.__closure__ or value.__defaults__):
        raise Unknown(value)
    if isinstance(value, type) or inspect.isfunction(value) or inspect.isbuiltin(value):
        return f"{value.__module__}.{value.__qualname__}"
    if callable(getattr(value, "to_dict", None)):  # configurations of transformers
        return f"{type(value).__name__}{_told(value.to_dict())}"
    raise Unknown(type(value))
