"""A domain: sums and differences of neighbouring samples, one level of Haar's wavelet."""

import jax
import jax.numpy as jnp
import numpy as np

import audioxai_jax as ax


@ax.record(static=("sample_rate",))
class Haar:
    """Coefficients `[ceil(T / 2), 2]`: of each pair of samples the sum and the difference."""

    sample_rate: int
    name, hop, exact, linear = "haar", 2, True, True

    def analyse(self, audio):
        even, odd = jnp.pad(audio, (0, audio.shape[0] % 2)).reshape(-1, 2).T
        return jnp.stack([even + odd, even - odd], axis=1) / jnp.sqrt(2.0).astype(audio.dtype)

    def synthesise(self, features, audio):
        low, high = features.T
        pairs = jnp.stack([low + high, low - high], axis=1) / jnp.sqrt(2.0).astype(low.dtype)
        return pairs.reshape(-1)[: audio.shape[0]]

    def base(self, features):
        return jnp.zeros_like(features)

    def size(self, features):
        return jnp.abs(features)

    def units(self, shape):
        pairs, bands = shape
        numbers = np.arange(pairs * bands).reshape(shape)
        return {"coefficient": numbers, "band": np.arange(bands)[None]}

    def axes(self, shape):
        seconds = np.arange(shape[0]) * self.hop / self.sample_rate
        return ax.domains.Axis("time", "s", seconds), ax.domains.Axis("band", "", np.arange(2.0))


def build(sample_rate=16_000):
    return Haar(sample_rate)


def classify(params, audio):  # one waveform [T] -> logits [K]
    frames = audio[: audio.shape[0] // 160 * 160].reshape(-1, 160)
    return jnp.abs(frames @ params["filters"]).mean(axis=0) @ params["out"]


if __name__ == "__main__":
    key = jax.random.key(0)
    params = {"filters": jax.random.normal(key, (160, 32)), "out": jnp.eye(32, 10)}
    model = jax.tree_util.Partial(classify, params)  # put your trained parameters here
    classifier = ax.Classifier(model, reads=ax.domains.samples(16_000))
    clip = ax.read_clip(ax.example_clip(), 16_000)
    explanation = ax.explain(classifier, clip.samples, domain=build(), keep=0.1, key=key)
    ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
