"""The truth of hidden units: what the network computes, and what relevance of a layer gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import input_x_gradient, layer_attribution, lrp
from audioxai_jax.truth import neurons
from audioxai_jax.truth.score import energy, explained, scores


@pytest.fixture(scope="module")
def trial():
    return neurons.build(1, clips=3)


def test_a_unit_is_how_much_of_its_frequency_sounds(trial):
    """Up to the mean of |cos p| + |sin p| where all frames are at one phase p: 1 to the root of 2,
    of the 4 / pi of all phases."""
    hidden = neurons.units(trial.view, trial.examples)
    seconds = np.arange(neurons.SAMPLES) / neurons.RATE
    turns = np.exp(-2j * np.pi * neurons.FREQUENCIES[:, None] * seconds)
    spectrum = 2 * np.abs(turns @ trial.examples.T).T / neurons.SAMPLES / neurons.LEVEL
    sounds, leak = spectrum > 0.5, 0.02
    ratio = hidden[sounds] / spectrum[sounds]
    assert (ratio > np.pi / 4 - leak).all() and (ratio < np.pi / 4 * 2**0.5 + leak).all()
    assert spectrum[~sounds].max() < 0.01 and hidden[~sounds].max() < 5 * leak


def test_interventions_hold_and_three_units_carry_a_logit(trial):
    assert trial.proven
    masks, carry = trial.answer.masks(trial), neurons.carriers(1)
    for mask, target in zip(masks, trial.targets, strict=True):
        assert np.flatnonzero(mask).tolist() == sorted(carry[target].tolist())
    gradient = jax.jit(jax.vmap(lambda u, k: jax.grad(lambda v: trial.view.rest(v)[k])(u)))
    hidden = neurons.units(trial.view, trial.examples)
    rows = np.asarray(gradient(hidden, jnp.asarray(trial.targets)))
    assert (rows[masks == 0] == 0).all() and (rows[masks == 1] > 0).all()


def test_the_view_is_relevance_of_the_layer(trial, key):
    params = jax.tree.map(jnp.asarray, neurons.written(1))
    network, sound = Partial(neurons.network, params), trial.examples[0]
    target = jnp.asarray(trial.targets[0])
    method = input_x_gradient()
    layer = jax.jit(lambda m, x: layer_attribution(method, m, x, target, "units", key=key))
    of_layer, hidden = layer(network, jnp.asarray(sound))
    rest, features = trial.view(jnp.asarray(sound))
    np.testing.assert_allclose(hidden, features, rtol=1e-6)
    own = jax.jit(method)(rest, features, target, key=key).relevance
    np.testing.assert_allclose(of_layer.relevance, own, rtol=1e-5)


@pytest.mark.full_size
@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("seed", range(3))
def test_units_are_recovered_and_how_excited_they_are_does_not_tell(seed, key):
    whole = neurons.build(seed)
    assert whole.proven and len(whole.targets) == 24
    for method in (input_x_gradient(), lrp()):
        told = scores(whole, explained(whole, method, key=key)[0])
        assert (told["exact_set"] == 1).all() and (told["mass"] == 1).all()
    assert scores(whole, energy(whole))["exact_set"].max() == 0
