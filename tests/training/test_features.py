"""Features that are computed once: what they hold, and that they are always the same."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from audioxai_jax import Codec
from audioxai_jax.data.augment import augment
from audioxai_jax.training.features import augmented_features, encode_gaps, plain_features

CODEC = Codec(
    encode=Partial(lambda sound: 2 * sound.reshape(-1, 100)),
    decode=Partial(lambda latent: latent.ravel() / 2 + 0.25),
    sample_rate=4000,
    hop=100,
)
CLIPS = np.random.default_rng(0).integers(-9000, 9000, (70, 2, 4000)).astype(np.int16)
NOISES = np.random.default_rng(1).integers(-900, 900, (3, 4000)).astype(np.int16)


def keeps_first(key, latent):
    return jnp.zeros_like(latent).at[:1].set(1.0)


def test_plain_features_are_the_encoders():
    audio = CLIPS[:, 0]
    found = plain_features(CODEC.encode, audio)
    wanted = 2 * audio.reshape(70, 40, 100) / np.float32(32768)
    np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_copies_differ_and_come_back():
    def make(clips, seed):
        key = jax.random.key(seed)
        return np.stack([*augmented_features(CODEC.encode, clips, NOISES, copies=2, key=key)])

    found = make(CLIPS, 0)
    assert found.shape == (2, 70, 40, 100)
    assert np.abs(found[0] - found[1]).max() > 0.01
    np.testing.assert_array_equal(found, make(CLIPS, 0))
    assert np.abs(found - make(CLIPS, 1)).max() > 0.01
    np.testing.assert_allclose(found[:, :5], make(CLIPS[:5], 0), atol=1e-6)  # none knows the rest


def test_a_copy_is_the_augmented_clip_encoded():
    key = jax.random.key(3)
    _, found = augmented_features(CODEC.encode, CLIPS[:4], NOISES, copies=2, key=key)
    copy_key = jax.random.split(key, 2)[1]
    clip_key, _ = jax.random.split(jax.random.fold_in(copy_key, 2))
    sound = augment(clip_key, jnp.asarray(CLIPS[2]), jnp.asarray(NOISES))
    np.testing.assert_allclose(found[2], CODEC.encode(sound), atol=1e-6)


def test_gaps_are_heard_as_often_as_told():
    latent = jnp.ones((40, 100))
    holed = jnp.zeros((40, 100)).at[0].set(1.0)
    again = holed + 0.5  # the toy decoder adds a quarter, the encoder doubles it
    for heard, wanted in ((0.0, holed), (1.0, again)):
        gaps = encode_gaps(CODEC, 4000, Partial(keeps_first), heard=heard)
        np.testing.assert_allclose(gaps(jax.random.key(0), latent), wanted, atol=1e-6)
    gaps = encode_gaps(CODEC, 4000, Partial(keeps_first), heard=0.75)
    keys = jax.random.split(jax.random.key(0), 400)
    share = np.mean([float(z[1, 0]) == 0.5 for z in jax.vmap(gaps, (0, None))(keys, latent)])
    assert abs(share - 0.75) < 0.08
