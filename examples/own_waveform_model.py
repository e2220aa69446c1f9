"""A waveform model, explained in frequencies."""

import jax
import jax.numpy as jnp

import audioxai_jax as ax


def classify(params, audio):  # one waveform [T] -> logits [K]
    frames = audio[: audio.shape[0] // 160 * 160].reshape(-1, 160)
    return jnp.abs(frames @ params["filters"]).mean(axis=0) @ params["out"]


key = jax.random.key(0)
params = {"filters": jax.random.normal(key, (160, 32)), "out": jnp.eye(32, 10)}
model = jax.tree_util.Partial(classify, params)  # put your trained parameters here
classifier = ax.Classifier(model, reads=ax.domains.samples(16_000))

clip = ax.read_clip(ax.example_clip(), 16_000)
domain = ax.domains.frequencies(16_000)
explanation = ax.explain(classifier, clip.samples, domain=domain, keep=0.1, key=key)
ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
