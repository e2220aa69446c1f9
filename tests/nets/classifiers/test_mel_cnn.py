"""The log-mel network: of waveforms or of cells it is one, and LRP covers the latter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.classifiers import mel_cnn
from audioxai_jax.nets.classifiers.mel_cnn import MelCnnConfig
from audioxai_jax.propagation.composites import PRESETS
from audioxai_jax.propagation.propagate import propagate
from tests.helpers.small_models import random_params

CONFIG = MelCnnConfig(
    sample_rate=1600,
    frames=20,
    classes=3,
    bands=8,
    window=64,
    hop=16,
    widths=(3, 4),
    frame_strides=(2, 1),
    band_strides=(2, 2),
)


@pytest.fixture(scope="module")
def variables():
    variables = random_params(lambda: mel_cnn.init(CONFIG, jax.random.key(0)))
    variables["batch_stats"] = jax.tree.map(jnp.abs, variables["batch_stats"])
    return variables


@pytest.mark.parametrize("samples", [320, 331])
def test_of_waveforms_and_of_cells_it_is_one(variables, samples):
    audio = jax.random.normal(jax.random.key(1), (samples,))
    heard = mel_cnn.model(CONFIG, variables)(audio)
    cells = mel_cnn.reads(CONFIG).analyse(audio)
    assert cells.shape == (-(-samples // 16), 8)
    read = mel_cnn.cells_model(CONFIG, variables)(cells)
    np.testing.assert_allclose(read, heard, rtol=2e-5, atol=1e-6)


def test_silence_is_the_floor():
    quiet = mel_cnn.features(CONFIG, jnp.zeros(32))
    np.testing.assert_allclose(quiet, (np.log(1e-3) + 4) / 2, rtol=1e-6)


def test_lrp_covers_the_network_and_conserves(variables):
    """Relevance is the logit, less what the ledger says that biases took."""
    network = mel_cnn.cells_model(CONFIG, variables)
    cells = jax.random.normal(jax.random.key(1), (20, 8))
    found = propagate(PRESETS["epsilon_plus"](), network, cells, 1)
    lost = jnp.sum(found.ledger.bias + found.ledger.stabiliser)
    np.testing.assert_allclose(jnp.sum(found.relevance) + lost, found.logits[1], rtol=1e-4)


def test_lrp_passes_the_fourier_transform_of_the_front_end(variables):
    """From the logit to the samples; biases and stabilisers took the rest."""
    audio = jax.random.normal(jax.random.key(1), (320,))
    found = propagate(PRESETS["epsilon_plus"](), mel_cnn.model(CONFIG, variables), audio, 1)
    assert "sum:fft" in " ".join(found.ledger.names)
    lost = jnp.sum(found.ledger.bias + found.ledger.stabiliser)
    np.testing.assert_allclose(jnp.sum(found.relevance) + lost, found.logits[1], rtol=1e-4)
