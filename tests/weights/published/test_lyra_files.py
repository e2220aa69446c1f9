"""Lyra V2's files: what is read from them, and files that are laid out otherwise."""

import dataclasses
import hashlib
from pathlib import Path

import jax
import numpy as np
import pytest

from audioxai_jax.nets.codecs import lyra
from audioxai_jax.nets.codecs.lyra import LyraConfig
from audioxai_jax.weights import file_format, load, save
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published.lyra import (
    RELEASED,
    decoder_layers,
    encoder_layers,
    fingerprint,
    load_lyra,
    load_params,
)
from audioxai_jax.weights.published.tflite import (
    DEPTHWISE_CONV_2D,
    LEAKY_RELU,
    TRANSPOSE_CONV,
    Graph,
    Operation,
)
from tests.helpers.tflite_files import computed, constant, write

CONFIG = LyraConfig()
SIDES = {
    "soundstream_encoder.tflite": ("encoder", encoder_layers),
    "lyragan.tflite": ("decoder", decoder_layers),
}


@pytest.fixture(scope="module")
def params():
    """Random parameters, as numpy arrays: multiples of 1/64 that 8 bits hold exactly."""
    draw = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: lyra.init(CONFIG, jax.random.key(0)))
    make = lambda leaf: draw.integers(-127, 128, leaf.shape).astype(np.float32) / 64
    return jax.tree.map(make, shapes)


def graph_of(params, layers) -> Graph:
    """A graph with these convolutions, other operations between them; the last is in 8 bits."""
    flat = file_format.flatten(params)
    tensors, operations = [computed("signal")], []
    for layer in layers:
        weight = flat[f"{layer.name}/weight"]
        bias = flat.get(f"{layer.name}/bias", np.zeros(weight.shape[-1], np.float32))
        for part in range(layer.parts):
            outputs = weight.shape[-1] // layer.parts
            chosen = np.s_[..., part * outputs : (part + 1) * outputs]
            stored = (
                weight[chosen][None, :, None]
                if layer.code == DEPTHWISE_CONV_2D
                else weight[chosen].transpose(2, 0, 1)[:, :, None]
            )
            index = len(tensors)
            if layer.name == "leave":
                scale = np.full(len(stored), 1 / 64)
                tensors.append(constant("w", (64 * stored).astype(np.int8), scale, 0 * scale))
            else:
                tensors.append(constant("w", stored))
            tensors.append(constant("b", bias[chosen]))
            inputs = (-1, index, 0, index + 1)
            inputs = inputs if layer.code == TRANSPOSE_CONV else (0, index, index + 1)
            operations.append(Operation(LEAKY_RELU, (0,), (0,)))
            operations.append(Operation(layer.code, inputs, (0,), layer.stride, layer.dilation))
    return Graph(tuple(tensors), tuple(operations))


def quantizer_graph(codebooks) -> Graph:
    names = ["transpose", *(f"transpose_{stage}" for stage in range(1, len(codebooks)))]
    books = [constant(name, book) for name, book in zip(names, codebooks, strict=True)]
    return Graph(tuple(books[::-1]), ())


