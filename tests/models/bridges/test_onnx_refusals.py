"""What an ONNX file is refused for: one line that says what, where and what to do."""

import numpy as np
import pytest

from tests.helpers import onnx_networks as small
from tests.helpers.onnx_graphs import parsed
from tests.helpers.refusals import refusal

pytest.importorskip("onnx")
from audioxai_jax.models.bridges.errors import BridgeError  # noqa: E402
from audioxai_jax.models.bridges.onnx import from_onnx, read_onnx  # noqa: E402


def refused(text, **options):
    return refusal(BridgeError, read_onnx, parsed(text), **options)


def test_an_unknown_operator_is_named_with_its_node():
    text = """
    <ir_version: 10, opset_import: ["" : 20, "ours" : 3]>
    agraph (float[2] x) => (float[2] y) { h = Abs(x) [strange] y = ours.Warp(h) }
    """
    message = refused(text)
    assert message == (
        "node 'strange' (ours.Warp, opset 3): the operator is not known: cut the model there by "
        "inputs= or output="
    )


def test_a_part_without_the_unknown_operator_is_read():
    text = """
    <ir_version: 10, opset_import: ["" : 20, "ours" : 3]>
    agraph (float[2] x) => (float[2] y) { h = Abs(x) y = ours.Warp(h) }
    """
    model = read_onnx(parsed(text), outputs=["h"])
    assert model(np.asarray([-1, 2], np.float32)).tolist() == [1, 2]


def test_random_draws_are_refused():
    message = refused("agraph (float[2] x) => (float[2] y) { y = RandomNormalLike(x) }")
    assert "draws at random" in message and "RandomNormalLike" in message


BRANCH = """
agraph (float[2] x) => (float[2] y) {
  none = Constant<value = float {0}>()
  total = ReduceSum<keepdims = 0>(x)
  up = Greater(total, none)
  [choice] y = If(up) <
    then_branch = a () => (float[2] p) { p = Identity(x) },
    else_branch = b () => (float[2] q) { q = Neg(x) }
  >
}
"""


def test_a_branch_that_depends_on_the_data_is_refused_before_anything_is_computed():
    message = refused(BRANCH)
    assert message.startswith(
        "node 'choice' (If, opset 20): 'up' depends on the values of an input"
    )
    assert "fixed=" in message


def test_a_branch_on_a_value_that_is_bound_is_chosen():
    model = read_onnx(parsed(BRANCH), fixed={"up": np.asarray(False)})
    assert model(np.asarray([1, 2], np.float32)).tolist() == [-1, -2]


def test_shapes_that_depend_on_the_data_are_refused():
    message = refused("agraph (float[4] x) => (int64[1, N] y) { y = NonZero(x) }")
    assert "NonZero" in message and "'x' depends on the values of an input" in message


def test_names_that_do_not_exist_are_answered_by_the_nearest():
    message = refusal(BridgeError, read_onnx, small.network(), outputs=["score"])
    assert message.startswith("the model has no tensor 'score': the nearest names are scores")
    message = refusal(BridgeError, read_onnx, small.network(), inputs=["activ"])
    assert "'activ': the nearest names are active" in message


def test_a_part_that_needs_another_input_names_it():
    text = "agraph (float[2] x, float[2] z) => (float[2] y) { y = Add(x, z) }"
    assert "also depends on z" in refused(text, inputs=["x"])


def test_a_missing_file_is_told(tmp_path):
    message = refusal(BridgeError, read_onnx, tmp_path / "none.onnx")
    assert message.endswith("none.onnx: no such file")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 pickled", b"\x80\x02}q\x00", b"\x08" * 40])
