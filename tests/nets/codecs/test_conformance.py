"""What every codec promises; a codec that is a row of CODECS is covered, in its small sizes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import streaming
from audioxai_jax.nets.codecs import CODECS
from tests.helpers.small_models import random_params

CASES = {
    f"{name}-{number}": (network, config)
    for name, network in CODECS.items()
    for number, config in enumerate(network.small)
}
EVERY = pytest.mark.parametrize("case", CASES)
AROUND = jax.jit(lambda codec, x: codec.decode(codec.encode(x)))


@functools.cache
def small(case, dtype="float32"):
    """A codec with random weights of a size that lets sound pass."""
    network, config = CASES[case]
    drawn = random_params(lambda: network.init(config, jax.random.key(0)))
    params = jax.tree.map(lambda leaf: (5 * leaf).astype(dtype), drawn)
    return network.build(config, params, mean=None, name=case)


def sound(samples, dtype="float32"):
    return 0.3 * np.random.default_rng(samples).normal(size=samples).astype(dtype)


def test_each_codec_has_small_sizes_to_be_tried_with():
    assert all(network.small for network in CODECS.values())


@EVERY
def test_the_codec_says_what_its_configuration_says(case):
    codec, (_, config) = small(case), CASES[case]
    assert (codec.name, codec.sample_rate, codec.hop) == (case, config.sample_rate, config.hop)


@EVERY
def test_any_length_from_one_sample(case):
    """F = ceil(T / hop), more only where chunks overlap; what is decoded is as long, or longer."""
    codec, (_, config) = small(case), CASES[case]
    before = 0
    for samples in sorted({1, 2, codec.hop - 1, codec.hop, codec.hop + 1, 9 * codec.hop + 3}):
        x = jax.ShapeDtypeStruct((samples,), jnp.float32)
        latent = jax.eval_shape(codec.encode, x)
        least = -(-samples // codec.hop)
        assert len(latent.shape) == 2 and latent.dtype == jnp.float32
        if getattr(config, "chunks", None) is None:
            assert latent.shape[0] == least
        assert latent.shape[0] >= max(least, before)
        before = latent.shape[0]
        decoded = jax.eval_shape(codec.decode, latent)
        assert decoded.ndim == 1 and decoded.shape[0] >= samples
        assert decoded.dtype == jnp.float32


@pytest.mark.full_size
@EVERY
def test_gradients_flow_through_encoder_and_decoder(case, x64):
    """The slope along the gradient, against a difference."""
    codec = small(case, "float64")
    x, step = sound(4 * codec.hop + 3, "float64"), 1e-4
    energy = jax.jit(lambda codec, x: jnp.sum(codec.decode(codec.encode(x)) ** 2))
    gradient = np.asarray(jax.jit(jax.grad(energy, argnums=1))(codec, x))
    slope = np.linalg.norm(gradient)
    up, down = (energy(codec, x + sign * step * gradient / slope) for sign in (1, -1))
    np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-5)


@EVERY
def test_batched_it_says_the_same(case):
    codec = small(case)
    x = sound(4 * codec.hop + 3)
    both = jax.jit(jax.vmap(lambda x: codec.decode(codec.encode(x))))(np.stack([x, -x]))
    for found, clip in zip(both, (x, -x), strict=True):
        wanted = AROUND(codec, clip)
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@EVERY
def test_in_pieces_it_says_the_same(case, x64):
    """Codecs that can be streamed; the others refuse in one line."""
    codec, (network, _) = small(case, "float64"), CASES[case]
    x = sound(20 * codec.hop + 5, "float64")
    if not network.stages:
        with pytest.raises(ValueError, match="nothing is known of how far"):
            list(streaming.encode(codec, [x]))
        return
    latent = jax.jit(codec.encode)(x)
    pieces = np.concatenate(list(streaming.encode(codec, [x[:13], x[13:90], x[90:]], frames=4)))
    np.testing.assert_allclose(pieces, latent, atol=1e-12 * np.abs(latent).max())
    decoded = jax.jit(codec.decode)(latent)
    pieces = np.concatenate(list(streaming.decode(codec, [latent[:3], latent[3:]], frames=4)))
    np.testing.assert_allclose(pieces, decoded, atol=1e-12 * np.abs(decoded).max())
