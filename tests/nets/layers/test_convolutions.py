"""Padding, transposed convolutions and norms against slow definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.layers.convolutions import Conv, ConvTranspose, Padding


@pytest.mark.parametrize("mode", ["reflect", "constant"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("reach, stride", [(7, 1), (10, 5), (5, 1), (4, 2)])
def test_padding_fills_the_last_frame(reach, stride, causal, mode):
    x = np.arange(1.0, 24.0)
    padded = np.asarray(Padding(causal, mode)(x[:, None], reach, stride))[:, 0]
    frames = -(-len(x) // stride)
    assert len(padded) == (frames - 1) * stride + reach
    right = 0 if causal else (reach - stride) // 2
    left = reach - stride - right
    wanted = np.pad(x, (left, len(padded) - left - len(x)), mode=mode)
    np.testing.assert_array_equal(padded, wanted)


def test_a_reflection_longer_than_the_sound():
    """Zeros first, until the reflection has enough; then they are dropped again."""
    padded = Padding(causal=True)(jnp.array([[3.0], [5.0]]), reach=7, stride=1)
    np.testing.assert_array_equal(padded[:, 0], [0, 0, 0, 0, 0, 5, 3, 5])
    padded = Padding(causal=False)(jnp.array([[3.0]]), reach=7, stride=1)
    np.testing.assert_array_equal(padded[:, 0], [0, 0, 0, 3, 0, 0, 0])


@pytest.mark.parametrize("norm", ["weight", "none"])
def test_convolution_against_its_definition(norm):
    layer = Conv(3, kernel=4, stride=2, dilation=2, padding=Padding(False, "constant"), norm=norm)
    x = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    params = layer.init(jax.random.key(0), x)["params"]
    params = params | {"bias": jnp.array([1.0, 2.0, 3.0])}
    if norm == "weight":
        params["scale"] = params["scale"] * 1.5
        norms = np.sqrt((np.asarray(params["direction"]) ** 2).sum((0, 1)))
        weight = np.asarray(params["scale"]) * np.asarray(params["direction"]) / norms
    else:
        weight = np.asarray(params["weight"])
    padded = np.asarray(layer.padding(jnp.asarray(x), 7, 2))
    slow = [
        np.array([1.0, 2.0, 3.0]) + sum(padded[2 * t + 2 * k] @ weight[k] for k in range(4))
        for t in range(5)
    ]
    np.testing.assert_allclose(layer.apply({"params": params}, x), slow, atol=1e-5)


@pytest.mark.parametrize("inputs, outputs", [(1, 5), (2, 5), (5, 1), (5, 2), (1, 1)])
@pytest.mark.parametrize("kernel, samples", [(7, 1), (7, 19), (11, 16), (1, 3)])
def test_convolutions_of_few_channels(inputs, outputs, kernel, samples, x64):
    """From a sound or to one: whatever is done at once, each sample is by the definition."""
    layer = Conv(outputs, kernel, padding=Padding(mode="constant"), norm="none")
    draw = np.random.default_rng(0).normal
    x, weight = draw(size=(samples, inputs)), draw(size=(kernel, inputs, outputs))
    padded = np.concatenate([np.zeros((kernel - 1, inputs)), x])
    slow = [sum(padded[t + k] @ weight[k] for k in range(kernel)) for t in range(samples)]
    params = {"weight": weight, "bias": np.zeros(outputs)}
    np.testing.assert_allclose(jax.jit(layer.apply)({"params": params}, x), slow, atol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
def test_a_norm_over_time_sees_what_is_trimmed(causal, x64):
    layer = ConvTranspose(2, stride=3, padding=Padding(causal), norm="group")
    x = np.random.default_rng(0).normal(size=(4, 3))
    params = layer.init(jax.random.key(0), x)["params"]
    params |= {"norm_scale": jnp.array([2.0, 3.0]), "norm_bias": jnp.array([0.5, -0.5])}
    weight, whole = np.asarray(params["weight"]), np.zeros((15, 2))
    for t in range(4):
        for k in range(6):
            whole[3 * t + k] += x[t] @ weight[k]
    wanted = (whole - whole.mean()) / np.sqrt(whole.var() + 1e-5) * [2.0, 3.0] + [0.5, -0.5]
    start = 0 if causal else 2
    np.testing.assert_allclose(
        layer.apply({"params": params}, x), wanted[start : start + 12], atol=1e-10
    )


def test_a_constant_sound_has_a_norm(x64):
    """Variance 0: EPSILON keeps value and gradient finite."""
    layer = Conv(2, kernel=1, norm="group")
    params = layer.init(jax.random.key(0), jnp.zeros((5, 1)))
    slope = jax.grad(lambda x: jnp.sum(layer.apply(params, x) ** 2))(jnp.zeros((5, 1)))
    assert np.all(np.isfinite(slope))


def test_unknown_values_are_refused():
    with pytest.raises(ValueError, match="padding mode 'mirror': choose one of reflect"):
        Padding(mode="mirror")
    with pytest.raises(ValueError, match="norm 'batch': choose one of weight"):
        Conv(1, 1, norm="batch").init(jax.random.key(0), jnp.zeros((2, 1)))
