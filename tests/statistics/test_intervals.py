"""Intervals over clips, and over speakers if there are enough."""

import jax
import numpy as np
import pytest

from audioxai_jax.statistics.bootstrap import bootstrap_interval, median_interval
from audioxai_jax.statistics.intervals import SPEAKERS, intervals, mean_with_intervals

KEY = jax.random.key(0)
VALUES = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)


@pytest.mark.parametrize("interval", [bootstrap_interval, median_interval])
def test_they_are_those_of_the_bootstrap(interval):
    values = VALUES[:, 0] if interval is median_interval else VALUES
    speakers = np.arange(60) % SPEAKERS
    found = intervals(values, KEY, speakers=speakers, interval=interval)
    assert list(found) == ["low", "high", "speakers_low", "speakers_high"]
    for who, groups in (("", None), ("speakers_", speakers)):
        wanted = interval(values, KEY, groups=groups)
        np.testing.assert_array_equal((found[f"{who}low"], found[f"{who}high"]), wanted)


def test_few_speakers_say_nothing_of_others():
    speakers = np.arange(60) % SPEAKERS
    for few in (None, speakers % (SPEAKERS - 1), np.where(speakers == 0, -1, speakers)):
        assert list(intervals(VALUES, KEY, speakers=few)) == ["low", "high"]


def test_no_clips_have_no_interval():
    none = intervals(VALUES[:0], KEY, speakers=np.zeros(0, int))
    assert list(none) == ["low", "high"]
    np.testing.assert_array_equal(none["low"], [np.nan, np.nan])


def test_the_mean_lies_within():
    row = mean_with_intervals(VALUES, KEY, speakers=np.arange(60))
    np.testing.assert_allclose(row["mean"], VALUES.mean(axis=0))
    for who in ("", "speakers_"):
        assert np.all((row[f"{who}low"] < row["mean"]) & (row["mean"] < row[f"{who}high"]))
