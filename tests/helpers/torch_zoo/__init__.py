"""Small torch networks of audio, as people write them: one row of NETS each, seeded.

Each reads a batch of waveforms `[N, T]` or of mel spectrograms `[N, 1, M, F]` and gives logits
`[N, K]`. `build` returns one in eval mode, with batch norms whose statistics are not those of a
fresh one; `example` is a batch of one. Slopes of leaky ReLUs are numbers that single precision
holds: ONNX stores no others.
"""

import dataclasses
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: see the extra 'oracles'")

from tests.helpers.torch_zoo import attention, convolutions, front_ends, recurrent  # noqa: E402

SAMPLES, RATE = 1600, 16_000
WAVE, MEL = (1, SAMPLES), (1, 1, 24, 40)
CLASSES = 5


@dataclasses.dataclass(frozen=True)
class Net:
    """How one network is made, and the shape of its example."""

    make: Callable[[int], torch.nn.Module]
    shape: tuple[int, ...] = WAVE


NETS = {
    "raw conv1d": Net(convolutions.RawWaveform),
    "batch norm": Net(convolutions.BatchNormed),
    "group norm": Net(convolutions.GroupNormed),
    "layer norm": Net(convolutions.LayerNormed),
    "weight norm": Net(convolutions.WeightNormed),
    "grouped": Net(convolutions.Grouped),
    "depthwise separable": Net(convolutions.Separable, MEL),
    "squeeze and excitation": Net(convolutions.SqueezeExcite, MEL),
    "GLU": Net(convolutions.Gated),
    "dilated TCN": Net(convolutions.Dilated),
    "causal conv with state": Net(convolutions.Streaming),
    "ResNet": Net(convolutions.Residual, MEL),
    "multi-label": Net(convolutions.MultiLabel, MEL),
    "LSTM": Net(recurrent.Lstm, MEL),
    "BiGRU, softmax pooling": Net(recurrent.BiGru, MEL),
    "CRNN": Net(recurrent.Crnn, MEL),
    "transformer, pre-norm": Net(attention.PreNorm, MEL),
    "transformer, post-norm": Net(attention.PostNorm, MEL),
    "conformer": Net(attention.Conformer, MEL),
    "attention pooling": Net(attention.AttentionPooling, MEL),
    "TDNN, statistics pooling": Net(front_ends.Tdnn, MEL),
    "SincNet": Net(front_ends.SincNet),
    "mel + CNN": Net(front_ends.MelCnn),
    "STFT as conv": Net(front_ends.StftConv),
}


def build(name: str, dtype: str = "float32", *, seed: int = 0) -> torch.nn.Module:
    """The network, seeded, in eval mode and in that precision."""
    torch.manual_seed(seed)
    net = NETS[name].make(CLASSES)
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm | torch.nn.GroupNorm):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.1)
    return net.to(getattr(torch, dtype)).eval()


def example(name: str, dtype: str = "float32", *, seed: int = 1) -> torch.Tensor:
    """A batch of one: noise with a tone for waveforms, noise for spectrograms."""
    generator = torch.Generator().manual_seed(seed)
    shape = NETS[name].shape
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    if len(shape) == 2:
        x = 0.1 * x + 0.4 * torch.sin(0.17 * torch.arange(shape[1], dtype=torch.float64))
    return x.to(getattr(torch, dtype))
