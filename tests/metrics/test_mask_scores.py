"""Metrics of masks against their equations in numpy, and what a second softmax does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.metrics import mask_scores

NAMES = (
    "average_increase",
    "average_drop",
    "average_gain",
    "faithfulness_on_spectra",
    "input_fidelity",
    "average_drop_speechbrain",
)
WHOLE, LOUDER = np.array([0.6, 0.3, 0.1]), np.array([0.8, 0.15, 0.05])
OTHER = np.array([0.3, 0.6, 0.1])


def slow(name, p, o):
    c = int(np.argmax(p))
    again = lambda q: np.exp(q) / np.sum(np.exp(q))
    before, after = again(p)[c], again(o)[c]
    return {
        "average_increase": 100.0 if o[c] > p[c] else 0.0,
        "average_drop": 100 * max(0, p[c] - o[c]) / p[c],
        "average_gain": 100 * max(0, o[c] - p[c]) / (1 - p[c]),
        "faithfulness_on_spectra": p[c] - o[c],
        "input_fidelity": float(np.argmax(o) == c),
        "average_drop_speechbrain": 100 * max(0, before - after) / (before + 1e-10),
    }[name]


@pytest.mark.parametrize("name", NAMES)
def test_equations(x64, name):
    metric = getattr(mask_scores, name)
    drawn = np.random.default_rng(0).dirichlet(np.ones(5), size=(40, 2))
    pairs = [(WHOLE, LOUDER), (WHOLE, OTHER), *drawn]
    for p, o in pairs:
        assert metric(jnp.asarray(p), jnp.asarray(o)) == pytest.approx(slow(name, p, o), abs=1e-9)
    found = jax.jit(jax.vmap(metric))(drawn[:, 0], drawn[:, 1])
    np.testing.assert_allclose(found, [slow(name, p, o) for p, o in drawn], atol=1e-9)


@pytest.mark.parametrize(
    "whole, kept, once, twice", [(0.95, 0.5, 47.4, 35.6), (0.6, 0.3, 50.0, 25.7), (1, 0, 100, 62.7)]
)
def test_a_second_softmax_flattens_the_drop(whole, kept, once, twice):
    """With 50 classes a clip that loses its class for good counts 63 % at most."""
    spread = lambda first: jnp.asarray([first, *[(1 - first) / 49] * 49])
    given = spread(whole), spread(kept)
    assert mask_scores.average_drop(*given) == pytest.approx(once, abs=0.05)
    assert mask_scores.average_drop_speechbrain(*given) == pytest.approx(twice, abs=0.15)


def test_a_clip_that_is_certain_has_nothing_to_gain():
    certain = jnp.asarray([1.0, 0.0])
    assert mask_scores.average_gain(certain, certain) == 0
    assert mask_scores.average_increase(certain, certain) == 0
    assert mask_scores.average_gain(certain, jnp.asarray([0.4, 0.6])) == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_probability_is_not_measured(name):
    metric = getattr(mask_scores, name)
    good = jnp.asarray(WHOLE)
    for bad in ([2.0, -1.0, 0.0], [0.5, 0.1, 0.1], [np.nan, 0.5, 0.5], [np.inf, 0, 0]):
        assert np.isnan(metric(good, jnp.asarray(bad))), bad
        assert np.isnan(metric(jnp.asarray(bad), good)), bad
    certain = jnp.asarray([1.0, 0.0])
    assert np.isnan(metric(certain, jnp.asarray([3.0, -2.0])))
    for shapes in (((3,), (2,)), ((1, 3), (1, 3)), ((0,), (0,))):
        with pytest.raises(ValueError, match="expected"):
            metric(*(jnp.ones(shape) for shape in shapes))
