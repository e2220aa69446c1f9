"""Methods against captum, each library on the torch module itself: ours by `from_torch`.

The largest difference, relative to the largest relevance, must stay below 1e-9 in double
precision. In single precision it is printed: ReLUs and max-pools that switch on a path make
correct programs differ.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import (
    attribute_classes,
    gradient_shap,
    input_x_gradient,
    integrated_gradients,
    occlusion,
    saliency,
)
from audioxai_jax.attribution.expected_gradients import draw
from audioxai_jax.attribution.smoothgrad import noise
from tests.helpers.bridge_pairs import TARGET, torch, zoo_sides
from tests.helpers.captum_networks import difference
from tests.helpers.torch_zoo import CLASSES, NETS

attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")

STEPS, SAMPLES, DEVIATION, KEY = 12, 5, 0.05, jax.random.key(7)


def integral(sides, target=TARGET):
    return attr.IntegratedGradients(sides.net).attribute(
        sides.rows, sides.base_rows, target=target, n_steps=STEPS, method="gausslegendre"
    )


def window(sides):
    """Pieces of the last axis, whole along the others: sizes, without those of axes of size 1."""
    rest = sides.x.shape[:-1]
    return (*rest, sides.x.shape[-1] // 4), (*rest, sides.x.shape[-1] // 8)


def their_occlusion(sides):
    ones = (1,) * (len(sides.shape) - 1 - sides.x.ndim)
    size, stride = ((*ones, *each) for each in window(sides))
    return attr.Occlusion(sides.net).attribute(
        sides.rows, size, stride, baselines=sides.base_rows, target=TARGET
    )


METHODS = {
    "integrated_gradients": (
        lambda sides: integrated_gradients(steps=STEPS, baseline=sides.base),
        integral,
    ),
    "saliency": (
        lambda sides: saliency(),
        lambda sides: attr.Saliency(sides.net).attribute(sides.rows, target=TARGET),
    ),
    "input_x_gradient": (
        lambda sides: input_x_gradient(),
        lambda sides: attr.InputXGradient(sides.net).attribute(sides.rows, target=TARGET),
    ),
    "occlusion": (
        lambda sides: occlusion(
            window=window(sides)[0], stride=window(sides)[1], baseline=sides.base
        ),
        their_occlusion,
    ),
}


@pytest.mark.parametrize("network", NETS)
def test_parity_with_captum(network, x64, double_in_torch):
    """Output, gradients, a path, and windows: every network of the zoo."""
    sides = zoo_sides(network, "float64")
    logits = jax.jit(lambda model, x: model(x))(sides.model, jnp.asarray(sides.x))
    assert difference(logits, sides.net(sides.rows)[0]) < 1e-9
    apart = {
        name: difference(sides.run(ours(sides)), theirs(sides))
        for name, (ours, theirs) in METHODS.items()
    }
    print(f"{network}, float64:", ", ".join(f"{n} {value:.1e}" for n, value in apart.items()))
    assert max(apart.values()) < 1e-9


@pytest.mark.parametrize("network", ["raw conv1d", "transformer, pre-norm", "mel + CNN"])
def test_differences_in_single_precision(network):
    sides = zoo_sides(network, "float32")
    apart = {
        name: difference(sides.run(ours(sides)), theirs(sides))
        for name, (ours, theirs) in METHODS.items()
    }
    print(f"{network}, float32:", ", ".join(f"{n} {value:.1e}" for n, value in apart.items()))
    assert apart["saliency"] < 1e-4 and apart["input_x_gradient"] < 1e-4


@pytest.mark.parametrize("network", ["ResNet", "BiGRU, softmax pooling"])
def test_all_classes_in_one_pass_are_captum_class_by_class(network, x64, double_in_torch):
    sides = zoo_sides(network, "float64")
    method = integrated_gradients(steps=STEPS, baseline=sides.base)
    ours = jax.jit(attribute_classes)(method, sides.model, jnp.asarray(sides.x), key=KEY)
    wanted = np.concatenate([integral(sides, k).detach().numpy() for k in range(CLASSES)])
    assert difference(np.asarray(ours.relevance).reshape(wanted.shape), wanted) < 1e-9


def feed_draws(monkeypatch, sides):
    """captum's noise, baselines and positions are ours."""
    numbers = jnp.arange(SAMPLES)
    which, position = jax.vmap(lambda number: draw(KEY, number, len(sides.baselines)))(numbers)
    one = lambda number: noise(KEY, number, jnp.asarray(sides.x), DEVIATION, absolute=True)
    left = list(np.asarray(jax.vmap(one)(numbers)))

    def normal(mean, deviation):
        assert mean == 0 and torch.all(deviation == DEVIATION)
        drawn = np.stack([left.pop(0) for _ in deviation])
        return torch.tensor(drawn.reshape(deviation.shape))

    monkeypatch.setattr(torch, "normal", normal)
    monkeypatch.setattr(np.random, "choice", lambda count, size: np.asarray(which))
    monkeypatch.setattr(np.random, "uniform", lambda low, high, size: np.asarray(position))
    return left


@pytest.mark.parametrize("network", ["GLU", "LSTM", "attention pooling"])
def test_gradient_shap_with_the_same_noise(network, x64, double_in_torch, monkeypatch):
    sides = zoo_sides(network, "float64")
    method = gradient_shap(
        baselines=sides.baselines, samples=SAMPLES, deviation=DEVIATION, absolute=True
    )
    ours = sides.run(method, KEY)
    left = feed_draws(monkeypatch, sides)
    wanted = attr.GradientShap(sides.net).attribute(
        sides.rows, sides.all_bases, n_samples=SAMPLES, target=TARGET, stdevs=DEVIATION
    )
    assert not left
    assert difference(ours, wanted) < 1e-9
