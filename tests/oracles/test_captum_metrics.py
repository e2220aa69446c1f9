"""Infidelity and sensitivity against captum, which is given the same changed inputs.

captum's relevance of zero has a norm of 1, so that its sensitivity is absolute there; ours is
undefined. Everything else is the same.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import input_x_gradient, signed_gradient
from audioxai_jax.metrics.infidelity import infidelity
from audioxai_jax.metrics.sensitivity import average_sensitivity, max_sensitivity
from audioxai_jax.perturbation.noise import perturbed_inputs, random_subset, uniform_noise
from tests.helpers.captum_networks import TARGET, pair, torch

metrics = pytest.importorskip("captum.metrics", reason="captum is not installed: extra 'oracles'")
attr = pytest.importorskip("captum.attr")

KEY, SAMPLES = jax.random.key(5), 7


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("contributions", [False, True])
@pytest.mark.parametrize("network", ["convolutions", "recurrence"])
def test_infidelity(network, contributions, normalise, x64, double_in_torch):
    sides = pair(network)
    perturb = random_subset(0.3, 0.4) if contributions else uniform_noise(0.4)
    changed = np.asarray(perturbed_inputs(perturb, jnp.asarray(sides.x), KEY, SAMPLES))
    relevance = sides.run(input_x_gradient() if contributions else signed_gradient())
    base = sides.base if contributions else None

    @metrics.infidelity_perturb_func_decorator(contributions)
    def theirs(inputs, baselines=None):
        return torch.tensor(changed)

    wanted = metrics.infidelity(
        sides.net,
        theirs,
        sides.rows,
        torch.tensor(relevance[None]),
        target=TARGET,
        baselines=torch.tensor(base[None]) if contributions else None,
        n_perturb_samples=SAMPLES,
        normalize=normalise,
    )
    found = infidelity(
        sides.model,
        jnp.asarray(sides.x),
        jnp.asarray(relevance),
        TARGET,
        perturb,
        key=KEY,
        samples=SAMPLES,
        baseline=base,
        normalise=normalise,
    )
    np.testing.assert_allclose(found, wanted.detach().numpy()[0], rtol=1e-9)


@pytest.mark.parametrize("network", ["convolutions", "recurrence"])
def test_sensitivity(network, x64, double_in_torch):
    sides, radius = pair(network), 0.2
    noise_key = jax.random.split(KEY)[1]
    x = jnp.asarray(sides.x)
    changed = np.asarray(perturbed_inputs(uniform_noise(radius), x, noise_key, SAMPLES))
    one_by_one = []

    def theirs(inputs, radius=None):
        return torch.tensor(changed)

    def explain(inputs, target):
        rows = inputs[0] if isinstance(inputs, tuple) else inputs
        leaf = rows.detach().requires_grad_()
        return (attr.InputXGradient(sides.net).attribute(leaf, target=target),)

    wanted = metrics.sensitivity_max(
        explain, sides.rows, theirs, n_perturb_samples=SAMPLES, target=TARGET
    )
    for one in changed:
        theirs_one = functools.partial(lambda one, inputs: torch.tensor(one[None]), one)
        one_by_one.append(
            metrics.sensitivity_max(
                explain, sides.rows, theirs_one, n_perturb_samples=1, target=TARGET
            ).item()
        )
    found = [
        measure(input_x_gradient(), sides.model, x, TARGET, key=KEY, radius=radius, samples=SAMPLES)
        for measure in (max_sensitivity, average_sensitivity)
    ]
    np.testing.assert_allclose(found, [wanted.item(), np.mean(one_by_one)], rtol=1e-9)
