"""Networks with a front end of their own: learned filters, mel spectrograms, statistics."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class SincNet(nn.Module):
    """Band-pass filters made of two learned corner frequencies each, M. Ravanelli 2018."""

    def __init__(self, classes, filters=8, width=41):
        super().__init__()
        corners = torch.linspace(50.0, 6000.0, filters + 1)
        self.low = nn.Parameter(corners[:-1, None])
        self.band = nn.Parameter(corners.diff()[:, None])
        self.register_buffer("times", (torch.arange(width) - width // 2) / 16_000)
        self.register_buffer("window", torch.hamming_window(width, periodic=False))
        self.conv, self.norm = nn.Conv1d(filters, 12, 5, stride=2), nn.BatchNorm1d(12)
        self.out = nn.Linear(12, classes)

    def filters(self):
        low = self.low.abs()
        high = (low + self.band.abs()).clamp(max=8000.0)
        pass_below = lambda corner: 2 * corner * torch.sinc(2 * corner * self.times)
        return (pass_below(high) - pass_below(low)) * self.window / 16_000

    def forward(self, x):
        x = F.conv1d(x[:, None], self.filters()[:, None], stride=4)
        x = F.leaky_relu(self.norm(self.conv(F.max_pool1d(x.abs(), 3))), 0.25)
        return self.out(x.mean(-1))


def mel_filters(bins, bands, rate):
    """Triangles with equal steps in mel, `[M, bins]`."""
    to_mel = lambda f: 2595 * math.log10(1 + f / 700)
    mels = torch.linspace(to_mel(60.0), to_mel(rate / 2), bands + 2, dtype=torch.float64)
    corners = 700 * (10 ** (mels / 2595) - 1)
    lines = torch.linspace(0, rate / 2, bins, dtype=torch.float64)
    up = (lines - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    down = (corners[2:, None] - lines) / (corners[2:] - corners[1:-1])[:, None]
    return torch.minimum(up, down).clamp(min=0).float()


class MelCnn(nn.Module):
    """`torch.stft`, power, mel, log and CMVN inside of the model, then convolutions."""

    def __init__(self, classes):
        super().__init__()
        self.register_buffer("window", torch.hann_window(256))
        self.register_buffer("mel", mel_filters(129, 20, 16_000))
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1)
        self.out = nn.Linear(12, classes)

    def features(self, x):
        spectrum = torch.stft(
            x, 256, 160, window=self.window, center=True, pad_mode="reflect", return_complex=True
        )
        logs = torch.log(self.mel @ spectrum.abs().square() + 1e-6)
        return (logs - logs.mean(-1, keepdim=True)) / (logs.std(-1, keepdim=True) + 1e-3)

    def forward(self, x):
        x = F.relu(self.first(self.features(x)[:, None]))
        return self.out(F.relu(self.second(F.max_pool2d(x, 2))).mean((2, 3)))


class StftConv(nn.Module):
    """The STFT as a convolution with cosines and sines, magnitude, dB: ONNX-friendly code."""

    def __init__(self, classes, size=128):
        super().__init__()
        turns = torch.arange(size // 2 + 1)[:, None] * torch.arange(size) * 2 * math.pi / size
        kernel = torch.cat([turns.cos(), -turns.sin()]) * torch.hann_window(size)
        self.register_buffer("kernel", kernel[:, None])
        self.conv, self.out = nn.Conv1d(size // 2 + 1, 16, 3), nn.Linear(16, classes)

    def forward(self, x):
        real, imaginary = F.conv1d(x[:, None], self.kernel, stride=64).chunk(2, 1)
        decibels = 10 * torch.log10(real**2 + imaginary**2 + 1e-5)
        return self.out(F.relu(self.conv(decibels / 20 + 1)).mean(-1))


class Tdnn(nn.Module):
    """x-vectors: dilated layers of frames, then mean and deviation over time, D. Snyder 2018."""

    def __init__(self, classes):
        super().__init__()
        layer = lambda before, after, width, dilation: nn.Sequential(
            nn.Conv1d(before, after, width, dilation=dilation), nn.ReLU(), nn.BatchNorm1d(after)
        )
        self.frames = nn.Sequential(
            layer(24, 16, 5, 1), layer(16, 16, 3, 2), layer(16, 16, 3, 3), layer(16, 24, 1, 1)
        )
        self.embed, self.out = nn.Linear(48, 16), nn.Linear(16, classes)

    def forward(self, x):
        h = self.frames(x[:, 0])
        statistics = torch.cat([h.mean(-1), h.std(-1)], 1)
        return self.out(F.relu(self.embed(statistics)))
