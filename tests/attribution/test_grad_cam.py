"""Grad-CAM by hand, at named points and at the last convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import checkpoint_name
from jax.tree_util import Partial

from audioxai_jax.attribution.grad_cam import class_map, grad_cam, to_input
from audioxai_jax.engine.batch import attribute_batch

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
    return Partial(
        network,
        {
            "first": draw(size=(3, 2, 4)),
            "bias": draw(size=4),
            "second": draw(size=(3, 4, 5)),
            "other bias": draw(size=5),
            "head": draw(size=(5, 3)),
        },
    )


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
def test_maps_equal_those_by_hand(model, x, target, at, key):
    (params,) = model.args
    wanted = by_hand(params, x, target, at)
    assert wanted.shape == (6,)
    np.testing.assert_allclose(class_map(model, x, target, at), wanted, rtol=1e-10, atol=1e-14)
    found = run(grad_cam(at), model, x, target, key)
    places = np.clip((np.arange(12) + 0.5) / 2 - 0.5, 0, 5)
    spread = np.interp(places, np.arange(6), wanted)
    np.testing.assert_allclose(found.relevance, np.stack([spread] * 2, 1), rtol=1e-10, atol=1e-14)
    assert found.info["evaluations"] == 1 and np.isnan(found.info["completeness_gap"])


def test_maps_have_closed_forms(x64, key):
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
        (image, (8, 6, 2)),
        (lambda x: image(x[..., None]), (8, 6)),
        (audio, (16,)),
    ):
        found = run(grad_cam(), Partial(model), jnp.ones(shape), 1, key)
        assert found.relevance.shape == shape and np.all(found.relevance > 0)


def test_the_map_at_the_input_s_size():
    wanted = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(to_input(jnp.asarray(wanted), jnp.ones((2, 3))), wanted)
    found = to_input(jnp.asarray(wanted), jnp.ones((2, 3, 4)))
    np.testing.assert_array_equal(found, np.repeat(wanted[..., None], 4, -1))
    found = to_input(jnp.asarray(wanted)[None], jnp.ones((2, 3, 4)))
    np.testing.assert_array_equal(found, np.repeat(wanted[..., None], 4, -1))


@pytest.mark.full_size
def test_batches_equal_single_examples(model, x, key):
    batch = jnp.stack([x, 2 * x, x**2])
    found = attribute_batch(grad_cam(), model, batch, jnp.array([0, 1, 2]), key=key, chunk=2)
    for index, target in enumerate([0, 1, 2]):
        wanted = run(grad_cam(), model, batch[index], target, key).relevance
        np.testing.assert_allclose(found.relevance[index], wanted, rtol=1e-12)


def test_equal_options_make_equal_methods():
    assert grad_cam() == grad_cam(None) and grad_cam("a") != grad_cam("b")


def test_layers_without_a_map_are_refused(model, x):
    with pytest.raises(ValueError, match="the model has no operation of kind 'conv': name a point"):
        class_map(lambda x: jnp.ones((3, 2)) @ x, jnp.ones(2), 0)
    with pytest.raises(ValueError, match="the point 'nowhere' fits no operation"):
        class_map(model, x, 0, "nowhere")
    flat = lambda x: checkpoint_name(x**2, "flat")
    with pytest.raises(ValueError, match=r"the activation \[2\] has no positions"):
        class_map(flat, jnp.ones(2), 0, "flat")
    deep = lambda x: checkpoint_name(jnp.stack([x] * 2, 1)[..., None] ** 2, "deep").sum((1, 2))
    with pytest.raises(ValueError, match=r"the map \[4, 2\] does not fit the input \[4\]"):
        grad_cam("deep")(deep, jnp.ones(4), 0, key=None)
    with pytest.raises(ValueError, match=r"domains.time_frequency.*\(at=\).*such as lrp or occl"):
        grad_cam("deep")(deep, jnp.ones(4), 0, key=None)
    with pytest.raises(
        ValueError, match=r"channel_axis 3 is not an axis of the activation \[4, 2, 1\]"
    ):
        grad_cam("deep", channel_axis=3)(deep, jnp.ones(4), 0, key=None)
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


KERNEL, SHIFT = np.random.default_rng(2).normal(size=(5, 3, 8)), np.linspace(-1.0, 1.0, 8)
OUT = np.random.default_rng(3).normal(size=(8, 3))


def head(hidden, channels=-1):
    """Of the convolution's outputs, with the name "top" behind their ReLU."""
    hidden = checkpoint_name(jax.nn.relu(hidden), "top")
    return (
        jnp.moveaxis(jnp.tanh(hidden), channels, -1).reshape(-1, hidden.shape[channels]).mean(0)
        @ OUT
    )


