"""AlexNet: the sizes of the paper's files, its groups, its pooling, and what it reads."""

import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest
import scipy.signal
from jax.tree_util import Partial

from audioxai_jax.nets.classifiers import alexnet
from audioxai_jax.nets.classifiers.alexnet import AlexNetConfig, Conv
from audioxai_jax.nets.layers.pooling import halve
from audioxai_jax.propagation import lrp
from audioxai_jax.propagation.composites import epsilon_plus
from tests.helpers.small_models import random_params


def test_sizes_are_the_papers():
    """12.8 million parameters."""
    params = random_params(lambda: alexnet.init(AlexNetConfig(), jax.random.key(0)))
    sizes = [params[f"conv_{i}"]["kernel"].shape for i in range(5)]
    assert sizes[:2] == [(11, 11, 1, 96), (5, 5, 48, 256)]
    assert sizes[2:] == [(3, 3, 256, 384), (3, 3, 192, 384), (3, 3, 192, 256)]
    assert params["dense_0"]["kernel"].shape == (6 * 6 * 256, 1024)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 12_808_906


def test_groups_are_those_of_a_grouped_convolution():
    random = np.random.default_rng(0)
    x = jnp.asarray(random.normal(size=(9, 8, 6)), jnp.float32)
    kernel, bias = random.normal(size=(3, 3, 3, 4)), random.normal(size=4)
    params = {"kernel": jnp.asarray(kernel, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}
    found = Conv(4, 3, groups=2).apply({"params": params}, x)
    expected = jax.lax.conv_general_dilated(
        x[None],
        params["kernel"],
        (1, 1),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=2,
    )
    np.testing.assert_allclose(found, expected[0] + params["bias"], atol=1e-5)


@pytest.mark.parametrize("side", [13, 14])
def test_pooling_in_two_dimensions(side):
    x = np.random.default_rng(side).normal(size=(side, side, 2)).astype(np.float32)
    starts = range(0, side - 1, 2)  # the last window of an even side is shorter
    expected = [[x[i : i + 3, j : j + 3].max((0, 1)) for j in starts] for i in starts]
    np.testing.assert_array_equal(halve(halve(jnp.asarray(x), 3, 1), 3, 0), expected)


def test_of_equal_cells_the_first_row_wins():
    slope = jax.grad(lambda x: halve(halve(x, 3, 1), 3, 0).sum())(jnp.ones((3, 3, 1)))
    assert slope.ravel().tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_the_spectrogram_is_the_authors():
    """`scipy.signal.stft` and `librosa.amplitude_to_db`, cropped to 227 x 227."""
    random = np.random.default_rng(0)
    coded = np.round(random.normal(size=8000) * 3000 * np.hanning(8000)).astype(np.float32)
    _, _, spectrum = scipy.signal.stft(coded, 8000, "hann", nperseg=455, noverlap=420)
    assert spectrum.shape == (228, 230)
    wanted = librosa.amplitude_to_db(np.abs(spectrum[0:227, 2:-1]), ref=np.max)
    found = jax.jit(alexnet.features, static_argnums=0)(AlexNetConfig(), jnp.asarray(coded / 32768))
    np.testing.assert_allclose(found, wanted, atol=2e-3)  # dB
    assert abs(found.max()) < 1e-5 and found.min() >= -80


def test_silence_is_no_error():
    assert jnp.all(
        jnp.abs(jax.jit(alexnet.features, static_argnums=0)(AlexNetConfig(), jnp.zeros(8000)))
        < 1e-4
    )


def test_relevance_through_groups(x64):
    """The same network with XLA's grouped convolutions has the same relevance.

    With stabilisers of one size: usually they are in units of an operation's values, and each
    group is an operation.
    """
    c = AlexNetConfig(side=67, widths=(4, 6, 4, 6, 4), hidden=(6, 5), classes=3)
    params = random_params(lambda: alexnet.init(c, jax.random.key(0)))
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), params)
    x = jnp.asarray(np.random.default_rng(1).uniform(-80, 0, (67, 67)))

    def conv(x, layer, groups, padding="SAME", stride=1):
        out = jax.lax.conv_general_dilated(
            x,
            layer["kernel"],
            (stride, stride),
            padding,
            feature_group_count=groups,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return jax.nn.relu(out + layer["bias"])

    def grouped(p, x):
        pool = lambda x: halve(halve(x, 3, 2), 3, 1)
        x = pool(conv(x[None, :, :, None], p["conv_0"], 1, "VALID", 4))
        x = conv(conv(pool(conv(x, p["conv_1"], 2)), p["conv_2"], 1), p["conv_3"], 2)
        x = pool(conv(x, p["conv_4"], 2)).ravel()
        for name in ("dense_0", "dense_1"):
            x = jax.nn.relu(x @ p[name]["kernel"] + p[name]["bias"])
        return x @ p["logits"]["kernel"] + p["logits"]["bias"]

    method, models = (
        lrp(epsilon_plus(absolute=True)),
        (alexnet.model(c, params), Partial(grouped, params)),
    )
    found = [method(model, x, 1, key=jax.random.key(0)).relevance for model in models]
    assert float(jnp.abs(found[0]).max()) > 0
    np.testing.assert_allclose(*found, atol=1e-12 * float(jnp.abs(found[0]).max()))


def test_cells_in_whole_frames():
    """A cell of the input is where `scipy.signal.stft` has it."""
    whole = alexnet.in_whole_frames(jnp.zeros((227, 227)).at[5, 0].set(1).at[226, 226].set(2))
    assert whole.shape == (230, 228) and whole[2, 5] == 1 and whole[228, 226] == 2


def test_from_silence_reads_levels_above_it():
    """Silence is zero, and the loudest cell 4: a baseline of zeros is a clip without sound."""
    ours = AlexNetConfig(**alexnet.VARIANTS["from_silence"])
    sound = jnp.zeros(8000).at[3000:3100].set(0.5)
    run = jax.jit(alexnet.features, static_argnums=0)
    found = run(ours, sound)
    np.testing.assert_allclose(found, (run(AlexNetConfig(), sound) + 80) / 20, atol=1e-5)
    assert found.min() == 0 == ours.floor and abs(float(found.max()) - 4) < 1e-5
    assert AlexNetConfig().floor == -80
