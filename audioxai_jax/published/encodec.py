"""EnCodec's published files: a Hugging Face folder's configuration and tensors.

The names of the tensors count layers as PyTorch's lists do, activations included. A weight norm
is stored as `weight_g` and `weight_v`, or since PyTorch's parametrizations as `original0` and
`original1`: either is read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from audioxai_jax.nets.encodec import EncodecConfig
from audioxai_jax.nets.seanet import SeanetConfig
from audioxai_jax.weights_file import WeightsError, describe

FIELDS: dict[str, tuple[Any, tuple[type, ...]]] = {
    "sampling_rate": (24_000, (int,)),
    "audio_channels": (1, (int,)),
    "hidden_size": (128, (int,)),
    "num_filters": (32, (int,)),
    "num_residual_layers": (1, (int,)),
    "upsampling_ratios": ([8, 5, 4, 2], (list,)),
    "norm_type": ("weight_norm", (str,)),
    "kernel_size": (7, (int,)),
    "last_kernel_size": (7, (int,)),
    "residual_kernel_size": (3, (int,)),
    "dilation_growth_rate": (2, (int,)),
    "use_causal_conv": (True, (bool,)),
    "pad_mode": ("reflect", (str,)),
    "compress": (2, (int,)),
    "num_lstm_layers": (2, (int,)),
    "trim_right_ratio": (1.0, (int, float)),
    "codebook_size": (1024, (int,)),
    "codebook_dim": (None, (int, type(None))),
    "use_conv_shortcut": (True, (bool,)),
    "target_bandwidths": ([1.5, 3.0, 6.0, 12.0, 24.0], (list,)),
    "normalize": (False, (bool,)),
    "chunk_length_s": (None, (int, float, type(None))),
    "overlap": (None, (int, float, type(None))),
}
"""Fields of config.json that decide what is computed: their defaults there, and types."""

NORMS = {"weight_norm": "weight", "time_group_norm": "group"}
IGNORED = ("inited", "cluster_size", "embed_avg")
"""Tensors of each codebook that only training needs."""


def config_from_json(fields: Mapping[str, Any]) -> EncodecConfig:
    """The configuration that a folder's config.json states.

    Raises:
      WeightsError: for another kind of model, or fields that this network has no place for; it
        names the field.
    """
    if fields.get("model_type") != "encodec":
        raise WeightsError(
            f"config.json: model_type is {fields.get('model_type')!r}, this reads 'encodec'"
        )
    found = {}
    for name, (default, types) in FIELDS.items():
        value = fields.get(name, default)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise WeightsError(f"config.json: {name} is {value!r}, expected {types[0].__name__}")
        if isinstance(value, list):
            numbers = [type(number) in (int, float) and number > 0 for number in value]
            if not numbers or not all(numbers):
                raise WeightsError(f"config.json: {name} is {value!r}, expected numbers above 0")
        elif type(value) in (int, float) and value <= 0:
            raise WeightsError(f"config.json: {name} is {value!r}, expected more than 0")
        found[name] = value
    _refuse(found, "trim_right_ratio", found["trim_right_ratio"] == 1, "1")
    _refuse(found, "norm_type", found["norm_type"] in NORMS, " or ".join(NORMS))
    _refuse(found, "pad_mode", found["pad_mode"] in ("reflect", "constant"), "reflect or constant")
    same = found["codebook_dim"] in (None, found["hidden_size"])
    _refuse(found, "codebook_dim", same, f"hidden_size, {found['hidden_size']}")
    whole = all(type(ratio) is int for ratio in found["upsampling_ratios"])
    _refuse(found, "upsampling_ratios", whole, "integers")
    _refuse(found, "overlap", (found["overlap"] or 0) < 1, "less than 1")
    config = _config(found)
    _refuse(found, "target_bandwidths", config.codebooks > 0, "at least one codebook")
    return config


def _refuse(found: Mapping[str, Any], name: str, fits: bool, wanted: str) -> None:
    if not fits:
        raise WeightsError(f"config.json: {name} is {found[name]!r}, this network has {wanted}")


def _config(found: Mapping[str, Any]) -> EncodecConfig:
    network = SeanetConfig(
        sample_rate=found["sampling_rate"],
        latent=found["hidden_size"],
        filters=found["num_filters"],
        strides=tuple(found["upsampling_ratios"]),
        kernel=found["kernel_size"],
        last_kernel=found["last_kernel_size"],
        residual_kernel=found["residual_kernel_size"],
        residual_layers=found["num_residual_layers"],
        dilation_growth=found["dilation_growth_rate"],
        compress=found["compress"],
        lstm=found["num_lstm_layers"],
        causal=found["use_causal_conv"],
        audio_channels=found["audio_channels"],
        norm=NORMS[found["norm_type"]],
        pad=found["pad_mode"],
        shortcut="conv" if found["use_conv_shortcut"] else "identity",
    )
    bandwidths = tuple(float(b) for b in found["target_bandwidths"])
    bits = (found["codebook_size"] - 1).bit_length()
    rate = -(-network.sample_rate // network.hop)
    return EncodecConfig(
        seanet=network,
        codebooks=int(1000 * bandwidths[-1] // (rate * bits)) if bits else 0,
        codebook_size=found["codebook_size"],
        bandwidths=bandwidths,
        normalise=found["normalize"],
        chunk_seconds=float(found["chunk_length_s"] or 0.0),
        overlap=float(found["overlap"] or 0.0),
    )


def params_from_tensors(config: EncodecConfig, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Parameters of `nets.encodec`, of the tensors of a folder's model.safetensors.

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
