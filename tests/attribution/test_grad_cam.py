"""Grad-CAM by hand, at named points and at the last convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import checkpoint_name
from jax.tree_util import Partial

from audioxai_jax.attribute_batch import attribute_batch
from audioxai_jax.attribution.grad_cam import class_map, grad_cam, to_input

run = jax.jit(lambda method, model, x, target, key: method(model, x, target, key=key))


def conv(x, kernel, stride=1):
    """Over the frames of [F, C], kernel [width, C, D]."""
    form = ("NWC", "WIO", "NWC")
    return jax.lax.conv_general_dilated(x[None], kernel, (stride,), "SAME", None, None, form)[0]


def network(params, x):
    hidden = jax.nn.relu(conv(x, params["first"], stride=2) + params["bias"])
    hidden = conv(hidden, params["second"]) + params["other bias"]
    hidden = checkpoint_name(jax.nn.relu(hidden), "top")
    return jnp.tanh(hidden).mean(0) @ params["head"]


def top(params, x):
    """Up to the last convolution, written again."""
    hidden = jax.nn.relu(conv(x, params["first"], stride=2) + params["bias"])
    return conv(hidden, params["second"]) + params["other bias"]


@pytest.fixture
def model(x64):
    draw = np.random.default_rng(0).normal
    return Partial(network, {
        "first": draw(size=(3, 2, 4)), "bias": draw(size=4), "second": draw(size=(3, 4, 5)),
        "other bias": draw(size=5), "head": draw(size=(5, 3)),
    })  # fmt: skip


@pytest.fixture
def x(x64):
    return jnp.asarray(np.random.default_rng(1).normal(size=(12, 2)))


def by_hand(params, x, target, at):
    hidden = np.asarray(top(params, x))
    active = hidden > 0
    a = np.where(active, hidden, 0)
    slope = (1 - np.tanh(a) ** 2) / len(a) * params["head"][:, target]
    if at is None:
        slope, a = slope * active, hidden
    return np.maximum(a @ slope.mean(0), 0)


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("at", [None, "top"])
def test_by_hand(model, x, target, at, key):
    (params,) = model.args
    wanted = by_hand(params, x, target, at)
    assert wanted.shape == (6,)
    np.testing.assert_allclose(class_map(model, x, target, at), wanted, rtol=1e-10, atol=1e-14)
    found = run(grad_cam(at), model, x, target, key)
    places = np.clip((np.arange(12) + 0.5) / 2 - 0.5, 0, 5)
    spread = np.interp(places, np.arange(6), wanted)
    np.testing.assert_allclose(found.relevance, np.stack([spread] * 2, 1), rtol=1e-10, atol=1e-14)
    assert found.info["evaluations"] == 1 and np.isnan(found.info["completeness_gap"])


def test_closed_forms(x64, key):
    """A linear head: the map is that of its weights; a square: of 2 A; a maximum: of the winner."""
    a = jnp.array([[1.0, 2.0], [3.0, -1.0]])
    name = lambda x: checkpoint_name(x, "a")
    for model, weights in (
        (lambda x: jnp.array([[1.0, -1.0]]) @ name(x).sum(0), [1, -1]),
        (lambda x: jnp.sum(name(x) ** 2)[None], [4, 1]),
        (lambda x: jnp.max(name(x))[None], [0.5, 0]),
        (lambda x: jnp.prod(name(x))[None], [-4, 1.5]),
    ):
        wanted = np.maximum(a @ np.array(weights), 0)
        np.testing.assert_allclose(class_map(model, a, 0, "a"), wanted, rtol=1e-12)
        found = run(grad_cam("a"), Partial(model), a, 0, key).relevance
        np.testing.assert_allclose(found, np.stack([wanted, wanted], 1), rtol=1e-12)


def test_images_and_audio(key):
    """An image with channels, a spectrogram without, and audio that is framed by a convolution."""
    form = ("NHWC", "HWIO", "NHWC")

    def image(x):
        kernel = np.ones((2, 2, x.shape[-1], 3), np.float32)
        return jax.lax.conv_general_dilated(
            x[None], kernel, (2, 2), "VALID", None, None, form
        ).mean((0, 1, 2))

    def audio(x):
        return conv(x[:, None], np.ones((4, 1, 2), np.float32), stride=4).mean(0)

    for model, shape in (
        (image, (8, 6, 2)), (lambda x: image(x[..., None]), (8, 6)), (audio, (16,)),
    ):  # fmt: skip
        found = run(grad_cam(), Partial(model), jnp.ones(shape), 1, key)
        assert found.relevance.shape == shape and np.all(found.relevance > 0)


def test_the_map_at_the_input_s_size():
    wanted = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(to_input(jnp.asarray(wanted), jnp.ones((2, 3))), wanted)
    found = to_input(jnp.asarray(wanted), jnp.ones((2, 3, 4)))
    np.testing.assert_array_equal(found, np.repeat(wanted[..., None], 4, -1))
    found = to_input(jnp.asarray(wanted)[None], jnp.ones((2, 3, 4)))
    np.testing.assert_array_equal(found, np.repeat(wanted[..., None], 4, -1))


def test_in_batches(model, x, key):
    batch = jnp.stack([x, 2 * x, x**2])
    found = attribute_batch(grad_cam(), model, batch, jnp.array([0, 1, 2]), key=key, chunk=2)
    for index, target in enumerate([0, 1, 2]):
        wanted = run(grad_cam(), model, batch[index], target, key).relevance
        np.testing.assert_allclose(found.relevance[index], wanted, rtol=1e-12)


def test_equal_ones_are_one():
    assert grad_cam() == grad_cam(None) and grad_cam("a") != grad_cam("b")


def test_what_is_refused(model, x):
    with pytest.raises(ValueError, match="the model has no operation of kind 'conv': name a point"):
        class_map(lambda x: jnp.ones((3, 2)) @ x, jnp.ones(2), 0)
    with pytest.raises(ValueError, match="the point 'nowhere' fits no operation"):
        class_map(model, x, 0, "nowhere")
    flat = lambda x: checkpoint_name(x**2, "flat")
    with pytest.raises(ValueError, match=r"the activation \[2\] has no positions"):
        class_map(flat, jnp.ones(2), 0, "flat")
    deep = lambda x: checkpoint_name(x[..., None, None] ** 2, "deep").sum((1, 2))
    with pytest.raises(ValueError, match=r"the map \[4, 1\] does not fit the input \[4\]"):
        grad_cam("deep")(deep, jnp.ones(4), 0, key=None)
    with pytest.raises(ValueError, match="target 7 is not a class"):
        class_map(model, x, 7)


def test_positions_of_one_row_stay_along_their_axis():
    """A spectrogram [8, 12] whose frequencies a layer takes together: the map is along time."""
    layout = ("NHWC", "HWIO", "NHWC")

    def model(kernel, x):
        hidden = jax.lax.conv_general_dilated(
            x[None, :, :, None], kernel, (1, 1), "VALID", dimension_numbers=layout
        )
        return jnp.tanh(hidden).sum((0, 1, 2))

    x = jnp.zeros((8, 12)).at[:, 9:].set(0.01)
    cnn = Partial(model, jnp.ones((8, 3, 1, 2)))
    found = grad_cam()(cnn, x, 0, key=jax.random.key(0)).relevance
    assert np.all(found == found[:1]) and found[0, -1] > found[0, 0]
