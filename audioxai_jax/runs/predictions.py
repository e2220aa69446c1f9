"""What a classifier's outputs say, on the host: probabilities, and which label is heard."""

import numpy as np

from audioxai_jax.results import Answer, Value
from audioxai_jax.types import Classifier

ROUNDING = 1e-2
"""Largest distance of probabilities from [0, 1]: networks in half precision round."""


def outputs_of(classifier: Classifier, count: int | None = None) -> str:
    """What a classifier's outputs are, one of `readers.OUTPUTS`.

    Args:
      count: number of the outputs; that of the labels if None.
    """
    count = len(classifier.labels or ()) if count is None else count
    return classifier.outputs or ("sigmoid" if count == 1 else "softmax")


def as_probabilities(values: np.ndarray, outputs: str) -> np.ndarray:
    """Probabilities `[K]`, float64, of what a classifier returned.

    Args:
      values: `[K]`, finite.
      outputs: see `Classifier`.

    Raises:
      ValueError: if they are said to be probabilities, and are not; of values.
    """
    if outputs == "value":
        raise ValueError("values have no probabilities: see predictions.answer_to")
    values = np.asarray(values).astype(np.float64)
    if outputs == "softmax":
        scores = np.exp(values - values.max())
        return scores / scores.sum()
    if outputs == "sigmoid":
        small = np.exp(-np.abs(values))
        return np.where(values >= 0, 1, small) / (1 + small)
    if values.min() < -ROUNDING or values.max() > 1 + ROUNDING:
        worst = values[np.argmax(np.abs(values - 0.5))]
        raise ValueError(
            f"the classifier returned {worst:.4g}, but says that its outputs are probabilities: "
            "of logits say outputs='softmax' or outputs='sigmoid'"
        )
    return np.clip(values, 0, 1)


def answer_to(
    logits: np.ndarray,
    outputs: str,
    labels: tuple[str, ...],
    *,
    target: int,
    original: np.ndarray | None = None,
) -> Answer | Value:
    """What a classifier says of one sound: the most probable answer, or the target's value.

    Args:
      logits: outputs `[K]` of the sound.
      outputs: kind of the outputs, see `Classifier`.
      labels: K labels.
      target: position of the explained value.
      original: outputs of the clip itself, for the change of a value; None for the clip.
    """
    if outputs != "value":
        return heard(as_probabilities(logits, outputs), labels)
    value = float(logits[target])
    return Value(
        labels[target], value, None if original is None else value - float(original[target])
    )


def answers(probabilities: np.ndarray, labels: tuple[str, ...]) -> dict[str, float]:
    """Probability of each label; beside a single one, of its not holding."""
    shares = {label: float(p) for label, p in zip(labels, probabilities, strict=True)}
    if len(labels) == 1:
        shares[f"not {labels[0]}"] = 1 - shares[labels[0]]
    return shares


def heard(probabilities: np.ndarray, labels: tuple[str, ...]) -> Answer:
    """The most probable answer, the first of equals."""
    shares = answers(probabilities, labels)
    label = max(shares, key=lambda name: shares[name])
    return Answer(label, shares[label])


def holds(probabilities: np.ndarray, target: int, outputs: str) -> bool:
    """Whether the target is heard: the most probable, or, of labels by themselves, probable."""
    if outputs == "sigmoid" or len(probabilities) == 1:
        return bool(probabilities[target] > 0.5)
    return int(np.argmax(probabilities)) == target


def notes(classifier: Classifier) -> tuple[str, ...]:
    """What a reader of an explanation has to know of the classifier's outputs."""
    if classifier.outputs == "value":
        return (
            "The model's outputs are values, not scores of classes: no change of one is a change "
            "of mind. Changes are differences to the clip's value.",
        )
    if classifier.outputs == "probabilities":
        return (
            "The model's outputs are probabilities and are shown as they are. Their gradient "
            "almost vanishes where the model is sure: relevance of a logit tells more.",
        )
    if classifier.labels is not None and len(classifier.labels) == 1:
        return (
            f"The model's one output is read as the logit of {classifier.labels[0]!r}: its "
            "probability is the sigmoid.",
        )
    return ()
