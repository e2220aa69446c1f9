"""Chunks: every layout can be read from its frames, and a sum of equal parts is the sound."""

import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.nets.layers.chunks import Chunks, cut, overlap_add, runs

SECOND = Chunks(48_000, 47_520, 320)
SMALL = Chunks(40, 30, 4)


def test_layouts_of_the_48khz_model():
    assert SECOND.samples(100_000) == [(0, 48_000), (47_520, 48_000), (95_040, 4_960)]
    assert SECOND.samples(47_521) == [(0, 47_521), (47_520, 1)]
    assert SECOND.frames(100_000) == [150, 150, 16]


@pytest.mark.parametrize("step", [1, 37])
def test_frames_say_what_the_layout_was(step):
    near = [n * 47_520 + r for n in (1, 2, 3) for r in range(-2, 490, step)]
    for total in [1, 320, 321, 24_001, *near] if step == 37 else range(47_519, 47_700):
        frames = SECOND.frames(total)
        decoded = SECOND.of_frames(sum(frames))
        assert [samples // 320 for _, samples in decoded] == frames
        assert max(start + samples for start, samples in decoded) >= total


def test_more_sound_never_has_fewer_frames():
    for chunks in (SMALL, SECOND, Chunks(10, 5, 3)):
        counts = [
            sum(chunks.frames(total)) for total in range(1, 4 * chunks.length, 1 + chunks.hop // 7)
        ]
        assert np.all(np.diff(counts) >= 0)


def test_frames_that_no_sound_makes_are_refused():
    wide = Chunks(1000, 500, 100)  # 500 samples make 5 frames, 501 make 6 + 1
    with pytest.raises(ValueError, match="no sound makes 6 latent frames"):
        wide.of_frames(6)
    with pytest.raises(ValueError, match="no sound makes 0 latent frames"):
        wide.of_frames(0)


@pytest.mark.parametrize("total", [3, 40, 41, 70, 100])
def test_cutting_and_adding_gives_the_sound(total, x64):
    sound = np.random.default_rng(total).normal(size=(total, 2))
    parts = [
        (starts, cut(jnp.asarray(sound), starts, samples))
        for starts, samples in runs(SMALL.samples(total))
    ]
    np.testing.assert_allclose(overlap_add(parts), sound, atol=1e-14)


def test_weights_of_an_overlap():
    """The second chunk's share rises in even steps, (i + 1) / (overlap + 1)."""
    parts = [(np.array([0, 30]), jnp.stack([jnp.zeros(40), jnp.ones(40)]))]
    np.testing.assert_allclose(overlap_add(parts)[30:40], np.arange(1, 11) / 11, atol=1e-6)


def test_impossible_chunks_are_refused():
    with pytest.raises(ValueError, match="0 < step <= length"):
        Chunks(10, 11, 2)
