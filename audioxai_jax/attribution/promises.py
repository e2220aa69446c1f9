"""Which methods promise to share out a change of the score, and from where it is counted.

A method says it by a class attribute `completeness` of its record:

=========== =======================================================================
completeness relevance sums to f(x) - f(baseline), and is made of
=========== =======================================================================
"path"      gradients between the baseline and the input
"reference" activations, each compared with that of the baseline
"game"      outputs of inputs that are partly the baseline
=========== =======================================================================

A method without it promises no sum: its info has a completeness gap of NaN.

A class attribute `gradient` says where the model's gradient is taken: at the "input", or on the
"path" from the baseline. One that adds noise to the input first is `noisy`.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Promise:
    """What a method promises.

    Attributes:
      completeness: see the module.
      baseline: the baseline, a number or an array that broadcasts to the input; of several the
        first.
    """

    completeness: str
    baseline: Any


def promise(method: Any) -> Promise | None:
    """What a method, or one inside it, promises; None if that is nothing.

    Args:
      method: a method as its factory made it; a combinator passes on what its method promises.

    >>> from audioxai_jax import integrated_gradients, lrp, rectify
    >>> promise(rectify(integrated_gradients())).completeness
    'path'
    >>> promise(lrp("epsilon_plus")) is None
    True
    """
    baselines = None
    for one in inside(method):
        own = getattr(one, "baselines", None)
        baselines = own if baselines is None else baselines
        kind = getattr(one, "completeness", None)
        if kind is not None:
            first = getattr(one, "baseline", 0.0) if baselines is None else _first(baselines)
            return Promise(kind, first)
    return None


def gradient_at(method: Any) -> str | None:
    """Where a method, or one inside it, takes the gradient by the input; None if nowhere.

    "input", "path" (also of samples of it), or "noise" for noisy copies of the input.

    >>> from audioxai_jax import lrp, rectify, saliency, smoothgrad
    >>> gradient_at(rectify(saliency())), gradient_at(smoothgrad()), gradient_at(lrp())
    ('input', 'noise', None)
    """
    parts = list(inside(method))
    where = next((kind for one in parts if (kind := getattr(one, "gradient", None))), None)
    noisy = any(getattr(one, "noisy", False) for one in parts)
    return "noise" if noisy and where is not None else where


def inside(method: Any) -> Iterator[Any]:
    """A method and, behind it, all methods inside it."""
    yield method
    if dataclasses.is_dataclass(method):
        for field in dataclasses.fields(method):
            part = getattr(method, field.name)
            if callable(part) and dataclasses.is_dataclass(part):
                yield from inside(part)


def _first(baselines: Any) -> Any:
    return baselines[0] if np.ndim(baselines) else baselines
