"""Convolutional networks: of waveforms `[N, T]`, and of mel spectrograms `[N, 1, M, F]`."""

import torch
from torch import nn
from torch.nn import functional as F


class RawWaveform(nn.Module):
    """Strided convolutions, ReLU, max-pools, dense layers: AudioNet's kind."""

    def __init__(self, classes):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, 8, 9, stride=4, padding=4),
            nn.ReLU(),
            nn.MaxPool1d(3, 2),
            nn.Conv1d(8, 12, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool1d(2, 2),
            nn.Conv1d(12, 16, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(4),
            nn.Flatten(),
            nn.Linear(64, 24),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(24, classes),
        )

    def forward(self, x):
        return self.net(x[:, None])


def normed(norm):
    """A kind of network: each convolution is followed by that norm of its channels."""

    class Normed(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.first = nn.Conv1d(1, 8, 9, stride=4)
            self.first_norm, self.first_act = norm(8), nn.ReLU()
            self.second = nn.Conv1d(8, 16, 5, stride=3)
            self.second_norm, self.second_act = norm(16), nn.ReLU()
            self.pool, self.out = nn.AdaptiveAvgPool1d(1), nn.Linear(16, classes)

        def forward(self, x):
            x = self.first_act(self.first_norm(self.first(x[:, None])))
            x = self.second_act(self.second_norm(self.second(x)))
            return self.out(self.pool(x)[..., 0])

    return Normed


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of `[N, C, T]`."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


BatchNormed = normed(nn.BatchNorm1d)
GroupNormed = normed(lambda channels: nn.GroupNorm(4, channels))
LayerNormed = normed(ChannelNorm)


class WeightNormed(nn.Module):
    """Weight norm by parametrisations, and leaky ReLUs: the kind of vocoders' discriminators."""

    def __init__(self, classes):
        super().__init__()
        wrap = nn.utils.parametrizations.weight_norm
        self.layers = nn.Sequential(
            wrap(nn.Conv1d(1, 8, 15, stride=4, padding=7)),
            nn.LeakyReLU(0.125),
            wrap(nn.Conv1d(8, 16, 11, stride=4, padding=5, groups=4)),
            nn.LeakyReLU(0.125),
        )
        self.pool, self.out = nn.AdaptiveAvgPool1d(1), wrap(nn.Linear(16, classes))

    def forward(self, x):
        return self.out(self.pool(self.layers(x[:, None]))[..., 0])


class Grouped(nn.Module):
    """Grouped convolutions with the shuffle of ShuffleNet in between."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Conv1d(1, 12, 9, stride=4)
        self.first = nn.Conv1d(12, 12, 5, stride=2, groups=3)
        self.second = nn.Conv1d(12, 12, 5, stride=2, groups=4)
        self.out = nn.Linear(12, classes)

    def forward(self, x):
        x = F.relu(self.first(F.relu(self.stem(x[:, None]))))
        count, channels, length = x.shape
        x = x.view(count, 3, channels // 3, length).transpose(1, 2).reshape(count, channels, length)
        return self.out(F.adaptive_max_pool1d(F.relu(self.second(x)), 1)[..., 0])


class Separable(nn.Module):
    """MobileNet's blocks: depthwise, then pointwise convolutions, batch norms, ReLU6, SiLU."""

    def __init__(self, classes):
        super().__init__()
        block = lambda before, after, act: nn.Sequential(
            nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False),
            nn.BatchNorm2d(before),
            act,
            nn.Conv2d(before, after, 1, bias=False),
            nn.BatchNorm2d(after),
            act,
        )
        self.stem = nn.Conv2d(1, 8, 3, stride=2)
        self.blocks = nn.Sequential(block(8, 12, nn.ReLU6()), block(12, 16, nn.SiLU()))
        self.pool, self.out = nn.AdaptiveAvgPool2d(1), nn.Linear(16, classes)

    def forward(self, x):
        return self.out(self.pool(self.blocks(self.stem(x))).flatten(1))


class SqueezeExcite(nn.Module):
    """A convolution whose channels are scaled by a gate of their means."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.again = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 12, 3, stride=2)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.out = nn.Linear(12, classes)

    def forward(self, x):
        x = F.relu(self.conv(x))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.out(F.relu(self.again(x * gate)).mean((2, 3)))


class Gated(nn.Module):
    """Gated linear units: half of the channels pass the sigmoid of the other half."""

    def __init__(self, classes):
        super().__init__()
        self.first = nn.Conv1d(1, 16, 9, stride=4)
        self.second = nn.Conv1d(8, 24, 5, stride=3)
        self.out = nn.Linear(12, classes)

    def forward(self, x):
        x = F.glu(self.first(x[:, None]), dim=1)
        return self.out(F.glu(self.second(x), dim=1).amax(-1))


class Dilated(nn.Module):
    """A temporal convolutional network: dilations double, with residual and skip connections."""

    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Conv1d(1, 8, 16, stride=8)
        self.layers = nn.ModuleList(
            nn.Conv1d(8, 8, 3, dilation=2**level, padding=2**level) for level in range(4)
        )
        self.mix = nn.ModuleList(nn.Conv1d(8, 8, 1) for _ in range(4))
        self.prelu, self.out = nn.PReLU(8), nn.Linear(8, classes)

    def forward(self, x):
        x, skips = self.stem(x[:, None]), 0.0
        for layer, mix in zip(self.layers, self.mix, strict=True):
            inner = mix(torch.tanh(layer(x)))
            x, skips = x + inner, skips + inner
        return self.out(self.prelu(skips).mean(-1))


class Streaming(nn.Module):
    """Causal convolutions fed in blocks of 400 samples, each with the end of the last one."""

    def __init__(self, classes):
        super().__init__()
        self.first, self.second = nn.Conv1d(1, 8, 9, stride=4), nn.Conv1d(8, 12, 5)
        self.out = nn.Linear(12, classes)

    def step(self, block, state):
        before, inner = state
        block = torch.cat([before, block], -1)
        x = F.elu(self.first(block))
        joined = torch.cat([inner, x], -1)
        return F.elu(self.second(joined)), (block[..., -5:], joined[..., -4:])

    def forward(self, x):
        state = x.new_zeros(len(x), 1, 5), x.new_zeros(len(x), 8, 4)
        frames = []
        for block in x[:, None].split(400, -1):
            y, state = self.step(block, state)
            frames.append(y)
        return self.out(torch.cat(frames, -1).mean(-1))


class ResidualBlock(nn.Module):
    """ResNet's basic block."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.first_norm, self.first_act = nn.BatchNorm2d(after), nn.ReLU()
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm, self.second_act = nn.BatchNorm2d(after), nn.ReLU()
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
            self.shortcut = nn.Sequential(shortcut, nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.second_norm(self.second(self.first_act(self.first_norm(self.first(x)))))
        return self.second_act(y + self.shortcut(x))


class Residual(nn.Module):
    """A ResNet of three blocks."""

    def __init__(self, classes):
        super().__init__()
        self.stem, self.norm, self.act = nn.Conv2d(1, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        blocks = ResidualBlock(8, 8, 1), ResidualBlock(8, 12, 2), ResidualBlock(12, 16, 2)
        self.blocks, self.mean = nn.Sequential(*blocks), nn.AdaptiveAvgPool2d(1)
        self.out = nn.Linear(16, classes)

    def forward(self, x):
        x = self.blocks(self.pool(self.act(self.norm(self.stem(x)))))
        return self.out(self.mean(x).flatten(1))


class MultiLabel(nn.Module):
    """PANNs' kind of tagger: log-mel in, a sum of maximum and mean over time, sigmoids out."""

    def __init__(self, classes):
        super().__init__()
        self.norm = nn.BatchNorm2d(24)
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.out = nn.Linear(16, classes)

    def forward(self, x):
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        x = F.avg_pool2d(F.relu(self.first(x)), 2)
        x = F.avg_pool2d(F.relu(self.second(x)), 2).mean(2)
        return torch.sigmoid(self.out(x.amax(-1) + x.mean(-1)))
