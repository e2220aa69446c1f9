"""What a model's outputs are, found by trying it: logits, probabilities, or neither."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.types import Model

SCALES = (0.3, 1.0, 3.0, 10.0)
"""Deviations of the made-up inputs; each is tried with either sign, and zeros once."""

ROUNDING = 1e-2
"""By how much probabilities in half precision may miss a sum of 1."""


def evaluate(model: Model, like: Any) -> np.ndarray:
    """Outputs `[n, K]`, float64, of made-up inputs of one shape and dtype.

    Args:
      model: a pytree, one input to outputs `[K]`.
      like: shape and dtype of an input.
    """
    noise = jax.random.normal(jax.random.key(0), like.shape, jnp.float32)
    inputs = [jnp.zeros(like.shape, like.dtype)]
    inputs += [(sign * scale * noise).astype(like.dtype) for scale in SCALES for sign in (1, -1)]
    return np.stack([np.asarray(_evaluate(model, x)).astype(np.float64) for x in inputs])


@jax.jit
def _evaluate(model, x):
    return model(x)


def recognised(outputs: np.ndarray, said: str | None) -> str | None:
    """What the outputs are: as it is said, or "probabilities" if all look like that.

    Args:
      outputs: `[n, K]`, those of `evaluate`.
      said: `Classifier.outputs`; None if nothing is said.

    Raises:
      ValueError: for probabilities that are said to be logits for a softmax, or a single output
        that nothing is said of, and that looks like no logit: never negative, and beyond 1.
    """
    known = outputs[np.isfinite(outputs).all(axis=1)]
    if not len(known):
        return said
    inside = known.min() >= 0 and known.max() <= 1
    exclusive = inside and np.abs(known.sum(axis=1) - 1).max() < ROUNDING
    if said == "softmax" and exclusive:
        raise ValueError(
            "its outputs are probabilities, of which a softmax would be taken again: say "
            "outputs='probabilities', or return the logits"
        )
    if said is not None:
        return said
    if outputs.shape[1] == 1 and known.min() >= 0 and known.max() > 1:
        raise ValueError(
            "its one output is never negative and goes beyond 1, as a regression's: it has no "
            "probability to report. If it is a logit, return a Classifier with outputs='sigmoid'; "
            "if not, use audioxai_jax.explanation.explain, which reports outputs as they are"
        )
    return "probabilities" if inside else None
