"""What `assess` found of a model: in numbers, in sentences, and which methods it rules out."""

import dataclasses
from typing import Any

import numpy as np

from audioxai_jax.attribution import METHODS
from audioxai_jax.attribution.promises import gradient_at, inside, promise
from audioxai_jax.types import Method

LEVELS = (1.0, 0.5, 0.1, 0.01)
"""Shares of the way from the baseline to the clip; from silence, its levels."""

WORTH_TELLING = 0.02
"""Least share of ignored features that is told."""

OFF = 0.5
"""Largest completeness gap of a comparison with the baseline that is not refused."""

SPANS = 3
"""Longest ignored spans that are told."""


@dataclasses.dataclass(frozen=True, eq=False)
class Assessment:
    """What `assess` found, on the host.

    Attributes:
      target: explained output.
      outputs: outputs at LEVELS and, last, at the baseline, float64 `[5, K]`.
      baseline: baseline, a number or an array of the features' shape.
      ignores_level: whether the outputs at all LEVELS are equal to rounding.
      gap: completeness gap of DeepLIFT from the baseline to the clip, if the model ignores level;
        else NaN, and where DeepLIFT cannot be computed.
      nan_at_baseline: operation that first makes a NaN or an infinity of the baseline, "" if it is
        not known; None if the outputs there are numbers.
      nan_gradient: the same of the gradient, and whether of the baseline or of the clip.
      nan_on_the_way: whether the gradient is not finite between the baseline and the clip.
      ends_in: "softmax", "log-softmax" or "sigmoid", or None; None for a classifier of values.
      ignored: share of the features whose gradient is 0 at all LEVELS and at the baseline.
      spans: first and last value of each span along the first axis in which all are ignored.
      silent: share of the ignored features that are 0 in the clip; 0 if none is ignored.
      unit: unit of the spans, such as "s"; "" for numbers.
      strength: sum of all |gradient x (x - baseline)| at the clip, beside the change of the output.
      saturated: whether that is next to nothing.
    """

    target: int
    outputs: np.ndarray
    baseline: Any
    ignores_level: bool
    gap: float
    nan_at_baseline: str | None
    nan_gradient: str | None
    nan_on_the_way: bool
    ends_in: str | None
    ignored: float
    spans: tuple[tuple[float, float], ...]
    silent: float
    unit: str
    strength: float
    saturated: bool

    def lines(self, method: str | Method | None = None) -> tuple[str, ...]:
        """What is worth telling, a sentence or two each; mostly nothing.

        Args:
          method: method that will be used, as for `refusal`: of one that takes no gradient,
            nothing is said of a gradient that is not finite.
        """
        slope = None if method is not None and _takes_none(method) else self.nan_gradient
        told = [
            self._level() if self.ignores_level else "",
            _not_finite("output", "at the baseline", self.nan_at_baseline),
            slope and _not_finite("gradient", "", slope),
            self.ends_in
            and f"The model ends in a {self.ends_in}: its outputs are probabilities, and relevance "
            "of the logits before it tells more.",
            self._ignored() if self.ignored >= WORTH_TELLING else "",
            "The output is saturated: all gradients together account for "
            f"{100 * self.strength:.2g} % of its change from the baseline to the clip."
            if self.saturated and self.ignored < 1
            else "",
        ]
        return tuple(filter(None, told))

    def refusal(self, method: str | Method) -> str | None:
        """Why a method would explain nothing of this model, one line; None if it may.

        Refused are methods that promise to share out the change of the score from a baseline
        (`attribution.promises`): all if the model returns no number there. If the outputs do not
        change on the way from it, also those that go along that way, and those that compare with
        it if their sum was seen to be off. Methods that take a gradient are refused if that is
        not finite where they take it: at the clip, or on the way to it.

        Args:
          method: name of a method with its defaults, or a method; its baseline must be the one
            that was assessed.

        Raises:
          ValueError: for an unknown name, or a method with another baseline.
        """
        made = _made(method)
        promised = promise(made)
        if promised is not None:
            if made is method and not _same(promised.baseline, self.baseline):
                raise ValueError(
                    "the method has another baseline than the one that was assessed: write "
                    "assess(.., baseline=) with the method's"
                )
            if (why := self._no_change(promised.completeness)) is not None:
                return why
        where = gradient_at(made)
        spoiled = {"input": self.bad_at_clip, "path": self.nan_on_the_way}
        return self._no_gradient() if where in spoiled and spoiled[where] else None

    @property
    def bad_at_clip(self) -> bool:
        """Whether the gradient is not finite at the clip."""
        return (self.nan_gradient or "").startswith("at the clip")

    def _no_change(self, completeness: str) -> str | None:
        if self.nan_at_baseline is not None:
            why = "returns NaN or infinity at the baseline"
        elif self.ignores_level and completeness == "reference" and self.gap > OFF:
            why = f"ignores level: DeepLIFT's sum is {100 * self.gap:.0f} % off that change"
        elif self.ignores_level and completeness == "path":
            why = f"gives one answer all the way from {self._start} to the clip"
        else:
            return None
        return (
            f"the method shares out the change of the score from {self._start} to the clip, and "
            f"the model {why}. Use another method, such as lrp or "
            "occlusion, another baseline, or begin behind the model's normalisation "
            "(domains.normalised)"
        )

    def _no_gradient(self) -> str:
        where = self.nan_gradient if self.bad_at_clip else f"on the way from {self._start}"
        return (
            f"the method takes the gradient, which is NaN or infinite {where}. Use another method, "
            "such as lrp or occlusion, or models.safe_gradients(model)"
        )

    @property
    def _start(self) -> str:
        return "the baseline" if np.any(self.baseline) else "silence"

    def _level(self) -> str:
        shares = ", ".join(f"{level:g}" for level in LEVELS)
        if np.any(self.baseline):
            return (
                f"The outputs at {shares} of the way from the baseline to the clip are equal: a "
                "path from this baseline explains nothing."
            )
        return (
            f"The model ignores level: its outputs at {shares} of the clip's level are equal. A "
            "path from silence explains nothing."
        )

    def _ignored(self) -> str:
        if self.ignored == 1:
            if np.any(self.outputs != self.outputs[0]):
                return (
                    "No gradient flows: it is 0 everywhere, although the output changes. A method "
                    "of edits, such as occlusion, explains it."
                )
            if self.silent == 1:
                return "The output has no slope at this clip, which is silent."
            return "The output does not depend on the input: it does not change with it."
        longest = sorted(self.spans, key=lambda span: span[0] - span[1])[:SPANS]
        where = ", ".join(f"{a:.4g} to {b:.4g} {self.unit}".strip() for a, b in sorted(longest))
        more = " among others" if len(self.spans) > SPANS else ""
        said = (
            f"The output has no slope along {100 * self.ignored:.2g} % of the features on the way "
            f"from {self._start} to the clip"
        )
        said = f"{said}: {where}{more}." if where else f"{said}."
        if self.silent > 1 - WORTH_TELLING:
            return f"{said} The clip is silent there."
        share = f" The clip is silent in {100 * self.silent:.2g} % of them."
        return said + share if self.silent >= WORTH_TELLING else said


def _made(method: str | Method) -> Any:
    """The method, or that of a name with its defaults."""
    if not isinstance(method, str):
        return method
    if method not in METHODS:
        raise ValueError(f"no method {method!r}: there are {', '.join(METHODS)}")
    return METHODS[method]()


def _takes_none(method: str | Method) -> bool:
    """Whether it is one of the package's methods, and none of it takes the gradient."""
    made = _made(method)
    own = [type(one).__module__.startswith("audioxai_jax.") for one in inside(made)]
    return all(own) and gradient_at(made) is None


def of(operation: str) -> str:
    """Words for the operation that made a number infinite; none if it is not known."""
    return f", first made by {operation}" if operation else ""


def _not_finite(what: str, where: str, operation: str | None) -> str:
    if operation is None:
        return ""
    said = f"The {what} is NaN or infinite"
    return f"{said} {where}{of(operation)}." if where else f"{said} {operation}."


def _same(one: Any, other: Any) -> bool:
    shapes = {np.shape(one), np.shape(other)}
    return (len(shapes) == 1 or () in shapes) and bool(np.all(np.asarray(one) == np.asarray(other)))
