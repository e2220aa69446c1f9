"""Embeddings: how alike a sound is to a reference, such as a speaker's enrolled voice."""

import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.checks import as_floats
from audioxai_jax.core.records import as_model
from audioxai_jax.types import Model


def similarity(model: Model, reference: Array) -> Model:
    """The cosine of a model's embedding e to a reference r, `[1]`: e . r / (|e| |r|).

    Of several references, r is their centroid: the mean of the embeddings, each divided by its
    length (as speaker encoders enrol a voice: L. Wan et al., "Generalized End-to-End Loss for
    Speaker Verification", ICASSP 2018, equation 1). An embedding of zeros has similarity 0.

    Args:
      model: one example to an embedding `[D]`.
      reference: an embedding `[D]`, or several `[N, D]`; a leaf of the new model.

    Returns:
      A model of one output, from -1 to 1; its `Classifier.outputs` is "value".

    Raises:
      ValueError: for references of another shape, or whose centroid is 0; when called, for an
        embedding that does not fit.

    >>> similarity(lambda x: x, jnp.array([1.0, 0.0]))(jnp.array([0.0, 4.0])).tolist()
    [0.0]
    """
    reference = as_floats(reference, "similarity: the reference")
    if reference.ndim not in (1, 2) or not reference.size:
        raise ValueError(
            "similarity: the reference must be an embedding [D], or several [N, D], got "
            f"{list(reference.shape)}"
        )
    lengths = jnp.linalg.norm(reference, axis=-1, keepdims=True)
    centroid = jnp.atleast_2d(reference / jnp.where(lengths > 0, lengths, 1)).mean(axis=0)
    length = jnp.linalg.norm(centroid)
    if not float(length) > 0:
        raise ValueError(
            "similarity: the reference is zero or not finite: it has no direction to compare with"
        )
    return Partial(_similarity, as_model(model), centroid / length)


def _similarity(model: Model, reference: Array, x: Array) -> Array:
    embedding = model(x)
    if embedding.shape != reference.shape:
        raise ValueError(
            f"similarity: the model must return an embedding {list(reference.shape)} as the "
            f"reference, got {list(embedding.shape)}"
        )
    power = jnp.sum(embedding**2)
    length = jnp.sqrt(jnp.where(power > 0, power, 1))
    return jnp.sum(embedding / length * reference.astype(embedding.dtype), keepdims=True)
