"""Cell: twenty boxes of time and frequency, one of which decides."""

import jax
import numpy as np
import pytest

import audioxai_jax as ax
from audioxai_jax.truth import cell
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.truth.score import energy, explained, scores


@pytest.fixture(scope="module")
def drawn():
    return cell.draw(200, seed=3, variants=6)


def test_a_seed_gives_the_same_bytes():
    drawn, again = (cell.draw(4, seed=3, variants=2) for _ in range(2))
    assert again.boxes.tobytes() == drawn.boxes.tobytes()
    assert cell.draw(4, seed=4, variants=2).boxes.tobytes() != drawn.boxes.tobytes()


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_clips_can_be_drawn(count):
    drawn = cell.draw(count, seed=0, variants=1)
    assert drawn.audio.shape == (count, SAMPLES) and drawn.audio.dtype == np.float32
    assert drawn.labels.shape == drawn.place.shape == (count,)


def test_levels_lie_within_the_jitter_and_do_not_depend_on_what_decides(drawn):
    levels = 10 * np.log10((drawn.boxes.astype(float) ** 2).mean(axis=-1) / cell.LEVEL**2)
    assert np.abs(levels).max() <= cell.JITTER + 1e-4
    at = (np.arange(200), *divmod(drawn.place, cell.BANDS))
    deviation = 2 * cell.JITTER / 12**0.5 / (200 * 20) ** 0.5  # of a mean of uniform levels
    assert abs(levels.mean()) < 4 * deviation
    few = levels[at][:24]  # in few clips too
    assert abs(few.mean()) < cell.JITTER / 12 and few.std() > 0.9 * 2 * cell.JITTER / 12**0.5


def test_every_sound_lies_in_its_own_stretch_and_band(drawn):
    audio = np.zeros((cell.STRETCHES, cell.BANDS, SAMPLES))
    for stretch in range(cell.STRETCHES):
        part = slice(stretch * cell.LENGTH, (stretch + 1) * cell.LENGTH)
        audio[stretch, :, part] = drawn.boxes[0, stretch]
    np.testing.assert_allclose(audio.sum(axis=(0, 1)), drawn.audio[0], atol=1e-6)
    hertz = np.fft.rfftfreq(cell.LENGTH, 1 / RATE)
    power = np.abs(np.fft.rfft(drawn.boxes, axis=-1)) ** 2
    for band in range(cell.BANDS):
        inside = (hertz >= band * cell.HERTZ) & (hertz < (band + 1) * cell.HERTZ)
        outside = power[:, :, band][..., ~inside].sum(axis=-1) / power[:, :, band].sum(axis=-1)
        assert outside.max() < 1e-3


def test_the_box_that_decides_is_of_the_class_and_no_other_is(drawn):
    kinds = drawn.which.reshape(200, -1)
    count = len(cell.KINDS)
    np.testing.assert_array_equal(kinds[np.arange(200), drawn.place], drawn.labels)
    assert (np.sum(kinds < count, axis=1) == 1).all()
    assert set(drawn.place) == set(range(cell.STRETCHES * cell.BANDS))
    without = cell.draw(20, seed=3, decide=False, variants=1)
    assert (without.which >= count).all()
    many = cell.draw(60, seed=3, several=4, variants=1)
    counts = np.sum(many.which == many.labels[:, None, None], axis=(1, 2))
    assert set(counts) == {1, 2, 3, 4}


def test_boxes_hold_the_sounds_that_are_named(drawn):
    kinds = (*cell.KINDS, *(kind.__name__ for kind in cell.DISTRACTORS))
    assert drawn.bank.shape == (len(kinds), cell.BANDS, 6, cell.LENGTH)
    boxes = drawn.boxes
    for clip, stretch, band in ((0, 0, 0), (7, 3, 2), (199, 4, 3)):
        at = clip, stretch, band
        sound = drawn.bank[drawn.which[at], band, drawn.variant[at]]
        np.testing.assert_allclose(boxes[at], drawn.gains[at] * sound, rtol=1e-6)


def test_kinds_are_what_their_names_say():
    random = np.random.default_rng(0)
    low, high = 200.0, 1_800.0
    sounds = {name: cell.limited(kind(random, low, high), 0) for name, kind in cell.KINDS.items()}
    quarter = cell.LENGTH // 4
    hertz = np.fft.rfftfreq(quarter, 1 / RATE)
    tops = [hertz[np.abs(np.fft.rfft(part)).argmax()] for part in np.split(sounds["chirp"], 4)]
    assert (np.diff(tops) > 200).all()
    envelope = sounds["clicks"] ** 2
    assert np.sort(envelope)[-cell.LENGTH // 10 :].sum() > 0.9 * envelope.sum()
    spectrum = np.abs(np.fft.rfft(sounds["harmonics"])) ** 2
    assert np.sort(spectrum)[-15:].sum() > 0.9 * spectrum.sum()
    swing = np.abs(np.fft.rfft(sounds["pulsed noise"] ** 2))
    assert swing[1:10].argmax() + 1 == 3  # three swings in 100 ms


def test_boxes_are_those_of_the_place():
    ends = cell.boxes(np.array([0, 4 * cell.BANDS + 3]))
    np.testing.assert_allclose(ends[:, 0], [[0, 0.1, 0, 2_000], [0.4, 0.5, 6_000, 8_000]])


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
def test_a_method_finds_what_decides_and_energy_does_not():
    trial = cell.build(2)
    (bar,) = cell.BARS
    assert trial.proven and len(trial.targets) == 24
    relevance, _ = explained(trial, ax.lrp(), key=jax.random.key(0))
    assert bar.passes(np.mean(scores(trial, relevance)[bar.score]))
    assert np.mean(scores(trial, energy(trial))[bar.score]) <= bar.energy
