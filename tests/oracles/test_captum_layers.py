"""What captum does with hooks: DeepLIFT, guided backpropagation, deconvolution; inner layers.

captum's hooks want a module for each ReLU. Its DeepLIFT (0.9) passes max-pools by the gradient:
contributions then do not sum to the difference, as its own convergence delta says. Ours do,
see tests/attribution/test_deep_lift.py, so there is nothing to compare.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import (
    deconvolution,
    deep_lift,
    grad_cam,
    guided_backprop,
    input_x_gradient,
    integrated_gradients,
    layer_attribution,
    propagation,
)
from audioxai_jax.attribution.grad_cam import class_map
from tests.helpers.captum_networks import TARGET, check, pair

torch = pytest.importorskip("torch", reason="torch is not installed: see the extra 'oracles'")
attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")

BASELINE = 0.25


def theirs(pooled, curve):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv1d(5, 8, 3, padding=1),
        curve(),
        nn.MaxPool1d(2) if pooled else nn.AvgPool1d(2),
        nn.Conv1d(8, 8, 3, stride=2),
        curve(),
        nn.Flatten(),
        nn.Linear(40, 12),
        curve(),
        nn.Linear(12, 4),
    )


def ours(pooled, curve):
    def network(p, x):
        def convolve(x, name, stride, padding):
            out = jax.lax.conv_general_dilated(x[None], p[f"{name}.weight"], (stride,), padding)
            return out[0] + p[f"{name}.bias"][:, None]

        x = curve(convolve(x, "0", 1, "SAME"))
        pair = (x[:, ::2] + x[:, 1::2]) / 2
        if pooled:
            pair = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2), (1, 2), "VALID")
        x = curve(convolve(pair, "3", 2, "VALID"))
        x = curve(p["6.weight"] @ x.ravel() + p["6.bias"])
        return p["8.weight"] @ x + p["8.bias"]

    return network


METHODS = {
    "deep_lift": (
        deep_lift(baseline=BASELINE),
        lambda net, x: attr.DeepLift(net).attribute(x, torch.full_like(x, BASELINE), target=2),
    ),
    "guided_backprop": (
        guided_backprop(),
        lambda net, x: attr.GuidedBackprop(net).attribute(x, target=2),
    ),
    "deconvolution": (
        deconvolution(),
        lambda net, x: attr.Deconvolution(net).attribute(x, target=2),
    ),
}
CURVES = {"relu": (torch.nn.ReLU, jax.nn.relu), "tanh": (torch.nn.Tanh, jnp.tanh)}


@pytest.mark.filterwarnings("ignore")  # captum warns of its own hooks
@pytest.mark.parametrize("pooled", [False, True], ids=["mean", "max"])
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("name", METHODS)
def test_parity_with_captum(name, curve, pooled, x64):
    if name == "deep_lift" and pooled:
        pytest.skip("captum's contributions do not sum to the difference here")
    torch.manual_seed(1)
    net = theirs(pooled, CURVES[curve][0]).double().eval()
    params = {key: jnp.asarray(value.numpy().copy()) for key, value in net.state_dict().items()}
    model, (method, oracle) = Partial(ours(pooled, CURVES[curve][1]), params), METHODS[name]
    x = np.random.default_rng(2).normal(size=(5, 24))
    wanted = oracle(net, torch.tensor(x[None], requires_grad=True)).detach().numpy()[0]
    found = np.asarray(method(model, jnp.asarray(x), 2, key=jax.random.key(0)).relevance)
    assert np.max(np.abs(found - wanted)) < 1e-9 * np.max(np.abs(wanted))


LAYERS = {"conv_0": "conv_0/kernel", "conv_1": "conv_1/kernel", "dense_0": "dense_0/kernel"}


@pytest.mark.parametrize("layer", ["conv_0", "conv_1"])
def test_grad_cam(layer, dtype):
    sides = pair("audionet", dtype)
    at = None if layer == "conv_1" else LAYERS[layer]  # the last convolution is our default
    their = attr.LayerGradCam(sides.net, getattr(sides.net, layer))
    wanted = their.attribute(sides.rows, target=TARGET, relu_attributions=True)
    x = jnp.asarray(sides.x)
    found = class_map(sides.model, x, TARGET, at)
    check(f"grad_cam at {layer} of audionet", found.ravel(), wanted.ravel())
    wanted = attr.LayerAttribution.interpolate(wanted, x.shape, "linear")[0, 0]
    check(f"grad_cam of audionet, from {layer}", sides.run(grad_cam(at)), wanted)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ["input_x_gradient", "integrated_gradients"])
def test_layers(name, layer, dtype):
    """captum's path at a layer goes from the activation of the baseline to that of the input."""
    sides = pair("audionet", dtype)
    module, at, steps = getattr(sides.net, layer), LAYERS[layer], 16
    if name == "input_x_gradient":
        method = input_x_gradient()
        wanted = attr.LayerGradientXActivation(sides.net, module).attribute(
            sides.rows, target=TARGET
        )
    else:
        before, _ = propagation.split(sides.model, jnp.asarray(sides.base), at)
        method = integrated_gradients(steps=steps, baseline=before)
        wanted = attr.LayerIntegratedGradients(sides.net, module).attribute(
            sides.rows, sides.base_rows, target=TARGET, n_steps=steps, method="gausslegendre"
        )
    x, key = jnp.asarray(sides.x), jax.random.key(0)
    found, activation = layer_attribution(method, sides.model, x, TARGET, at, key=key)
    wanted = wanted[0].T if wanted.ndim == 3 else wanted[0]  # ours has channels last
    relevance = np.asarray(found.relevance).reshape(wanted.shape)
    check(f"{name} at {layer} of audionet", relevance, wanted)
