"""Segmentations: numbers, shapes, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.attribution.segments import (
    bands,
    blocks,
    custom,
    few,
    groups,
    in_groups,
    mel_bands,
    segmentation,
)

SHAPES = st.lists(st.integers(1, 20), min_size=1, max_size=3).map(tuple)


@given(SHAPES, st.data())
def test_blocks_number_boxes(shape, data):
    """Features share a group if, and only if, their indices fall in the same block on all axes."""
    size = tuple(data.draw(st.sampled_from([None, -1, 1, 2, 3, 7])) for _ in shape)
    numbers, count = groups(blocks(size), shape)
    wide = [n if s in (None, -1) else s for n, s in zip(shape, size, strict=True)]
    boxes = {}
    for index in np.ndindex(shape):
        box = tuple(i // w for i, w in zip(index, wide, strict=True))
        assert boxes.setdefault(box, numbers[index]) == numbers[index]
    assert sorted(boxes.values()) == list(range(count))


@given(SHAPES, st.integers(1, 20))
def test_few_segments_are_few_and_span_the_last_axis(shape, most):
    numbers, count = groups(few(most), shape)
    assert 1 <= count <= most
    if max(shape[:-1], default=1) > 1:
        assert np.all(numbers == numbers[..., :1])  # all of the last axis together


def test_few_of_audio_are_sixteen():
    for shape in [(16000,), (75, 128), (64, 64, 3), (1, 128)]:
        assert groups(few(), shape)[1] in (15, 16)
    assert groups(few(), ())[1] == 1


def test_sizes_are_those_of_the_last_axes():
    np.testing.assert_array_equal(blocks(2)((2, 3)), [[0, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(blocks((2,))((2, 3)), [[0, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(blocks((1, 2))((2, 3)), [[0, 0, 1], [2, 2, 3]])
    assert groups(blocks((5, 16)), (75, 128))[1] == 15 * 8


def test_bands_lie_along_an_axis():
    np.testing.assert_array_equal(bands((0, 2, 3))((2, 3)), [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(bands((0, 1, 2), axis=0)((2, 3)), [[0] * 3, [1] * 3])


@given(st.integers(1, 64), st.integers(64, 257), st.sampled_from([8000, 16000, 44100]))
def test_mel_bands_widen(count, bins, rate):
    segments = mel_bands(count, bins, rate)
    numbers, found = groups(segments, (3, bins))
    assert found == count
    centres = np.linspace(0, rate / 2, bins)
    mel = 2595 * np.log10(1 + centres / 700)
    ideal = np.minimum(mel / mel[-1] * count + 1e-9, count - 0.5).astype(int)
    narrowest = np.min(np.bincount(ideal, minlength=count))
    if narrowest > 0:  # no band had to be widened
        np.testing.assert_array_equal(numbers[0], ideal)


def test_arrays_are_custom_segmentations():
    numbers = np.array([[0], [1], [0]])
    first, second = segmentation(numbers, "m"), segmentation(jnp.asarray(numbers), "m")
    assert first == second == custom(numbers.tolist()) and hash(first) == hash(second)
    assert first != custom(numbers.T)
    np.testing.assert_array_equal(groups(first, (3, 2))[0], [[0, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(
        in_groups(jnp.array([5.0, 7.0]), first, (3, 2)), [[5, 5], [7, 7], [5, 5]]
    )


@pytest.mark.parametrize(
    "segments, message",
    [
        (lambda: blocks(0), "blocks: sizes are whole numbers above 0, None or -1, got 0"),
        (lambda: blocks((2, 1.5)), "got 1.5"),
        (lambda: blocks(True), "got True"),
        (lambda: blocks((1, 2, 3)), r"blocks: 3 sizes \(1, 2, 3\) for an input \[4, 6\] of 2"),
        (lambda: bands((0, 3, 3)), "edges must rise from 0"),
        (lambda: bands((1, 3)), "edges must rise from 0"),
        (lambda: bands((0,)), "edges must rise from 0"),
        (lambda: bands((0, 5)), "the edges end at 5, but axis -1 of the input .* has length 6"),
        (lambda: bands((0, 4), axis=2), r"the input \[4, 6\] has no axis 2"),
        (lambda: mel_bands(7, 6, 100), "count must be 1 to 6, the number of bins, got 7"),
        (lambda: mel_bands(2, 6, 0), "sample_rate must be positive, got 0"),
        (lambda: few(0), "few: count must be a whole number from 1 up, got 0"),
        (lambda: custom([0.5]), "segments must be whole numbers, got float64"),
        (lambda: custom([0, 1, 2]), r"segments \[3\] do not fit the input \[4, 6\]"),
        (lambda: custom([[0], [1], [3], [1]]), "no feature is in group 2 of 0 to 3"),
        (lambda: custom([[0], [1], [10**12], [1]]), "no feature is in group 2 of 0 to 1000"),
        (lambda: custom([[0], [1], [-1], [1]]), "numbered from 0, got -1"),
        (lambda: lambda shape: np.zeros((2, 2), int), r"segments \[2, 2\] do not fit"),
        (lambda: lambda shape: np.zeros(shape), "whole numbers, got float64"),
        (lambda: segmentation("words", "lime"), "lime: segments must be whole numbers"),
        (lambda: segmentation([[0], [1, 2]], "lime"), "lime: "),
        (lambda: jax.jit(custom)(jnp.arange(3)), "segments are traced"),
    ],
)
def test_what_does_not_fit_is_refused(segments, message):
    with pytest.raises(ValueError, match=message):
        groups(segments(), (4, 6))


def test_numbers_and_sizes_are_short_for_segmentations():
    """As the command line has them: --set segments=8, --set "segments=(10, 32)"."""
    assert segmentation(8, "m") == few(8)
    assert segmentation((10, 32), "m") == blocks((10, 32))


def test_functions_must_be_hashable():
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, shape):
            return np.zeros(shape, int)

    with pytest.raises(ValueError, match="rise: segments must be hashable"):
        segmentation(Unhashable(), "rise")


def test_inputs_without_features_are_refused():
    with pytest.raises(ValueError, match=r"the input \[0, 6\] has no features"):
        groups(few(), (0, 6))


def test_defaults_have_few_groups():
    for shape in [(16000,), (75, 128), (64, 64, 3)]:
        assert groups(few(8), shape)[1] in (4, 8)
