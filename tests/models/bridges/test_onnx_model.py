"""An ONNX graph as a JAX function: closed forms, names of weights, jit, vmap, grad, LRP."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax.core.records import as_model
from audioxai_jax.propagation.lowering.lower import every_operation
from audioxai_jax.tracing.trace import leaf_names
from tests.helpers import onnx_networks as small

pytest.importorskip("onnx")
from audioxai_jax.models.bridges.onnx import from_onnx, read_onnx  # noqa: E402

AUDIO = np.random.default_rng(1).standard_normal(64).astype(np.float32)


def one(model, x):
    """The model of one sound `[T]`."""
    return model(x[None])[0]


def test_a_network_gives_the_numbers_of_its_formula():
    values = small.weights()
    outputs = read_onnx(small.network(values))(AUDIO[None])
    expected = small.softmax(small.scores(values, AUDIO))
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-6)


def test_double_precision_is_kept_where_jax_has_it():
    values = small.weights(dtype=np.float64)
    with jax.enable_x64(True):
        model = read_onnx(small.network(values, end="", dtype=np.float64))
        outputs = model(AUDIO.astype(np.float64)[None])[0]
        assert outputs.dtype == np.float64
        np.testing.assert_allclose(outputs, small.scores(values, AUDIO), rtol=1e-12)


def test_weights_are_leaves_under_their_names_and_constants_are_not():
    model = read_onnx(small.network())
    assert set(model.params) == set(small.NAMES)
    assert set(model.program.constants) == {"sizes", "axes"}
    whole = Partial(one, model)
    leaves, _ = jax.tree_util.tree_flatten_with_path(as_model(whole))
    assert sorted(leaf_names(leaves)) == sorted(small.NAMES)


def test_a_classifier_prints_no_weights():
    printed = repr(from_onnx(small.network(), sample_rate=8000, labels=("a", "b", "c")))
    assert "Array(" not in printed and len(printed) < 500 and "labels=('a', 'b', 'c')" in printed


def test_ports_are_told():
    model = read_onnx(small.network(shape=(1, 64)))
    (port,), (out,) = model.inputs, model.outputs
    assert (port.name, port.shape, port.dtype) == ("audio", (1, 64), "float32")
    assert (out.name, out.shape) == ("probabilities", (None, 3))


def test_files_that_differ_in_weights_alone_compile_once():
    traced = []

    @jax.jit
    def call(model, x):
        traced.append(1)
        return model(x)

    for seed in (0, 0, 1):
        call(read_onnx(small.network(small.weights(seed))), AUDIO[None])
    assert len(traced) == 1
    call(read_onnx(small.network(end="Sigmoid")), AUDIO[None])
    assert len(traced) == 2


def test_examples_are_mapped_and_differentiated():
    values = small.weights()
    model = Partial(one, read_onnx(small.network(values, end="")))
    batch = np.stack([AUDIO, -AUDIO, 0.5 * AUDIO])
    outputs = jax.jit(jax.vmap(model))(batch)
    expected = [small.scores(values, row) for row in batch]
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    gradient = jax.grad(lambda x: model(x)[1])(AUDIO)
    step = 1e-5
    for place in (0, 7, 30):
        moved = np.stack([AUDIO.astype(np.float64)] * 2)
        moved[:, place] += (step, -step)
        up, down = (small.scores(values, row)[1] for row in moved)
        assert float(gradient[place]) == pytest.approx((up - down) / (2 * step), rel=1e-3, abs=1e-6)


def test_gradients_of_weights_have_their_names():
    model = read_onnx(small.network(end=""))
    gradient = jax.grad(lambda model: model(AUDIO[None])[0, 2])(model)
    assert gradient.params["head.bias"].tolist() == [0, 0, 1]


def test_a_graph_is_cut_at_any_tensor():
    whole = read_onnx(small.network())
    front = read_onnx(small.network(), outputs=["active"])
    back = read_onnx(small.network(), inputs=["active"], outputs=["scores", "probabilities"])
    assert set(front.params) == set(small.NAMES[:2])
    assert set(back.params) == set(small.NAMES[2:])
    _, outputs = back(front(AUDIO[None]))
    np.testing.assert_allclose(outputs, whole(AUDIO[None]), rtol=1e-6)


def test_shapes_leave_no_equation_behind():
    model = read_onnx(small.network(end=""))
    names = [str(e.primitive) for e in jax.make_jaxpr(model)(AUDIO[None]).eqns]
    assert not {"gather", "slice", "concatenate", "iota"} & set(names), names


def test_lrp_matches_weights_by_their_names():
    model = Partial(one, read_onnx(small.network(end="")))
    operations = list(every_operation(model, jnp.asarray(AUDIO)))
    weighted = [(o.kind, o.path) for o in operations if o.path]
    assert weighted == [("conv", "net.0.weight"), ("dense", "head.weight")]
    key = jax.random.key(0)
    plus = ax.attribute(ax.lrp("epsilon_plus"), model, AUDIO, 1, key=key)
    assert bool(plus.info["finite"]) and float(jnp.abs(plus.relevance).sum()) > 0


def test_lrp_of_a_network_without_biases_conserves_the_output():
    values = small.weights()
    values |= {name: np.zeros_like(values[name]) for name in small.NAMES if "bias" in name}
    model = Partial(one, read_onnx(small.network(values, end="")))
    relevance = ax.attribute(
        ax.lrp("epsilon_plus"), model, AUDIO, 1, key=jax.random.key(0)
    ).relevance
    assert float(relevance.sum()) == pytest.approx(small.scores(values, AUDIO)[1], rel=1e-3)


def test_quantised_weights_are_leaves_that_are_dequantised():
    from tests.helpers.onnx_graphs import parsed

    model = parsed("""
    agraph (float[1, 2] x) => (float[1, 2] y)
    <int8[2, 2] w = {2, 4, -6, 8}, float s = {0.5}, int8 z = {2}> {
      weight = DequantizeLinear(w, s, z)
      y = MatMul(x, weight)
    }""")
    function = read_onnx(model)
    assert function.params["weight"].tolist() == [[0, 1], [-4, 3]]
    assert function(np.ones((1, 2), np.float32)).tolist() == [[-4, 4]]


def test_gradients_pass_straight_through_quantisation():
    from tests.helpers.onnx_graphs import parsed

    model = parsed("""
    agraph (float[4] x) => (float[4] y)
    <float s = {0.1}, int8 z = {0}> {
      q = QuantizeLinear(x, s, z)
      y = DequantizeLinear(q, s, z)
    }""")
    function = read_onnx(model)
    x = jnp.asarray([0.14, -0.33, 20.0, 0.0])
    np.testing.assert_allclose(function(x), [0.1, -0.3, 12.7, 0.0], rtol=1e-6)
    gradient = jax.grad(lambda x: function(x).sum())(x)
    np.testing.assert_allclose(gradient, [1, 1, 0, 1], rtol=1e-6)


def test_lrp_does_not_see_the_zero_of_quantised_numbers():
    from tests.helpers.onnx_graphs import parsed

    model = parsed("""
    agraph (float[1, 3] x) => (float[1, 2] y)
    <float s = {0.1}, uint8 z = {100}, float[3, 2] w = {1, 2, -1, 3, 2, -2}> {
      q = QuantizeLinear(x, s, z)
      d = DequantizeLinear(q, s, z)
      y = MatMul(d, w)
    }""")
    x = jnp.asarray([0.31, -0.52, 1.09])
    function = Partial(one, read_onnx(model))
    relevance = ax.attribute(ax.lrp("attn_lrp"), function, x, 1, key=jax.random.key(0)).relevance
    # of the values before rounding, whose error keeps its own share, as a bias does
    np.testing.assert_allclose(relevance, [0.31 * 2, -0.52 * 3, 1.09 * -2], rtol=1e-4)


def test_half_precision_stays_as_stored():
    model = read_onnx(small.network(dtype=np.float16))
    assert {value.dtype.name for value in model.params.values()} == {"float16"}
    assert model(AUDIO.astype(np.float16)[None]).dtype == np.float16
