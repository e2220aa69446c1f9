"""Gradients of modules of PyTorch where a clip is silent: 0 there, as PyTorch has them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("onnxscript", reason="needs onnxscript")

from torch import nn  # noqa: E402

from audioxai_jax.models.bridges.pytorch import read_torch  # noqa: E402


def spectrum(wave):
    window = torch.hann_window(32)
    return torch.stft(wave, 32, 16, window=window, return_complex=True, center=False).abs()


FUNCTIONS = {
    "power of a spectrum": lambda wave: spectrum(wave).pow(2).mean(-1),
    "magnitude of a spectrum": lambda wave: spectrum(wave).mean(-1),
    "fft": lambda wave: torch.fft.rfft(wave).abs(),
    "abs": lambda wave: wave.abs(),
    "norm": lambda wave: torch.linalg.norm(wave, dim=-1, keepdim=True),
    "sum of magnitudes": lambda wave: wave.norm(p=1, dim=-1, keepdim=True),
    "normalised": lambda wave: nn.functional.normalize(wave, dim=-1),
}


class Module(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, wave):
        return self.function(wave)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_at_silence_are_torchs(name):
    """A clip of zeros, and one whose second half is."""
    torch.manual_seed(0)
    module = Module(FUNCTIONS[name]).eval()
    half = torch.randn(1, 128)
    half[:, 64:] = 0
    model = read_torch(module, half)
    for wave in (torch.zeros(1, 128), half):
        wave.requires_grad_(True)
        y = module(wave)
        weights = torch.linspace(1, 2, y.numel()).reshape(y.shape)
        (y * weights).sum().backward()
        score = lambda x, w=weights.numpy(): jnp.sum(model(x) * w)
        ours, theirs = jax.grad(score)(jnp.asarray(wave.detach())), wave.grad.numpy()
        scale = max(np.abs(theirs).max(), 1.0)
        np.testing.assert_allclose(ours / scale, theirs / scale, atol=1e-6)


def test_a_square_root_that_the_user_wrote_stays_infinite():
    module = Module(lambda wave: torch.sqrt(wave)).eval()
    model = read_torch(module, torch.ones(1, 8))
    assert np.isinf(jax.grad(lambda x: jnp.sum(model(x)))(jnp.zeros((1, 8)))).all()
