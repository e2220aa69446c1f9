"""Agreement on a codec and classifiers whose answers are known by hand."""

import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import Codec
from experiments.fidelity.agreement import agreement, edited_latents

CODEC = Codec(
    encode=Partial(lambda sound: sound.reshape(-1, 2)),
    decode=Partial(lambda latent: latent.ravel()),
    sample_rate=10,
    hop=2,
)


def test_the_most_relevant_are_kept_and_then_deleted():
    latent, base = jnp.array([[1.0, 2.0], [3.0, 4.0]]), -jnp.ones((2, 2))
    relevance = jnp.array([[4.0, 3.0], [2.0, 1.0]])
    keep, delete = jnp.array([0.25, 1.0]), jnp.array([0.5])
    edited = edited_latents(latent, relevance, base, keep, delete, rank="signed", units=None)
    np.testing.assert_array_equal(
        edited, [[[1, -1], [-1, -1]], [[1, 2], [3, 4]], [[-1, -1], [3, 4]]]
    )
    channels = np.arange(2)[None]
    edited = edited_latents(
        latent, relevance, base, jnp.array([0.5]), delete, rank="signed", units=channels
    )
    np.testing.assert_array_equal(edited, [[[1, -1], [3, -1]], [[-1, 2], [-1, 4]]])


def test_agreement_in_each_place():
    """Class 0 wins if the first feature is on. The listener only hears the last sample."""
    classifier = Partial(lambda latent: jnp.stack([latent[0, 0], jnp.asarray(0.5)]))
    listener = Partial(lambda sound: jnp.stack([sound[-1], jnp.asarray(0.5)]))
    latent = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    edited = latent * jnp.array([[[1.0, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    found = agreement(CODEC, classifier, listener, latent, edited, 4)
    np.testing.assert_array_equal(found["latent"], [1, 1, 0])
    np.testing.assert_array_equal(found["sound"], [1, 1, 0])
    np.testing.assert_array_equal(found["listener"], [1, 0, 1])
    lossy = Codec(CODEC.encode, Partial(lambda latent: 0.4 * latent.ravel()), 10, 2)
    found = agreement(lossy, classifier, listener, latent, edited, 4)
    np.testing.assert_array_equal(found["latent"], [1, 1, 0])
    np.testing.assert_array_equal(found["sound"], [0, 0, 0])
