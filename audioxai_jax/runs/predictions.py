"""What a classifier's outputs say, on the host: probabilities, and which label is heard."""

from typing import Any

import numpy as np

from audioxai_jax.types import Classifier

ROUNDING = 1e-2
"""By how much probabilities may miss [0, 1], of networks in half precision."""


def outputs_of(classifier: Classifier) -> str:
    """One of `contracts.OUTPUTS`."""
    one = len(classifier.labels) == 1
    return classifier.outputs or ("sigmoid" if one else "softmax")


def as_probabilities(values: np.ndarray, outputs: str) -> np.ndarray:
    """Probabilities `[K]`, float64, of what a classifier returned.

    Args:
      values: `[K]`, finite.
      outputs: see `Classifier`.

    Raises:
      ValueError: if they are said to be probabilities, and are not.
    """
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
            f"the classifier returned {worst:.4g} where its outputs are said to be probabilities: "
            "say outputs='softmax' or outputs='sigmoid' of logits"
        )
    return np.clip(values, 0, 1)


def answers(probabilities: np.ndarray, labels: tuple[str, ...]) -> dict[str, float]:
    """Probability of each label; beside a single one, of its not holding."""
    found = {label: float(p) for label, p in zip(labels, probabilities, strict=True)}
    if len(labels) == 1:
        found[f"not {labels[0]}"] = 1 - found[labels[0]]
    return found


def heard(probabilities: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """The most probable answer, the first of equals: {label, probability}."""
    found = answers(probabilities, labels)
    label = max(found, key=lambda name: found[name])
    return {"label": label, "probability": found[label]}


def holds(probabilities: np.ndarray, target: int, outputs: str) -> bool:
    """Whether the target is heard: the most probable, or, of labels by themselves, probable."""
    if outputs == "sigmoid" or len(probabilities) == 1:
        return bool(probabilities[target] > 0.5)
    return int(np.argmax(probabilities)) == target


def notes(classifier: Classifier) -> tuple[str, ...]:
    """What a reader of an explanation has to know of the classifier's outputs."""
    if classifier.outputs == "probabilities":
        return (
            "The model's outputs are probabilities, which are shown as they are. Relevance is that "
            "of a probability, which hardly changes where the model is sure: logits tell more.",
        )
    if len(classifier.labels) == 1:
        return (
            f"The model's one output is read as the logit of {classifier.labels[0]!r}: its "
            "probability is the sigmoid.",
        )
    return ()
