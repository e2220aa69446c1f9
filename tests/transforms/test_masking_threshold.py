"""The masking threshold: published values, one tone in closed form, quiet, and the law of level."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms.istft import analyse
from audioxai_jax.transforms.masking_threshold import (
    bark,
    frame_threshold,
    in_quiet,
    masking_threshold,
    noise_maskers,
    spreading_db,
    tonal_maskers,
)

RATE, BINS = 16_000, 257
FREQUENCIES = np.linspace(0, RATE / 2, BINS)
threshold_of = jax.jit(lambda level: frame_threshold(level, RATE))
SILENT = np.full(BINS, -24.0)
"""Levels, dB SPL, below which nothing is stored."""


def with_tone(level, place=64):
    found = SILENT.copy()
    found[place] = level
    return jnp.asarray(found)


def test_the_scale_and_the_threshold_in_quiet_are_the_published_ones():
    """Zwicker's edges of critical bands: band 8 ends at 920 Hz, band 18 at 4,400 Hz."""
    np.testing.assert_allclose(bark([920.0, 4400.0]), [8, 18], atol=0.2)
    assert abs(float(in_quiet(1000.0)) - 3.37) < 0.01
    assert FREQUENCIES[np.argmin(in_quiet(FREQUENCIES))] == pytest.approx(3300, abs=100)


def test_the_spread_joins_at_its_corners():
    level = 60.0
    np.testing.assert_allclose(spreading_db(-1.0, level), -(0.4 * level + 6), rtol=1e-6)
    np.testing.assert_allclose(spreading_db(-1.0 - 1e-6, level), -(0.4 * level + 6), rtol=1e-4)
    np.testing.assert_allclose(spreading_db(1.0, level), -17, rtol=1e-6)
    assert spreading_db(0.0, level) == 0
    assert spreading_db(-3.1, level) == spreading_db(8.0, level) == -jnp.inf


def test_a_single_tone_masks_as_the_formula_says():
    """At 2 kHz, bin 64, with 70 dB: the threshold at its own bin, and 2 Bark above it."""
    level = 70.0
    found = threshold_of(with_tone(level))
    place = bark(FREQUENCIES)
    near = 10 * np.log10(10 ** ((level - 6.025 - 0.275 * place[64]) / 10))
    np.testing.assert_allclose(found[64], near, atol=0.05)
    above = int(np.argmin(np.abs(place - place[64] - 2)))
    d = place[above] - place[64]
    wanted = level - 6.025 - 0.275 * place[64] + (0.15 * level - 17) * d - 0.15 * level
    wanted = 10 * np.log10(10 ** (wanted / 10) + 10 ** (in_quiet(FREQUENCIES[above]) / 10))
    np.testing.assert_allclose(found[above], wanted, atol=0.05)


def test_it_masks_a_quieter_neighbour_and_not_what_is_far():
    found = np.asarray(threshold_of(with_tone(80.0)))
    near, far = 66, 20
    assert found[near] > 50 and found[far] < 10
    # noise reaches further up than down
    assert found[80] > found[48]


def test_the_threshold_of_silence_is_that_in_quiet():
    found = threshold_of(jnp.asarray(SILENT))
    np.testing.assert_allclose(found, in_quiet(FREQUENCIES), atol=1e-4)


def test_the_law_of_level():
    """10 dB more at the masker's place are 10 dB more of threshold; above it, more than that."""
    quiet, loud = (np.asarray(threshold_of(with_tone(level))) for level in (60.0, 70.0))
    place = bark(FREQUENCIES)
    np.testing.assert_allclose(loud[64] - quiet[64], 10, atol=0.05)
    above = int(np.argmin(np.abs(place - place[64] - 1.5)))
    d = place[above] - place[64]
    np.testing.assert_allclose(loud[above] - quiet[above], 10 + 1.5 * (d - 1), atol=0.2)


def test_tones_and_noise_are_told_apart():
    tones, belongs = tonal_maskers(with_tone(70.0))
    assert np.flatnonzero(np.isfinite(tones)).tolist() == [64]
    assert np.flatnonzero(belongs).tolist() == [63, 64, 65]
    flat = jnp.zeros(BINS)
    assert not np.isfinite(tonal_maskers(flat)[0]).any()
    noises, centres = noise_maskers(flat, FREQUENCIES)
    counts = np.bincount(np.floor(bark(FREQUENCIES)).astype(int))
    np.testing.assert_allclose(noises, 10 * np.log10(counts), atol=1e-4)
    assert np.all(np.diff(centres) > 0)


def test_of_a_waveform_it_is_in_the_units_of_its_transform():
    """A loud tone: noise of its own level is heard, a copy 30 dB below it is not."""
    time = np.arange(4_000) / RATE
    audio = jnp.asarray(0.5 * np.sin(2 * np.pi * 2_000 * time), jnp.float32)
    batch = jax.jit(jax.vmap(lambda one: masking_threshold(one, sample_rate=RATE)))
    quieter, threshold = batch(jnp.stack([0.1 * audio, audio]))
    cells = jnp.abs(analyse(audio, window=("hann", 512), hop=128))
    assert threshold.shape == cells.shape
    inner = slice(6, -6)
    assert np.all(10 ** (-30 / 20) * cells[inner, 64] < threshold[inner, 64])
    assert np.all(cells[inner, 64] > threshold[inner, 64])
    np.testing.assert_allclose(quieter[inner, 64] * 10, threshold[inner, 64], rtol=1e-2)
