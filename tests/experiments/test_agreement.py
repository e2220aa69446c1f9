"""Agreement on a codec and classifiers whose answers are known by hand."""

import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import Codec
from experiments.fidelity.agreement import agreement, edit_masks

CODEC = Codec(
    encode=Partial(lambda sound: sound.reshape(-1, 2)),
    decode=Partial(lambda latent: latent.ravel()),
    sample_rate=10,
    hop=2,
)


def test_edit_masks_keep_and_delete():
    relevance = jnp.array([[4.0, 3.0], [2.0, 1.0]])
    masks = edit_masks(
        relevance, jnp.array([0.25, 1.0]), jnp.array([0.5]), rank="signed", unit="feature"
    )
    np.testing.assert_array_equal(masks, [[[1, 0], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [1, 1]]])


def test_agreement_in_each_place():
    """Class 0 wins if the first feature is on. The listener only hears the last sample."""
    classifier = Partial(lambda latent: jnp.stack([latent[0, 0], jnp.asarray(0.5)]))
    listener = Partial(lambda sound: jnp.stack([sound[-1], jnp.asarray(0.5)]))
    latent = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    masks = jnp.array([[[1.0, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    found = agreement(CODEC, classifier, listener, latent, masks, jnp.zeros((2, 2)), 4)
    np.testing.assert_array_equal(found["latent"], [1, 1, 0])
    np.testing.assert_array_equal(found["sound"], [1, 1, 0])
    np.testing.assert_array_equal(found["listener"], [1, 0, 1])
    lossy = Codec(CODEC.encode, Partial(lambda latent: 0.4 * latent.ravel()), 10, 2)
    found = agreement(lossy, classifier, listener, latent, masks, jnp.zeros((2, 2)), 4)
    np.testing.assert_array_equal(found["latent"], [1, 1, 0])
    np.testing.assert_array_equal(found["sound"], [0, 0, 0])