def channels_last(x):
    return head(conv(x, KERNEL, 2) + SHIFT)


def strided(x, kernel, layout):
    return jax.lax.conv_general_dilated(x, kernel, (2,), "SAME", dimension_numbers=layout)


def channels_first(x):
    kernel = KERNEL.transpose(2, 1, 0)
    return head(strided(x[None], kernel, ("NCH", "OIH", "NCH"))[0] + SHIFT[:, None], 0)


def batch_last(x):
    kernel = KERNEL.transpose(1, 2, 0)
    return head(strided(x.T[:, :, None], kernel, ("CWN", "IOW", "CWN"))[..., 0] + SHIFT[:, None], 0)


def moved_before_the_bias(x):
    kernel = KERNEL.transpose(2, 1, 0)
    made = strided(x.T[None], kernel, ("NCH", "OIH", "NCH"))
    return head(jnp.moveaxis(made, 1, -1)[0] + SHIFT)


def members(params, x):
    """Two equal networks as one, by vmap."""
    one = lambda kernel, shift: head(
        strided(x.T[None], kernel, ("NCH", "OIH", "NCH"))[0] + shift[:, None], 0
    )
    return jax.vmap(one)(*params).mean(0)


ENSEMBLE = Partial(members, (np.stack([KERNEL.transpose(2, 1, 0)] * 2), np.stack([SHIFT] * 2)))


@pytest.mark.parametrize("at", [None, "top"])
@pytest.mark.parametrize(
    "twin, turned",
    [(channels_first, True), (batch_last, False), (moved_before_the_bias, False)],
)
def test_channels_may_be_anywhere(twin, turned, at, x64, key):
    """The map is that of the same network with its channels last."""
    x = jnp.asarray(np.random.default_rng(5).normal(size=(20, 3))).at[:12].multiply(0.1)
    wanted = grad_cam(at)(channels_last, x, 1, key=key).relevance
    found = grad_cam(at)(twin, x.T if turned else x, 1, key=key).relevance
    assert np.max(wanted) > 0
    np.testing.assert_allclose(found.T if turned else found, wanted, rtol=1e-9, atol=1e-12)


def test_channels_of_an_ensemble(x64, key):
    x = jnp.asarray(np.random.default_rng(5).normal(size=(20, 3)))
    wanted = grad_cam()(channels_last, x, 1, key=key).relevance
    found = grad_cam()(ENSEMBLE, x, 1, key=key).relevance
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_images_with_channels_first(x64, key):
    """`[C, H, W]`, and a spectrogram `[1, H, W]`: rows and columns go along the input's own."""
    draw = np.random.default_rng(7).normal
    kernel, out = draw(size=(3, 4, 2, 6)), draw(size=(6, 3))

    def last(x):
        form = ("NHWC", "HWIO", "NHWC")
        made = jax.lax.conv_general_dilated(x[None], kernel, (1, 2), "VALID", None, None, form)
        return jnp.tanh(made).mean((0, 1, 2)) @ out

    def first(x):
        made = jax.lax.conv_general_dilated(x[None], kernel.transpose(3, 2, 0, 1), (1, 2), "VALID")
        return jnp.tanh(made).mean((0, 2, 3)) @ out

    x = jnp.asarray(draw(size=(9, 12, 2)))
    wanted = grad_cam()(last, x, 0, key=key).relevance.transpose(2, 0, 1)
    found = grad_cam()(first, x.transpose(2, 0, 1), 0, key=key).relevance
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    both = grad_cam()(lambda x: last(jnp.stack([x, x], -1)), x[..., 0], 0, key=key).relevance
    one = grad_cam()(lambda x: first(jnp.repeat(x, 2, 0)), x[None, ..., 0], 0, key=key).relevance
    np.testing.assert_allclose(one[0], both, rtol=1e-9, atol=1e-12)


