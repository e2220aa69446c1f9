"""Answers of models in tables: columns of JSON, and cells of text."""

from collections.abc import Mapping, Sequence
from typing import Any

from audioxai_jax.cli.console import printable, text_width
from audioxai_jax.results import Answer, Value

WIDEST_VALUE = len(" -1.234e+05 (-1.23e+05)")


def answer_columns(name: str, answer: Answer | Value) -> dict[str, Any]:
    """Columns of one sound: its label, and the probability or the value and its change."""
    if isinstance(answer, Answer):
        return {name: answer.label, f"{name}_probability": answer.probability}
    return {name: answer.label, f"{name}_value": answer.value, f"{name}_change": answer.change}


def answer_text(name: str, row: Mapping[str, Any]) -> str:
    """Such as "stop 97%", or of a value "quality 3.21 (-0.4)"."""
    if f"{name}_probability" in row:
        return f"{row[name]} {row[f'{name}_probability']:.0%}"
    change = row[f"{name}_change"]
    changed = "" if change is None else f" ({change:+.3g})"
    return f"{row[name]} {row[f'{name}_value']:.4g}{changed}"


def answer_width(labels: Sequence[str], outputs: str) -> int:
    """Columns that an answer takes at most.

    Args:
      labels: labels of the model.
      outputs: kind of its outputs, see `types.Classifier`.
    """
    widest = max(text_width(printable(label)) for label in labels)
    return widest + (WIDEST_VALUE if outputs == "value" else len(" 100%"))
