"""Sounds for people: one floor in all of them, nothing clipped, levels matched without it."""

import numpy as np
import pytest

from audioxai_jax.runs.written import for_people, noise_floor
from audioxai_jax.synthesis.levels import rms
from tests.helpers.refusals import refusal

RATE = 8_000
RANDOM = np.random.default_rng(0)
CLIP = RANDOM.uniform(-1, 1, 2_000).astype(np.float32)
SOUNDS = {
    "original": CLIP,
    "explanation": (0.1 * CLIP * (np.arange(2_000) < 900)).astype(np.float32),
    "removed": np.zeros_like(CLIP),
    "random": (0.002 * CLIP).astype(np.float32),
}
FLOOR = noise_floor(CLIP, RATE, -30.0, 3)


def test_without_a_floor_sounds_are_as_they_are_unless_one_is_beyond_full_scale():
    written = for_people(SOUNDS)
    assert written.gain == 1 and written.floor is None
    for name, sound in SOUNDS.items():
        np.testing.assert_array_equal(written.sound(name), sound)
    louder = for_people({**SOUNDS, "removed": 2 * CLIP})
    peak = 2 * np.abs(CLIP).max()
    assert louder.gain == pytest.approx(1 / peak)
    np.testing.assert_allclose(louder.sound("explanation"), SOUNDS["explanation"] / peak, rtol=1e-6)


def test_all_sounds_carry_the_same_floor_and_none_is_clipped():
    """A clip at full scale is made softer, with all its sounds and the floor, by one factor."""
    sounds = {**SOUNDS, "original": np.sign(CLIP)}
    written = for_people(sounds, FLOOR)
    assert written.gain == pytest.approx(1 / (1 + np.abs(FLOOR).max()), rel=0.1)
    assert written.gain < 1
    np.testing.assert_array_equal(written.sound("removed"), written.floor)
    for name, sound in sounds.items():
        heard = written.sound(name)
        assert np.abs(heard).max() <= 1 + 1e-6
        np.testing.assert_allclose(heard, written.gain * (sound + FLOOR), atol=1e-6)


def test_a_sound_at_the_level_of_the_original_keeps_the_floor():
    written = for_people({**SOUNDS, "original": 0.1 * CLIP}, FLOOR)
    assert written.loudness_gain("original") == 1
    assert written.loudness_gain("removed") == 1
    assert written.loudness_gain("random") == pytest.approx(50, rel=1e-5)
    for name in SOUNDS:
        loud = written.sound(name, written.loudness_gain(name))
        wanted = rms(0.1 * CLIP) if name != "removed" else 0
        assert rms(loud - written.floor) == pytest.approx(wanted, rel=1e-4)


def test_with_the_floor_a_sound_at_the_level_of_the_original_is_not_clipped():
    click = np.zeros_like(CLIP)
    click[100] = 0.05
    at_peak = np.abs(FLOOR).max() * np.ones_like(CLIP)
    written = for_people({**SOUNDS, "random": click}, at_peak)
    loud = written.sound("random", written.loudness_gain("random"))
    assert np.abs(loud).max() == pytest.approx(1, rel=1e-5)
    assert written.loudness_gain("random") > 15


def test_the_floor_depends_on_the_clip_and_the_seed_alone():
    np.testing.assert_array_equal(noise_floor(CLIP, RATE, -30.0, 3), FLOOR)
    assert rms(FLOOR) == pytest.approx(rms(CLIP) * 10**-1.5, rel=1e-5)
    softer = noise_floor(CLIP / 2, RATE, -30.0, 3)
    np.testing.assert_allclose(softer, FLOOR / 2, rtol=1e-5)
    other = noise_floor(CLIP, RATE, -30.0, 4)
    assert np.abs(np.corrcoef(other, FLOOR)[0, 1]) < 0.5
    assert noise_floor(CLIP, RATE, None, 3) is None


def test_a_rate_too_low_for_the_floor_is_refused():
    said = refusal(ValueError, noise_floor, CLIP, 100, -30.0, 0)
    assert "sounds of 100 Hz have no noise floor" in said and "--floor none" in said
    assert noise_floor(CLIP, 100, None, 0) is None