def test_a_file_of_another_kind_is_told(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert "is damaged, or is not an ONNX file" in refusal(BridgeError, read_onnx, path)


def test_a_file_that_ends_early_is_told(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(small.network()[:-40])
    assert "damaged" in refusal(BridgeError, read_onnx, path)


def test_a_weight_of_too_few_bytes_is_told():
    import onnx

    model = onnx.load_model_from_string(small.network())
    model.graph.initializer[0].raw_data = b"\x00" * 7
    message = refusal(BridgeError, read_onnx, model.SerializeToString())
    assert "the tensor 'net.0.weight' is damaged" in message


def test_weights_beside_the_file_are_read_and_missed(tmp_path):
    import onnx

    path = tmp_path / "model.onnx"
    model = onnx.load_model_from_string(small.network())
    onnx.save_model(
        model, path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    audio = np.ones((1, 64), np.float32)
    expected = read_onnx(small.network())(audio)
    np.testing.assert_array_equal(read_onnx(path)(audio), expected)
    assert "give the path of the model" in refusal(BridgeError, read_onnx, path.read_bytes())
    (tmp_path / "weights.bin").unlink()
    message = refusal(BridgeError, read_onnx, path)
    assert "'net.0.weight'" in message and "weights.bin" in message


@pytest.mark.parametrize("opset", [6, 99])
def test_opsets_that_are_not_known_are_refused(opset):
    import onnx

    model = onnx.load_model_from_string(small.network())
    model.opset_import[0].version = opset
    message = refusal(BridgeError, read_onnx, model.SerializeToString())
    assert f"the model is of opset {opset}, expected 7 to" in message


def test_texts_are_refused():
    text = 'agraph (float[1] x) => (float[1] y) <string[1] s = {"a"}> { y = Abs(x) }'
    assert "holds texts" in refused(text)


def test_inputs_of_another_shape_are_refused_when_called():
    model = read_onnx(small.network(shape=(1, 64)))
    message = refusal(BridgeError, model, np.zeros((1, 63), np.float32))
    assert message == "the input 'audio' must be [1, 64], got [1, 63]: give it that shape"
    assert "takes 1 arrays (audio), got 2" in refusal(BridgeError, model, 1.0, 2.0)


def test_a_clip_shorter_than_a_kernel_is_told_with_the_node():
    message = refusal(BridgeError, read_onnx(small.network()), np.zeros((1, 3), np.float32))
    assert message == (
        "node 'conv' (Conv, opset 20): an axis of 3 values is shorter than the window of 5: give "
        "the model a longer input"
    )


def test_what_does_not_fit_is_told_with_its_node():
    text = "agraph (float[N] x, float[M] z) => (float[K] y) { [sum] y = Add(x, z) }"
    message = refusal(BridgeError, read_onnx(parsed(text)), np.zeros(3), np.zeros(4))
    assert message.startswith("node 'sum' (Add, opset 20): ") and "(inputs [3], [4])" in message


def test_dropout_that_is_on_is_refused():
    text = """
    agraph (float[2] x) => (float[2] y) <float r = {0.5}, bool on = {1}> { y = Dropout(x, r, on) }
    """
    message = refusal(BridgeError, read_onnx(parsed(text)), np.ones(2, np.float32))
    assert "dropout is on" in message and "eval" in message


def test_whole_numbers_are_not_explained():
    text = """
    agraph (int64[1, 4] tokens) => (float[1, 4] y) { y = Cast<to = 1>(tokens) }
    """
    message = refusal(BridgeError, from_onnx, parsed(text), sample_rate=16_000)
    assert "the input 'tokens' is int64, and only floating point can be explained" in message


def test_several_outputs_are_to_be_chosen_from():
    text = "agraph (float[1, 4] x) => (float[1, 4] a, float[1, 4] b) { a = Abs(x) b = Neg(x) }"
    message = refusal(BridgeError, from_onnx, parsed(text), sample_rate=16_000)
    assert message == "the model has 2 outputs: name one by output=: a, b"
    assert from_onnx(parsed(text), sample_rate=16_000, output="b").frames == 4


def test_several_inputs_are_to_be_chosen_from():
    text = "agraph (float[1, 4] x, float[1] h) => (float[1, 4] a) { a = Add(x, h) }"
    message = refusal(BridgeError, from_onnx, parsed(text), sample_rate=16_000)
    assert "has 2 inputs (x, h)" in message and "fixed=" in message
