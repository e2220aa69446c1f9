"""The convolutional classifier against its equations."""

import dataclasses

import jax
import numpy as np

from audioxai_jax.nets.classifiers import cnn
from audioxai_jax.nets.classifiers.cnn import VARIANTS, CnnConfig

CONFIG = CnnConfig(frames=12, channels=5, classes=3, widths=(4, 3), kernels=(5, 3), hidden=6)
init, apply = jax.jit(cnn.init, static_argnums=0), jax.jit(cnn.apply, static_argnums=0)


def replica(config, params, x):
    """Written out with numpy: valid convolutions along time, two dense layers."""
    x = np.asarray(x, np.float64)
    for index, kernel in enumerate(config.kernels):
        weight, bias = (np.asarray(params[f"conv_{index}"][n]) for n in ("kernel", "bias"))
        frames = len(x) - kernel + 1
        x = sum(x[k : k + frames] @ weight[k] for k in range(kernel)) + bias
        x = np.maximum(x, 0)
    dense = lambda name, v: v @ np.asarray(params[name]["kernel"]) + params[name]["bias"]
    return dense("logits", np.maximum(dense("hidden", x.ravel()), 0))


def test_equations():
    params = init(CONFIG, jax.random.key(0))
    latent = jax.random.normal(jax.random.key(1), (12, 5))
    found = cnn.model(CONFIG, params)(latent)
    np.testing.assert_allclose(found, replica(CONFIG, params, latent), atol=1e-5)


def test_default_sizes_are_the_papers():
    """640 numbers before the dense layers for the second of 50 frames that papers.md names."""
    params = init(CnnConfig(channels=128, classes=35), jax.random.key(0))
    assert params["conv_0"]["kernel"].shape == (5, 128, 64)
    assert params["hidden"]["kernel"].shape == (640, 200)


def test_dropout_only_with_a_key():
    params = init(CONFIG, jax.random.key(0))
    latent = jax.random.normal(jax.random.key(1), (12, 5))
    plain, *dropped = [
        apply(CONFIG, params, latent, key) for key in (None, *(jax.random.key(k) for k in range(4)))
    ]
    np.testing.assert_array_equal(plain, apply(CONFIG, params, latent))
    assert max(np.abs(plain - d).max() for d in dropped) > 1e-4


def test_variants_name_fields():
    for fields in VARIANTS.values():
        dataclasses.replace(CONFIG, **fields)
