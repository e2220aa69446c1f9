"""Shortcuts: traces at their stated levels and places, and no other difference."""

import numpy as np
import pytest

from audioxai_jax.truth import TRUTHS, cues, intonation, shortcut
from audioxai_jax.truth.recipe import RATE, SAMPLES

ROWS = [name for name in TRUTHS if name.startswith("shortcut_")]
DECIBELS = 0.05
"""Of what float32 and a finite clip leave."""


@pytest.fixture(scope="module")
def drawn():
    return {cue: shortcut.draw(6, seed=3, cue=cue) for cue in cues.CUES}


def level(sounds):
    return 20 * np.log10(np.sqrt(np.mean(sounds.astype(np.float64) ** 2, axis=-1)))


def spectrum(sounds):
    return np.abs(np.fft.rfft(sounds.astype(np.float64))) ** 2


def in_boxes(boxes, values, first):
    """Whether values lie in any box of each clip, by its ends `first` and `first + 1`."""
    low, high = boxes[..., first, None], boxes[..., first + 1, None]
    return ((values >= low) & (values < high)).any(axis=1)


@pytest.mark.parametrize("cue", cues.CUES)
def test_a_seed_gives_the_same_bytes_and_another_gives_others(cue, drawn):
    again, other = (shortcut.draw(6, seed=seed, cue=cue) for seed in (3, 4))
    for name in ("traced", "bare", "labels", "boxes"):
        assert getattr(again, name).tobytes() == getattr(drawn[cue], name).tobytes()
    assert other.traced.tobytes() != again.traced.tobytes()


@pytest.mark.parametrize("cue", cues.CUES)
def test_clips_are_finite_single_precision_and_of_the_stated_length(cue, drawn):
    for audio in (drawn[cue].traced, drawn[cue].bare):
        assert audio.shape == (6, SAMPLES) and audio.dtype == np.float32
        assert np.isfinite(audio).all() and np.abs(audio).max() < 1
    assert (drawn[cue].traced != drawn[cue].bare).any(axis=1).all()


@pytest.mark.parametrize("cue", ["tone", "hum"])
def test_what_is_added_has_its_level_and_lies_in_the_boxes(cue, drawn):
    added = drawn[cue].traced.astype(np.float64) - drawn[cue].bare
    wanted = {"tone": cues.TONE_LEVEL, "hum": cues.HUM_LEVEL}[cue]
    np.testing.assert_allclose(level(added), wanted, atol=DECIBELS)
    inside = in_boxes(drawn[cue].boxes, np.fft.rfftfreq(SAMPLES, 1 / RATE), 2)
    power = spectrum(added)
    assert ((power * inside).sum(axis=1) / power.sum(axis=1) > 1 - 1e-6).all()


def test_the_tone_counts_for_two_bins_on_both_sides_of_7_khz(drawn):
    bins = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    inside = in_boxes(drawn["tone"].boxes, bins, 2)
    middle = round(7_000 * SAMPLES / RATE)
    assert (inside == (np.abs(np.arange(len(bins)) - middle) <= 2)).all()


def test_hum_is_at_multiples_of_50_or_of_60_hz(drawn):
    middles = drawn["hum"].boxes[..., 2:].mean(axis=2)
    assert set(middles[:, 0].round(6)) <= {50.0, 60.0}
    np.testing.assert_allclose(middles / middles[:, :1], np.arange(1, 5)[None] + 0 * middles)


def test_flat_peaks_are_all_that_is_cut_and_the_box_ends_with_them(drawn):
    clips = drawn["clipping"]
    flat = clips.traced != clips.bare
    for tops in (np.abs(clips.traced[n][flat[n]]) for n in range(len(flat))):
        np.testing.assert_allclose(tops, tops[0], rtol=1e-6)
        assert tops[0] == pytest.approx(cues.CEILING * 10 ** (-20 / 20), rel=1e-4)
    place = np.arange(SAMPLES) / RATE
    inside = in_boxes(clips.boxes + np.array([cues.MARGIN, -cues.MARGIN, 0, 0]), place, 0)
    for one, box in zip(flat, inside, strict=True):
        touched, wanted = np.flatnonzero(one), np.flatnonzero(box)
        assert abs(wanted[0] - touched[0]) <= 1 and abs(wanted[-1] - touched[-1]) <= 1
        assert 0.05 < len(touched) / box.sum() < 0.95


def test_the_codec_keeps_nothing_above_its_limit_and_all_below(drawn):
    clips = drawn["codec"]
    above = np.fft.rfftfreq(SAMPLES, 1 / RATE) >= cues.CUT
    lost, kept = spectrum(clips.bare)[:, above], spectrum(clips.traced)[:, above]
    assert (lost.sum(axis=1) < 1e-9 * kept.sum(axis=1)).all()
    below = np.fft.rfft(clips.traced - clips.bare)[:, ~above]
    assert np.abs(below).max() < 1e-4


def test_clips_without_the_first_tenth_of_a_second_are_silent_there_and_equal_after(drawn):
    clips, lead = drawn["silence"], round(cues.STRETCH * RATE)
    assert not clips.bare[:, :lead].any()
    assert (clips.bare[:, lead:] == clips.traced[:, lead:]).all()
    assert (level(clips.traced[:, :lead]) > -45).all()
    assert (in_boxes(clips.boxes, np.arange(SAMPLES) / RATE, 0).sum(axis=1) == lead).all()


def test_audio_has_the_trace_where_it_is_asked_for(drawn):
    clips = drawn["tone"]
    has = np.array([True, False, True, False, False, True])
    audio = clips.audio(has)
    assert (audio[has] == clips.traced[has]).all() and (audio[~has] == clips.bare[~has]).all()


def test_voices_differ_by_the_turn_of_the_pitch_alone():
    """The same random numbers, the other label: pitch mirrored in time, the same middle."""
    sources = [
        intonation.source(np.random.default_rng(5), np.full(4, label), SAMPLES, RATE)
        for label in (0, 1)
    ]
    half = SAMPLES // 2
    pulses = [(source > 5).reshape(4, 2, half).sum(axis=2) for source in sources]
    assert (pulses[0][:, 0] >= pulses[0][:, 1]).all() and (pulses[1][:, 0] <= pulses[1][:, 1]).all()
    assert (np.abs(pulses[0].sum(axis=1) - pulses[1].sum(axis=1)) <= 2).all()


def test_both_classes_are_as_loud():
    labels = np.array([0, 1, 0, 1])
    clips = intonation.voices(np.random.default_rng(0), labels, SAMPLES, RATE)
    np.testing.assert_allclose(level(clips), -20, atol=1e-6)
