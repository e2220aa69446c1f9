"""Networks with attention, of mel spectrograms `[N, 1, M, F]`."""

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, HEADS = 16, 4


def positions(frames, like):
    """Sinusoidal position codes `[F, WIDTH]`, dtype of `like`."""
    steps = torch.arange(frames, dtype=like.dtype)[:, None]
    rates = torch.exp(torch.arange(0, WIDTH, 2, dtype=like.dtype) * -0.5)
    return torch.stack([torch.sin(steps * rates), torch.cos(steps * rates)], -1).flatten(1)


def transformer(norm_first):
    """A kind of network: torch's own encoder of two layers behind patches of time."""

    class Transformer(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.embed = nn.Conv1d(24, WIDTH, 4, stride=4)
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, 32, 0.1, "gelu", batch_first=True, norm_first=norm_first
            )
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.norm, self.out = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, classes)

        def forward(self, x):
            x = self.embed(x[:, 0]).transpose(1, 2)
            x = self.encoder(x + positions(x.shape[1], x))
            return self.out(self.norm(x).mean(1))

    return Transformer


PreNorm, PostNorm = transformer(True), transformer(False)


class Block(nn.Module):
    """A conformer block: half a feed-forward, attention, convolution, half a feed-forward."""

    def __init__(self):
        super().__init__()
        feed = lambda: nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 32), nn.SiLU(), nn.Linear(32, WIDTH)
        )
        self.before, self.after, self.norm = feed(), feed(), nn.LayerNorm(WIDTH)
        self.attend_norm = nn.LayerNorm(WIDTH)
        self.attend = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.conv_norm, self.widen = nn.LayerNorm(WIDTH), nn.Conv1d(WIDTH, 2 * WIDTH, 1)
        self.deep = nn.Conv1d(WIDTH, WIDTH, 5, padding=2, groups=WIDTH)
        self.deep_norm, self.narrow = nn.BatchNorm1d(WIDTH), nn.Conv1d(WIDTH, WIDTH, 1)

    def forward(self, x):
        x = x + 0.5 * self.before(x)
        y = self.attend_norm(x)
        x = x + self.attend(y, y, y, need_weights=False)[0]
        y = F.glu(self.widen(self.conv_norm(x).transpose(1, 2)), 1)
        x = x + self.narrow(F.silu(self.deep_norm(self.deep(y)))).transpose(1, 2)
        return self.norm(x + 0.5 * self.after(x))


class Conformer(nn.Module):
    """Convolutional subsampling and a conformer block."""

    def __init__(self, classes):
        super().__init__()
        self.subsample = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.embed, self.block = nn.Linear(48, WIDTH), Block()
        self.out = nn.Linear(WIDTH, classes)

    def forward(self, x):
        x = F.relu(self.subsample(x)).flatten(1, 2).transpose(1, 2)
        return self.out(self.block(self.embed(x)).mean(1))


class AttentionPooling(nn.Module):
    """Each head pools the frames by its own softmax: `h * softmax(a)` of speaker models."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.scores = nn.Conv1d(24, 16, 5, padding=2), nn.Conv1d(16, 4, 1)
        self.out = nn.Linear(64, classes)

    def forward(self, x):
        h = F.relu(self.conv(x[:, 0]))
        weights = F.softmax(self.scores(torch.tanh(h)), -1)
        return self.out(torch.einsum("nct,nht->nhc", h, weights).flatten(1))
