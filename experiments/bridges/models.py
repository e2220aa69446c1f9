"""The models of the study, and how each is brought over: torch modules, and the subjects.

A torch module is read as it is and seen as a function of one example, without the batch's axis
and others of size 1; its truth is the module itself. A subject is a classifier already, and its
parity is held by its own test.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import audioxai_jax as ax
from audioxai_jax.core.records import record
from audioxai_jax.models.subjects import SUBJECTS

NETWORK, TINY, BASE, SUBJECT = "network", "transformers, tiny", "transformers, base", "subject"
FAMILIES = (NETWORK, TINY, BASE, SUBJECT)
TARGET = 2


@record(static=("axes",))
class One:
    """A model of batches as one of an example, whose first axes of size 1 are left out."""

    model: Any
    axes: int

    def __call__(self, x):
        return self.model(x.reshape((1,) * self.axes + x.shape))[0]


@dataclasses.dataclass
class Brought:
    """A model in JAX, an example, seconds it took, and what torch says of the same example."""

    model: Any
    x: np.ndarray
    seconds: float
    parameters: int
    truth: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """A model of the study by name, and how it is brought over in a precision."""

    name: str
    family: str
    bring: Callable[[str], Brought]

    @property
    def precisions(self) -> tuple[str, ...]:
        """Subjects are made in single precision, and large models have no need of another."""
        return ("float32", "float64") if self.family in (NETWORK, TINY) else ("float32",)

    @property
    def file(self) -> str:
        """Name of its results' file."""
        words = "".join(c if c.isalnum() else " " for c in f"{self.family} {self.name}")
        return "_".join(words.lower().split())


def rows(families=FAMILIES) -> list[Row]:
    """All models of these families."""
    from tests.helpers import torch_zoo
    from tests.helpers.torch_zoo import huggingface

    made = [Row(name, NETWORK, zoo_model(torch_zoo, name)) for name in torch_zoo.NETS]
    for family, size in ((TINY, "tiny"), (BASE, "base")):
        made += [
            Row(name, family, transformers_model(huggingface, name, size))
            for name in huggingface.MODELS
        ]
    made += [Row(name, SUBJECT, subject_model(name)) for name in SUBJECTS]
    return [row for row in made if row.family in families]


def zoo_model(zoo, name):
    return lambda dtype: torch_model(zoo.build(name, dtype), zoo.example(name, dtype))


def transformers_model(zoo, name, size):
    return lambda dtype: torch_model(
        zoo.Logits(zoo.build(name, size, dtype)), zoo.example(name, size, dtype)
    )


def torch_model(module: Any, example: Any) -> Brought:
    """The module read, for an example without its first axes of size 1."""
    from audioxai_jax.models.bridges.pytorch import read_torch

    began = time.perf_counter()
    model = read_torch(module, example)
    seconds = time.perf_counter() - began
    axes = next(i for i, size in enumerate(example.shape) if size > 1)
    x = example.numpy().reshape(example.shape[axes:])
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Brought(One(model, axes), x, seconds, parameters, lambda: truth(module, example))


def truth(module: Any, example: Any) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and the gradient of the target's, by torch."""
    x = example.clone().requires_grad_()
    logits = module(x)
    logits[0, TARGET].backward()
    return logits[0].detach().numpy(), x.grad.numpy()


def subject_model(name):
    def bring(dtype):
        began = time.perf_counter()
        classifier = SUBJECTS[name].build()
        seconds = time.perf_counter() - began
        reads = classifier.reads
        clip = ax.read_clip(ax.example_clip(), reads.sample_rate).samples
        length = classifier.frames or len(clip)
        audio = np.resize(clip, length)
        features = np.asarray(reads.analyse(audio.astype(dtype)))
        count = sum(np.size(leaf) for leaf in jax.tree.leaves(classifier.model))
        return Brought(classifier.model, features, seconds, count)

    return bring
