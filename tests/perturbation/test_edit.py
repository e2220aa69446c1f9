"""Exactly what ranks highest is kept, or deleted, in every domain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import domains
from audioxai_jax.perturbation.edit import check_edit, delete, edit_first, keep, mix
from audioxai_jax.perturbation.rank import kept_count, rank_positions, unit_number, unit_scores

AUDIO = jnp.asarray(np.random.default_rng(0).normal(size=40), jnp.float32)
BLOCKS = domains.time_frequency(40, window=("rectangle", 10), hop=10)


def edited(edit, domain, relevance, fraction, unit=None):
    features = domain.analyse(AUDIO)
    known = domain.units(features.shape)
    units = known[unit or next(iter(known))]
    score = relevance.ravel()
    if relevance.shape == features.shape:
        score = unit_scores(relevance, units, rank="signed")
    count = kept_count(fraction, unit_number(features.shape, units))
    found = edit_first(edit, features, rank_positions(score), count, domain.base(features), units)
    return domain.synthesise(found, AUDIO)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.0375, 0.5, 0.6125, 1.0])
def test_exactly_so_many_of_the_highest(fraction):
    score = jnp.asarray(np.random.default_rng(1).integers(-3, 4, size=40) / 1.0)
    order = sorted(range(40), key=lambda index: (-float(score[index]), index))
    chosen = order[: round(fraction * 40)]
    wanted = np.asarray(AUDIO).copy()
    wanted[chosen] = 0
    domain = domains.samples(40)
    np.testing.assert_array_equal(edited("delete", domain, score, fraction), wanted)
    np.testing.assert_array_equal(edited("keep", domain, score, fraction), AUDIO - wanted)
    traced = jax.jit(lambda fraction: edited("delete", domain, score, fraction))
    np.testing.assert_array_equal(traced(jnp.asarray(fraction)), wanted)


def test_a_hard_mask_mixes_as_keep_and_delete_do():
    chosen = AUDIO > 0
    for base in (jnp.asarray(-3.0), -AUDIO):
        kept, rest = keep(AUDIO, chosen, base), delete(AUDIO, chosen, base)
        np.testing.assert_array_equal(mix(AUDIO, 1.0 * chosen, base), kept)
        np.testing.assert_array_equal(mix(AUDIO, 1.0 - chosen, base), rest)
        np.testing.assert_allclose(kept + rest, AUDIO + base, atol=1e-6)
    np.testing.assert_allclose(mix(AUDIO, 0.25, -AUDIO), -AUDIO / 2, rtol=1e-6)


@pytest.mark.parametrize("edit", ["insert", "remove", ""])
def test_words_are_keep_and_delete(edit):
    with pytest.raises(ValueError, match=f"unknown edit '{edit}': choose one of keep, delete"):
        check_edit(edit)


def test_a_sinusoid_is_deleted_by_its_frequency():
    """Both parts of its pair, whatever its phase."""
    global AUDIO
    time, kept = np.arange(40), AUDIO
    low, high = (np.sin(2 * np.pi * k * time / 40 + 0.3) for k in (2, 9))
    AUDIO = jnp.asarray(2 * low + high, jnp.float32)
    try:
        domain = domains.frequencies(40)
        size = domain.size(domain.analyse(AUDIO))
        found = edited("delete", domain, size, 1 / 21)
        np.testing.assert_allclose(found, high, atol=1e-5)
        near = -jnp.abs(jnp.arange(21.0) - 9)[:, None]
        np.testing.assert_allclose(edited("keep", domain, near, 1 / 21), high, atol=1e-5)
    finally:
        AUDIO = kept


def test_a_deleted_block_is_empty_and_the_others_stay():
    score = jnp.zeros((4, 1, 1)).at[2].set(1.0)
    found = edited("delete", BLOCKS, score, 0.25, unit="frame")
    np.testing.assert_allclose(found, AUDIO.at[20:30].set(0), atol=1e-6)
    score = jnp.zeros((4, 6, 1)).at[:, 0].set(1.0)  # the mean of each block
    found = edited("delete", BLOCKS, score, 4 / 24).reshape(4, 10)
    blocks = AUDIO.reshape(4, 10)
    np.testing.assert_allclose(found, blocks - blocks.mean(1, keepdims=True), atol=1e-6)
