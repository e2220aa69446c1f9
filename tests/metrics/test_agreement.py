"""Agreement on the most important features: hand values, sets in Python, what is undecided."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.metrics.agreement import (
    feature_agreement,
    rank_agreement,
    sign_agreement,
    signed_rank_agreement,
    top_jaccard,
    top_overlap,
)

ALL = (
    feature_agreement,
    rank_agreement,
    sign_agreement,
    signed_rank_agreement,
    top_jaccard,
    top_overlap,
)


def test_hand_values():
    a = jnp.array([5.0, -4.0, 3.0, 2.0, 1.0])
    b = jnp.array([5.0, 4.0, 0.5, -3.0, 1.0])
    assert feature_agreement(a, b, k=3) == pytest.approx(2 / 3)  # 0, 1
    assert sign_agreement(a, b, k=3) == pytest.approx(1 / 3)  # 0
    assert rank_agreement(a, b, k=3) == pytest.approx(2 / 3)  # 0, 1
    assert signed_rank_agreement(a, b, k=3) == pytest.approx(1 / 3)
    assert top_overlap(a, b, k=3) == pytest.approx(1 / 3)  # {0, 2, 3} and {0, 1, 4}
    assert top_jaccard(a, b, k=3) == pytest.approx(1 / 5)
    assert top_jaccard(a, b, k=3, rank="absolute") == pytest.approx(2 / 4)


@pytest.mark.parametrize("measure", ALL)
def test_a_map_agrees_with_itself_at_any_scale(measure):
    a = jax.random.normal(jax.random.key(0), (6, 5))
    assert measure(a, 3 * a, k=7) == 1
    assert measure(a, a, k=30) == 1


def test_against_sets():
    random = np.random.default_rng(0)
    for k in (1, 4, 20):
        a, b = random.normal(size=(2, 20))
        tops = [list(np.argsort(-np.abs(one))[:k]) for one in (a, b)]
        both = set(tops[0]) & set(tops[1])
        same = {i for i in both if np.sign(a[i]) == np.sign(b[i])}
        ranked = [i for i, j in zip(*tops, strict=True) if i == j]
        found = jax.jit(lambda a, b, k=k: [measure(a, b, k=k) for measure in ALL[:4]])(a, b)
        wanted = [len(both), len(ranked), len(same), len([i for i in ranked if i in same])]
        np.testing.assert_allclose(found, np.array(wanted) / k, rtol=1e-6)


def test_the_order_of_agreements():
    keys = jax.random.split(jax.random.key(0), 2)
    a, b = (jax.random.normal(key, (50, 40)) for key in keys)
    found = {
        measure.__name__: jax.jit(jax.vmap(lambda a, b, f=measure: f(a, a + b, k=9)))(a, b)
        for measure in ALL[:4]
    }
    assert jnp.all(found["signed_rank_agreement"] <= found["rank_agreement"])
    assert jnp.all(found["rank_agreement"] <= found["feature_agreement"])
    assert jnp.all(found["sign_agreement"] <= found["feature_agreement"])


@pytest.mark.parametrize("measure", ALL)
def test_undecided(measure):
    a = jnp.array([3.0, 2.0, 2.0, 1.0])
    assert jnp.isnan(measure(a, jnp.arange(4.0), k=2))  # the second could be either
    assert jnp.isnan(measure(jnp.ones(4), jnp.arange(4.0), k=2))
    assert jnp.isnan(measure(a.at[3].set(jnp.nan), jnp.arange(4.0), k=1))
    ranked = measure in (rank_agreement, signed_rank_agreement)
    assert jnp.isnan(measure(a, a, k=3)) == ranked  # which two are known, but not which first
    for k in (0, 5):
        with pytest.raises(ValueError, match="between 1 and 4"):
            measure(a, a, k=k)
    with pytest.raises(ValueError, match="expected one shape"):
        measure(a, a[:3], k=1)
    with pytest.raises(ValueError, match="unknown rank"):
        top_overlap(a, a, k=1, rank="squared")
