"""A torch network of the zoo, and the same module brought over, for comparisons of methods."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.core.records import record
from audioxai_jax.models.bridges.pytorch import from_torch, read_torch
from tests.helpers import torch_zoo
from tests.helpers.torch_zoo import torch

TARGET, BASELINES = 2, 3


@record(static=("axes",))
class One:
    """A model of batches as one of an example, whose first axes of size 1 are left out."""

    model: Any
    axes: int

    def __call__(self, x):
        return self.model(x.reshape((1,) * self.axes + x.shape))[0]


@dataclasses.dataclass
class Sides:
    """One module on both sides, an input, and baselines. Ours has no batch; torch has one row."""

    model: Any
    net: Any
    x: np.ndarray
    baselines: np.ndarray
    shape: tuple[int, ...]

    @property
    def rows(self):
        return torch.tensor(self.x.reshape(self.shape), requires_grad=True)

    @property
    def base(self):
        return self.baselines[0]

    @property
    def base_rows(self):
        """One row; `all_bases` has all of them."""
        return torch.tensor(self.base.reshape(self.shape))

    @property
    def all_bases(self):
        return torch.tensor(self.baselines.reshape(-1, *self.shape[1:]))

    def run(self, method, key=None, target=TARGET):
        """Relevance by one of our methods, `[1, ...]` as torch has it."""
        key = jax.random.key(0) if key is None else key
        found = jax.jit(lambda m, model, x: m(model, x, target, key=key).relevance)
        return np.asarray(found(method, self.model, jnp.asarray(self.x))).reshape(self.shape)


def sides_of(net, example, seed=5) -> Sides:
    """A module and its example on both sides.

    Waveforms `[1, T]` come over as classifiers by `from_torch`, other inputs by `read_torch`.
    """
    axes = next(i for i, size in enumerate(example.shape) if size > 1)
    if example.ndim == 2:
        model: Any = from_torch(net, example, sample_rate=torch_zoo.RATE)
    else:
        model = One(read_torch(net, example), axes)
    x = example.numpy().reshape(example.shape[axes:])
    draw = np.random.default_rng(seed).normal
    baselines = (0.1 * draw(size=(BASELINES, *x.shape))).astype(x.dtype)
    return Sides(model, net, x, baselines, tuple(example.shape))


def zoo_sides(name: str, dtype: str) -> Sides:
    """A network of the zoo."""
    return sides_of(torch_zoo.build(name, dtype), torch_zoo.example(name, dtype))
