"""What a truth is: sounds, a model of them whose reasons are known, and the proof that it has them.

A `Truth` is one row of `truth.TRUTHS`. Its `build` gives a `Trial`: a model that was trained (or
written down) for this one purpose, examples to explain, where relevance has to lie, and checks.
A check is an intervention: the cue is removed, planted or left alone, and the model has to answer
as it must if the cue is its reason. The explanations of a model that fails one are not scored.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jax import Array

from audioxai_jax.types import Classifier, Model


class View(Protocol):
    """`example -> (model, features)`: a pytree, so that one compilation serves all trials."""

    def __call__(self, example: Any) -> tuple[Model, Array]: ...

    def size(self, features: Array) -> Array:
        """How large each feature is, of their shape: the energy control is its square."""
        ...

    def merge(self, relevance: Array) -> Array:
        """Relevance of what is scored: that of real and imaginary parts added."""
        ...


class Answer(Protocol):
    """Where relevance has to lie."""

    def masks(self, trial: "Trial") -> np.ndarray:
        """Of each example's merged features, int8 `[N, ..]`: 1 inside, 0 outside, -1 left out.

        Raises:
          ValueError: if the trial's features lie along other axes than the answer knows.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Check:
    """One intervention, and what it has to give.

    Attributes:
      name: what was done, such as "cue removed: accuracy".
      value: what the model then did.
      low, high: between which it must lie.
    """

    name: str
    value: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def holds(self) -> bool:
        return self.low <= self.value <= self.high


@dataclasses.dataclass(frozen=True)
class Bar:
    """What the mean score of a method has to reach.

    Attributes:
      score: key of `score.SCORES`.
      low, high: between which it must lie for the method to pass.
      energy: most that the energy control may have, where the truth is worth asking.
    """

    score: str
    low: float = -math.inf
    high: float = math.inf
    energy: float = math.inf

    def passes(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """Examples of one truth and seed, ready to be explained and scored.

    Attributes:
      view: opens an example: model and features.
      examples: pytree of arrays with a leading axis N.
      targets: output that is explained, integers `[N]`.
      answer: where relevance has to lie.
      checks: interventions.
      segments: what the AUC and methods of coalitions take as one, integers that broadcast to the
        merged features: from 0 up.
      classifier: model of sounds, to be explained in other domains; None if the examples are none.
      baseline: value of an absent feature.
      grid: seconds and Hz of a segment, None along an axis that is not cut; for other domains.
    """

    view: View
    examples: Any
    targets: np.ndarray
    answer: Answer
    checks: tuple[Check, ...]
    segments: np.ndarray
    classifier: Classifier | None = None
    baseline: float = 0.0
    grid: tuple[float | None, float | None] = (0.1, None)

    @property
    def proven(self) -> bool:
        """Whether all interventions hold."""
        return all(check.holds for check in self.checks)


Build = Callable[..., Trial]


@dataclasses.dataclass(frozen=True)
class Truth:
    """One row of `TRUTHS`.

    Attributes:
      question: what is asked, one plain sentence.
      build: `(seed, *, clips=24, data=None) -> Trial`, the same bytes for the same arguments. If it
        also takes `classifier=None`, that is explained in place of the one it would train.
      bars: what some method has to reach.
      data: data sets that it needs, names of folders of the data root; () for none.
      exact: whether the answer is relevance itself, in closed form: computed in float64.
      options: further arguments of `build`.
    """

    question: str
    build: Build
    bars: tuple[Bar, ...] = ()
    data: tuple[str, ...] = ()
    exact: bool = False
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def make(
        self,
        seed: int,
        *,
        clips: int = 24,
        data: Path | None = None,
        classifier: Classifier | None = None,
    ) -> Trial:
        """The trial of a seed.

        Args:
          seed: decides all.
          clips: examples to explain.
          data: folder of data sets.
          classifier: classifier of sounds from outside, in place of the one that is trained; its
            interventions are checked as that one's are.

        Raises:
          ValueError: if it needs data and `data` is None, or takes no classifier from outside.
        """
        if self.data and data is None:
            raise ValueError(
                f"this truth needs {', '.join(self.data)}: give the folder that holds them, --data"
            )
        given: dict[str, Any] = {} if classifier is None else {"classifier": classifier}
        if given and not self.takes_classifiers:
            raise ValueError(
                "this truth's model is a part of the question: it takes no classifier from outside"
            )
        return self.build(seed, clips=clips, data=data, **given, **self.options)

    @property
    def takes_classifiers(self) -> bool:
        """Whether a classifier from outside can be explained in place of the trained one."""
        return "classifier" in inspect.signature(self.build).parameters
