"""A Hugging Face folder's fields and tensors: read as they are, or refused by name."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from audioxai_jax.nets.codecs import encodec
from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published.encodec_config import FIELDS, config_from_json
from audioxai_jax.weights.published.encodec_tensors import params_from_tensors
from tests.helpers.refusals import refusal
from tests.helpers.small_models import random_params

NETWORK = SeanetConfig(
    latent=6,
    filters=4,
    strides=(3, 2),
    kernel=5,
    last_kernel=7,
    residual_layers=2,
    lstm=2,
    audio_channels=2,
)
WEIGHT = EncodecConfig(NETWORK, codebooks=2, codebook_size=8)
GROUP = dataclasses.replace(
    WEIGHT, seanet=dataclasses.replace(NETWORK, norm="group", shortcut="identity")
)
NEW = ".parametrizations.weight.original"
AGES = {"old": (".weight_g", ".weight_v"), "new": (NEW + "0", NEW + "1")}
ENCODER = [
    "enter",
    "residual_0_0",
    "residual_0_1",
    "",
    "down_0",
    "residual_1_0",
    "residual_1_1",
    "",
    "down_1",
    "lstm",
    "",
    "leave",
]
DECODER = [
    "enter",
    "lstm",
    "",
    "up_0",
    "residual_0_0",
    "residual_0_1",
    "",
    "up_1",
    "residual_1_0",
    "residual_1_1",
    "",
    "leave",
]
INSIDE = {"first": "block.1.", "second": "block.3.", "shortcut": "shortcut."}


@functools.cache
def params_of(config):
    return random_params(lambda: encodec.init(config, jax.random.key(0)))


def tensors_of(params, age: str) -> dict[str, np.ndarray]:
    """The file that would give these parameters; its layers counted by hand above."""
    found = {}
    for half, names in (("encoder", ENCODER), ("decoder", DECODER)):
        for index, name in enumerate(names):
            place = f"{half}.layers.{index}."
            layer = params[half].get(name, {})
            if name == "lstm":
                for key, value in layer.items():
                    kind, number = key.split("_")
                    if kind == "bias":
                        found[f"{place}lstm.bias_ih_l{number}"] = value - 1
                        found[f"{place}lstm.bias_hh_l{number}"] = np.ones_like(value)
                    else:
                        gate = {"enter": "ih", "recur": "hh"}[kind]
                        found[f"{place}lstm.weight_{gate}_l{number}"] = value.T
            elif name.startswith("residual"):
                for part, conv in layer.items():
                    found |= conv_tensors(place + INSIDE[part], conv, False, age)
            elif name:
                found |= conv_tensors(place, layer, name.startswith("up"), age)
    for stage, book in enumerate(params["codebooks"]):
        place = f"quantizer.layers.{stage}.codebook."
        found[place + "embed"] = found[place + "embed_avg"] = book
        found |= {place + "inited": np.ones(1), place + "cluster_size": np.ones(len(book))}
    return found


def conv_tensors(place: str, conv, transposed: bool, age: str) -> dict[str, np.ndarray]:
    turn = lambda v: v.transpose((1, 2, 0) if transposed else (2, 1, 0))
    found = {f"{place}conv.bias": conv["bias"]}
    if "weight" in conv:
        found |= {f"{place}conv.weight": turn(conv["weight"])}
        found[f"{place}norm.weight"] = conv["norm_scale"]
        return found | {f"{place}norm.bias": conv["norm_bias"]}
    scale, direction = (f"{place}conv{suffix}" for suffix in AGES[age])
    return found | {scale: turn(conv["scale"]), direction: turn(conv["direction"])}


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("config", [WEIGHT, GROUP], ids=["weight", "group"])
def test_tensors_become_parameters(config, age):
    params = params_of(config)
    found = params_from_tensors(config, tensors_of(params, age))
    assert jax.tree.structure(found) == jax.tree.structure(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), found, params)


def edited(**changes):
    tensors = tensors_of(params_of(WEIGHT), "old")
    for name, value in changes.items():
        name = name.replace("__", ".")
        tensors |= {name: value(tensors.get(name))} if value else {}
        if value is None:
            del tensors[name]
    return tensors


@pytest.mark.parametrize(
    "tensors, said",
    [
        (
            edited(encoder__layers__0__conv__weight_g=None),
            "'encoder.layers.0.conv.weight_g': is mi",
        ),
        (edited(decoder__layers__1__lstm__bias_hh_l1=None), "bias_hh_l1': is missing"),
        (
            edited(quantizer__layers__1__codebook__embed=None),
            "layers.1.codebook.embed': is missing",
        ),
        (edited(surprise=lambda _: np.zeros(1)), "'surprise': this network has none of that name"),
        (
            edited(quantizer__layers__2__codebook__embed=lambda _: np.zeros((8, 6))),
            "'quantizer.layers.2.codebook.embed': this network has none",
        ),
        (
            edited(decoder__layers__3__conv__weight_v=lambda v: v[:, :, :2]),
            r"'decoder.layers.3.conv.weight_v': is float32 \[16, 8, 2\], expected float32 "
            r"\[16, 8, 6\]",
        ),
        (
            edited(encoder__layers__11__conv__bias=lambda v: v.astype(np.float16)),
            r"'encoder.layers.11.conv.bias': is float16 \[6\], expected float32 \[6\]",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tensors, said):
    with pytest.raises(WeightsError, match=said):
        params_from_tensors(WEIGHT, tensors)


def test_published_configurations():
    """24 and 48 kHz files are older than use_conv_shortcut; fields of other matters are ignored."""
    older = {"model_type": "encodec", "architectures": ["EncodecModel"], "torch_dtype": "float32"}
    assert config_from_json(older) == MEMBERS["encodec_24khz"]
    stereo = {
        "sampling_rate": 48_000,
        "audio_channels": 2,
        "use_causal_conv": False,
        "normalize": True,
        "norm_type": "time_group_norm",
        "chunk_length_s": 1.0,
        "overlap": 0.01,
        "target_bandwidths": [3.0, 6.0, 12.0, 24.0],
    }
    assert config_from_json(older | stereo) == MEMBERS["encodec_48khz"]
    large = {
        "sampling_rate": 32_000,
        "num_filters": 64,
        "upsampling_ratios": [8, 5, 4, 4],
        "codebook_size": 2048,
        "target_bandwidths": [2.2],
        "use_causal_conv": False,
        "use_conv_shortcut": False,
    }
    assert config_from_json(older | large) == MEMBERS["encodec_32khz"]
    rate = {"sampling_rate": 16_000, "upsampling_ratios": [8, 5, 4, 2]}
    assert config_from_json(older | large | rate) == MEMBERS["encodec_16khz"]


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"model_type": "dac"}, "model_type is 'dac', this reads 'encodec'"),
        ({"model_type": None}, "model_type is None"),
        ({"norm_type": "batch_norm"}, "norm_type is 'batch_norm', this network has weight_norm or"),
        ({"pad_mode": "replicate"}, "pad_mode is 'replicate'"),
        ({"trim_right_ratio": 0.5}, "trim_right_ratio is 0.5, this network has 1"),
        ({"codebook_dim": 64}, "codebook_dim is 64, this network has hidden_size, 128"),
        ({"num_filters": "32"}, "num_filters is '32', expected int"),
        ({"num_filters": True}, "num_filters is True, expected int"),
        ({"num_lstm_layers": 0}, "num_lstm_layers is 0, expected more than 0"),
        ({"upsampling_ratios": []}, r"upsampling_ratios is \[\], expected numbers above 0"),
        (
            {"upsampling_ratios": [8, 2.5]},
            r"upsampling_ratios is \[8, 2.5\], this network has integers",
        ),
        ({"overlap": 1.0}, "overlap is 1.0, this network has less than 1"),
        ({"target_bandwidths": [0.1]}, "target_bandwidths is .*, this network has at least one"),
    ],
)
def test_configurations_without_a_place_are_refused(fields, said):
    with pytest.raises(WeightsError, match=f"config.json: {said}"):
        config_from_json({"model_type": "encodec"} | fields)


NUMBERS = {name: field for name, field in FIELDS.items() if field.types[0] in (int, list)}
IMPOSSIBLE = {
    "huge": 10**9,
    "beyond floats": 10**400,
    "infinite": float("inf"),
    "zero": 0,
    "negative": -(10**9),
    "not a number": float("nan"),
}


@pytest.mark.parametrize("value", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
@pytest.mark.parametrize("name", NUMBERS)
def test_impossible_numbers_are_refused_by_name(name, value):
    """Each of them by the function itself, and as JSON can say them."""
    value = [8, value] if list in NUMBERS[name].types else value
    message = refusal(WeightsError, config_from_json, {"model_type": "encodec", name: value})
    assert message.startswith(f"config.json: {name} is ") and ", expected " in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "name, fields",
    [
        ("upsampling_ratios", {"upsampling_ratios": [2] * 33}),
        ("upsampling_ratios", {"upsampling_ratios": [257, 256]}),
        ("target_bandwidths", {"target_bandwidths": [1.5] * 33}),
        ("target_bandwidths", {"target_bandwidths": [769.0]}),  # 1025 codebooks of 10 bits at 75 Hz
        ("num_filters", {"num_filters": 1 << 15}),
        ("dilation_growth_rate", {"num_residual_layers": 64}),
        ("chunk_length_s", {"chunk_length_s": 1e-5}),
        ("chunk_length_s", {"chunk_length_s": 1e-3, "overlap": 0.99}),
    ],
)
def test_numbers_that_are_too_large_together_are_refused_by_name(name, fields):
    message = refusal(WeightsError, config_from_json, {"model_type": "encodec"} | fields)
    assert message.startswith(f"config.json: {name} is ") and len(message) < 200
