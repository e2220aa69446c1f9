"""The waveform network: its filters at the start, its statistics, and that LRP covers it."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets.classifiers import wave_cnn
from audioxai_jax.nets.classifiers.wave_cnn import WaveCnnConfig
from audioxai_jax.propagation.composites import PRESETS
from audioxai_jax.propagation.propagate import propagate
from tests.helpers.small_models import random_params

CONFIG = WaveCnnConfig(samples=160, classes=3, filters=6, window=32, width=5, strides=(2, 1))


def test_the_first_filters_hear_rising_frequencies():
    config = WaveCnnConfig()
    phases = jnp.linspace(0, 6, config.filters)
    filters = np.asarray(wave_cnn.filter_bank(config, phases))[:, 0]
    np.testing.assert_allclose(np.sum(filters**2, axis=0), 1, rtol=1e-5)
    spectrum = np.abs(np.fft.rfft(filters, 16_000, axis=0))
    peaks = spectrum.argmax(0)  # Hz
    assert np.all(np.diff(peaks[8:]) > 0)
    assert peaks[-1] == 7200 and peaks[0] < 150


def test_statistics_move_towards_the_batch():
    variables = jax.jit(wave_cnn.init, static_argnums=0)(CONFIG, jax.random.key(0))
    audio = jax.random.normal(jax.random.key(1), (4, 160))
    keys = jax.random.split(jax.random.key(2), 4)
    train = lambda x, k: wave_cnn.apply_training(CONFIG, variables, x, k)
    logits, updated = jax.jit(jax.vmap(train, axis_name="batch"))(audio, keys)
    assert logits.shape == (4, 3)
    kernel = np.asarray(variables["params"]["conv_0"]["kernel"])[:, 0]
    padded = np.pad(np.asarray(audio), ((0, 0), (6, 6)))  # 8 frames of 20 samples, windows of 32
    windows = np.lib.stride_tricks.sliding_window_view(padded, 32, axis=1)[:, ::20]
    mean = np.asarray(updated["norm_0"]["mean"])[0]
    np.testing.assert_allclose(mean, 0.02 * (windows @ kernel).mean((0, 1)), atol=1e-6)


def test_lrp_covers_it_and_conserves():
    """Relevance is the logit, less what the ledger says that biases took."""
    variables = random_params(lambda: wave_cnn.init(CONFIG, jax.random.key(0)))
    variables["batch_stats"] = jax.tree.map(jnp.abs, variables["batch_stats"])
    model = wave_cnn.model(CONFIG, variables)
    audio = jax.random.normal(jax.random.key(1), (160,))
    found = propagate(PRESETS["epsilon_plus"](), model, audio, 1)
    kinds = {name.split(":")[0].split()[0] for name in found.ledger.names}
    assert {"conv", "dense", "max", "sum"} <= kinds and "affine" not in kinds  # norms are folded
    lost = jnp.sum(found.ledger.bias + found.ledger.stabiliser)
    np.testing.assert_allclose(jnp.sum(found.relevance) + lost, found.logits[1], rtol=1e-4)
