"""The truth of features of a latent, and the score that asks for the exact set."""

import jax
import numpy as np
import pytest

from audioxai_jax import input_x_gradient, lrp
from audioxai_jax.truth import latent
from audioxai_jax.truth.score import energy, exact_set, explained, scores

SHAPE = (25, 64)


def replica(params, features, label):
    """The logit of a class, one feature and one hidden unit at a time."""
    flat, total = features.ravel(), 0.0
    for unit in range(latent.HIDDEN):
        inner = params["shift"][label, unit]
        for place, feature in enumerate(params["index"][label]):
            scaled = flat[feature] - params["mean"][label, place]
            inner += (
                params["inner"][label, unit, place] * scaled / params["deviation"][label, place]
            )
        total += params["outer"][label, unit] * np.tanh(inner)
    return total - params["offset"][label]


@pytest.fixture(scope="module")
def made():
    latents = np.random.default_rng(0).normal(size=(16, *SHAPE)).astype(np.float32)
    return latent.constructed(3, latents), latents


def test_each_class_reads_its_own_features_and_no_other(made):
    (params, unread), latents = made
    told = np.asarray(jax.jit(jax.vmap(latent.read_by, (None, 0)))(params, latents))
    wanted = [[replica(params, z, label) for label in range(latent.CLASSES)] for z in latents]
    np.testing.assert_allclose(told, wanted, atol=1e-5)
    np.testing.assert_allclose(told.std(axis=0), 1, atol=1e-4)
    assert len({*params["index"].ravel(), *unread}) == 2 * latent.CLASSES * latent.READ
    jacobian = jax.jit(jax.jacobian(latent.read_by, 1))
    gradient = np.asarray(jacobian(params, latents[0]))
    for rows, own in zip(gradient.reshape(latent.CLASSES, -1), params["index"], strict=True):
        assert np.flatnonzero(rows).tolist() == sorted(own.tolist())


def test_candidates_are_segments_by_themselves(made):
    (params, unread), _ = made
    alone = np.concatenate([params["index"].ravel(), unread])
    labels = latent.segmented(SHAPE, alone)
    sizes = np.bincount(labels.ravel())
    assert set(labels.ravel()[alone]) == set(np.flatnonzero(sizes == 1))
    assert len(sizes) == len(alone) + 20 and sizes.sum() == labels.size


def test_the_exact_set_is_the_k_largest_of_either_sign_without_a_tie():
    inside = np.array([True, False, True, False])
    assert exact_set(np.array([-3.0, 1.0, 2.0, -1.0]), inside) == 1
    assert exact_set(np.array([3.0, 1.0, 1.0, 0.0]), inside) == 0
    assert exact_set(np.array([3.0, -4.0, 2.0, 0.0]), inside) == 0
    assert exact_set(np.zeros(4), inside) == 0
    assert np.isnan(exact_set(np.ones(4), np.zeros(4, bool)))
    assert np.isnan(exact_set(np.ones(4), np.ones(4, bool)))


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("seed", range(3))
def test_the_set_is_recovered_and_energy_does_not_tell_it(seed, key):
    trial = latent.build(seed)
    assert trial.proven and len(trial.targets) == 24
    for method in (input_x_gradient(), lrp()):
        relevance, _ = explained(trial, method, key=key)
        told = scores(trial, relevance)
        assert told["exact_set"].mean() >= 0.95 and (told["mass"] == 1).all()
        assert (relevance[trial.answer.masks(trial) == 0] == 0).all()
    assert scores(trial, energy(trial))["exact_set"].max() == 0
