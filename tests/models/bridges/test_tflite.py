"""Models of TensorFlow Lite: small files made here, against the same numbers by hand."""

import struct

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import domains
from audioxai_jax.attribution import integrated_gradients, lrp
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.tflite import from_tflite, read_tflite
from audioxai_jax.models.bridges.tflite.operators import OPERATORS, Node
from audioxai_jax.propagation.composites import epsilon_plus
from audioxai_jax.types import attribute
from audioxai_jax.weights.published.tflite import Graph, Operation
from tests.helpers.tflite_files import computed, constant, write

RATE, SAMPLES = 16_000, 64
DRAW = np.random.default_rng(1)
INT = lambda value: struct.pack("<i", value)
BYTE = lambda value: struct.pack("<b", value)
SHAPES = {
    "image": np.int32([1, SAMPLES, 1, 1]),
    "kernel": DRAW.normal(size=(3, 5, 1, 1)).astype(np.float32),
    "shift": DRAW.normal(size=3).astype(np.float32),
    "axes": np.int32([1, 2]),
    "dense/weight": DRAW.normal(size=(4, 3)).astype(np.float32),
    "dense/bias": DRAW.normal(size=4).astype(np.float32),
}
NAMES = ["wave", *SHAPES, "framed", "features", "pooled", "scores", "probabilities"]


def network(ending: int = 14) -> bytes:
    """Reshape, convolution with stride 2 and ReLU, mean, dense layer, and an ending."""
    tensors = [computed("wave", (1, SAMPLES))]
    tensors += [constant(name, data) for name, data in SHAPES.items()]
    tensors += [computed(name) for name in NAMES[len(tensors) :]]
    place = {name: index for index, name in enumerate(NAMES)}
    convolution = {0: BYTE(1), 1: INT(1), 2: INT(2), 3: BYTE(1)}

    def node(code, inputs, output, options=None):
        return Operation(
            code, tuple(place[i] for i in inputs.split()), (place[output],), options=options
        )

    operations = (
        node(22, "wave image", "framed"),
        node(3, "framed kernel shift", "features", convolution),
        node(40, "features axes", "pooled"),
        node(9, "pooled dense/weight dense/bias", "scores"),
        node(ending, "scores", "probabilities", {0: struct.pack("<f", 1.0)}),
    )
    return write([Graph(tuple(tensors), operations, (0,), (place["probabilities"],))])


def by_hand(wave: np.ndarray) -> np.ndarray:
    """The logits of `network`."""
    windows = np.lib.stride_tricks.sliding_window_view(wave, 5)[::2]
    features = np.maximum(windows @ SHAPES["kernel"][:, :, 0, 0].T + SHAPES["shift"], 0)
    return features.mean(0) @ SHAPES["dense/weight"].T + SHAPES["dense/bias"]


def saved(folder, content: bytes):
    path = folder / "model.tflite"
    path.write_bytes(content)
    return path


@pytest.fixture
def wave():
    return DRAW.normal(size=SAMPLES).astype(np.float32)


def test_the_network_gives_the_numbers_made_by_hand(tmp_path, wave):
    path = saved(tmp_path, network())
    expected = by_hand(wave)
    classifier = from_tflite(path, sample_rate=RATE, output="logits", labels=tuple("abcd"))
    assert classifier.outputs == "sigmoid" and classifier.frames == SAMPLES
    np.testing.assert_allclose(classifier(jnp.asarray(wave)), expected, rtol=2e-6, atol=2e-6)
    whole = from_tflite(path, sample_rate=RATE)
    assert whole.outputs == "probabilities"
    np.testing.assert_allclose(whole(jnp.asarray(wave)), 1 / (1 + np.exp(-expected)), rtol=2e-6)
    assert from_tflite(saved(tmp_path, network(25)), sample_rate=RATE, output="logits").outputs == (
        "softmax"
    )


def test_floats_are_leaves_by_their_names_and_the_graph_can_be_cut(tmp_path, wave):
    path = saved(tmp_path, network())
    model = read_tflite(path)
    assert sorted(model.params) == ["dense/bias", "dense/weight", "kernel", "shift"]
    assert [port.name for port in model.inputs + model.outputs] == ["wave", "probabilities"]
    assert model.inputs[0].shape == (1, SAMPLES)
    front = read_tflite(path, outputs=["pooled"])
    back = read_tflite(path, inputs=["pooled"], outputs=["scores"])
    assert sorted(back.params) == ["dense/bias", "dense/weight"]
    np.testing.assert_allclose(back(front(wave[None]))[0], by_hand(wave), rtol=2e-6, atol=2e-6)


def test_a_classifier_prints_no_weights(tmp_path):
    printed = repr(from_tflite(saved(tmp_path, network()), sample_rate=RATE))
    assert "Array(" not in printed and "array(" not in printed and len(printed) < 500


