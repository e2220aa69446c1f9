"""What figures show: sums of relevance on axes of any domain, levels of sounds."""

import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import domains
from audioxai_jax.domains.protocol import Axis
from audioxai_jax.results import RelevanceMap, Scale
from audioxai_jax.runs import drawings
from audioxai_jax.transforms.mel import log_mel

RATE = 8000
PARTS = Axis("part", "", np.arange(2.0))


def test_pairs_are_summed_and_frames_behind_the_clip_left_out():
    relevance = np.arange(24.0).reshape(4, 3, 2)
    time = Axis("time", "s", np.array([0.05, 0.15, 0.25, 0.35]))
    axes = time, Axis("frequency", "Hz", np.array([0.0, 100.0, 200.0])), PARTS
    drawn = drawings.relevance_map(relevance, axes, seconds=0.25)
    np.testing.assert_array_equal(drawn.values, relevance.sum(-1)[:3])
    ends = [(scale.start, scale.stop) for scale in drawn.scales]
    np.testing.assert_allclose(ends, [(0, 0.3), (-50, 250)], atol=1e-12)


def test_time_comes_first_and_uneven_axes_are_drawn_row_by_row():
    relevance, mel = np.arange(6.0).reshape(3, 2), np.array([100.0, 200.0, 400.0])
    axes = Axis("frequency", "Hz", mel), Axis("time", "s", np.array([0.5, 1.5]))
    drawn = drawings.relevance_map(relevance, axes)
    np.testing.assert_array_equal(drawn.values, relevance.T)
    time, rows = drawn.scales
    assert (time.start, time.stop) == (0, 2) and (rows.start, rows.stop) == (0, 3)
    np.testing.assert_array_equal(rows.values, mel)


@pytest.mark.parametrize("count, columns, span", [(10, 10, 1), (10, 4, 3), (9, 3, 3)])
def test_spans_are_equal_and_keep_the_sum(count, columns, span):
    values = np.random.default_rng(0).normal(size=count)
    drawn = drawings.pool(RelevanceMap(values, (Scale("time", "s", 0, count),)), columns)
    assert len(drawn.values) <= columns and drawn.values.sum() == pytest.approx(values.sum())
    assert drawn.values[0] == pytest.approx(values[:span].sum())
    assert drawn.scales[0].stop == len(drawn.values) * span


def test_a_tone_has_its_level_in_its_band():
    tone = np.sin(2 * np.pi * 1050 * np.arange(RATE) / RATE).astype(np.float32)
    levels = drawings.band_levels(tone, RATE, Scale("frequency", "Hz", 0, 4000), 40)
    assert np.argmax(levels) == 10 and np.sort(levels)[-2] < levels[10] - 60


@pytest.mark.parametrize("name", [name for name in domains.DOMAINS if name != "latent"])
@pytest.mark.parametrize("samples", [1, 7, RATE])
def test_every_domain_is_drawn_at_any_length(name, samples):
    domain = domains.DOMAINS[name](RATE)
    sound = np.random.default_rng(0).normal(size=samples).astype(np.float32)
    features = np.asarray(domain.analyse(jnp.asarray(sound)))
    sounds = {"original": sound, "explanation": sound}
    drawn = drawings.draw_explanation(sounds, RATE, features, domain.axes(features.shape))
    assert np.isfinite(drawn.relevance.values).all()
    assert len(drawn.relevance.scales) == drawn.relevance.values.ndim
    assert (drawn.over_time is None) == (drawn.relevance.scales[0].unit != "s")
    if drawn.over_time is not None:
        shown = drawn.relevance.values.sum()
        assert drawn.over_time.values.sum() == pytest.approx(shown, rel=1e-3, abs=1e-3)


def test_the_spectrogram_agrees_with_the_librarys():
    samples = np.random.default_rng(0).normal(size=6400).astype(np.float32)
    drawn = drawings.mel_spectrogram(samples, 16_000)
    wanted = np.asarray(log_mel(jnp.asarray(samples), sample_rate=16_000))
    assert np.corrcoef(drawn.levels.ravel(), wanted.ravel())[0, 1] > 0.99
