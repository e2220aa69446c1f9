"""The released weights of Lyra V2, from the three files of google/lyra's `model_coeffs`.

Weights are told by the order in which the graph runs its convolutions: their names in the files
are not unique. Numbers that the files hold in 8 bits become the floating point numbers that
they stand for.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets.codecs import lyra
from audioxai_jax.nets.codecs.lyra import LyraConfig
from audioxai_jax.types import Codec
from audioxai_jax.weights import file_format
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import tflite
from audioxai_jax.weights.published.tflite import CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV

RELEASED = {
    "soundstream_encoder.tflite": (
        "237da0b16226fb0a68d49551c81bebf614e42142af72764448359f68581e88f1"
    ),
    "lyragan.tflite": "50e7839cda4f30599a3a34cfaddcd9c98449b049eee884e1a74295780448ad06",
    "quantizer.tflite": "841ee05989687d32d1f616a8ad1419fc7eda37599d3c05c7cf5a0d60ccf8ac5c",
}
"""sha256 of the files at commit 47698dadf0010abff6a848e02642f55f806d4842, Apache-2.0."""


class Layer(NamedTuple):
    """What the graph must have: a layer's name and kind, its steps, and in how many parts."""

    name: str
    code: int
    stride: int = 1
    dilation: int = 1
    parts: int = 1


def load_lyra(folder: str | Path) -> Codec:
    """The codec "lyra_v2"; its mean latent is not known.

    Its fingerprint is `fingerprint(hashes)` of the files: that of `RELEASED` for Google's own.

    Raises:
      WeightsError: as `load_params`.
    """
    params, hashes = load_params(folder)
    codec = lyra.codec(LyraConfig(), params, name="lyra_v2")
    return dataclasses.replace(codec, fingerprint=fingerprint(hashes))


def fingerprint(hashes: dict[str, str]) -> str:
    """One sha256 for the files: that of their own, one a line, in the order of `RELEASED`."""
    return hashlib.sha256("".join(f"{hashes[name]}\n" for name in RELEASED).encode()).hexdigest()


