"""Base values and the mix of a latent with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax import BASES, Codec, level_matched, mean, mix, neighbour, noise, silence, zero
from audioxai_jax.synthesis.bases import next_of_another_class
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
        decode=CODEC.decode,
        sample_rate=400,
        hop=HOP,
    )
    assert noise()(longer, LATENT, key).shape == LATENT.shape


def test_the_table_holds_all_bases(key):
    assert list(BASES) == sorted(BASES)
    for factory in BASES.values():
        base = factory()
        assert isinstance(base, Base) and base == factory()
        jitted = jax.jit(lambda base, latent, key: base(CODEC, latent, key))
        np.testing.assert_allclose(jitted(base, LATENT, key), base(CODEC, LATENT, key), rtol=1e-6)


def test_silence_is_what_the_codec_makes_of_zeros(key):
    """Not zeros: a codec may have a latent of its own for them."""
    shifted = Codec(lambda a: a.reshape(-1, HOP) + 0.5, lambda z: (z - 0.5).ravel(), 400, HOP)
    found = silence()(shifted, LATENT, key)
    assert found.shape == LATENT.shape and np.all(found == 0.5)
    assert not silence()(CODEC, LATENT, key).any()


@pytest.mark.parametrize("gain", [0.01, 3.0])
def test_noise_at_the_level_of_the_clip(key, gain):
    found = level_matched()(CODEC, gain * LATENT, key)
    level = lambda latent: np.sqrt(np.mean(np.square(latent, dtype=np.float64)))
    np.testing.assert_allclose(level(found), gain * level(LATENT), rtol=1e-5)
    assert abs(np.corrcoef(found.ravel(), LATENT.ravel())[0, 1]) < 0.1
    other = level_matched()(CODEC, gain * LATENT, jax.random.key(7))
    assert not np.any(found == other)


def test_noise_as_loud_as_a_silent_clip_is_silence(key):
    assert not level_matched()(CODEC, 0 * LATENT, key).any()


def test_a_neighbour_is_cut_or_repeated(key):
    other = jnp.arange(12.0).reshape(3, HOP)
    found = neighbour(other)(CODEC, LATENT[:8], key)
    assert np.array_equal(found, np.concatenate([other, other, other[:2]]))
    assert np.array_equal(neighbour(other)(CODEC, LATENT[:2], key), other[:2])


def test_neighbours_travel_in_batches(key):
    others = jnp.stack([LATENT[:6], -LATENT[:6]])
    base = jax.jit(jax.vmap(lambda other: neighbour(other)(CODEC, LATENT[:6], key)))(others)
    assert np.array_equal(base, others)


def test_neighbours_that_do_not_fit_are_refused(key):
    with pytest.raises(ValueError, match="base 'neighbour': other must be a latent"):
        neighbour(jnp.zeros(3))
    with pytest.raises(ValueError, match="base 'neighbour': other must be a latent"):
        neighbour(jnp.zeros((0, HOP)))
    with pytest.raises(ValueError, match="the other latent has 3 channels, the codec 'frames' 4"):
        neighbour(jnp.zeros((2, 3)))(CODEC, LATENT, key)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=9).filter(lambda t: len(set(t)) > 1))
def test_the_next_clip_of_another_class(targets):
    found = next_of_another_class(targets)
    for index, other in enumerate(found):
        rest = [(index + step) % len(targets) for step in range(1, len(targets))]
        assert other == next(i for i in rest if targets[i] != targets[index])


@pytest.mark.parametrize("targets", [[], [1], [2, 2, 2]])
def test_clips_of_one_class_have_no_such_neighbour(targets):
    with pytest.raises(ValueError, match="need clips .N. of two classes at least"):
        next_of_another_class(targets)
