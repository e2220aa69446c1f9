"""Recurrent networks of mel spectrograms `[N, 1, M, F]`."""

import torch
from torch import nn
from torch.nn import functional as F


class Lstm(nn.Module):
    """Two layers of LSTM, whose last state is classified."""

    def __init__(self, classes):
        super().__init__()
        self.lstm = nn.LSTM(24, 12, num_layers=2, batch_first=True, dropout=0.3)
        self.out = nn.Linear(12, classes)

    def forward(self, x):
        _, (state, _) = self.lstm(x[:, 0].transpose(1, 2))
        return self.out(state[-1])


class BiGru(nn.Module):
    """A GRU in both directions; frames are pooled by a softmax of their own scores."""

    def __init__(self, classes):
        super().__init__()
        self.gru = nn.GRU(24, 10, batch_first=True, bidirectional=True)
        self.scores, self.out = nn.Linear(20, 1), nn.Linear(20, classes)

    def forward(self, x):
        h, _ = self.gru(x[:, 0].transpose(1, 2))
        return self.out((h * torch.softmax(self.scores(h), 1)).sum(1))


class Crnn(nn.Module):
    """Convolutions along both axes, then a plain RNN over the frames, mean over time."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.rnn, self.out = nn.RNN(6 * 6, 10, batch_first=True), nn.Linear(10, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), (4, 2))
        h, _ = self.rnn(x.flatten(1, 2).transpose(1, 2))
        return self.out(h.mean(1))
