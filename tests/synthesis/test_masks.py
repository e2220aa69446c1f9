"""Masks keep exactly as much as they say, in order of relevance, ties to the lowest index."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioxai_jax.domains.protocol import Grid
from audioxai_jax.perturbation.rank import unit_scores
from audioxai_jax.synthesis.masks import (
    rearrange,
    smallest,
    soft_top_fraction,
    top_count,
    top_fraction,
)
from audioxai_jax.types import Context

# Few different values, so that ties are common.
LATENTS = st.lists(st.integers(-3, 3), min_size=12, max_size=12).map(
    lambda values: np.reshape(values, (4, 3)).astype(np.float32)
)
KEEPS = st.floats(0, 1)
UNITS = st.sampled_from(["feature", "frame", "channel"])
RANKS = st.sampled_from(["signed", "absolute"])
CELLS = np.arange(12).reshape(4, 3)
LABELS = {"feature": None, "frame": CELLS[:, :1] // 3, "channel": CELLS[:1]}
ALONE = Context()


def of(unit):
    """A context in which this is what is kept as one."""
    return Context(LABELS[unit])


@jax.jit
def traced_mask(relevance, keep):
    return top_fraction(keep)(relevance, ALONE)


def slow_mask(relevance, keep, rank, unit):
    """One unit after the other, the best that is left, the first of equals."""
    score = np.abs(relevance) if rank == "absolute" else relevance
    if unit == "frame":
        units = {f: (slice(f, f + 1), slice(None)) for f in range(relevance.shape[0])}
    elif unit == "channel":
        units = {c: (slice(None), slice(c, c + 1)) for c in range(relevance.shape[1])}
    else:
        units = dict(enumerate(np.ndindex(relevance.shape)))
    left, mask = list(units), np.zeros_like(relevance)
    for _ in range(round(keep * len(units))):
        best = left[0]
        for candidate in left[1:]:
            if np.sum(score[units[candidate]]) > np.sum(score[units[best]]):
                best = candidate
        left.remove(best)
        mask[units[best]] = 1
    return mask


@given(LATENTS, KEEPS, RANKS, UNITS)
def test_masks_are_those_of_a_slow_search(relevance, keep, rank, unit):
    found = top_fraction(keep, rank=rank)(jnp.asarray(relevance), of(unit))
    assert found.dtype == jnp.float32
    assert np.array_equal(found, slow_mask(relevance, keep, rank, unit))


@given(LATENTS, KEEPS, KEEPS, RANKS, UNITS)
def test_more_is_kept_on_top_of_less(relevance, less, more, rank, unit):
    less, more = sorted([less, more])
    masks = [top_fraction(k, rank=rank)(jnp.asarray(relevance), of(unit)) for k in (less, more)]
    assert np.all(masks[0] <= masks[1])


@given(LATENTS, st.integers(0, 12))
def test_a_traced_fraction_keeps_as_many(relevance, count):
    mask = traced_mask(relevance, jnp.float32(count / 12))
    assert mask.sum() == count
    assert np.array_equal(mask, slow_mask(relevance, count / 12, "signed", "feature"))


@pytest.mark.parametrize("unit, units", [("feature", 12), ("frame", 4), ("channel", 3)])
def test_all_and_nothing(unit, units):
    relevance = jnp.arange(12.0).reshape(4, 3)
    assert np.all(top_fraction(0)(relevance, of(unit)) == 0)
    assert np.all(top_fraction(1)(relevance, of(unit)) == 1)
    assert top_fraction(1 / units)(relevance, of(unit)).sum() == 12 / units


def test_hand_made_example():
    relevance = jnp.array([[3.0, -5.0], [1.0, 1.0], [0.0, 2.0]])

    def keep(fraction, unit="feature", rank="signed"):
        context = Context(
            {"feature": None, "frame": CELLS[:3, :1] // 3, "channel": CELLS[:1, :2]}[unit]
        )
        return top_fraction(fraction, rank=rank)(relevance, context).tolist()

    assert keep(0.5) == [[1, 0], [1, 0], [0, 1]]
    assert keep(0.5, rank="absolute") == [[1, 1], [0, 0], [0, 1]]
    assert keep(1 / 3, unit="frame") == [[0, 0], [1, 1], [0, 0]]
    assert keep(1 / 3, unit="frame", rank="absolute") == [[1, 1], [0, 0], [0, 0]]
    assert keep(1 / 2, unit="channel") == [[1, 0], [1, 0], [1, 0]]
    assert keep(1 / 2, unit="channel", rank="absolute") == [[0, 1], [0, 1], [0, 1]]


def test_units_of_any_labels_and_shape():
    """Two of three pairs of samples, the second and the third of which are one unit."""
    relevance = jnp.array([1.0, 1.0, 3.0, 0.0, -2.0, 2.0])
    pairs = Context(np.array([0, 0, 1, 1, 1, 1]))
    assert top_count(1)(relevance, pairs).tolist() == [0, 0, 1, 1, 1, 1]
    assert top_fraction(0.5, rank="signed")(-relevance, pairs).tolist() == [1, 1, 0, 0, 0, 0]


def test_ties_go_to_the_lowest_index():
    assert top_fraction(0.5)(jnp.zeros((2, 4)), ALONE).tolist() == [[1, 1, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    "keep",
    [-0.01, 1.01, float("nan"), float("inf"), jnp.float32(1.5), jnp.float32(jnp.nan), jnp.ones(3)],
)
def test_fractions_outside_0_to_1_are_refused(keep):
    with pytest.raises(ValueError, match="keep must be a fraction between 0 and 1, got"):
        top_fraction(keep)


def test_unknown_options_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown rank 'best': choose one of signed, absolute"):
        top_fraction(0.1, rank="best")
    with pytest.raises(ValueError, match="unknown rank 'best'"):
        smallest(rank="best")
    with pytest.raises(ValueError, match="points must be a whole number from 2 up, got 1"):
        smallest(points=1)
    with pytest.raises(ValueError, match="units must be whole numbers whose shape broadcasts"):
        top_fraction(0.1)(jnp.ones((4, 3)), Context(np.zeros((2, 3), int)))


@pytest.mark.parametrize(
    "masker", [top_fraction(0.25, rank="hearable"), top_count(3, rank="hearable")]
)
def test_the_hearable_rank_keeps_what_is_loud_around_evidence(masker):
    relevance = jnp.zeros((4, 3)).at[1, 1].set(1.0).at[3].set(-5.0)
    size = jnp.ones((4, 3)).at[2, 1].set(2.0)
    along_time = Context(size=size, grid=Grid((0.02, None)))
    assert np.argwhere(masker(relevance, along_time)).tolist() == [[0, 1], [1, 1], [2, 1]]
    soft = soft_top_fraction(0.25, temperature=1e-6, rank="hearable")(relevance, along_time)
    np.testing.assert_allclose(soft, masker(relevance, along_time), atol=1e-6)
    for lacking in (ALONE, Context(size=size), Context(grid=Grid((0.02, None)))):
        with pytest.raises(ValueError, match="rank 'hearable' needs how large features are and"):
            masker(relevance, lacking)


def test_what_listens_says_that_it_must():
    with pytest.raises(ValueError, match="its context needs features, base, heard and target"):
        smallest()(jnp.ones(3), ALONE)


@given(LATENTS, st.permutations(range(12)), UNITS, st.integers(0, 12))
def test_rearranged_masks_keep_as_many(relevance, order, unit, count):
    """As the same masker of the other scores would."""
    other = np.reshape(order, (4, 3)).astype(np.float32)
    mask = top_count(count)(jnp.asarray(relevance), of(unit))
    score = unit_scores(jnp.asarray(other), LABELS[unit], rank="signed")
    wanted = top_count(count)(jnp.asarray(other), of(unit))
    assert np.array_equal(rearrange(mask, score, of(unit)), wanted)


def test_values_of_soft_masks_are_kept_and_fall_with_the_scores():
    mask, score = jnp.array([0.2, 1.0, 0.7]), jnp.array([5.0, -1.0, 3.0])
    np.testing.assert_allclose(rearrange(mask, score, ALONE), [1.0, 0.2, 0.7])


@given(LATENTS, st.integers(0, 14), RANKS, UNITS)
def test_counts_are_those_of_a_slow_search(relevance, count, rank, unit):
    found = top_count(count, rank=rank)(jnp.asarray(relevance), of(unit))
    number = {"feature": 12, "frame": 4, "channel": 3}[unit]
    assert np.array_equal(found, slow_mask(relevance, min(count / number, 1), rank, unit))


def test_a_traced_count_compiles_once():
    masks = jax.vmap(lambda count: top_count(count)(jnp.arange(6.0).reshape(2, 3), ALONE))(
        jnp.arange(7)
    )
    assert masks.sum((1, 2)).tolist() == list(range(7))


@pytest.mark.parametrize("count", [-1, 1.0, np.int32(-3), 0.5])
def test_counts_that_are_none_are_refused(count):
    with pytest.raises(ValueError, match="count must be a whole number from 0 up, got"):
        top_count(count)


DISTINCT = st.permutations(range(12)).map(
    lambda values: np.reshape(values, (4, 3)).astype(np.float32) - 4
)


@given(DISTINCT, st.integers(0, 12))
def test_the_sharp_limit_is_the_hard_mask(relevance, count):
    soft = soft_top_fraction(count / 12, temperature=1e-3)(jnp.asarray(relevance), ALONE)
    np.testing.assert_allclose(soft, top_count(count)(jnp.asarray(relevance), ALONE), atol=1e-6)


@given(DISTINCT, st.integers(1, 11), st.floats(0.05, 5), RANKS, UNITS)
def test_soft_masks_by_hand(relevance, count, temperature, rank, unit):
    axes = {"feature": (), "frame": (1,), "channel": (0,)}[unit]
    score = np.abs(relevance) if rank == "absolute" else relevance
    score = np.asarray(score, np.float64).sum(axis=axes, keepdims=True)
    kept = round(count / 12 * score.size)
    masker = soft_top_fraction(count / 12, temperature=temperature, rank=rank)
    found = masker(jnp.asarray(relevance), of(unit))
    assert found.min() >= 0 and found.max() <= 1
    if kept in (0, score.size):
        assert np.all(found == (kept > 0))
        return
    falling = np.sort(score.ravel())[::-1]
    threshold = (falling[kept - 1] + falling[kept]) / 2
    wanted = 1 / (1 + np.exp((threshold - score) / (temperature * max(score.std(), 1e-30))))
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=1e-5)


def test_ties_across_the_threshold_are_halves():
    relevance = jnp.asarray([[2.0, 1.0], [1.0, 0.0]])
    soft = soft_top_fraction(0.5, temperature=1e-3)(relevance, ALONE)
    np.testing.assert_allclose(soft, [[1, 0.5], [0.5, 0]], atol=1e-6)
    assert np.all(soft_top_fraction(0.5, temperature=0.1)(jnp.zeros((2, 3)), ALONE) == 0.5)


@pytest.mark.parametrize("keep", [0.0, 0.25, 0.5, 1.0])
def test_gradients_of_soft_masks(x64, keep):
    """By finite differences, the width held at what it is."""
    relevance = jnp.asarray(np.random.default_rng(0).permutation(8).reshape(4, 2), jnp.float64)
    weights = jnp.cos(jnp.arange(8.0)).reshape(4, 2)
    width = float(jnp.std(relevance))

    @jax.jit
    def total(relevance, temperature):
        masker = soft_top_fraction(keep, temperature=temperature)
        return jnp.sum(weights * masker(relevance, ALONE))

    slope = jax.jit(jax.grad(total))(relevance, 0.5)
    assert np.all(np.isfinite(slope)) and bool(jnp.any(slope != 0)) == (0 < keep < 1)
    for index in np.ndindex(4, 2):
        ends = []
        for step in (-1e-5, 1e-5):
            moved = relevance.at[index].add(step)
            ends.append(float(total(moved, 0.5 * width / float(jnp.std(moved)))))
        np.testing.assert_allclose(slope[index], (ends[1] - ends[0]) / 2e-5, atol=1e-6)


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf")])
def test_temperatures_that_are_none_are_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be a number above 0, got"):
        soft_top_fraction(0.1, temperature=temperature)
