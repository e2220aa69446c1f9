"""Stretches are cut at zero crossings, have the level that they replace, and nothing else moves."""

import numpy as np
import pytest

from audioxai_jax.truth import splices
from audioxai_jax.truth.splices import NEAR, SHIFT, crossings, splice, spliced

SAMPLES = 8_000


def sounds(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sounds that cross zero at other times: soft noise through a running mean."""
    random = np.random.default_rng(seed)
    smooth = lambda noise: np.convolve(noise, np.ones(7) / 7, "same")
    return tuple(level * smooth(random.standard_normal(SAMPLES)) for level in (0.1, 0.4))


@pytest.mark.parametrize("seed", range(5))
def test_splices_lie_between_upward_crossings_of_both(seed):
    audio, other = sounds(seed)
    made, first, last = splice(audio, other, 2_000, 5_000)
    assert abs(first - 2_000) <= NEAR and abs(last - 5_000) <= NEAR
    for end in (first, last):
        assert made[end - 1] <= 0 < made[end]
    assert audio[first - 1] <= 0 < audio[first] and audio[last - 1] <= 0 < audio[last]


@pytest.mark.parametrize("seed", range(5))
def test_a_splice_has_the_level_that_it_replaces_and_the_rest_stays(seed):
    audio, other = sounds(seed)
    made, first, last = splice(audio, other, 2_000, 5_000)
    inside = slice(first, last)
    np.testing.assert_allclose(np.sum(made[inside] ** 2), np.sum(audio[inside] ** 2), rtol=1e-9)
    assert np.array_equal(made[:first], audio[:first]) and np.array_equal(made[last:], audio[last:])
    level = np.linalg.norm(audio[inside]) / np.linalg.norm(other[inside])
    shifts = [np.roll(other, -shift)[inside] for shift in range(-SHIFT, SHIFT + 1)]
    nearest = min(np.abs(made[inside] / level - shift).max() for shift in shifts)
    assert nearest < 0.2 * np.abs(other).max()  # levels of shifted stretches differ a little


def test_a_sound_is_its_own_splice():
    audio, _ = sounds(0)
    made, _, _ = splice(audio, audio, 2_000, 5_000)
    np.testing.assert_allclose(made, audio, rtol=1e-12)


def test_crossings_are_counted_where_a_sound_goes_up():
    wave = np.array([-1.0, 1.0, -1.0, 0.0, 2.0, 3.0, -1.0])
    assert crossings(wave).tolist() == [False, True, False, False, True, False, False]


def test_sounds_that_never_cross_are_refused(monkeypatch):
    monkeypatch.setattr(splices, "TRIES", 2)
    audio, _ = sounds(0)
    with pytest.raises(ValueError, match="sound 0 .* choose sounds without an offset"):
        spliced(
            audio[None],
            np.ones((1, SAMPLES)),
            np.array([[2_000, 5_000]]),
            np.random.default_rng(0),
        )
