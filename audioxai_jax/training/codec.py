"""Losses for codecs, and one training step.

Two stages. First the whole codec learns to reproduce speech. Then its decoder alone
learns to decode latents that are partly replaced by zeros, as explanations are: without
that, such latents are out of its distribution. The second stage asks that what was kept
comes back when the sound is encoded again, and that what was removed stays away.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.extras import needed_by
from audioxai_jax.training.latent_gaps import Gaps, loud_mask, random_mask
from audioxai_jax.transforms.mel import log_mel
from audioxai_jax.transforms.stft import magnitude_spectrogram

with needed_by("audioxai_jax.training"):
    import optax

WINDOWS = (1024, 512, 256, 128)
AWAY = 0.1
"""Weight of what was removed against what was kept, in the second stage. Frames overlap, so some
of what was removed must come back; to punish that much makes sounds choppy."""
Encode = Callable[[Any, Array], Array]
Decode = Callable[[Any, Array], Array]


def reconstruction_loss(decoded: Array, audio: Array, sample_rate: int) -> dict[str, Array]:
    """Terms of the difference of two waveforms `[T]`, independent of their level.

    Returns:
      "spectral": L1 of log magnitudes plus relative error of magnitudes, mean over STFT
      windows (R. Yamamoto, E. Song, J.-M. Kim, "Parallel WaveGAN", ICASSP 2020,
      equations 4 to 6); "mel": L1 of log-mel spectrograms; "waveform": log of the
      relative squared error.
    """
    scale = 0.7 / (jnp.max(jnp.abs(audio)) + 1e-4)
    decoded, audio = decoded * scale, audio * scale
    spectral = jnp.zeros(())
    for window in WINDOWS:
        found = magnitude_spectrogram(decoded, window=window, hop=window // 4)
        wanted = magnitude_spectrogram(audio, window=window, hop=window // 4)
        log_error = jnp.mean(jnp.abs(jnp.log(found + 1e-3) - jnp.log(wanted + 1e-3)))
        error = jnp.sqrt(jnp.sum((found - wanted) ** 2) + 1e-6)
        spectral += (log_error + error / jnp.sqrt(jnp.sum(wanted**2) + 1e-2)) / len(WINDOWS)
    mel = jnp.mean(
        jnp.abs(log_mel(decoded, sample_rate=sample_rate) - log_mel(audio, sample_rate=sample_rate))
    )
    error = jnp.sum((decoded - audio) ** 2) / (jnp.sum(audio**2) + 1e-2)
    return {"spectral": spectral, "mel": mel, "waveform": jnp.log(error + 1e-3)}


def make_step(
    encode: Encode,
    decode: Decode,
    optimiser: optax.GradientTransformation,
    *,
    sample_rate: int,
    masked: bool,
    weights: dict[str, float],
    gaps: Gaps | None = None,
):
    """One training step, jitted: `(params, state, audio [B, T], key) -> (.., metrics)`.

    `params` is `{"encoder": .., "decoder": ..}`. With `masked`, the encoder stays as it
    is and the loss is that of the second stage. With `gaps`, every second clip of the first stage
    is decoded from a latent with gaps, and compared with the part of the clip that was kept.
    """

    def one(params, audio: Array, key: Array) -> tuple[Array, dict[str, Array]]:
        latent = encode(params, audio)
        wanted, kept = audio, latent
        if gaps is not None:
            half_key, key = jax.random.split(key)
            mask, part = gaps(key, latent, audio)
            half = jax.random.bernoulli(half_key)
            kept = jnp.where(half, mask * latent, latent)
            wanted = jnp.where(half, part, audio)
        terms = reconstruction_loss(decode(params, kept)[: len(audio)], wanted, sample_rate)
        if masked:
            kind_key, random_key, loud_key = jax.random.split(key, 3)
            mask = jnp.where(
                jax.random.bernoulli(kind_key),
                random_mask(random_key, latent.shape, least=0.03),
                loud_mask(loud_key, latent, least=0.03),
            )
            again = encode(params, decode(params, mask * latent)[: len(audio)])
            error = jnp.abs(again - mask * latent)
            returns = jnp.sum(mask * error) / (jnp.sum(mask) + 1)
            stays_away = jnp.sum((1 - mask) * error) / (jnp.sum(1 - mask) + 1)
            terms["cycle"] = returns + AWAY * stays_away
        return sum((weights[name] * value for name, value in terms.items()), jnp.zeros(())), terms

    def loss(trained, fixed, audio: Array, key: Array):
        params = {**fixed, **trained}
        keys = jax.random.split(key, audio.shape[0])
        values, terms = jax.vmap(one, in_axes=(None, 0, 0))(params, audio, keys)
        return jnp.mean(values), jax.tree.map(jnp.mean, terms)

    @jax.jit
    def step(params, state, audio: Array, key: Array):
        trained = {"decoder": params["decoder"]} if masked else params
        (value, terms), gradient = jax.value_and_grad(loss, has_aux=True)(
            trained, params, audio, key
        )
        update, state = optimiser.update(gradient, state, trained)
        params = {**params, **optax.apply_updates(trained, update)}  # type: ignore[dict-item]
        return params, state, {"loss": value, **terms, "gradient": optax.tree.norm(gradient)}

    return step