def load_params(folder: str | Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters for `nets.codecs.lyra` with the default configuration, and each file's sha256.

    Files other than the released ones are taken if they are laid out alike.

    Raises:
      WeightsError: if a file is missing, damaged, or laid out otherwise; it names the file and
        the layer.
    """
    config, hashes = LyraConfig(), {}
    graphs: dict[str, tuple[Path, tflite.Graph]] = {}
    for name in RELEASED:
        path = Path(folder) / name
        content = tflite.read_bytes(path)
        hashes[name] = hashlib.sha256(content).hexdigest()
        graphs[name] = path, tflite.parse(path, content)[0]
    encoder, decoder, quantizer = (graphs[name] for name in RELEASED)
    wanted = jax.eval_shape(lambda: lyra.init(config, jax.random.key(0)))
    params = {
        "encoder": _layers(*encoder, list(encoder_layers(config)), wanted["encoder"]),
        "decoder": _layers(*decoder, list(decoder_layers(config)), wanted["decoder"]),
        "codebooks": _codebooks(*quantizer, wanted["codebooks"].shape),
    }
    return jax.tree.map(jnp.asarray, params), hashes


def encoder_layers(config: LyraConfig) -> Iterator[Layer]:
    """The encoder's convolutions in the order in which its file runs them."""
    yield Layer("enter", CONV_2D, config.strides[0])
    for level, stride in enumerate(config.strides[1:]):
        yield from _units(config, level)
        yield Layer(f"down_{level}", CONV_2D, stride)
    yield Layer("leave", CONV_2D)


def decoder_layers(config: LyraConfig) -> Iterator[Layer]:
    """The decoder's; a transposed convolution in groups is one operation for each of them."""
    yield Layer("enter", CONV_2D)
    for level in reversed(range(len(config.groups))):
        stride, groups = config.strides[level + 1], config.groups[level]
        yield Layer(f"up_{level}", TRANSPOSE_CONV, stride, parts=groups)
        yield from _units(config, level)
    yield Layer("leave", TRANSPOSE_CONV, config.strides[0])


def _units(config: LyraConfig, level: int) -> Iterator[Layer]:
    for unit, dilation in enumerate(config.dilations):
        name = f"unit_{level}_{unit}"
        yield Layer(f"{name}/depthwise", DEPTHWISE_CONV_2D, dilation=dilation)
        yield Layer(f"{name}/first", CONV_2D)
        yield Layer(f"{name}/second", CONV_2D)


def convolutions(graph: tflite.Graph) -> list[tflite.Operation]:
    """The graph's convolutions, in the order in which they run."""
    return [operation for operation in graph.operations if operation.code in tflite.STEPS]


def _layers(path: Path, graph: tflite.Graph, layers: list[Layer], wanted) -> dict[str, Any]:
    """The layers' parameters, nested as in `wanted`."""
    operations = convolutions(graph)
    expected = sum(layer.parts for layer in layers)
    if len(operations) != expected:
        raise WeightsError(f"{path}: has {len(operations)} convolutions, Lyra V2 has {expected}")
    shapes = file_format.flatten(wanted)
    rest, params = iter(operations), {}
    for layer in layers:
        parts = [next(rest) for _ in range(layer.parts)]
        for part in parts:
            found = Layer(layer.name, part.code, part.stride, part.dilation, layer.parts)
            if found != layer:
                raise WeightsError(
                    f"{path}: layer {layer.name!r} is operation {found.code} with stride "
                    f"{found.stride} and dilation {found.dilation}, expected {layer.code} with "
                    f"{layer.stride} and {layer.dilation}"
                )
        tensors = [_weight_and_bias(path, graph, layer, part) for part in parts]
        if len({(weight.shape, bias.shape) for weight, bias in tensors}) > 1:
            raise WeightsError(f"{path}: the parts of layer {layer.name!r} differ in shape")
        joined = [np.concatenate(pieces, axis=-1) for pieces in zip(*tensors, strict=True)]
        found = dict(zip(("weight", "bias"), joined, strict=True))
        for name, value in found.items():
            shape = shapes.get(f"{layer.name}/{name}")
            if shape is None and not np.any(value):
                continue  # depthwise convolutions have a bias of zeros
            _check(path, f"{layer.name}/{name}", value, None if shape is None else shape.shape)
            folder = params
            for step in layer.name.split("/"):
                folder = folder.setdefault(step, {})
            folder[name] = value
    return params


def _weight_and_bias(path: Path, graph: tflite.Graph, layer: Layer, operation: tflite.Operation):
    """One operation's weight, as `nets.codecs.lyra` has it, and its bias."""
    transposed = layer.code == TRANSPOSE_CONV
    found = []
    for place, axes in ((1, 4), (3 if transposed else 2, 1)):
        index = operation.inputs[place] if place < len(operation.inputs) else -1
        tensor = graph.tensors[index] if index >= 0 else None
        if tensor is None or tensor.data is None or len(tensor.shape) != axes:
            raise WeightsError(f"{path}: layer {layer.name!r} lacks a weight or a bias")
        found.append(tensor.values())
    weight, bias = found
    # [1, kernel, 1, channels] of a depthwise convolution, else [out, kernel, 1, in / groups].
    depthwise = layer.code == DEPTHWISE_CONV_2D
    flat = weight.shape[2] == 1 and (not depthwise or weight.shape[0] == 1)
    if not flat:
        raise WeightsError(f"{path}: layer {layer.name!r} is {list(weight.shape)}, not along time")
    return weight[0, :, 0] if depthwise else weight[:, :, 0].transpose(1, 2, 0), bias


def _codebooks(path: Path, graph: tflite.Graph, shape: tuple[int, ...]) -> np.ndarray:
    """Stage k's codebook is the constant `transpose_k`, the first one is `transpose`."""
    constants = {t.name: t for t in graph.tensors if t.data is not None}
    books = []
    for stage in range(shape[0]):
        name = f"transpose_{stage}" if stage else "transpose"
        if name not in constants:
            raise WeightsError(f"{path}: lacks the codebook {name!r}")
        book = constants[name].values()
        _check(path, name, book, shape[1:])
        books.append(book)
    return np.stack(books)


def _check(path: Path, name: str, value: np.ndarray, shape: tuple[int, ...] | None) -> None:
    if value.shape != shape or value.dtype != np.float32:
        wanted = "none" if shape is None else f"float32 {list(shape)}"
        raise WeightsError(f"{path}: {name!r} is {file_format.describe(value)}, expected {wanted}")
    if not np.isfinite(value).all():
        raise WeightsError(f"{path}: {name!r} holds values that are not finite")
