"""Networks in torch and in JAX with the same weights, for the comparisons with captum."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.nets.classifiers import audionet

torch = pytest.importorskip("torch", reason="torch is not installed: see the extra 'oracles'")

FRAMES, CHANNELS, CLASSES, TARGET = 20, 6, 4, 2
AUDIONET = audionet.AudioNetConfig(
    samples=50, classes=CLASSES, widths=(4, 6), hidden=(8,), rectify=True
)


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


class TorchAudioNet(torch.nn.Module):
    """`AUDIONET`: waveforms, convolutions with ReLU and overlapping max-pools, dense layers."""

    def __init__(self):
        super().__init__()
        self.conv_0 = torch.nn.Conv1d(1, 4, 3, padding=1)
        self.conv_1 = torch.nn.Conv1d(4, 6, 3, padding=1)
        self.dense_0 = torch.nn.Linear(6 * 13, 8)
        self.logits = torch.nn.Linear(8, CLASSES)

    def forward(self, x):  # [N, T]
        pool = torch.nn.functional.max_pool1d
        x = pool(torch.relu(self.conv_0(x[:, None])), 3, 2, ceil_mode=True)
        x = pool(torch.relu(self.conv_1(x)), 2, 2, ceil_mode=True)
        return self.logits(torch.relu(self.dense_0(x.flatten(1))))


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


def audionet_model(p):
    """The library's own network; torch has channels first, also where it flattens."""
    params = {
        name: {"kernel": p[f"{name}.weight"].transpose(2, 1, 0), "bias": p[f"{name}.bias"]}
        for name in ("conv_0", "conv_1")
    }
    dense = p["dense_0.weight"].reshape(8, 6, 13).transpose(2, 1, 0).reshape(-1, 8)
    params["dense_0"] = {"kernel": dense, "bias": p["dense_0.bias"]}
    params["logits"] = {"kernel": p["logits.weight"].T, "bias": p["logits.bias"]}
    return audionet.model(AUDIONET, params)


NETWORKS = {
    "convolutions": (TorchConvolutions, lambda p: Partial(convolutions, p), (FRAMES, CHANNELS)),
    "recurrence": (TorchRecurrence, lambda p: Partial(recurrence, p), (FRAMES, CHANNELS)),
    "audionet": (TorchAudioNet, audionet_model, (AUDIONET.samples,)),
}


@dataclasses.dataclass
class Pair:
    """One network on both sides, an input, and three baselines. Of batches, torch has one row."""

    model: Any
    net: Any
    x: np.ndarray
    baselines: np.ndarray

    @property
    def base(self):
        return self.baselines[0]

    @property
    def rows(self):
        return torch.tensor(self.x[None], requires_grad=True)

    @property
    def base_rows(self):
        return torch.tensor(self.base[None])

    def run(self, method, key=None):
        """Relevance by one of our methods."""
        key = jax.random.key(0) if key is None else key
        found = jax.jit(lambda m, model, x: m(model, x, TARGET, key=key).relevance)
        return np.asarray(found(method, self.model, jnp.asarray(self.x)))


def pair(network, dtype="float64"):
    make, to_model, shape = NETWORKS[network]
    torch.manual_seed(0)
    net = make().double().eval()
    tensors = {name: value.detach().numpy().copy() for name, value in net.named_parameters()}
    model = to_model({name: jnp.asarray(value, dtype) for name, value in tensors.items()})
    draw = np.random.default_rng(1).normal
    x, baselines = draw(size=shape).astype(dtype), 0.3 * draw(size=(3, *shape)).astype(dtype)
    return Pair(model, net.to(getattr(torch, dtype)), x, baselines)


def difference(found, wanted):
    """Largest, relative to the largest value."""
    found, wanted = np.asarray(found), numpy(wanted)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    assert np.max(np.abs(wanted)) > 0
    return np.max(np.abs(found - wanted)) / np.max(np.abs(wanted))


def check(what, found, wanted):
    """Asserts that they differ by no more than their precision allows, and prints by how much."""
    apart, dtype = difference(found, wanted), np.asarray(found).dtype.name
    print(f"{what}, {dtype}: differs by {apart:.1e}")
    assert apart < {"float64": 1e-9, "float32": 1e-4}[dtype]


def numpy(values):
    return values.detach().numpy() if isinstance(values, torch.Tensor) else values
