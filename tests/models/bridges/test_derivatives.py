"""Magnitudes and norms at 0, where the frameworks take 0 for the derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.models.bridges.derivatives import magnitude, root_of_squares
from audioxai_jax.propagation import PRESETS, propagate

SOUND = jnp.asarray([[0.0, 0.0, 0.3, -0.4], [0.0, -2.0, 0.0, 1.0]])
NORMS = {
    "Abs": (lambda x: jnp.abs(x), "Abs (x)"),
    "ReduceL1": (lambda x: jnp.abs(x).sum(1), "ReduceL1 <keepdims = 0> (x, axes)"),
    "ReduceL2": (lambda x: jnp.sqrt((x * x).sum(1)), "ReduceL2 <keepdims = 0> (x, axes)"),
    "LpNormalization": (
        lambda x: x / jnp.maximum(jnp.sqrt((x * x).sum(1, keepdims=True)), 1e-30),
        "LpNormalization <axis = 1, p = 2> (x)",
    ),
}


def read(call, rank):
    pytest.importorskip("onnx")
    from audioxai_jax.models.bridges.onnx import read_onnx
    from tests.helpers.onnx_graphs import parsed

    out = "float[2, 4]" if rank == 2 else "float[2]"
    text = f"g (float[2, 4] x) => ({out} y) <int64[1] axes = {{1}}> {{ y = {call} }}"
    return read_onnx(parsed(text))


@pytest.mark.parametrize("name", NORMS)
def test_operators_have_their_values_and_a_derivative_at_silence(name):
    written, call = NORMS[name]
    model = read(call, written(SOUND).ndim)
    np.testing.assert_allclose(model(SOUND), written(SOUND), rtol=1e-6)
    silent = jnp.zeros_like(SOUND)
    first = lambda f, x: jnp.sum(f(x).reshape(2, -1)[:, 0] * jnp.asarray([1.0, 2.0]))
    slope = lambda f, x: jax.grad(lambda x: first(f, x))(x)
    assert np.isfinite(slope(model, silent)).all()
    busy = SOUND + 3
    np.testing.assert_allclose(slope(model, busy), slope(written, busy), rtol=1e-5, atol=1e-7)
    if name != "LpNormalization":  # x / 1 there, at 0
        np.testing.assert_array_equal(slope(model, silent), silent)


@pytest.mark.parametrize("function", [magnitude, root_of_squares])
def test_second_derivatives_and_batches_are_finite(function):
    hessian = jax.hessian(lambda x: jnp.sum(function(x * x) ** 3))(jnp.asarray([0.0, 2.0]))
    assert np.isfinite(hessian).all()
    slopes = jax.vmap(jax.jit(jax.grad(function)))(jnp.asarray([0.0, 4.0]))
    assert slopes[0] == 0 and slopes[1] == pytest.approx(1 if function is magnitude else 0.25)


def amplitudes(root, matrix, x):
    power = (x @ matrix) ** 2
    return root(power[:4] + power[4:]) @ matrix[:4, :3]


def test_relevance_by_lrp_is_that_of_what_is_written_out():
    matrix = jax.random.normal(jax.random.key(0), (4, 8))
    x = jnp.asarray([0.5, -1.0, 2.0, 0.1])
    ours, plain = (
        propagate(PRESETS["epsilon_plus"](), Partial(amplitudes, Partial(root), matrix), x, 1)
        for root in (root_of_squares, jnp.sqrt)
    )
    np.testing.assert_array_equal(ours.relevance, plain.relevance)
    assert np.abs(ours.relevance).sum() > 0
