"""Factors are what their coordinates say, whatever the others are; Shapley values are exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import shapley_values
from audioxai_jax.attribution.segments import blocks
from audioxai_jax.truth import factor, voices
from audioxai_jax.truth.answers import Masks
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.record import Trial
from audioxai_jax.truth.score import energy, explained, scores

COUNT = 6


@pytest.fixture(scope="module")
def drawn():
    return factor.draw(COUNT, seed=5, factor="pitch")


@pytest.fixture(scope="module")
def made(drawn):
    return factor.sounds(drawn.coordinates, drawn.source).astype(np.float64)


def column(name, values):
    return np.asarray(jax.vmap(getattr(voices, name))(jnp.asarray(values)), np.float64)


def alone(drawn, share):
    """The voices with another share of breath, of one level."""
    values = drawn.coordinates.copy()
    values[:, 2] = (share - voices.NEUTRAL_SHARE) / voices.SHARE
    return factor.sounds(values, drawn.source).astype(np.float64)


def test_a_seed_gives_the_same_bytes(drawn, made):
    again = factor.draw(COUNT, seed=5, factor="pitch")
    assert factor.sounds(again.coordinates, again.source).astype(np.float64).tobytes() == (
        made.tobytes()
    )
    assert made.shape == (COUNT, SAMPLES)


@pytest.mark.full_size
def test_coordinates_are_independent_and_only_one_tells_the_class():
    drawn = factor.draw(4000, seed=0, factor="level")
    assert (np.abs(drawn.coordinates[:, 3]) >= factor.LEAST).all()
    np.testing.assert_array_equal(drawn.coordinates[:, 3] > 0, drawn.labels == 1)
    together = np.corrcoef(np.column_stack([drawn.coordinates, drawn.labels]).T)
    apart = together[~np.eye(6, dtype=bool) & ~np.isin(np.arange(6), [3, 5])[:, None]]
    assert np.abs(apart).max() < 5 / np.sqrt(4000)


def test_the_level_is_that_of_its_coordinate_whatever_the_voice(drawn, made):
    level = np.sqrt(np.mean(made**2, axis=1))
    np.testing.assert_allclose(level, column("level", drawn.coordinates), rtol=1e-5)


def test_the_share_of_breath_is_that_of_its_coordinate_whatever_the_voice(drawn, made):
    tonal = alone(drawn, 1e-6)
    along = np.sum(made * tonal, axis=1) ** 2
    share = 1 - along / np.sum(tonal**2, axis=1) / np.sum(made**2, axis=1)
    np.testing.assert_allclose(share, column("aperiodicity", drawn.coordinates), atol=2e-3)


def test_the_pitch_is_that_of_its_coordinate_whatever_the_voice(drawn):
    place = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    for sound, pitch in zip(alone(drawn, 1e-6), column("pitch", drawn.coordinates), strict=True):
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(SAMPLES)))
        at = lambda centre, levels: levels[np.abs(place - centre) < 5].max()
        on = sum(at(pitch * k, spectrum) for k in range(1, 8))
        between = sum(at(pitch * (k + 0.5), spectrum) for k in range(1, 8))
        assert on > 10 * between


def test_the_syllables_are_those_of_their_coordinate_whatever_the_voice(drawn):
    """The power of breath follows the gain in closed form, best at the rate that is asked for."""
    time = (np.arange(SAMPLES) - SAMPLES / 2) / RATE
    rates, starts = column("rate", drawn.coordinates), drawn.source.start
    for sound, rate, start in zip(alone(drawn, 1 - 1e-6), rates, starts, strict=True):
        likeness = []
        for hertz in rate * np.array([0.5, 0.8, 1.0, 1.25, 2.0]):
            swing = 0.5 - 0.5 * np.cos(2 * np.pi * (hertz * time + start))
            gain = 1 - voices.DEPTH + voices.DEPTH * swing
            likeness.append(np.corrcoef(gain**2, sound**2)[0, 1])
        assert np.argmax(likeness) == 2


def test_the_formants_move_together_and_breath_follows_them(drawn):
    ratio = column("formants", drawn.coordinates) / np.asarray(voices.TUBE)
    expected = 2 ** (voices.TUBE_OCTAVES * drawn.coordinates[:, 1:2].astype(np.float64))
    np.testing.assert_allclose(ratio, np.broadcast_to(expected, ratio.shape), rtol=1e-5)


@pytest.mark.full_size
def test_a_neutral_voice_is_the_same_whatever_the_clip_was(drawn):
    """Features at their baseline ask about a voice at the middle of all ranges."""
    model, features = factor.Voices(Partial(jnp.asarray))(_first(drawn))
    np.testing.assert_array_equal(features, drawn.coordinates[0])
    neutral = voices.synthesise(jnp.zeros(5), _first(drawn)[1])
    np.testing.assert_array_equal(model(jnp.zeros(5)), neutral)
    assert np.sqrt(np.mean(np.square(neutral))) == pytest.approx(10 ** (-26 / 20), rel=1e-5)


def decibels(sound):
    """Additive in the factors: the level in dB is, and hears no other."""
    level = 10 * jnp.log10(jnp.mean(sound**2))
    return jnp.stack([level, -level])


@pytest.mark.full_size
def test_shapley_values_of_what_hears_the_level_alone_are_exact(drawn):
    source = jax.tree.map(lambda leaf: leaf[:2], drawn.source)
    source = source._replace(noise=source.noise[:, :800])
    mask = np.tile(np.arange(5) == 3, (2, 1)).astype(np.int8)
    trial = Trial(
        factor.Voices(Partial(decibels)),
        (drawn.coordinates[:2], source),
        np.zeros(2, int),
        Masks(mask),
        (),
        np.arange(5, dtype=np.int32),
    )
    method = shapley_values(segments=blocks(1))
    relevance, evaluations = explained(trial, method, key=jax.random.key(0))
    assert evaluations == 32
    expected = voices.LEVEL_DB * drawn.coordinates[:2] * mask
    np.testing.assert_allclose(relevance, expected, atol=2e-4)
    assert scores(trial, relevance)["mass"].min() > 0.999


def test_an_unknown_factor_is_refused():
    with pytest.raises(ValueError, match="no factor 'timbre': choose one of pitch, envelope"):
        factor.draw(1, seed=0, factor="timbre")


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("name", voices.FACTORS)
def test_exact_shapley_values_lie_on_the_factor_that_decides(name):
    trial = factor.build(0, factor=name)
    assert trial.proven, trial.checks
    method = shapley_values(segments=trial.segments)
    relevance, _ = explained(trial, method, key=jax.random.key(0))
    values = scores(trial, relevance)
    assert np.mean(values["pointing"]) == 1
    assert np.mean(values["mass"]) >= 0.95
    assert np.mean(scores(trial, energy(trial))["mass"]) < 0.6


def _first(drawn):
    return drawn.coordinates[0], jax.tree.map(lambda leaf: leaf[0], drawn.source)
