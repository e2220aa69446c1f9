"""An ONNX file as a classifier: its domain, its outputs, its beginning."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import audioxai_jax as ax
from tests.helpers import onnx_networks as small
from tests.helpers.onnx_graphs import parsed
from tests.helpers.refusals import refusal

pytest.importorskip("onnx")
from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.onnx import from_onnx  # noqa: E402

AUDIO = np.random.default_rng(1).standard_normal(64).astype(np.float32)
RATE = 16_000


@pytest.mark.parametrize(
    "end, kind, before",
    [
        ("Softmax", "probabilities", "softmax"),
        ("Sigmoid", "probabilities", "sigmoid"),
        ("LogSoftmax", "softmax", "softmax"),
    ],
)
def test_logits_are_the_tensor_before_the_ending(end, kind, before):
    file = small.network(end=end)
    assert from_onnx(file, sample_rate=RATE).outputs == kind
    classifier = from_onnx(file, sample_rate=RATE, output="logits")
    assert classifier.outputs == before
    np.testing.assert_allclose(classifier(AUDIO), small.scores(small.weights(), AUDIO), rtol=1e-5)


def test_a_tensor_named_logits_comes_first():
    text = """
    agraph (float[1, 4] x) => (float[1, 4] y) { logits = Neg(x) h = Abs(x) y = Softmax(h) }
    """
    classifier = from_onnx(parsed(text), sample_rate=RATE, output="logits")
    assert classifier(jnp.asarray([1.0, -2.0, 3.0, 4.0])).tolist() == [-1, 2, -3, -4]


def test_an_ending_without_probabilities_has_no_logits():
    file = small.network(end="")
    assert from_onnx(file, sample_rate=RATE).outputs is None
    message = refusal(BridgeError, from_onnx, file, sample_rate=RATE, output="logits")
    assert "does not end in Softmax" in message


@pytest.mark.parametrize("shape, frames", [(("N", "T"), None), ((1, 64), 64), ((1, 1, 64), 64)])
def test_axes_around_the_waveform_are_added_and_a_fixed_length_is_told(shape, frames):
    classifier = from_onnx(small.network(end="", shape=shape), sample_rate=RATE)
    assert classifier.frames == frames and classifier.reads.name == "samples"
    expected = small.scores(small.weights(), AUDIO)
    np.testing.assert_allclose(classifier(AUDIO), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "texts",
    [
        {"labels": '["a", "b", "c"]'},
        {"names": "{0: 'a', 1: 'b', 2: 'c'}"},
        {"id2label": '{"0": "a", "2": "c", "1": "b"}'},
        {"classes": "a, b, c"},
    ],
)
def test_labels_of_the_file_are_taken(texts):
    file = small.network(metadata=texts)
    assert from_onnx(file, sample_rate=RATE).labels == ("a", "b", "c")
    assert from_onnx(file, sample_rate=RATE, labels=["x", "y", "z"]).labels == ("x", "y", "z")


def test_labels_that_are_not_one_for_each_output_are_left():
    assert from_onnx(small.network(metadata={"labels": "a,b"}), sample_rate=RATE).labels is None


def test_what_is_read_is_to_be_told_once():
    file = small.network()
    assert "give sample_rate= (Hz)" in refusal(BridgeError, from_onnx, file)
    reads = ax.domains.samples(RATE)
    message = refusal(BridgeError, from_onnx, file, sample_rate=RATE, reads=reads)
    assert "not both" in message


def test_a_domain_of_more_axes_is_read():
    text = "agraph (float[1, 5, 3] x) => (float[1, 5] y) { y = ReduceSum<keepdims=0>(x, axes) }"
    text = text.replace("{ y", "{ axes = Constant<value_ints = [2]>() y", 1)
    reads = ax.domains.cells(RATE, window=("hann", 4), hop=2, bands=None)
    classifier = from_onnx(parsed(text), reads=reads)
    assert classifier.frames == 5
    features = jnp.arange(15.0).reshape(5, 3)
    assert classifier(features).tolist() == features.sum(1).tolist()


def test_axes_that_a_sound_does_not_fill_are_refused():
    text = "agraph (float[8, 64] x) => (float[8, 64] y) { y = Abs(x) }"
    message = refusal(BridgeError, from_onnx, parsed(text), sample_rate=RATE)
    assert "a tensor [8, 64]" in message and "reads=" in message


STANDARDISED = """
agraph (float[1, T] audio) => (float[1, 2] y)
<float[2, 1] w = {1.5, -0.5}> {
  axes = Constant<value_ints = [1]>()
  one = Constant<value_ints = [1]>()
  mean = ReduceMean(audio, axes)
  centred = Sub(audio, mean)
  size = ReduceL2(centred, axes)
  unit = Div(centred, size)
  up = Relu(unit)
  total = ReduceSum(up, axes)
  y = Gemm<transB = 1>(total, w)
}
"""


def test_a_model_begins_behind_its_normalisation():
    file = parsed(STANDARDISED)
    classifier = from_onnx(file, sample_rate=RATE, start="unit")
    whole = from_onnx(file, sample_rate=RATE)
    features = classifier.reads.analyse(jnp.asarray(AUDIO))
    centred = AUDIO - AUDIO.mean()
    np.testing.assert_allclose(features, centred / np.linalg.norm(centred), rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(classifier(features), whole(AUDIO), rtol=1e-5)
    sound = classifier.reads.synthesise(features, jnp.asarray(AUDIO))
    np.testing.assert_allclose(sound, AUDIO, atol=1e-5)
    method, key = ax.integrated_gradients(steps=8), jax.random.key(0)
    inside = ax.attribute(method, classifier, features, 0, key=key).relevance.sum()
    outside = ax.attribute(method, whole, jnp.asarray(AUDIO), 0, key=key).relevance.sum()
    output = float(whole(AUDIO)[0])
    assert float(inside) == pytest.approx(output, rel=1e-3)
    assert abs(float(outside)) < 1e-3 * abs(output)


def test_a_beginning_that_is_not_a_waveform_needs_its_domain():
    message = refusal(BridgeError, from_onnx, parsed(STANDARDISED), sample_rate=RATE, start="total")
    assert "'total' is [1, 1] for 16000 samples" in message and "reads=" in message


def test_half_precision_reads_and_answers_in_single():
    classifier = from_onnx(small.network(end="", dtype=np.float16), sample_rate=RATE)
    outputs = classifier(jnp.asarray(AUDIO))
    assert outputs.dtype == np.float32
    half = {name: value.astype(np.float16) for name, value in small.weights().items()}
    np.testing.assert_allclose(outputs, small.scores(half, AUDIO), atol=2e-2)


def test_other_inputs_are_bound():
    text = """
    agraph (float[1, T] audio, int64 sr, float[1] h) => (float[1, T] y) {
      f = Cast<to = 1>(sr)
      u = Div(audio, f)
      y = Add(u, h)
    }
    """
    fixed = {"sr": 2, "h": [0.5]}
    classifier = from_onnx(parsed(text), sample_rate=RATE, fixed=fixed)
    assert classifier(jnp.asarray([1.0, 2.0])).tolist() == [1.0, 1.5]
    message = refusal(
        BridgeError, from_onnx, parsed(text), sample_rate=RATE, fixed={"sr": 2, "h": [1, 2]}
    )
    assert "fixed 'h' must be [1], got [2]" in message
