"""AudioNet: the sizes of the paper's files, and its pooling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.classifiers import audionet
from audioxai_jax.nets.classifiers.audionet import AudioNetConfig
from audioxai_jax.nets.layers.pooling import halve
from tests.helpers.small_models import random_params


def test_sizes_are_the_papers():
    """17.1 million parameters."""
    params = random_params(lambda: audionet.init(AudioNetConfig(), jax.random.key(0)))
    sizes = [params[f"conv_{i}"]["kernel"].shape for i in range(6)]
    assert sizes == [(3, 1, 100), (3, 100, 64), (3, 64, 128), *[(3, 128, 128)] * 3]
    assert params["dense_0"]["kernel"].shape == (125 * 128, 1024)
    assert params["logits"]["kernel"].shape == (512, 10)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 17_107_162


@pytest.mark.parametrize("length", [8, 9, 10, 11])
@pytest.mark.parametrize("window", [2, 3])
def test_pooling_keeps_a_last_shorter_window(length, window):
    x = np.random.default_rng(length).normal(size=(length, 4)).astype(np.float32)
    starts = range(0, length - window + 2 if (length - window) % 2 else length - window + 1, 2)
    expected = np.stack([x[s : s + window].max(0) for s in starts])
    np.testing.assert_array_equal(halve(jnp.asarray(x), window), expected)


def test_of_equals_the_first_gets_the_gradient():
    slope = jax.grad(lambda x: halve(x, 2).sum())(jnp.ones((5, 1)))
    assert slope.ravel().tolist() == [1, 0, 1, 0, 1]


@pytest.mark.parametrize("name, rectified", [("", False), ("rectified", True)])
def test_the_dense_layers_are_linear_unless_rectified(name, rectified):
    """Twice the pooled values give twice the logits, if the biases are zero."""
    config = AudioNetConfig(samples=64, widths=(4, 4), hidden=(6, 5), **audionet.VARIANTS[name])
    params = random_params(lambda: audionet.init(config, jax.random.key(0)))
    params = jax.tree.map(lambda leaf: 0 * leaf if leaf.ndim == 1 else leaf, params)
    flip = {**params, "dense_0": {**params["dense_0"], "kernel": -params["dense_0"]["kernel"]}}
    x = np.random.default_rng(1).normal(size=64).astype(np.float32)
    out, flipped = (jax.jit(audionet.apply, static_argnums=0)(config, p, x) for p in (params, flip))
    assert out.shape == (10,)
    assert np.allclose(flipped, -out, atol=1e-6) != rectified


def test_the_input_is_the_authors():
    """Divided by the 95th percentile of the signed samples, plus 0.001."""
    coded = np.random.default_rng(0).integers(-3000, 3000, 8000).astype(np.float32)
    found = jax.jit(audionet.features, static_argnums=0)(
        AudioNetConfig(), jnp.asarray(coded / 32768)
    )
    np.testing.assert_allclose(found, coded / (np.percentile(coded, 95) + 0.001), rtol=1e-6)


def test_a_short_click_does_not_explode():
    """Its 95th percentile is zero: the authors' formula would make a million of its peak."""
    click = np.zeros(8000, np.float32)
    click[100:120] = 0.5
    found = jax.jit(audionet.features, static_argnums=0)(AudioNetConfig(), jnp.asarray(click))
    assert found.max() == pytest.approx(audionet.LOUDEST, rel=1e-4)
    assert jnp.all(
        jax.jit(audionet.features, static_argnums=0)(AudioNetConfig(), jnp.zeros(8000)) == 0
    )
