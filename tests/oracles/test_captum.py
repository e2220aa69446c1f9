"""Methods against captum, on the same weights in torch and in JAX, both in double precision.

The largest difference, relative to the largest relevance, must stay below 1e-9. In single
precision it is printed, and below 1e-4 for these inputs; a ReLU or a max-pool that switches on
the path of integrated gradients can make correct programs differ by more.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import attribute_classes, input_x_gradient, integrated_gradients, saliency
from tests.helpers.captum_networks import CLASSES, NETWORKS, TARGET, check, difference, pair

attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")

STEPS = 24
RULES = {
    "gauss_legendre": "gausslegendre",
    "left_riemann": "riemann_left",
    "midpoint": "riemann_middle",
    "right_riemann": "riemann_right",
    "trapezoid": "riemann_trapezoid",
}


def their_integral(pair, rule, target=TARGET):
    found = attr.IntegratedGradients(pair.net).attribute(
        pair.rows, baselines=pair.base_rows, target=target, n_steps=STEPS, method=RULES[rule]
    )
    if rule == "trapezoid":
        # captum's n nodes lie 1 / (n - 1) apart, but weigh 1 / n, and half of it at the ends:
        # weights sum to (n - 1) / n. Ours sum to 1, as those of all other rules do.
        found = found * STEPS / (STEPS - 1)
    return found


def integral_by(rule):
    return (
        lambda pair: integrated_gradients(steps=STEPS, baseline=pair.base, rule=rule),
        lambda pair: their_integral(pair, rule),
    )


METHODS = {
    **{f"integrated_gradients {rule}": integral_by(rule) for rule in RULES},
    "saliency": (
        lambda pair: saliency(),
        lambda pair: attr.Saliency(pair.net).attribute(pair.rows, target=TARGET),
    ),
    "input_x_gradient": (
        lambda pair: input_x_gradient(),
        lambda pair: attr.InputXGradient(pair.net).attribute(pair.rows, target=TARGET),
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_parity_with_captum(method, network, dtype):
    sides, (ours, theirs) = pair(network, dtype), METHODS[method]
    logits = difference(sides.model(jnp.asarray(sides.x)), sides.net(sides.rows)[0])
    assert logits < {"float64": 1e-12, "float32": 1e-5}[dtype]
    check(f"{method} of {network}", sides.run(ours(sides)), theirs(sides)[0])


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ["saliency", "integrated_gradients"])
def test_all_classes_in_one_pass_are_captum_class_by_class(name, network, dtype):
    sides = pair(network, dtype)
    if name == "saliency":
        method = saliency()
        one = lambda k: attr.Saliency(sides.net).attribute(sides.rows, target=k)
    else:
        method = integrated_gradients(steps=STEPS, baseline=sides.base)
        one = lambda k: their_integral(sides, "gauss_legendre", k)
    wanted = np.concatenate([one(k).detach().numpy() for k in range(CLASSES)])
    found = jax.jit(attribute_classes)(
        method, sides.model, jnp.asarray(sides.x), key=jax.random.key(0)
    )
    check(f"{name} of all classes of {network}", found.relevance, wanted)
