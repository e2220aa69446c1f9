"""The export of a module of PyTorch to ONNX: quiet, and with the module left as it was."""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from audioxai_jax.models.bridges import pytorch_constants
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.pytorch_advice import advice, place
from audioxai_jax.models.bridges.pytorch_call import Call, flattened

OPERATION = re.compile(r"\b(?:aten|torchaudio|torchvision|prims|prim|higher_order)(?:\.|::)\w+")
MOST_BYTES = 2**31 - 1
"""Of a protobuf message."""


class Flat(torch.nn.Module):
    """A module that takes tensors and returns a flat tuple of them, under the names of another.

    It shares the tables of parameters, buffers and layers with the module inside, which is not a
    layer of it: names of weights get no prefix.
    """

    def __init__(self, module: torch.nn.Module, call: Call) -> None:
        super().__init__()
        self._modules, self._parameters = module._modules, module._parameters
        self._buffers = module._buffers
        self._non_persistent_buffers_set = module._non_persistent_buffers_set
        self.training = False
        object.__setattr__(self, "inside", (module, call, []))

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        module, call, names = self.inside
        positions, by_name = call.arguments(dict(zip(call.tensors, tensors, strict=True)))
        results = flattened(module(*positions, **by_name))
        names[:] = list(results)
        return tuple(results.values())


def export(module: torch.nn.Module, call: Call) -> bytes:
    """The ONNX file of a module; the last axis of tensors named by `call.lengths` is not fixed.

    Raises:
      BridgeError: if the export fails, in one line that names the operation and the layer.
    """
    kind = type(module).__name__
    flat = Flat(module, call)
    names = flat.inside[2]
    tensors = tuple(call.tensors.values())
    free = lambda name, tensor: {tensor.ndim - 1: torch.export.Dim.AUTO}
    shapes = [free(*pair) if pair[0] in call.lengths else None for pair in call.tensors.items()]
    with quiet(), torch.no_grad(), torch.random.fork_rng(devices=[]), _attributes_kept(module):
        try:
            program = torch.export.export(
                flat, tensors, strict=False, dynamic_shapes=(tuple(shapes),)
            )
        except Exception as error:  # of the exporter, or of the module's own code
            if told := advice(call, error, lambda other: _succeeds(module, other)):
                raise BridgeError(f"{kind}: {told}") from error
            raise _refusal(kind, "torch.export cannot follow it", error, None) from error
        _check(kind, program, names)
        try:
            written = torch.onnx.export(
                program,
                dynamo=True,
                optimize=False,  # it moves and renames weights
                custom_translation_table=pytorch_constants.translations(),
                verbose=False,
                input_names=list(call.tensors),
                output_names=names,
            )
            content = _bytes(kind, written)
        except BridgeError:
            raise
        except Exception as error:
            raise _refusal(kind, "torch.onnx cannot write it", error, program) from error
    return content


def _succeeds(module: torch.nn.Module, call: Call) -> bool:
    try:
        torch.export.export(Flat(module, call), tuple(call.tensors.values()), strict=False)
    except Exception:
        return False
    return True


def _check(kind: str, program: Any, names: list[str]) -> None:
    if not names:
        raise BridgeError(f"{kind} returns no tensors: return a tensor, or a tuple or dict of them")
    targets = [getattr(node.target, "_schema", None) for node in program.graph.nodes]
    if any(schema is not None and schema.is_mutable for schema in targets):
        program = program.run_decompositions({})
    changed = list(program.graph_signature.buffers_to_mutate.values())
    if changed:
        raise BridgeError(
            f"{kind}: the buffer {changed[0]!r} changes during a call: pass such a state as an "
            "argument, and return what becomes of it"
        )


def _bytes(kind: str, written: Any) -> bytes:
    message = written.model_proto
    if message.ByteSize() > MOST_BYTES:
        raise BridgeError(
            f"{kind}: its graph has more than 2 GiB: export it to a file for from_onnx"
        )
    return message.SerializeToString()


def _refusal(kind: str, what: str, error: Exception, program: Any) -> BridgeError:
    """One line: the operation if one is named, the layer that holds it, the reason, what to try."""
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__) is not None and below not in chain:
        chain.append(below)
    told = chain if program is None else chain[::-1]  # torch.onnx wraps the reason twice
    text = next((t for e in told if (t := _line(e))), type(error).__name__)
    whole = "\n".join(map(str, chain))
    where = ""
    if named := OPERATION.search(whole):
        operation = named[0].replace("::", ".")
        where = f" (operation {operation}{_layer(program, operation)})"
    if line := place(whole):
        where += f" ({line})"
    return BridgeError(
        f"{kind}: {what}{where}: {text}. Rewrite that part with other operations, explain the part "
        "of the module in front of it or behind it, or export the module yourself for from_onnx"
    )


def _layer(program: Any, operation: str) -> str:
    """The layer that holds an operation of an exported program."""
    for decomposed in () if program is None else (program, program.run_decompositions()):
        for node in decomposed.graph.nodes:
            stack = node.meta.get("nn_module_stack") or {}
            if f".{operation.partition('.')[2]}." in str(node.target) and stack:
                name, kind = list(stack.values())[-1]
                kind = str(getattr(kind, "__name__", kind)).rpartition(".")[2]
                return f" in {name!r}, {kind}" if name else ""
    return ""


def _line(error: BaseException) -> str:
    """The first line of a message that says something."""
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    text = next((line for line in lines if line and not line.startswith("Failed to")), "")
    text = re.sub(r"\x1b\[[0-9;]*m", "", text).rstrip(".")
    return text if len(text) <= 200 else text[:200] + ".."


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """The exporter's reports, warnings and log lines go nowhere; what it sets is set back."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nowhere = io.StringIO()
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
    finally:
        logging.disable(disabled)


@contextlib.contextmanager
def _attributes_kept(module: torch.nn.Module) -> Iterator[None]:
    """Layers get back what the exporter sets in them, such as the flat weights of an LSTM."""
    before = [(part, dict(vars(part))) for part in module.modules()]
    try:
        yield
    finally:
        for part, attributes in before:
            for name in set(vars(part)) - set(attributes):
                vars(part).pop(name)
            vars(part).update(attributes)
