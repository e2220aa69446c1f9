"""Sources and filters: amplitudes, peaks, shares and levels are those that are asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.truth import source_filter

RATE, SAMPLES = 16_000, 1_600
FORMANTS, WIDTHS = np.array([500.0, 1500.0, 2500.0]), np.array([60.0, 90.0, 150.0])


@pytest.fixture
def double():
    with jax.enable_x64():
        yield


def envelope(frequencies):
    return source_filter.all_pole(frequencies, jnp.asarray(FORMANTS), jnp.asarray(WIDTHS), RATE)


def by_polynomial(frequencies):
    """The filter's denominator, written out and evaluated on the unit circle."""
    z = np.exp(-2j * np.pi * np.asarray(frequencies) / RATE)
    total = np.ones(len(z), complex)
    for formant, width in zip(FORMANTS, WIDTHS, strict=True):
        radius = np.exp(-np.pi * width / RATE)
        middle = 2 * radius * np.cos(2 * np.pi * formant / RATE)
        total *= (1 - middle + radius**2) / (1 - middle * z + radius**2 * z**2)
    return np.abs(total)


def harmonics(pitch, count=20, shape=envelope):
    phases = jnp.asarray(np.random.default_rng(0).uniform(0, 6, count))
    return source_filter.voiced(jnp.asarray(pitch), shape, phases, SAMPLES, RATE)


def test_formants_one_after_the_other_are_the_filter_of_their_polynomial(double):
    frequencies = np.linspace(0, 8000, 101)
    np.testing.assert_allclose(envelope(frequencies), by_polynomial(frequencies), rtol=1e-10)


def test_harmonics_have_the_amplitudes_of_the_envelope(double):
    sound = harmonics([100.0])
    spectrum = 2 * np.abs(np.fft.rfft(sound)) / SAMPLES
    spacing = 100 * SAMPLES // RATE
    heard = spectrum[spacing : 21 * spacing : spacing].copy()
    np.testing.assert_allclose(heard, by_polynomial(100.0 * np.arange(1, 21)), rtol=1e-6)
    spectrum[spacing : 21 * spacing : spacing] = 0
    assert spectrum.max() < 1e-6 * heard.max()


@pytest.mark.full_size
def test_the_strongest_harmonics_lie_at_the_formants(double):
    spectrum = np.abs(np.fft.rfft(harmonics([50.0], count=70)))
    spacing = RATE / SAMPLES
    for formant in FORMANTS:
        near = np.arange((formant - 300) / spacing, (formant + 300) / spacing, dtype=int)
        assert near[np.argmax(spectrum[near])] * spacing == formant


def test_harmonics_above_half_the_rate_are_left_out(double):
    flat = lambda frequencies: jnp.ones_like(frequencies)
    spectrum = np.abs(np.fft.rfft(harmonics([1000.0], shape=flat)))
    lines = np.flatnonzero(spectrum > 1e-6 * spectrum.max()) * RATE / SAMPLES
    np.testing.assert_array_equal(lines, 1000 * np.arange(1, 8))


@pytest.mark.full_size
def test_a_contour_of_pitch_moves_the_harmonics(double):
    """The phase of a straight rise is a square: of one harmonic, a chirp in closed form."""
    flat = lambda frequencies: jnp.ones_like(frequencies)
    sound = source_filter.voiced(jnp.array([100.0, 200.0]), flat, jnp.zeros(1), SAMPLES, RATE)
    number = np.arange(SAMPLES)
    cycles = (100 * number + 100 / (SAMPLES - 1) * number * (number - 1) / 2) / RATE
    np.testing.assert_allclose(sound, np.cos(2 * np.pi * cycles), atol=1e-9)


@pytest.mark.full_size
def test_formants_side_by_side_have_the_heights_that_they_are_given(double):
    gains, apart = jnp.array([1.0, 0.5, 0.2]), jnp.array([300.0, 2500.0, 6000.0])
    at = lambda centres: source_filter.side_by_side(
        jnp.asarray(apart), centres, jnp.full(3, 20.0), gains, RATE
    )
    np.testing.assert_allclose(at(apart), gains, rtol=0.02)
    moved = at(apart.at[1].set(3500.0))
    np.testing.assert_allclose(moved[jnp.array([0, 2])], gains[jnp.array([0, 2])], rtol=0.02)


def test_breath_follows_the_envelope(double):
    noise = jnp.asarray(np.random.default_rng(1).standard_normal(SAMPLES))
    heard = np.abs(np.fft.rfft(source_filter.breath(noise, envelope, RATE)))
    given = np.abs(np.fft.rfft(noise)) * by_polynomial(np.arange(SAMPLES // 2 + 1) * RATE / SAMPLES)
    np.testing.assert_allclose(heard, given, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_level_and_share_of_the_breath_are_exact(share, double):
    voice = harmonics([120.0])
    noise = jnp.asarray(np.random.default_rng(2).standard_normal(SAMPLES)) + 0.3 * voice
    sound = source_filter.mixed(voice, noise, jnp.asarray(share), jnp.asarray(0.05))
    assert np.sqrt(np.mean(np.square(sound))) == pytest.approx(0.05, rel=1e-12)
    tonal = np.dot(sound, voice) ** 2 / np.dot(voice, voice) / np.dot(sound, sound)
    assert tonal == pytest.approx(1 - share, abs=1e-12)


def test_tilt_is_so_many_decibels_an_octave(double):
    gains = source_filter.tilt(jnp.array([500.0, 1000.0, 2000.0]), jnp.asarray(6.0))
    np.testing.assert_allclose(20 * np.log10(gains), [6, 0, -6], atol=1e-9)


def test_syllables_are_as_many_as_asked_and_fall_as_far(double):
    gain = np.asarray(source_filter.syllables(10.0, 0.25, SAMPLES * 10, RATE, depth=0.8))
    peaks = np.flatnonzero((gain[1:-1] > gain[:-2]) & (gain[1:-1] >= gain[2:]))
    assert len(peaks) == 10
    assert gain.min() == pytest.approx(0.2, abs=1e-6) and gain.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.full_size
def test_gradients_are_those_of_differences(double):
    def peak(formant):
        shape = lambda at: source_filter.resonance(at, formant, jnp.asarray(80.0), RATE)
        voice = source_filter.voiced(jnp.array([110.0]), shape, jnp.zeros(10), 400, RATE)
        return jnp.sum(voice**2)

    step = 1e-3
    difference = (peak(jnp.asarray(500 + step)) - peak(jnp.asarray(500 - step))) / (2 * step)
    assert jax.grad(peak)(jnp.asarray(500.0)) == pytest.approx(float(difference), rel=1e-6)
