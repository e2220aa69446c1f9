"""What a model's outputs are, recognised by trial: logits, probabilities, or neither."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.types import Model

SCALES = (0.3, 1.0, 3.0, 10.0)
"""Deviations of the random inputs; each is tried with either sign, and zeros once."""

ROUNDING = 1e-2
"""Largest distance of a sum of probabilities from 1: half precision rounds."""


def evaluate(model: Model, like: Any) -> np.ndarray:
    """Outputs `[n, K]`, float64, of random inputs of one shape and dtype.

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


def recognise_outputs(outputs: np.ndarray, stated: str | None) -> str | None:
    """What the outputs are: as stated, or "probabilities" if all look like probabilities.

    Args:
      outputs: `[n, K]`, those of `evaluate`.
      stated: `Classifier.outputs`; None if it says nothing.

    Raises:
      ValueError: for probabilities that are stated to be logits for a softmax, or a single output
        without a statement that looks like a regression: never negative, and beyond 1.
    """
    known = outputs[np.isfinite(outputs).all(axis=1)]
    if not len(known):
        return stated
    inside = known.min() >= 0 and known.max() <= 1
    exclusive = inside and np.abs(known.sum(axis=1) - 1).max() < ROUNDING
    if stated == "softmax" and exclusive:
        raise ValueError(
            "its outputs are probabilities, and a second softmax would be applied: say "
            "outputs='probabilities', or return the logits"
        )
    if stated is not None:
        return stated
    if outputs.shape[1] == 1 and known.min() >= 0 and known.max() > 1:
        raise ValueError(
            "its one output is never negative and exceeds 1, like a regression: it has no "
            "probability to report. Return a Classifier with outputs='value', which reports it as "
            "it is; for a logit, with outputs='sigmoid'"
        )
    return "probabilities" if inside else None
