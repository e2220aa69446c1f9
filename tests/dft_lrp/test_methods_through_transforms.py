"""Every method in every space that a model is a function of: traced, not computed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import checkpoint_name

from audioxai_jax import METHODS, layer_attribution, straight_through
from audioxai_jax.types import attribute
from tests.helpers.claims import COVERED
from tests.helpers.rows import rows

DRAW = np.random.default_rng(0).normal
KERNEL = DRAW(size=(3, 6, 8)).astype(np.float32)
OUT = DRAW(size=(8, 4)).astype(np.float32)
CODEBOOK = DRAW(size=(16, 6)).astype(np.float32)
FRAME = 8
ENCODER = DRAW(size=(FRAME, 6)).astype(np.float32)


def head(latent):
    """A convolution over frames `[F, 6]`, a point with a name, and logits."""
    hidden = jax.lax.conv_general_dilated(
        latent[None], KERNEL, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")
    )[0]
    return jax.nn.relu(checkpoint_name(hidden, "hidden")).mean(axis=0) @ OUT


def encode(audio):
    return jnp.tanh(audio.reshape(-1, FRAME) @ jnp.asarray(ENCODER))


def quantise(latent):
    distance = jnp.sum((latent[:, None] - CODEBOOK) ** 2, axis=-1)
    return jnp.asarray(CODEBOOK)[jnp.argmin(distance, axis=1)]


SPACES = {
    "waveform": (lambda audio: head(encode(audio)), (5 * FRAME,)),
    "spectrogram": (lambda power: head(jnp.log(power + 1e-3)[:, :6]), (9, 7)),
    "before the quantiser": (lambda z: head(straight_through(quantise, z)), (5, 6)),
}


@pytest.mark.full_size
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", rows(METHODS, full_size=COVERED))
def test_relevance_has_the_shape_of_the_space(name, space):
    model, shape = SPACES[space]
    x = jnp.ones(shape) + jnp.arange(np.prod(shape), dtype=jnp.float32).reshape(shape) / 100
    call = lambda x, key: attribute(METHODS[name](), model, x, 1, key=key)
    found = jax.eval_shape(call, x, jax.random.key(0))
    assert found.relevance.shape == shape


@pytest.mark.parametrize("name", rows(sorted(set(METHODS) - {"grad_cam"}), full_size=COVERED))
def test_relevance_of_a_layer(name):
    """Grad-CAM asks for a convolution behind the layer, and there is none."""
    call = lambda x, key: layer_attribution(METHODS[name](), head, x, 1, "hidden", key=key)
    found, hidden = jax.eval_shape(call, jnp.ones((5, 6)), jax.random.key(0))
    assert found.relevance.shape == hidden.shape == (5, 8)
