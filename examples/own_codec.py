"""A codec: 64 cosines of each frame. As a domain it explains any model of sound."""

import jax
import jax.numpy as jnp
import numpy as np

import audioxai_jax as ax

HOP, CHANNELS = 320, 64
STEPS = (np.arange(HOP) + 0.5)[:, None] * np.arange(CHANNELS)
COSINES = (np.sqrt(2 / HOP) * np.cos(np.pi / HOP * STEPS)).astype(np.float32)


def encode(cosines, audio):  # audio [T] -> latent [ceil(T / HOP), CHANNELS]
    return jnp.pad(audio, (0, -audio.shape[0] % HOP)).reshape(-1, HOP) @ cosines


def decode(cosines, latent):  # the lowest CHANNELS / HOP of the spectrum
    return (latent @ cosines.T).reshape(-1)


def build():
    cosines = jnp.asarray(COSINES)  # put your trained parameters here
    encoder = jax.tree_util.Partial(encode, cosines)
    decoder = jax.tree_util.Partial(decode, cosines)
    return ax.Codec(encoder, decoder, sample_rate=16_000, hop=HOP, name="cosines")


def classify(params, audio):  # one waveform [T] -> logits [K]
    frames = audio[: audio.shape[0] // 160 * 160].reshape(-1, 160)
    return jnp.abs(frames @ params["filters"]).mean(axis=0) @ params["out"]


if __name__ == "__main__":
    key = jax.random.key(0)
    params = {"filters": jax.random.normal(key, (160, 32)), "out": jnp.eye(32, 10)}
    model = jax.tree_util.Partial(classify, params)  # put your trained parameters here
    classifier = ax.Classifier(model, reads=ax.domains.samples(16_000))
    clip = ax.read_clip(ax.example_clip(), 16_000)
    domain = ax.domains.latent(build())
    explanation = ax.explain(classifier, clip.samples, domain=domain, keep=0.1, key=key)
    ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
