"""EnCodec's published tensors, as parameters of `nets.codecs.encodec`.

Their names count layers as PyTorch's lists do, activations included. A weight norm
is stored as `weight_g` and `weight_v`, or since PyTorch's parametrizations as `original0` and
`original1`: either is read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.weights.file_format import WeightsError, describe

IGNORED = ("inited", "cluster_size", "embed_avg")
"""Tensors of each codebook that only training needs."""


def params_from_tensors(config: EncodecConfig, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Parameters of `nets.codecs.encodec`, of the tensors of a folder's model.safetensors.

    Raises:
      WeightsError: if a tensor is missing, unknown, or of another shape or dtype than float32; it
        names the tensor.
    """
    reader = _Reader(tensors)
    params = {
        half: _half(reader, half, config.seanet, list(layers(config.seanet)))
        for half, layers in (("encoder", _encoder_layers), ("decoder", _decoder_layers))
    }
    shape = (config.codebook_size, config.seanet.latent)
    books = []
    for stage in range(config.codebooks):
        prefix = f"quantizer.layers.{stage}.codebook."
        books.append(reader.take(f"{prefix}embed", shape))
        reader.known |= {prefix + name for name in IGNORED}
    unknown = sorted(set(tensors) - reader.known)
    if unknown:
        raise WeightsError(f"tensor {unknown[0]!r}: this network has none of that name")
    return {**params, "codebooks": np.stack(books)}


class _Reader:
    """Tensors, checked as they are taken, and the names that were."""

    def __init__(self, tensors: Mapping[str, np.ndarray]):
        self.tensors, self.known = tensors, set[str]()

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        self.known.add(name)
        if name not in self.tensors:
            raise WeightsError(f"tensor {name!r}: is missing")
        tensor = self.tensors[name]
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise WeightsError(
                f"tensor {name!r}: is {describe(tensor)}, expected float32 {list(shape)}"
            )
        return tensor

    def either(self, names: tuple[str, str], shape: tuple[int, ...]) -> np.ndarray:
        """The first if both are missing or only it is there."""
        return self.take(names[1] if names[1] in self.tensors else names[0], shape)


Layer = tuple[int, str, tuple[int, int, int], bool]
"""Index in PyTorch's list, our name, (kernel, in, out), transposed."""


def _encoder_layers(config: SeanetConfig) -> Iterator[Layer]:
    channels, index = config.filters, 1
    yield 0, "enter", (config.kernel, config.audio_channels, channels), False
    for block, stride in enumerate(reversed(config.strides)):
        for unit in range(config.residual_layers):
            yield index, f"residual_{block}_{unit}", (0, channels, channels), False
            index += 1
        yield index + 1, f"down_{block}", (2 * stride, channels, 2 * channels), False
        channels, index = 2 * channels, index + 2
    yield index, "lstm", (0, channels, channels), False
    yield index + 2, "leave", (config.last_kernel, channels, config.latent), False


def _decoder_layers(config: SeanetConfig) -> Iterator[Layer]:
    channels, index = config.filters * 2 ** len(config.strides), 2
    yield 0, "enter", (config.kernel, config.latent, channels), False
    yield 1, "lstm", (0, channels, channels), False
    for block, stride in enumerate(config.strides):
        yield index + 1, f"up_{block}", (2 * stride, channels, channels // 2), True
        channels, index = channels // 2, index + 2
        for unit in range(config.residual_layers):
            yield index, f"residual_{block}_{unit}", (0, channels, channels), False
            index += 1
    yield index + 1, "leave", (config.last_kernel, channels, config.audio_channels), False


def _half(reader: _Reader, half: str, config: SeanetConfig, layers: list[Layer]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for index, name, sizes, transposed in layers:
        place, channels = f"{half}.layers.{index}.", sizes[1]
        if name == "lstm":
            params[name] = _lstm(reader, place + "lstm.", channels, config.lstm)
        elif name.startswith("residual"):
            inner = channels // config.compress
            parts = {
                "first": ("block.1.", (config.residual_kernel, channels, inner)),
                "second": ("block.3.", (1, inner, channels)),
                "shortcut": ("shortcut.", (1, channels, channels)),
            }
            if config.shortcut == "identity":
                del parts["shortcut"]
            params[name] = {
                part: _conv(reader, place + inside, shape, config.norm, False)
                for part, (inside, shape) in parts.items()
            }
        else:
            params[name] = _conv(reader, place, sizes, config.norm, transposed)
    return params


def _conv(
    reader: _Reader, place: str, sizes: tuple[int, int, int], norm: str, transposed: bool
) -> dict[str, np.ndarray]:
    """PyTorch's weight is (out, in, kernel), a transposed one (in, out, kernel)."""
    kernel, entering, leaving = sizes
    shape = (entering, leaving, kernel) if transposed else (leaving, entering, kernel)
    turn = lambda v: np.ascontiguousarray(v.transpose((2, 0, 1) if transposed else (2, 1, 0)))
    conv = place + "conv."
    found = {"bias": reader.take(conv + "bias", (leaving,))}
    if norm == "group":
        found["weight"] = turn(reader.take(conv + "weight", shape))
        found["norm_scale"] = reader.take(place + "norm.weight", (leaving,))
        found["norm_bias"] = reader.take(place + "norm.bias", (leaving,))
        return found
    new = conv + "parametrizations.weight.original"
    scale = reader.either((conv + "weight_g", new + "0"), (shape[0], 1, 1))
    direction = reader.either((conv + "weight_v", new + "1"), shape)
    return {**found, "scale": turn(scale), "direction": turn(direction)}


def _lstm(reader: _Reader, place: str, channels: int, layers: int) -> dict[str, np.ndarray]:
    found = {}
    for layer in range(layers):
        for ours, theirs in (("enter", "ih"), ("recur", "hh")):
            weight = reader.take(f"{place}weight_{theirs}_l{layer}", (4 * channels, channels))
            found[f"{ours}_{layer}"] = np.ascontiguousarray(weight.T)
        biases = (f"{place}bias_{gate}_l{layer}" for gate in ("ih", "hh"))
        found[f"bias_{layer}"] = sum(reader.take(name, (4 * channels,)) for name in biases)
    return found
