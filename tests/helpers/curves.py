"""A small model, an input, relevance with ties, and its perturbation curves by a slow replica."""

import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

DRAW = np.random.default_rng(0)
FRAMES, CHANNELS, CLASSES, TARGET = 5, 4, 3, 1
X = DRAW.normal(size=(FRAMES, CHANNELS))
RELEVANCE = np.round(DRAW.normal(size=X.shape), 1)  # with ties
WEIGHTS = DRAW.normal(size=(X.size, CLASSES))
OTHER = DRAW.normal(size=X.shape)
FRACTIONS = [0.0, 0.1, 0.35, 0.5, 1.0]
MODEL = Partial(lambda weights, x: jnp.tanh(x.ravel()) @ weights, WEIGHTS)


def logits_of(x):
    return np.tanh(x.ravel()) @ WEIGHTS


def slow(relevance=RELEVANCE, edit="delete", order="morf", fractions=FRACTIONS, question="logit"):
    """By sorting and looking, one edit after the other."""
    shape = relevance.shape
    turns = sorted(range(relevance.size), key=lambda i: (-relevance.ravel()[i], i))
    turns = turns[::-1] if order == "lerf" else turns
    curve = []
    for fraction in fractions:
        mask = np.zeros(relevance.size, bool)
        mask[turns[: round(fraction * relevance.size)]] = True
        mask = np.broadcast_to(mask.reshape(shape), X.shape)
        edited = np.where(mask, OTHER, X) if edit == "delete" else np.where(mask, X, OTHER)
        logits = logits_of(edited)
        softmax = np.exp(logits) / np.sum(np.exp(logits))
        said, whole = np.argmax(logits), np.argmax(logits_of(X))
        said = {"class": float(said == TARGET), "agreement": float(said == whole)}
        curve.append({"logit": logits[TARGET], "probability": softmax[TARGET], **said}[question])
    return np.asarray(curve)
