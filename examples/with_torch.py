"""A module of PyTorch, explained."""

import jax
import torch

import audioxai_jax as ax

net = torch.nn.Sequential(
    torch.nn.Conv1d(1, 16, 64, stride=32),
    torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool1d(1),
    torch.nn.Flatten(),
    torch.nn.Linear(16, 2),
)
net.eval()  # put your trained module here

example = torch.zeros(1, 1, 16_000)  # a batch of one: one second
classifier = ax.from_torch(net, example, sample_rate=16_000, labels=("yes", "no"))
clip = ax.read_clip(ax.example_clip(), 16_000)
explanation = ax.explain(
    classifier, clip.samples, method=ax.lrp("epsilon_plus"), keep=0.1, key=jax.random.key(0)
)
ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