def test_windows_of_one_axis_are_put_together(x64, key):
    """A waveform that is cut into windows: what is loud in the last one is found there."""
    apart = lambda x: jax.vmap(lambda w: channels_last(jnp.stack([w] * 3, 1)))(
        x.reshape(4, 20)
    ).max(0)
    x = jnp.asarray(np.random.default_rng(9).normal(size=80)).at[:60].multiply(0.01)
    found = grad_cam()(apart, x, 1, key=key).relevance
    assert found.shape == (80,) and np.argmax(found) >= 60


def test_the_axis_of_channels_can_be_said(key):
    a = jnp.array([[1.0, 2.0], [3.0, -1.0]])
    model = lambda x: jnp.array([[1.0, -1.0]]) @ checkpoint_name(x, "a").sum(1)
    np.testing.assert_allclose(class_map(model, a, 0, "a", channel_axis=0), [0, 3], rtol=1e-6)
    found = grad_cam("a", channel_axis=0)(model, a, 0, key=key).relevance
    np.testing.assert_allclose(found, [[0, 3], [0, 3]], rtol=1e-6)


PLANES = np.random.default_rng(7).normal(size=(5, 1, 3, 3)).astype(np.float32)
CLASSES = np.random.default_rng(8).normal(size=(5, 3)).astype(np.float32)
PICTURE = jax.random.normal(jax.random.key(2), (8, 6))


def at_h(change, channels=0):
    """A picture's planes [5, 8, 6], changed in shape and given the name "h"."""

    def net(x):
        numbers = ("NCHW", "OIHW", "NCHW")
        planes = jax.lax.conv_general_dilated(
            x[None, None], PLANES, (1, 1), "SAME", dimension_numbers=numbers
        )
        h = checkpoint_name(change(planes[0]), "h")
        return jnp.tanh(jnp.moveaxis(h, channels, 0)).reshape(5, -1).mean(1) @ CLASSES

    return net


@pytest.mark.parametrize(
    "change, channels",
    [
        (lambda h: h.reshape(5, -1), 0),
        (lambda h: h.reshape(5, -1).T, 1),
        (lambda h: h.transpose(1, 2, 0).reshape(-1, 5), 1),
        (lambda h: h.transpose(2, 1, 0).reshape(-1, 5), 1),
        (lambda h: h.reshape(5, -1).reshape(5, 8, 6), 0),
        (lambda h: h.reshape(5, 4, 2, 6).reshape(5, 4, 12), 0),
        (lambda h: h.reshape(5, 4, 2, 6).reshape(5, 8, 6), 0),
        (lambda h: h.reshape(5, 4, 2, 3, 2).transpose(0, 1, 3, 2, 4).reshape(5, 12, 4), 0),
        (lambda h: h.reshape(5, 4, 2, 6).swapaxes(1, 2), 0),
    ],
)
def test_positions_of_several_axes_on_one_are_where_they_were(change, channels, key):
    wanted = grad_cam("h")(at_h(lambda h: h), PICTURE, 1, key=key).relevance
    found = grad_cam("h")(at_h(change, channels), PICTURE, 1, key=key).relevance
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.reshape(5, 48)[:, :40],
        lambda h: h.reshape(5, 6, 8),
        lambda h: h.reshape(5, 48).reshape(5, 12, 4),
        lambda h: h.reshape(5, 4, 2, 6).mean(1),
        lambda h: jnp.pad(h.reshape(5, 48), ((0, 0), (1, 0))),
        lambda h: h.reshape(5, 48, 1) * h.reshape(5, 1, 48),
    ],
)
def test_positions_that_cannot_be_told_apart_are_refused(change, key):
    with pytest.raises(ValueError, match="name a point before they were reshaped"):
        grad_cam("h")(at_h(change), PICTURE, 1, key=key)
