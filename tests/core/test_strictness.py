"""JAX's strict settings change no number and break nothing: they are for users' own code."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from audioxai_jax.weights.pretrained import available, load_classifier, load_codec, load_listener
from jax.tree_util import Partial

from audioxai_jax import METHODS, Codec, attribute_batch, explain
from audioxai_jax.nets.layers.quantiser import quantise
from audioxai_jax.transforms import istft
from audioxai_jax.transforms.stft import magnitude_spectrogram, padded_spectrogram
from tests.helpers.rows import rows

SETTINGS = {
    "x64": lambda: jax.enable_x64(True),
    "ranks": lambda: jax.numpy_rank_promotion("raise"),
    "types": lambda: jax.numpy_dtype_promotion("strict"),
    "NaN": lambda: jax.debug_nans(True),
    "infinity": lambda: jax.debug_infs(True),
}
X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
W = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
SOME = {
    "kernel_shap": {"samples": 30},
    "rise": {"samples": 5, "cells": 2},
    "occlusion": {},
    "smoothgrad": {"samples": 3},
    "rectify": {},
    "over_baselines": {},
    "lrp": {},
    "deep_lift": {},
}


def net(weights, x):
    return jax.nn.relu(x @ weights).mean(0)


LONG = ("kernel_shap", "over_baselines", "rise", "smoothgrad")


@pytest.mark.parametrize("name", rows(SOME, full_size=LONG))
def test_methods_run_under_strict_settings(name):
    """In batches under all settings but x64, whose numbers are compared; alone with NaN refused."""
    method, model = METHODS[name](**SOME[name]), Partial(net, jnp.asarray(W))
    plain = attribute_batch(method, model, jnp.asarray(X)[None], 1)
    with contextlib.ExitStack() as stack:
        for kind in ("ranks", "types", "NaN", "infinity"):
            stack.enter_context(SETTINGS[kind]())
        alone = method(model, jnp.asarray(X), 1, key=jax.random.fold_in(jax.random.key(0), 0))
        stack.enter_context(jax.enable_x64(True))
        found = attribute_batch(method, model, jnp.asarray(X)[None], 1)
    scale = np.abs(plain.relevance).max()
    assert found.relevance.dtype == np.float32
    np.testing.assert_allclose(found.relevance, plain.relevance, atol=1e-4 * scale)
    np.testing.assert_allclose(alone.relevance, plain.relevance[0], atol=1e-4 * scale)


@pytest.mark.parametrize("setting", rows(["x64", "ranks", "types"], full_size=("ranks", "types")))
def test_shipped_weights_load(setting):
    """They are float32 in their files, whatever JAX computes in, and compute as without."""
    codec, head = load_codec("gainshape_16khz")[0], load_classifier("keywords")[0]
    audio = 0.1 * np.random.default_rng(0).normal(size=3200).astype(np.float32)
    run = lambda: jax.jit(lambda audio: codec.encode(audio))(audio)
    wanted = run()
    with SETTINGS[setting]():
        for name in available()["classifier"]:
            load_classifier(name)
        for name in available()["listener"]:
            load_listener(name)
        codec = load_codec("gainshape_16khz")[0]
        found = run()
        logits = jax.eval_shape(head.model, jax.ShapeDtypeStruct((50, 64), np.float32))
    assert found.dtype == wanted.dtype == logits.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_parts_that_are_called_alone():
    codebooks, audio = jnp.ones((2, 3, 4)), jnp.ones(256)
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        assert quantise(codebooks, jnp.ones((5, 4))).shape == (5, 2)
        assert magnitude_spectrogram(audio, window=64, hop=32).shape == (8, 33)
        assert padded_spectrogram(audio, window=64, hop=32).shape == (9, 33)
        assert istft.analyse(audio, window=("hann", 64), hop=32).shape[1] == 33


@pytest.mark.parametrize("setting", ["x64", "NaN"])
def test_nan_that_means_not_applicable_is_no_error(setting):
    """Saliency promises no completeness: its gap is NaN."""
    codec = Codec(lambda audio: audio.reshape(-1, 4), jnp.ravel, sample_rate=400, hop=4)
    model = Partial(net, jnp.asarray(W))
    with SETTINGS[setting]():
        found = explain(codec, model, jnp.ones(40, jnp.float32), method=METHODS["saliency"]())
    assert np.isnan(found.info["completeness_gap"]) and found.finite
    assert found.relevance.dtype == np.float32
