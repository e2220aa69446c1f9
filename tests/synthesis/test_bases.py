"""Base values and the mix of a latent with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax import domains
from audioxai_jax.perturbation.edit import mix
from audioxai_jax.synthesis.bases import (
    BASES,
    level_matched,
    mean,
    neighbour,
    next_of_another_class,
    noise,
    own,
    silence,
    zero,
)
from audioxai_jax.types import Base, Codec

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
DOMAIN, AUDIO = domains.latent(CODEC), LATENT.ravel()
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
    assert np.array_equal(zero()(DOMAIN, LATENT, AUDIO, key), np.zeros_like(LATENT))


def test_mean_is_the_same_in_each_frame(key):
    found = mean()(DOMAIN, LATENT, AUDIO, key)
    assert found.shape == LATENT.shape and found.dtype == LATENT.dtype
    assert np.array_equal(found, np.tile(CODEC.mean, (600, 1)))


def test_mean_of_a_codec_without_one_is_refused(key):
    bare = Codec(CODEC.encode, CODEC.decode, 400, HOP, name="bare")
    with pytest.raises(ValueError, match="'bare' has no mean latent.*choose base 'zero'"):
        mean()(domains.latent(bare), LATENT, AUDIO, key)


@pytest.mark.parametrize("level_db", [-60.0, -20.0, 0.0])
def test_noise_is_the_latent_of_noise_at_its_level(key, level_db):
    found = noise(level_db)(DOMAIN, LATENT, AUDIO, key)
    assert found.shape == LATENT.shape
    level = 10 * np.log10(np.mean(np.square(found, dtype=np.float64)))
    assert abs(level - level_db) < 0.5  # 2400 samples: a standard error of 0.13 dB
    assert abs(np.mean(found)) < 0.1 * 10 ** (level_db / 20)


def test_noise_follows_the_key(key):
    first, same, other = (noise()(DOMAIN, LATENT, AUDIO, k) for k in (key, key, jax.random.key(7)))
    assert np.array_equal(first, same) and not np.any(first == other)


def test_other_domains_have_no_mean(key):
    with pytest.raises(ValueError, match="the domain 'samples' has no mean: choose base 'own'"):
        mean()(domains.samples(400), AUDIO, AUDIO, key)


OTHERS = [domains.samples(400), domains.frequencies(400), domains.cells(400)]


@pytest.mark.parametrize("domain", OTHERS, ids=lambda domain: domain.name)
@pytest.mark.parametrize("name", ["own", "zero", "noise", "silence", "level_matched"])
def test_any_domain_has_bases(key, name, domain):
    audio = AUDIO[:901]
    features = domain.analyse(audio)
    base = BASES[name]()(domain, features, audio, key)
    assert base.shape == features.shape and base.dtype == features.dtype
    assert jnp.all(jnp.isfinite(base))


def test_the_domain_knows_its_own_base(key):
    """The lowest level of a spectrogram in decibels is not zero."""
    domain, audio = domains.cells(400), AUDIO[:901]
    features = domain.analyse(audio)
    base = own()(domain, features, audio, key)
    assert np.array_equal(base, domain.base(features)) and not jnp.any(base == 0)


def test_noise_of_frequencies_is_as_loud_as_the_clip(key):
    domain, audio = domains.frequencies(400), AUDIO[:901]
    base = level_matched()(domain, domain.analyse(audio), audio, key)
    sound = domain.synthesise(base, audio)
    np.testing.assert_allclose(jnp.mean(sound**2), jnp.mean(audio**2), rtol=1e-4)


def test_the_table_holds_all_bases(key):
    assert list(BASES) == sorted(BASES)
    for factory in BASES.values():
        base = factory()
        assert isinstance(base, Base) and base == factory()
        jitted = jax.jit(lambda base, latent, key: base(DOMAIN, latent, AUDIO, key))
        wanted = base(DOMAIN, LATENT, AUDIO, key)
        np.testing.assert_allclose(jitted(base, LATENT, key), wanted, rtol=1e-6)


def test_silence_is_what_the_codec_makes_of_zeros(key):
    """Not zeros: a codec may have a latent of its own for them."""
    shifted = Codec(lambda a: a.reshape(-1, HOP) + 0.5, lambda z: (z - 0.5).ravel(), 400, HOP)
    found = silence()(domains.latent(shifted), LATENT, AUDIO, key)
    assert found.shape == LATENT.shape and np.all(found == 0.5)
    assert not silence()(DOMAIN, LATENT, AUDIO, key).any()


@pytest.mark.parametrize("gain", [0.01, 3.0])
def test_noise_at_the_level_of_the_clip(key, gain):
    found = level_matched()(DOMAIN, gain * LATENT, gain * AUDIO, key)
    level = lambda latent: np.sqrt(np.mean(np.square(latent, dtype=np.float64)))
    np.testing.assert_allclose(level(found), gain * level(LATENT), rtol=1e-5)
    assert abs(np.corrcoef(found.ravel(), LATENT.ravel())[0, 1]) < 0.1
    other = level_matched()(DOMAIN, gain * LATENT, gain * AUDIO, jax.random.key(7))
    assert not np.any(found == other)


def test_noise_as_loud_as_a_silent_clip_is_silence(key):
    assert not level_matched()(DOMAIN, 0 * LATENT, 0 * AUDIO, key).any()


def test_a_neighbour_is_cut_or_repeated(key):
    other = jnp.arange(12.0).reshape(3, HOP)
    found = neighbour(other)(DOMAIN, LATENT[:8], AUDIO[: 8 * HOP], key)
    assert np.array_equal(found, np.concatenate([other, other, other[:2]]))
    assert np.array_equal(neighbour(other)(DOMAIN, LATENT[:2], AUDIO[: 2 * HOP], key), other[:2])


def test_neighbours_travel_in_batches(key):
    others = jnp.stack([LATENT[:6], -LATENT[:6]])
    base = jax.jit(
        jax.vmap(lambda other: neighbour(other)(DOMAIN, LATENT[:6], AUDIO[: 6 * HOP], key))
    )(others)
    assert np.array_equal(base, others)


def test_neighbours_that_do_not_fit_are_refused(key):
    for empty in (jnp.zeros((0, HOP)), jnp.float32(0)):
        with pytest.raises(ValueError, match="base 'neighbour': other must be the features of"):
            neighbour(empty)
    with pytest.raises(
        ValueError, match=r"other has the shape \[2, 3\], the features .* \[600, 4\]"
    ):
        neighbour(jnp.zeros((2, 3)))(DOMAIN, LATENT, AUDIO, key)
    domain = domains.frequencies(400)  # whose first axis is not time
    with pytest.raises(ValueError, match="as one length if its first axis is not time"):
        neighbour(domain.analyse(AUDIO[:10]))(domain, domain.analyse(AUDIO), AUDIO, key)


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