def test_equal_files_compile_once(tmp_path, wave):
    path, traces = saved(tmp_path, network()), []

    @jax.jit
    def run(model, x):
        traces.append(model)
        return model(x)

    for _ in range(2):
        run(read_tflite(path), wave[None])
    assert len(traces) == 1
    run(read_tflite(path, outputs=["scores"]), wave[None])
    assert len(traces) == 2


def spectrum() -> bytes:
    """|RFFT| of 16 samples of the wave's 4 frames, and its mean over frames."""
    constants = {"image": [1, 4, 1, 16], "length": [1, 16], "axes": [1]}
    tensors = [computed("wave", (1, SAMPLES))]
    tensors += [constant(name, np.int32(data)) for name, data in constants.items()]
    tensors += [computed(name) for name in ("framed", "complex", "small", "magnitude", "mean")]
    operations = (
        Operation(22, (0, 1), (4,)),
        Operation(131, (4, 2), (5,)),
        Operation(43, (5,), (6,), options={0: np.int32([2])}),
        Operation(135, (6,), (7,)),
        Operation(40, (7, 3), (8,)),
    )
    return write([Graph(tuple(tensors), operations, (0,), (8,))])


def test_the_fourier_transform_is_numpys_and_every_method_passes(tmp_path, wave):
    classifier = from_tflite(saved(tmp_path, spectrum()), sample_rate=RATE)
    x = jnp.asarray(wave)
    expected = np.abs(np.fft.rfft(wave.reshape(4, 16))).mean(0)
    np.testing.assert_allclose(classifier(x), expected, rtol=1e-5)
    assert np.isfinite(jax.grad(lambda x: classifier(x)[3])(jnp.zeros(SAMPLES))).all()
    for method in (integrated_gradients(steps=32), lrp(epsilon_plus())):
        relevance = attribute(method, classifier, x, 3, key=jax.random.key(0)).relevance
        assert relevance.shape == x.shape and np.isfinite(relevance).all()
        assert float(jnp.sum(relevance)) == pytest.approx(float(expected[3]), rel=1e-3)


@pytest.mark.parametrize("rows, columns", [(1, 16), (4, 6), (6, 16)])
def test_the_transform_along_two_axes_cuts_and_fills_up(rows, columns):
    x = DRAW.normal(size=(2, 5, 9)).astype(np.float32)
    node = Node(OPERATORS[131], (0, 1), (2,), {}, "y")
    pair = node.operator.apply(node, jnp.asarray(x), np.int32([rows, columns]))
    expected = np.fft.rfft2(x, (rows, columns))
    np.testing.assert_allclose(pair.real + 1j * pair.imag, expected, atol=1e-5)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "sample_rate"),
        ({"sample_rate": RATE, "output": "scroes"}, "no tensor 'scroes'.*scores"),
        ({"sample_rate": RATE, "input": "scores", "output": "pooled"}, "'wave', which is neither"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message) as error:
        from_tflite(saved(tmp_path, network()), **settings)
    assert "\n" not in str(error.value)


def single(operation: Operation, *tensors) -> bytes:
    return write(
        [Graph((computed("wave", (1, 4)), computed("y"), *tensors), (operation,), (0,), (1,))]
    )


@pytest.mark.parametrize(
    "content, message",
    [
        (b"nothing of the kind", "is not a .tflite file"),
        (network()[:700], "damaged or cut short"),
        (single(Operation(142, (0,), (1,))), r"operator VAR_HANDLE \(tensor 'y'\) is not read"),
        (single(Operation(32, (0,), (1,), custom="Flex")), "operator Flex"),
        (single(Operation(199, (0,), (1,))), "operator number 199"),
        (
            single(Operation(0, (0, 2), (1,)), constant("q", np.ones(4, np.int8), [0.5], [0])),
            "'q' is quantised to int8",
        ),
    ],
)
def test_files_that_are_not_read_are_refused_by_name(tmp_path, content, message):
    with pytest.raises(BridgeError, match=message) as error:
        read_tflite(saved(tmp_path, content))
    assert "model.tflite" in str(error.value) and "\n" not in str(error.value)


def test_shapes_that_an_operator_refuses_name_it(tmp_path):
    path = saved(tmp_path, single(Operation(22, (0, 2), (1,)), constant("shape", np.int32([3, 2]))))
    with pytest.raises(BridgeError, match="operator RESHAPE .tensor 'y'.: cannot be computed"):
        read_tflite(path)(jnp.zeros((1, 4)))
    with pytest.raises(BridgeError, match="1 inputs .wave., got 2"):
        read_tflite(path)(jnp.zeros((1, 4)), jnp.zeros((1, 4)))


def test_a_domain_may_be_given_instead_of_a_rate(tmp_path, wave):
    classifier = from_tflite(saved(tmp_path, network()), reads=domains.samples(RATE))
    assert classifier(jnp.asarray(wave)).shape == (4,)
