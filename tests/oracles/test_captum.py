"""Methods against captum, on the same weights in torch and in JAX, both in double precision.

The largest difference, relative to the largest relevance, must stay below 1e-9. In single
precision it is printed, and below 1e-4 for these inputs; a ReLU that switches on the path of
integrated gradients can make correct programs differ by more.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import input_x_gradient, integrated_gradients, saliency

torch = pytest.importorskip("torch", reason="torch is not installed: see the extra 'oracles'")
attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")

FRAMES, CHANNELS, CLASSES, STEPS = 20, 6, 4, 32
BASELINE = 0.25


class TorchConvolutions(torch.nn.Module):
    """Two strided convolutions with ReLU, the mean over time, and a layer."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv1d(CHANNELS, 8, 5, padding=2)
        self.second = torch.nn.Conv1d(8, 8, 3, stride=2, padding=1)
        self.out = torch.nn.Linear(8, CLASSES)

    def forward(self, x):  # [N, F, C]
        x = torch.relu(self.first(x.transpose(1, 2)))
        return self.out(torch.relu(self.second(x)).mean(2))


class TorchRecurrence(torch.nn.Module):
    """A GRU, whose last state is classified."""

    def __init__(self):
        super().__init__()
        self.gru = torch.nn.GRU(CHANNELS, 7, batch_first=True)
        self.out = torch.nn.Linear(7, CLASSES)

    def forward(self, x):  # [N, F, C]
        return self.out(self.gru(x)[0][:, -1])


def convolutions(p, x):
    def convolve(x, name, stride):
        weight = p[f"{name}.weight"]  # [out, in, width]
        width = weight.shape[2]
        padded = jnp.pad(x, ((width // 2, width // 2), (0, 0)))
        starts = np.arange(0, x.shape[0], stride)[:, None] + np.arange(width)
        return jnp.einsum("fwi,oiw->fo", padded[starts], weight) + p[f"{name}.bias"]

    x = jax.nn.relu(convolve(jax.nn.relu(convolve(x, "first", 1)), "second", 2))
    return p["out.weight"] @ x.mean(0) + p["out.bias"]


def recurrence(p, x):
    def step(h, row):
        from_input = p["gru.weight_ih_l0"] @ row + p["gru.bias_ih_l0"]
        from_state = p["gru.weight_hh_l0"] @ h + p["gru.bias_hh_l0"]
        (reset, update, new), (reset_h, update_h, new_h) = (
            jnp.split(part, 3) for part in (from_input, from_state)
        )
        reset, update = jax.nn.sigmoid(reset + reset_h), jax.nn.sigmoid(update + update_h)
        h = (1 - update) * jnp.tanh(new + reset * new_h) + update * h
        return h, None

    last, _ = jax.lax.scan(step, jnp.zeros(7, x.dtype), x)
    return p["out.weight"] @ last + p["out.bias"]


NETWORKS = {
    "convolutions": (TorchConvolutions, convolutions),
    "recurrence": (TorchRecurrence, recurrence),
}
METHODS = {
    "integrated_gradients": (
        integrated_gradients(steps=STEPS, baseline=BASELINE),
        lambda net, x, target: attr.IntegratedGradients(net).attribute(
            x, baselines=BASELINE, target=target, n_steps=STEPS, method="gausslegendre"
        ),
    ),
    "saliency": (
        saliency(),
        lambda net, x, target: attr.Saliency(net).attribute(x, target=target),
    ),
    "input_x_gradient": (
        input_x_gradient(),
        lambda net, x, target: attr.InputXGradient(net).attribute(x, target=target),
    ),
}


def both(network, method, dtype):
    """(relevance, logits) of ours and of theirs."""
    make, function = NETWORKS[network]
    ours, theirs = METHODS[method]
    torch.manual_seed(0)
    net = make().double().eval()
    x = np.random.default_rng(1).normal(size=(FRAMES, CHANNELS)).astype(dtype)
    tensors = {name: value.detach().numpy().copy() for name, value in net.named_parameters()}
    model = Partial(function, {k: jnp.asarray(v, dtype) for k, v in tensors.items()})
    net = net.to(getattr(torch, dtype))
    rows = torch.tensor(x[None], requires_grad=True)
    target = 2
    found = ours(model, jnp.asarray(x), target, key=jax.random.key(0)).relevance
    wanted = theirs(net, rows, target).detach().numpy()[0]
    assert found.dtype == wanted.dtype == dtype
    return (found, model(jnp.asarray(x))), (wanted, net(rows).detach().numpy()[0])


def difference(found, wanted):
    """Largest, relative to the largest value."""
    return np.max(np.abs(found - wanted)) / np.max(np.abs(wanted))


@pytest.fixture
def double_in_torch(monkeypatch):
    """captum rounds its quadrature's weights to single precision, whatever the input is."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)
        yield
    torch.set_default_dtype(usual)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_parity_with_captum(network, method, x64, double_in_torch):
    (found, logits), (wanted, their_logits) = both(network, method, "float64")
    assert difference(logits, their_logits) < 1e-12
    assert difference(found, wanted) < 1e-9


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_single_precision_is_near(network, method):
    (found, _), (wanted, _) = both(network, method, "float32")
    assert difference(found, wanted) < 1e-4
    print(f"{method} of {network}, float32: differs by {difference(found, wanted):.1e}")
