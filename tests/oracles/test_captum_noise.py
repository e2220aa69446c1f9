"""Methods that draw at random against captum, which is given the draws of ours.

Ours are public: `smoothgrad.noise` and `expected_gradients.draw`. captum draws with
`torch.normal`, and with `choice` and `uniform` of `numpy.random`. These are replaced while it
runs; its noise tunnel orders samples as they are drawn when there is one example.

captum's VarGrad is divided by the number of samples, not by one less, and so is ours. Its
deviations are in the input's units, ours only if `absolute`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import (
    expected_gradients,
    gradient_shap,
    input_x_gradient,
    smoothgrad,
    squaregrad,
    vargrad,
)
from audioxai_jax.attribution.expected_gradients import draw
from audioxai_jax.attribution.smoothgrad import noise
from tests.helpers.captum_networks import TARGET, check, pair, torch

attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")

KEY, SAMPLES, DEVIATION = jax.random.key(7), 9, 0.2
STATISTICS = {
    "smoothgrad": (smoothgrad, "smoothgrad"),
    "squaregrad": (squaregrad, "smoothgrad_sq"),
    "vargrad": (vargrad, "vargrad"),
}
NUMBERS = jnp.arange(SAMPLES)


def feed_noise(monkeypatch, x):
    """captum's noise, a chunk at a time, is ours for the example `x`."""
    one = lambda number: noise(KEY, number, jnp.asarray(x), DEVIATION, absolute=True)
    left = list(np.asarray(jax.vmap(one)(NUMBERS)))

    def normal(mean, deviation):
        assert mean == 0 and torch.all(deviation == deviation.ravel()[0])
        drawn = torch.tensor(np.stack([left.pop(0) for _ in deviation]))
        return drawn * (deviation / DEVIATION)

    monkeypatch.setattr(torch, "normal", normal)
    return left


def feed_draws(monkeypatch, baselines):
    which, position = jax.vmap(lambda number: draw(KEY, number, len(baselines)))(NUMBERS)

    def choice(number, size):
        assert (number, size) == (len(baselines), SAMPLES)
        return np.asarray(which)

    def uniform(low, high, size):
        assert (low, high, size) == (0, 1, SAMPLES)
        return np.asarray(position)

    monkeypatch.setattr(np.random, "choice", choice)
    monkeypatch.setattr(np.random, "uniform", uniform)


@pytest.mark.parametrize(
    "network, inner", [("audionet", "gradient"), ("recurrence", "input_x_gradient")]
)
@pytest.mark.parametrize("name", STATISTICS)
def test_noise_tunnel(name, network, inner, dtype, monkeypatch):
    sides, (make, theirs) = pair(network, dtype), STATISTICS[name]
    method = None if inner == "gradient" else input_x_gradient()
    found = sides.run(make(method, samples=SAMPLES, deviation=DEVIATION, absolute=True), KEY)

    left = feed_noise(monkeypatch, sides.x)
    signed = {} if method else {"abs": False}
    tunnel = attr.NoiseTunnel((attr.InputXGradient if method else attr.Saliency)(sides.net))
    wanted = tunnel.attribute(
        sides.rows,
        nt_type=theirs,
        nt_samples=SAMPLES,
        nt_samples_batch_size=4,
        stdevs=DEVIATION,
        target=TARGET,
        **signed,
    )
    assert not left
    check(f"{name} of {inner} of {network}", found, wanted[0])


@pytest.mark.parametrize("network", ["audionet", "recurrence"])
@pytest.mark.parametrize("name", ["gradient_shap", "expected_gradients"])
def test_gradient_shap(name, network, dtype, monkeypatch):
    sides = pair(network, dtype)
    if name == "gradient_shap":
        method = gradient_shap(
            baselines=sides.baselines, samples=SAMPLES, deviation=DEVIATION, absolute=True
        )
    else:
        method = expected_gradients(baselines=sides.baselines, samples=SAMPLES)
    found = sides.run(method, KEY)

    feed_noise(monkeypatch, sides.x)
    feed_draws(monkeypatch, sides.baselines)
    wanted = attr.GradientShap(sides.net).attribute(
        sides.rows,
        torch.tensor(sides.baselines),
        n_samples=SAMPLES,
        target=TARGET,
        stdevs=DEVIATION if name == "gradient_shap" else 0.0,
    )
    check(f"{name} of {network}", found, wanted[0])
