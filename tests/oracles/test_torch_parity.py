"""Graphs of PyTorch's exporter that differ from their module are refused, also those of a cache."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.pytorch import read_torch

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")


class Of(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function, *layers):
        super().__init__()
        self.layers = torch.nn.ModuleList(layers)
        self.function = function

    def forward(self, x):
        return self.function(x, *self.layers)


EXAMPLE = torch.zeros(1, 1, 800)
WRONG = {
    "divisor": lambda x: torch.nn.functional.avg_pool2d(
        x.reshape(1, 1, 40, 20), 3, 2, 1, divisor_override=5
    ),
    "window": lambda x: x[..., :400] * torch.hamming_window(400),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_exporter_translates_wrongly_is_refused_with_the_difference(name):
    with pytest.raises(BridgeError, match="other numbers than the module: 'output' is off by"):
        read_torch(Of(WRONG[name]).eval(), EXAMPLE)


def test_sizes_of_the_example_are_not_taken_for_any_length():
    torch.manual_seed(0)
    pooled = torch.nn.Sequential(
        torch.nn.Conv1d(1, 4, 8, 4), torch.nn.AdaptiveAvgPool1d(7), torch.nn.Flatten()
    ).eval()
    with pytest.raises(BridgeError, match="of any length gives other numbers.*Leave any_length"):
        read_torch(pooled, EXAMPLE, any_length=True)
    assert read_torch(pooled, EXAMPLE)(jnp.zeros((1, 1, 800))).shape == (1, 28)
    mean = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 8, 4), torch.nn.AdaptiveAvgPool1d(1)).eval()
    clip = np.random.default_rng(0).normal(size=(1, 1, 1203)).astype(np.float32)
    ours = read_torch(mean, EXAMPLE, any_length=True)(jnp.asarray(clip))
    np.testing.assert_allclose(ours, mean(torch.from_numpy(clip)).detach(), atol=1e-6)


def test_a_module_that_only_looks_the_same_is_exported_anew(tmp_path):
    double, triple = Of(lambda x: x * 2).eval(), Of(lambda x: x * 3).eval()
    clip = jnp.ones((1, 1, 800))
    for module, factor in ((double, 2), (triple, 3), (double, 2)):
        assert jnp.all(read_torch(module, EXAMPLE, cache=tmp_path)(clip) == factor)


@pytest.mark.parametrize("ceil", [False, True])
def test_windows_with_gaps_have_torchs_gradient(ceil):
    pool = torch.nn.MaxPool1d(3, stride=2, padding=1, dilation=2, ceil_mode=ceil).eval()
    wave = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 2, 101)).astype(np.float32))
    wave.requires_grad_(True)
    wanted = pool(wave)
    (wanted**2).sum().backward()
    model = read_torch(pool, wave.detach())
    clip = jnp.asarray(wave.detach().numpy())
    np.testing.assert_allclose(model(clip), wanted.detach().numpy(), atol=1e-6)
    gradient = jax.grad(lambda x: jnp.sum(model(x) ** 2))(clip)
    np.testing.assert_allclose(gradient, wave.grad.numpy(), atol=1e-6)
