"""Pipelines: the batches a seed decides, at any step, in any process, after any restart."""

import grain
import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.data.pipelines import TEXTS, change_speed, fit, pipeline

RATE = 16_000


def records(count=10, rate=RATE, samples=400):
    """Records as builders make them; clip i holds the value i + 1."""
    return [
        {
            "audio": np.full(samples, i + 1, np.int16),
            "sample_rate": rate,
            "label": i % 3,
            "duplicate": False,
            **{name: f"{name}{i}".encode() for name in TEXTS},
        }
        for i in range(count)
    ]


def make(source=None, **options):
    settings = {"rate": RATE, "samples": 400, "batch": 4, **options}
    return pipeline(source or records(), **settings)


def values(batch):
    return batch["audio"][:, 200].tolist()


def test_in_order_without_a_seed():
    batches = list(make())
    assert [values(batch) for batch in batches] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert batches[0]["audio"].dtype == np.int16 and batches[0]["label"].tolist() == [0, 1, 2, 0]
    assert batches[2]["file"].tolist() == ["file8", "file9"]


def test_a_seed_shuffles_every_epoch_anew_and_repeats_itself():
    def epochs(seed):
        clips = make(batch=None, seed=seed, epochs=2)
        order = [int(clips[i]["audio"][0]) for i in range(20)]
        return order[:10], order[10:]

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == list(range(1, 11))
    assert first != second and first != sorted(first)
    assert epochs(1) == (first, second) and epochs(2)[0] != first


def test_batch_i_does_not_depend_on_what_was_read_before():
    clips = make(seed=3, epochs=None, augment=lambda x, rng: x * rng.uniform())
    wanted = [clips[i] for i in range(6)]
    for i in (5, 0, 3):
        np.testing.assert_array_equal(clips[i]["audio"], wanted[i]["audio"])
    in_turn = iter(clips.to_iter_dataset())
    for batch in wanted:
        np.testing.assert_array_equal(next(in_turn)["audio"], batch["audio"])


def test_an_iterator_goes_on_from_its_saved_state():
    clips = make(seed=3, epochs=None, augment=lambda x, rng: x * rng.uniform()).to_iter_dataset()
    first = iter(clips)
    for _ in range(3):
        next(first)
    state = first.get_state()
    wanted = [next(first)["audio"] for _ in range(3)]
    again = iter(clips)
    again.set_state(state)
    for audio in wanted:
        np.testing.assert_array_equal(next(again)["audio"], audio)
    assert isinstance(clips, grain.IterDataset)


def test_processes_share_the_clips_out():
    seen = [
        [v for batch in make(batch=1, seed=0, process=p, processes=3) for v in values(batch)]
        for p in range(3)
    ]
    assert sorted(sum(seen, [])) == list(range(1, 11))
    with pytest.raises(ValueError, match="process is 3 of 3"):
        make(process=3, processes=3)


def test_only_wanted_records():
    clips = make(keep=lambda record: record["speaker"] in ("speaker2", "speaker7"))
    assert [values(batch) for batch in clips] == [[3, 8]]


def test_augmentation_needs_a_seed():
    with pytest.raises(ValueError, match="give a seed"):
        make(augment=lambda x, rng: x)


def test_clips_are_resampled_then_fitted():
    tone = (10_000 * np.sin(np.arange(8_000) / 8_000 * 2 * np.pi * 440)).astype(np.int16)
    source = [{**records(1)[0], "audio": tone, "sample_rate": 8_000}]
    (batch,) = make(source, samples=20_000)
    found = batch["audio"][0]
    assert found.shape == (20_000,) and not found[:1_900].any() and not found[-1_900:].any()
    wanted = soxr.resample(tone, 8_000, RATE)
    np.testing.assert_array_equal(found[2_000:18_000], wanted)


@given(st.integers(1, 40), st.integers(1, 40))
def test_fit_keeps_the_middle(length, samples):
    audio = np.arange(1, length + 1, dtype=np.int16)
    found = fit(audio, samples)
    assert found.shape == (samples,) and found.dtype == np.int16
    kept = found[found > 0]
    assert len(kept) == min(length, samples)
    assert abs((kept[0] - 1) - (length - kept[-1])) <= 1  # as much is cut on either side
    outside = np.flatnonzero(found)
    assert abs(outside[0] - (samples - 1 - outside[-1])) <= 1


def test_change_of_speed_moves_the_pitch():
    tone = np.sin(np.arange(16_000) / 16_000 * 2 * np.pi * 500).astype(np.float32)

    class Fixed:
        def uniform(self, low, high):
            return 0.1

    found = change_speed(tone, Fixed())  # type: ignore[arg-type]
    spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    assert len(found) == 16_000 and abs(spectrum.argmax() - 550) <= 1
