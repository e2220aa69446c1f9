"""Hearable rank: what is loud where evidence is near comes first."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from audioxai_jax.domains.protocol import Grid
from audioxai_jax.perturbation.hearable import (
    blurred,
    deviations_of,
    hearable_scores,
    mean_size,
    ranked_scores,
)
from audioxai_jax.perturbation.rank import rank_positions, unit_scores

FRAMES, BANDS = 7, 5
CELLS = np.arange(FRAMES * BANDS).reshape(FRAMES, BANDS)
ONES = jnp.ones((FRAMES, BANDS))
ALONE = jnp.zeros((FRAMES, BANDS)).at[3, 2].set(2.0)
"""Evidence in one cell."""
TWO_CHANNELS = np.concatenate([CELLS, CELLS], axis=1)
"""Cells of two features each: a level, and what has none."""
LEVELS = np.arange(2 * BANDS)[None] < BANDS
BOTH = Grid((0.02, None), ordered=(1,))
TIME = Grid((0.02, None))


def noise(*shape, seed=0, dtype=np.float32):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def order(scores):
    """Units by their position, the first first."""
    return np.argsort(np.asarray(rank_positions(scores)))


def test_it_is_size_squared_times_blurred_evidence(x64):
    relevance, size = noise(40, 6, dtype=np.float64), jnp.abs(noise(40, 6, seed=1))
    wanted = gaussian_filter(np.maximum(relevance, 0), (1.6, 0.7), mode="constant", truncate=4)
    scores = hearable_scores(relevance, size, time=1.6, across=0.7)
    np.testing.assert_allclose(scores, (size**2 * wanted).ravel(), rtol=1e-12, atol=1e-15)


def test_around_one_relevant_cell_its_neighbours_come_next():
    """In falling order of exp(-t^2 / 2 - (b / 0.4)^2 / 2); of equals the lower index first."""
    first = order(hearable_scores(ALONE, ONES, time=1.0, across=0.4))
    near = [(3, 2), (2, 2), (4, 2), (1, 2), (5, 2), (3, 1), (3, 3), (2, 1), (2, 3), (4, 1), (4, 3)]
    assert list(first[: len(near)]) == [CELLS[place] for place in near]


def test_of_two_neighbours_at_one_distance_the_louder_comes_first():
    size = ONES.at[4, 2].set(1.1)
    first = order(hearable_scores(ALONE, size, time=1.0, across=0.5))
    assert list(first[:3]) == [CELLS[3, 2], CELLS[4, 2], CELLS[2, 2]]


def test_without_a_blur_it_is_the_positive_evidence_of_what_is_loud():
    relevance, size = noise(FRAMES, BANDS), jnp.abs(noise(FRAMES, BANDS, seed=1))
    scores = hearable_scores(relevance, size, time=0, across=0)
    np.testing.assert_array_equal(scores, (size**2 * jnp.maximum(relevance, 0)).ravel())


def test_without_evidence_for_the_target_all_scores_are_zero_and_ties_go_by_index():
    scores = hearable_scores(-jnp.abs(noise(FRAMES, BANDS)), ONES)
    np.testing.assert_array_equal(scores, 0)
    np.testing.assert_array_equal(order(scores), CELLS.ravel())


def test_what_is_silent_comes_last_and_what_is_far_from_evidence():
    relevance, size = jnp.zeros((40, 2)).at[0].set(1.0), jnp.ones((40, 2)).at[1, 0].set(0.0)
    scores = hearable_scores(relevance, size, time=1.0, across=0).reshape(40, 2)
    assert scores[1, 0] == 0 < scores[4].min()
    np.testing.assert_array_equal(scores[5:], 0)  # the blur ends at four deviations


def test_level_and_scale_of_relevance_do_not_change_the_order():
    relevance, size = noise(FRAMES, BANDS), jnp.abs(noise(FRAMES, BANDS, seed=1))
    first = order(hearable_scores(relevance, size))
    np.testing.assert_array_equal(order(hearable_scores(4 * relevance, size / 2)), first)


@pytest.mark.parametrize("units", [None, TWO_CHANNELS[:, :BANDS], CELLS[:, :1] // BANDS])
def test_jit_vmap_and_batches_say_the_same(units):
    relevance = noise(3, FRAMES, BANDS)
    size = jnp.abs(noise(3, FRAMES, BANDS, seed=1))
    one = lambda r, s: hearable_scores(r, s, units)
    alone = np.stack([one(r, s) for r, s in zip(relevance, size, strict=True)])
    together = jax.jit(jax.vmap(one))(relevance, size)
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    np.testing.assert_array_equal(together[0], jax.jit(jax.vmap(one))(relevance[:1], size[:1])[0])
    np.testing.assert_allclose(jax.jit(one)(relevance[0], size[0]), alone[0], rtol=1e-6)


def test_channels_without_an_order_may_come_in_any():
    relevance, size = noise(FRAMES, BANDS), jnp.abs(noise(FRAMES, BANDS, seed=1))
    shuffled = np.random.default_rng(2).permutation(BANDS)
    ranked = lambda r, s, grid: ranked_scores(r, rank="hearable", size=s, grid=grid)
    scores = ranked(relevance, size, TIME).reshape(FRAMES, BANDS)
    again = ranked(relevance[:, shuffled], size[:, shuffled], TIME).reshape(FRAMES, BANDS)
    np.testing.assert_array_equal(again, scores[:, shuffled])
    again = ranked(relevance[:, shuffled], size[:, shuffled], BOTH).reshape(FRAMES, BANDS)
    assert (
        np.abs(again - ranked(relevance, size, BOTH).reshape(scores.shape)[:, shuffled]).max() > 0
    )


def test_evidence_of_a_unit_is_the_sum_and_its_size_the_mean_of_what_tells_it():
    relevance, size = noise(FRAMES, 2 * BANDS), jnp.abs(noise(FRAMES, 2 * BANDS, seed=1))
    sums = relevance[:, :BANDS] + relevance[:, BANDS:]
    means = (size[:, :BANDS] + size[:, BANDS:]) / 2
    np.testing.assert_allclose(
        hearable_scores(relevance, size, TWO_CHANNELS), hearable_scores(sums, means), rtol=1e-6
    )
    levels = Grid((0.02, None), ordered=(1,), counted=LEVELS)
    scores = ranked_scores(relevance, TWO_CHANNELS, rank="hearable", size=size, grid=levels)
    wanted = hearable_scores(sums, size[:, :BANDS], time=1.0, across=1.0)
    np.testing.assert_allclose(scores, wanted, rtol=1e-6)
    given = mean_size(size, TWO_CHANNELS, levels)
    np.testing.assert_allclose(given, size[:, :BANDS].ravel(), rtol=1e-6)
    again = hearable_scores(relevance, given, TWO_CHANNELS, time=1.0)
    np.testing.assert_array_equal(again, scores)


def test_units_that_lie_on_no_grid_have_no_neighbours():
    units = np.array([[0, 1], [1, 1], [2, 2]])
    relevance = jnp.array([[1.0, 2.0], [3.0, -1.0], [-5.0, 1.0]])
    np.testing.assert_array_equal(
        hearable_scores(relevance, 2 * jnp.ones((3, 2)), units), [4.0, 16.0, 0.0]
    )


def test_the_blur_is_as_long_in_seconds_whatever_the_step():
    assert deviations_of(Grid((0.02, None), ordered=(1,))) == (1.0, 1.0)
    assert deviations_of(Grid((0.0125, None, None), ordered=(1,))) == pytest.approx((1.6, 1, 0))
    assert deviations_of(Grid((None, 0.01), ordered=(0,))) == (1.0, 2.0)  # frequency first


def test_the_blur_keeps_the_sum_where_it_does_not_leave():
    values = jnp.zeros((31, 3)).at[15, 1].set(1.0)
    assert float(blurred(values, (2.0, 0.0)).sum()) == pytest.approx(1, abs=1e-6)
    assert float(blurred(values, (2.0, 1.0)).sum()) < 0.9  # zeros outside take what leaves
    wide = blurred(jnp.ones((3, 1)), (50.0, 5.0))  # an axis of one step is not blurred
    np.testing.assert_allclose(
        wide, gaussian_filter(np.ones(3), 50, mode="constant")[:, None], 1e-6
    )


def test_other_ranks_are_those_of_relevance():
    relevance = noise(FRAMES, BANDS)
    for rank in ("signed", "absolute"):
        scores = ranked_scores(relevance, CELLS[:, :1] // BANDS, rank=rank)
        wanted = unit_scores(relevance, CELLS[:, :1] // BANDS, rank=rank)
        np.testing.assert_array_equal(scores, wanted)


@pytest.mark.parametrize(
    "call, said",
    [
        (
            lambda: ranked_scores(ALONE, rank="hearable", size=ONES),
            "give size and grid, as explain",
        ),
        (
            lambda: ranked_scores(ALONE, rank="hearable", grid=BOTH),
            "give size and grid, as explain",
        ),
        (
            lambda: ranked_scores(ALONE, rank="loud"),
            "unknown rank 'loud': choose one of signed, abs",
        ),
        (
            lambda: unit_scores(ALONE, rank="hearable"),
            "needs the sound, and here is relevance alone",
        ),
        (lambda: hearable_scores(ALONE, ONES, time=-1), "must be a number from 0 up, got -1"),
        (lambda: hearable_scores(ALONE, ONES, across=float("nan")), "from 0 up, got nan"),
        (
            lambda: hearable_scores(ALONE, ONES[:2]),
            r"size is \[2, 5\]: give that of the features, \[",
        ),
        (lambda: hearable_scores(ALONE, ONES, CELLS[0]), "units must be whole numbers whose shape"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, said):
    with pytest.raises(ValueError, match=said) as error:
        call()
    assert "\n" not in str(error.value)
