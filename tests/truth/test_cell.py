"""Cell: twenty boxes of time and frequency, one of which decides."""

import numpy as np
import pytest

from audioxai_jax.truth import cell
from audioxai_jax.truth.recipe import RATE, SAMPLES


@pytest.fixture(scope="module")
def drawn():
    return cell.draw(200, seed=3, variants=6)


def test_a_seed_gives_the_same_bytes(drawn):
    again = cell.draw(200, seed=3, variants=6)
    assert again.boxes.tobytes() == drawn.boxes.tobytes()
    assert cell.draw(200, seed=4, variants=6).boxes.tobytes() != drawn.boxes.tobytes()


@pytest.mark.parametrize("count", [1, 5])
def test_any_number_of_clips_can_be_drawn(count):
    drawn = cell.draw(count, seed=0, variants=1)
    assert drawn.audio.shape == (count, SAMPLES) and drawn.audio.dtype == np.float32
    assert drawn.labels.shape == drawn.place.shape == (count,)


def test_levels_lie_within_the_jitter_and_do_not_depend_on_what_decides(drawn):
    levels = 10 * np.log10((drawn.boxes.astype(float) ** 2).mean(axis=-1) / cell.LEVEL**2)
    assert np.abs(levels).max() <= cell.JITTER + 1e-4
    at = (np.arange(200), *divmod(drawn.place, cell.BANDS))
    deviation = 2 * cell.JITTER / 12**0.5 / 200**0.5  # of a mean of 200 uniform levels
    assert abs(levels[at].mean() - levels.mean()) < 4 * deviation


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
    kinds = kinds_of(drawn)
    count = len(cell.KINDS)
    np.testing.assert_array_equal(kinds[np.arange(200), drawn.place], drawn.labels)
    assert (np.sum(kinds < count, axis=1) == 1).all()
    assert set(drawn.place) == set(range(cell.STRETCHES * cell.BANDS))
    without = cell.draw(20, seed=3, decide=False, variants=6)
    assert (kinds_of(without) >= count).all()
    many = cell.draw(60, seed=3, several=4, variants=6)
    counts = np.sum(kinds_of(many) == many.labels[:, None], axis=1)
    assert set(counts) == {1, 2, 3, 4}


def kinds_of(drawn):
    """Which kind each box holds, found again among the sounds that the seed begins with."""
    random = np.random.default_rng([3, 3])
    answer = np.empty((len(drawn.labels), cell.STRETCHES, cell.BANDS), int)
    kinds = (*cell.KINDS.values(), *cell.DISTRACTORS)
    bank = np.empty((len(kinds), cell.BANDS, 6, cell.LENGTH))
    for number, kind in enumerate(kinds):
        for band in range(cell.BANDS):
            ends = band * cell.HERTZ + cell.MARGIN, (band + 1) * cell.HERTZ - cell.MARGIN
            for variant in range(6):
                bank[number, band, variant] = cell.limited(kind(random, *ends), band)
    for band in range(cell.BANDS):
        flat = bank[:, band].reshape(-1, cell.LENGTH)
        parts = drawn.boxes[:, :, band].astype(float)
        alike = parts @ (flat / np.linalg.norm(flat, axis=1, keepdims=True)).T
        assert np.allclose(alike.max(axis=-1), np.linalg.norm(parts, axis=-1), rtol=1e-4)
        answer[:, :, band] = alike.argmax(axis=-1) // 6
    return answer.reshape(len(answer), -1)


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
