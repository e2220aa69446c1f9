"""The tensors of a Keras model by name, and the part of a functional one that ends in some."""

from typing import Any

from audioxai_jax.models.bridges.errors import BridgeError, nearest
from audioxai_jax.models.bridges.onnx.graph import Port

LOGITS = "logits"
KINDS = ("softmax", "sigmoid")


def is_functional(model: Any) -> bool:
    """Whether the model is nothing but its graph of layers; a subclass may compute anything."""
    return type(model).__name__ in ("Functional", "Sequential") and bool(model.inputs)


def operation_of(tensor: Any) -> Any:
    """The layer that makes a symbolic tensor."""
    return tensor._keras_history.operation


def inputs_of(model: Any) -> dict[str, Any]:
    """Symbolic inputs by name: the key of a dictionary, or the name of the input layer."""
    return {operation_of(tensor).name: tensor for tensor in model.inputs}


def outputs_of(model: Any) -> dict[str, Any]:
    """Symbolic outputs by name: the key of a dictionary, or the name of the layer."""
    named = model.output if type(model).__name__ == "Functional" else None
    if isinstance(named, dict):
        return {str(key): tensor for key, tensor in named.items()}
    outputs: dict[str, Any] = {}
    for tensor in model.outputs:
        name = operation_of(tensor).name
        outputs[name if name not in outputs else f"{name}:{len(outputs)}"] = tensor
    return outputs


def ending(model: Any) -> tuple[Any, str] | None:
    """The only output and its kind, if the layer that makes it ends in softmax or sigmoid."""
    if not is_functional(model) or len(model.outputs) != 1:
        return None
    layer = operation_of(model.outputs[0])
    if type(layer).__name__ == "Softmax":
        return model.outputs[0], "softmax"
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return (model.outputs[0], name) if name in KINDS else None


def before_ending(model: Any) -> tuple[Any, dict[int, Any]]:
    """The tensor in front of the ending, and variables that stand for others, by identity.

    A layer with an activation of its own is made again without it.

    Raises:
      BridgeError: for a model that does not end in softmax or sigmoid.
    """
    end = ending(model)
    if end is None:
        raise BridgeError(
            "the Keras model does not end in one softmax or sigmoid: name a layer by output="
        )
    history = end[0]._keras_history
    layer = history.operation
    before = layer._inbound_nodes[history.node_index].input_tensors
    if type(layer).__name__ in ("Softmax", "Activation"):
        return before[0], {}
    linear = type(layer).from_config({**layer.get_config(), "activation": None})
    tensor = linear(before[0])
    return tensor, dict(zip(map(id, linear.variables), layer.variables, strict=True))


def tensor_named(model: Any, name: str) -> tuple[Any, dict[int, Any]]:
    """The symbolic output of that name: of the model, of a layer, or the logits.

    Raises:
      BridgeError: if nothing has that name.
    """
    outputs = outputs_of(model)
    if name in outputs:
        return outputs[name], {}
    layers = {layer.name: layer for layer in model.layers}
    if name in layers:
        layer = layers[name]
        if len(layer._inbound_nodes) > 1 or isinstance(layer.output, (list, tuple, dict)):
            raise BridgeError(f"the Keras layer {name!r} has several outputs: end in another one")
        return layer.output, {}
    if name == LOGITS:
        return before_ending(model)
    raise BridgeError(
        f"the Keras model has no output or layer {name!r}: the nearest names are "
        f"{nearest(name, [*outputs, *layers])}"
    )


def port(name: str, tensor: Any) -> Port:
    """Name, shape and dtype of a symbolic tensor."""
    return Port(name, tuple(tensor.shape), str(tensor.dtype))