@pytest.fixture(scope="module")
def made_up(params, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lyra")
    for name, (side, layers) in SIDES.items():
        content = write([graph_of(params[side], layers(CONFIG))])
        (folder / name).write_bytes(content)
    content = write([quantizer_graph(params["codebooks"])])
    (folder / "quantizer.tflite").write_bytes(content)
    return folder


def test_made_up_files_come_back(params, made_up):
    found, hashes = load_params(made_up)
    assert jax.tree.structure(found) == jax.tree.structure(params)
    assert all(map(np.array_equal, jax.tree.leaves(found), jax.tree.leaves(params)))
    content = (made_up / "lyragan.tflite").read_bytes()
    assert hashes["lyragan.tflite"] == hashlib.sha256(content).hexdigest()
    codec = load_lyra(made_up)
    assert codec.fingerprint == fingerprint(hashes) != fingerprint(RELEASED)
    assert (codec.name, codec.sample_rate, codec.hop, codec.mean) == ("lyra_v2", 16_000, 320, None)


CHANGES = {
    "stride": lambda layer: dataclasses.replace(layer, stride=layer.stride + 1),
    "dilation": lambda layer: dataclasses.replace(layer, dilation=2),
    "kind": lambda layer: dataclasses.replace(layer, code=DEPTHWISE_CONV_2D),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_operations_are_refused(params, made_up, tmp_path, change):
    graph = graph_of(params["encoder"], encoder_layers(CONFIG))
    operations = list(graph.operations)
    names = [layer.name for layer in encoder_layers(CONFIG)]
    place = 2 * names.index("down_1") + 1
    operations[place] = CHANGES[change](operations[place])
    changed = Graph(graph.tensors, tuple(operations))
    folder = with_file(made_up, tmp_path, "soundstream_encoder.tflite", write([changed]))
    with pytest.raises(WeightsError, match=r"encoder\.tflite: layer 'down_1' is operation"):
        load_params(folder)


def with_file(folder: Path, new: Path, name: str, content: bytes) -> Path:
    for other in RELEASED:
        if other != name:
            (new / other).symlink_to(folder / other)
    (new / name).write_bytes(content)
    return new


def test_one_convolution_less_is_refused(params, made_up, tmp_path):
    graph = graph_of(params["decoder"], decoder_layers(CONFIG))
    content = write([Graph(graph.tensors, graph.operations[2:])])
    folder = with_file(made_up, tmp_path, "lyragan.tflite", content)
    with pytest.raises(WeightsError, match=r"lyragan\.tflite: has 35 convolutions, Lyra V2 has 36"):
        load_params(folder)


TENSORS = {
    "shape": (lambda w: np.concatenate([w, w]), r"'enter/weight' is float32 \[64, 1, 128\]"),
    "type": (lambda w: w.astype(np.float64), r"'enter/weight' is float64 \[64, 1, 64\]"),
    "number": (lambda w: np.full_like(w, np.nan), "'enter/weight' holds values that are not"),
    "axes": (lambda w: w[0], "layer 'enter' lacks a weight"),
    "plane": (lambda w: np.concatenate([w, w], axis=2), "layer 'enter' is .* not along time"),
}


@pytest.mark.parametrize("change", TENSORS)
def test_other_weights_are_refused(params, made_up, tmp_path, change):
    make, message = TENSORS[change]
    graph = graph_of(params["encoder"], encoder_layers(CONFIG))
    tensors = list(graph.tensors)
    tensors[1] = constant("w", make(tensors[1].data))
    content = write([Graph(tuple(tensors), graph.operations)])
    folder = with_file(made_up, tmp_path, "soundstream_encoder.tflite", content)
    with pytest.raises(WeightsError, match=rf"soundstream_encoder\.tflite: {message}"):
        load_params(folder)


def test_parts_that_differ_are_refused(params, made_up, tmp_path):
    graph = graph_of(params["decoder"], decoder_layers(CONFIG))
    tensors = list(graph.tensors)
    tensors[3] = constant("w", tensors[3].data[:, :3])
    content = write([Graph(tuple(tensors), graph.operations)])
    folder = with_file(made_up, tmp_path, "lyragan.tflite", content)
    with pytest.raises(WeightsError, match="the parts of layer 'up_2' differ in shape"):
        load_params(folder)


def test_a_depthwise_bias_is_refused(params, made_up, tmp_path):
    """The network has none, so that one would be lost."""
    graph = graph_of(params["encoder"], encoder_layers(CONFIG))
    tensors = list(graph.tensors)
    tensors[4] = constant("b", np.ones(64, np.float32))
    content = write([Graph(tuple(tensors), graph.operations)])
    folder = with_file(made_up, tmp_path, "soundstream_encoder.tflite", content)
    with pytest.raises(WeightsError, match="'unit_0_0/depthwise/bias' is .* expected none"):
        load_params(folder)


def test_codebooks_that_are_missing_or_of_another_size(params, made_up, tmp_path):
    books = params["codebooks"]
    for number, (kept, message) in enumerate(
        [(books[:45], "lacks the codebook 'transpose_45'"), (books[:, :8], "'transpose' is")]
    ):
        (tmp_path / str(number)).mkdir()
        content = write([quantizer_graph(kept)])
        folder = with_file(made_up, tmp_path / str(number), "quantizer.tflite", content)
        with pytest.raises(WeightsError, match=rf"quantizer\.tflite: {message}"):
            load_params(folder)


def test_files_that_are_missing_or_damaged(made_up, tmp_path):
    content = (made_up / "lyragan.tflite").read_bytes()
    folder = with_file(made_up, tmp_path, "lyragan.tflite", content[: len(content) // 2])
    with pytest.raises(WeightsError, match=r"lyragan\.tflite: is damaged or cut short"):
        load_params(folder)
    (folder / "lyragan.tflite").unlink()
    with pytest.raises(WeightsError, match=r"lyragan\.tflite: cannot be read: No such file"):
        load_params(folder)


def test_a_checkpoint_of_it(params, tmp_path):
    """In this library's own format it is loaded by `load.load_codec`."""
    fields = {"kind": "codec", "network": "lyra", "config": CONFIG}
    save.save(tmp_path, "mine", fields, params)
    codec = load.load_codec(tmp_path / "mine.json")
    assert codec.manifest["sample_rate"] == 16_000 and codec.name == "mine"
    leaves = map(np.array_equal, jax.tree.leaves(codec.encode), jax.tree.leaves(params))
    assert all(leaves)


def test_released_files(lyra_folder):
    _, hashes = load_params(lyra_folder)
    assert hashes == RELEASED
    assert load_lyra(lyra_folder).fingerprint == fingerprint(RELEASED)
