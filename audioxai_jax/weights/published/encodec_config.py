"""EnCodec's published config.json, as a configuration of `nets.codecs.encodec`.

Nothing is trusted: every number has a bound far above those of the published models, and so have
the sizes that they make together. What is refused is refused here, before anything of that size
is made.
"""

import math
import reprlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.weights.file_format import WeightsError


class Field(NamedTuple):
    """A field's default in config.json, its types, and the largest number in it."""

    default: Any
    types: tuple[type, ...]
    most: int = 0


FIELDS = {
    "sampling_rate": Field(24_000, (int,), 1_000_000),
    "audio_channels": Field(1, (int,), 64),
    "hidden_size": Field(128, (int,), 1 << 16),
    "num_filters": Field(32, (int,), 1 << 16),
    "num_residual_layers": Field(1, (int,), 64),
    "upsampling_ratios": Field([8, 5, 4, 2], (list,), 1024),
    "norm_type": Field("weight_norm", (str,)),
    "kernel_size": Field(7, (int,), 1024),
    "last_kernel_size": Field(7, (int,), 1024),
    "residual_kernel_size": Field(3, (int,), 1024),
    "dilation_growth_rate": Field(2, (int,), 1024),
    "use_causal_conv": Field(True, (bool,)),
    "pad_mode": Field("reflect", (str,)),
    "compress": Field(2, (int,), 1024),
    "num_lstm_layers": Field(2, (int,), 64),
    "trim_right_ratio": Field(1.0, (int, float), 1),
    "codebook_size": Field(1024, (int,), 1 << 20),
    "codebook_dim": Field(None, (int, type(None)), 1 << 16),
    "use_conv_shortcut": Field(True, (bool,)),
    "target_bandwidths": Field([1.5, 3.0, 6.0, 12.0, 24.0], (list,), 100_000),
    "normalize": Field(False, (bool,)),
    "chunk_length_s": Field(None, (int, float, type(None)), 3600),
    "overlap": Field(None, (int, float, type(None)), 1),
}
"""Fields of config.json that decide what is computed."""

LONGEST = 32
"""Numbers in a list."""
WIDEST = 1 << 16
"""Channels behind the last stride."""
MOST_SAMPLES = 1 << 16
"""Of a latent frame, and of the reach of a residual unit."""
MOST_CODEBOOKS = 1024

NORMS = {"weight_norm": "weight", "time_group_norm": "group"}


def config_from_json(fields: Mapping[str, Any]) -> EncodecConfig:
    """The configuration that a folder's config.json states.

    Raises:
      WeightsError: for another kind of model, for numbers that are too large or not above 0, or
        fields that this network has no place for; it names the field.
    """
    if fields.get("model_type") != "encodec":
        kind = reprlib.repr(fields.get("model_type"))
        raise WeightsError(f"config.json: model_type is {kind}, this reads 'encodec'")
    found = {name: _read(fields, name, field) for name, field in FIELDS.items()}
    _refuse(found, "trim_right_ratio", found["trim_right_ratio"] == 1, "1")
    _refuse(found, "norm_type", found["norm_type"] in NORMS, " or ".join(NORMS))
    _refuse(found, "pad_mode", found["pad_mode"] in ("reflect", "constant"), "reflect or constant")
    same = found["codebook_dim"] in (None, found["hidden_size"])
    _refuse(found, "codebook_dim", same, f"hidden_size, {found['hidden_size']}")
    whole = all(type(ratio) is int for ratio in found["upsampling_ratios"])
    _refuse(found, "upsampling_ratios", whole, "integers")
    _refuse(found, "overlap", (found["overlap"] or 0) < 1, "less than 1")
    _check_sizes(found)
    config = _config(found)
    _refuse(found, "target_bandwidths", config.codebooks > 0, "at least one codebook")
    few = config.codebooks <= MOST_CODEBOOKS
    _refuse(found, "target_bandwidths", few, f"at most {MOST_CODEBOOKS} codebooks")
    return config


def _read(fields: Mapping[str, Any], name: str, field: Field) -> Any:
    """A field's value: of one of its types, each number in it above 0 and not above the most."""
    value = fields.get(name, field.default)
    said = f"config.json: {name} is {reprlib.repr(value)}"
    if not isinstance(value, field.types) or (isinstance(value, bool) and bool not in field.types):
        raise WeightsError(f"{said}, expected {field.types[0].__name__}")
    if isinstance(value, list):
        numbers = [type(number) in (int, float) and number > 0 for number in value]
        if not numbers or not all(numbers):
            raise WeightsError(f"{said}, expected numbers above 0")
        if len(value) > LONGEST:
            raise WeightsError(f"{said}, expected at most {LONGEST} numbers")
        if max(value) > field.most:
            raise WeightsError(f"{said}, expected numbers of at most {field.most}")
    elif type(value) in (int, float):
        if not value > 0:
            raise WeightsError(f"{said}, expected more than 0")
        if value > field.most:
            raise WeightsError(f"{said}, expected at most {field.most}")
    return value


def _refuse(found: Mapping[str, Any], name: str, fits: bool, wanted: str) -> None:
    if not fits:
        value = reprlib.repr(found[name])
        raise WeightsError(f"config.json: {name} is {value}, this network has {wanted}")


def _check_sizes(found: Mapping[str, Any]) -> None:
    """What the numbers make together."""
    ratios = found["upsampling_ratios"]
    short = math.prod(ratios) <= MOST_SAMPLES
    _refuse(found, "upsampling_ratios", short, f"at most {MOST_SAMPLES} samples a frame")
    narrow = found["num_filters"] << len(ratios) <= WIDEST
    wanted = f"at most {WIDEST} channels behind {len(ratios)} strides that double them"
    _refuse(found, "num_filters", narrow, wanted)
    dilation = found["dilation_growth_rate"] ** (found["num_residual_layers"] - 1)
    near = dilation * found["residual_kernel_size"] <= MOST_SAMPLES
    wanted = f"residual units that reach at most {MOST_SAMPLES} samples"
    _refuse(found, "dilation_growth_rate", near, wanted)
    if found["chunk_length_s"] is not None:
        length = int(found["chunk_length_s"] * found["sampling_rate"])
        step = int((1.0 - (found["overlap"] or 0.0)) * length)
        _refuse(found, "chunk_length_s", step > 0, "a sample or more from chunk to chunk")


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
