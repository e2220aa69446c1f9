"""Ask: what a model says of a sound that was edited.

Answers are numbers made of its outputs `[K]`, and what those are is said as of a `Classifier`:

  softmax        logits of classes that exclude each other; the largest is said;
  sigmoid        logits of labels that hold or not, each by itself, where they are above 0;
  probabilities  of either; a single one holds above 1/2;
  value          numbers that say no class: their logit can be asked for, nothing else.

None is "softmax", or "sigmoid" of a single logit. An answer is NaN where an output is not finite:
that is neither agreement nor a flip.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.logits import check_logits, decision
from audioxai_jax.types import select

QUESTIONS = ("probability", "logit", "class", "agreement")


def answer(
    question: str,
    logits: Array,
    target: int | Array,
    *,
    whole: Array | None = None,
    outputs: str | None = None,
) -> Array:
    """The answer to one of QUESTIONS, a scalar.

    Args:
      question: "probability" or "logit" of the target; "class", 1 if the target is said, else 0;
        "agreement", 1 if the answer of the whole sound is given again, else 0.
      logits: logits of the edited sound, `[K]`.
      target: a class.
      whole: logits of the whole sound, for "agreement".
      outputs: kind of the outputs, see the head of this file.

    Raises:
      ValueError: for an unknown question, logits that are not `[K]`, a target that is not a
        class (a traced one cannot be checked), or what cannot be asked of a value.
    """
    check_question(question)
    logit = select(logits, target)
    if question == "logit":
        return known(logit, logits)
    check_classes_said(outputs, f"question {question!r}")
    if question == "probability":
        return probability(logits, target, outputs)
    if question == "class" or whole is None:
        return says(logits, target, outputs)
    if outputs == "sigmoid":  # of the target alone: others may come and go
        same = says(logits, target, outputs) == says(whole, target, outputs)
    else:
        same = prediction(logits, outputs) == prediction(whole, outputs)
    return known(known(same.astype(logits.dtype), logits), whole)


def probability(logits: Array, target: int | Array, outputs: str | None = None) -> Array:
    """Probability of the target; NaN where an output is not finite."""
    check_logits(logits)
    how = outputs or ("softmax" if logits.shape[0] > 1 else "sigmoid")
    make = {"softmax": jax.nn.softmax, "sigmoid": jax.nn.sigmoid}
    return known(select(make[how](logits) if how in make else logits, target), logits)


def says(logits: Array, label: int | Array, outputs: str | None = None) -> Array:
    """1.0 if this class is said, else 0.0; NaN where an output is not finite.

    Of a single output, class 0 is said where its label holds, else class 1.

    Raises:
      ValueError: for values, which say no class.
    """
    check_classes_said(outputs, "whether the answer is still the same")
    if logits.shape[0] > 1 and outputs == "sigmoid":
        said = logits[label] > 0
    else:
        said = prediction(logits, outputs) == label
    return known(said.astype(logits.dtype), logits)


def prediction(logits: Array, outputs: str | None = None) -> Array:
    """The class that is said first: of the largest output; see `says` for a single one.

    Raises:
      ValueError: for several values: none of them is the first.
    """
    if outputs == "value":
        check_one_value(outputs, logits.shape[0])
        return jnp.int32(0)
    if logits.shape[0] == 1 and outputs == "probabilities":
        logits = logits - 0.5
    return decision(logits)


def heard_class(logits: Array) -> Array:
    """`prediction` of logits, int32; -1 where one is not finite."""
    return jnp.where(jnp.all(jnp.isfinite(logits)), prediction(logits), -1).astype(jnp.int32)


def known(value: Array, logits: Array) -> Array:
    """A value, or NaN where one of the outputs that it was made of is not finite."""
    return jnp.where(jnp.all(jnp.isfinite(logits)), value, jnp.nan)


def check_classes_said(outputs: str | None, who: str) -> None:
    """Raises ValueError for values: no difference of two is a flip."""
    if outputs == "value":
        raise ValueError(
            f"{who}: the outputs are values, which say no class: ask for question='logit', keep a "
            "fraction, or make a label of one, models.one_label(.., least=) with outputs='sigmoid'"
        )


def check_one_value(outputs: str | None, count: int) -> None:
    """Raises ValueError where the target is left open and the outputs are several values."""
    if outputs == "value" and count > 1:
        raise ValueError(
            f"the outputs are {count} values, of which the largest is not the answer: say which "
            "one is explained by target="
        )


def check_question(question: str) -> None:
    """Raises ValueError for an unknown question."""
    if question not in QUESTIONS:
        raise ValueError(f"unknown question {question!r}: choose one of {', '.join(QUESTIONS)}")
