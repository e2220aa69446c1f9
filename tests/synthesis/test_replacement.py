"""Base values and the mix of a latent with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax import BASES, Codec, mean, mix, noise, zero
from audioxai_jax.types import Base

HOP = 4
CODEC = Codec(
    encode=lambda audio: audio.reshape(-1, HOP),
    decode=lambda latent: latent.ravel(),
    sample_rate=400,
    hop=HOP,
    mean=jnp.array([1.0, -2.0, 3.0, 0.5]),
    name="frames",
)
LATENT = jax.random.normal(jax.random.key(1), (600, HOP))
NUMBERS = st.floats(-1e3, 1e3, width=32, allow_subnormal=False)


@given(st.lists(st.tuples(NUMBERS, st.booleans(), NUMBERS), min_size=6, max_size=6))
def test_a_mix_is_one_or_the_other(rows):
    latent, mask, base = (np.float32(column).reshape(2, 3) for column in zip(*rows, strict=True))
    found = mix(jnp.asarray(latent), jnp.asarray(mask), jnp.asarray(base))
    assert np.array_equal(found, np.where(mask == 1, latent, base))
    rest = mix(jnp.asarray(latent), jnp.asarray(1 - mask), jnp.asarray(base))
    assert np.array_equal(rest, np.where(mask == 1, base, latent))


def test_a_soft_mask_weighs():
    assert mix(jnp.array(4.0), jnp.array(0.25), jnp.array(8.0)) == 7.0


def test_zero(key):
    assert np.array_equal(zero()(CODEC, LATENT, key), np.zeros_like(LATENT))


def test_mean_is_the_same_in_each_frame(key):
    found = mean()(CODEC, LATENT, key)
    assert found.shape == LATENT.shape and found.dtype == LATENT.dtype
    assert np.array_equal(found, np.tile(CODEC.mean, (600, 1)))


def test_mean_of_a_codec_without_one_is_refused(key):
    bare = Codec(CODEC.encode, CODEC.decode, 400, HOP, name="bare")
    with pytest.raises(ValueError, match="'bare' has no mean latent.*choose base 'zero'"):
        mean()(bare, LATENT, key)


@pytest.mark.parametrize("level_db", [-60.0, -20.0, 0.0])
def test_noise_is_the_latent_of_noise_at_its_level(key, level_db):
    found = noise(level_db)(CODEC, LATENT, key)
    assert found.shape == LATENT.shape
    level = 10 * np.log10(np.mean(np.square(found, dtype=np.float64)))
    assert abs(level - level_db) < 0.5  # 2400 samples: a standard error of 0.13 dB
    assert abs(np.mean(found)) < 0.1 * 10 ** (level_db / 20)


def test_noise_follows_the_key(key):
    first, same, other = (noise()(CODEC, LATENT, k) for k in (key, key, jax.random.key(7)))
    assert np.array_equal(first, same) and not np.any(first == other)


def test_frames_beyond_the_latent_are_cut(key):
    longer = Codec(
        encode=lambda audio: jnp.concatenate([CODEC.encode(audio), jnp.ones((2, HOP))]),
        decode=CODEC.decode, sample_rate=400, hop=HOP,
    )  # fmt: skip
    assert noise()(longer, LATENT, key).shape == LATENT.shape


def test_the_table_holds_all_bases(key):
    assert list(BASES) == sorted(BASES)
    for factory in BASES.values():
        base = factory()
        assert isinstance(base, Base) and base == factory()
        jitted = jax.jit(lambda base, latent, key: base(CODEC, latent, key))
        np.testing.assert_allclose(jitted(base, LATENT, key), base(CODEC, LATENT, key), rtol=1e-6)
