"""Latents with gaps, for training.

An explanation is a latent of which most is missing. To networks that were trained on whole
latents this is out of distribution, so their output means little: P. Hase, H. Xie, M. Bansal,
"The Out-of-Distribution Problem in Explainability and Search Methods for Feature Importance
Explanations", NeurIPS 2021, therefore show such inputs during training.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.perturbation.rank import kept_count, top_mask

Gaps = Callable[[Array, Array, Array], tuple[Array, Array]]
"""`(key, latent [F, C], audio [T]) -> mask [F, C], the part of the audio that it keeps [T]`."""


def random_mask(key: Array, shape: tuple[int, ...], *, least: float) -> Array:
    """Keeps a random fraction of a latent, from `least` to 1.

    Of features, of whole frames or channels, of a span of time, or of features with another
    fraction in each channel (relevance favours some channels).

    Args:
      key: consumed.
      shape: shape of the latent, (F, C).
      least: smallest fraction kept; in one channel it may be less.

    Returns:
      Zeros and ones, `[F, C]`.
    """
    keys = jax.random.split(key, 7)
    keep = jax.random.uniform(keys[0], (), minval=least, maxval=0.99)
    draw = jax.random.uniform(keys[1], shape)
    frame = jax.random.uniform(keys[2], (shape[0], 1)) < keep
    channel = jax.random.uniform(keys[3], (1, shape[1])) < keep
    favour = jax.random.uniform(keys[4], (1, shape[1])) ** (1 / keep - 1)
    start = jax.random.randint(keys[5], (), 0, shape[0])
    span = jnp.abs(jnp.arange(shape[0]) - start)[:, None] < 0.5 * keep * shape[0]
    full = jnp.ones(shape, bool)
    kinds = [draw < keep, draw < favour, frame & full, channel & full, span & (draw < favour)]
    chosen = jax.random.randint(keys[6], (), 0, len(kinds))
    return jnp.stack(kinds)[chosen].astype(jnp.float32)


def loud_mask(key: Array, latent: Array, *, least: float) -> Array:
    """Keeps a random fraction of a latent, large values first, by a random taste.

    What methods find relevant is large more often than not. The taste (a random preference
    among channels, frames and features, of random strength) knows nothing of the class, so a
    classifier cannot read the class from the mask's shape.

    Args:
      key: consumed.
      latent: `[F, C]`.
      least: smallest fraction kept; fractions are spread evenly on a log scale.

    Returns:
      Zeros and ones, `[F, C]`.
    """
    keys = jax.random.split(key, 5)
    keep = least ** jax.random.uniform(keys[0], ())
    strength = jax.random.uniform(keys[1], (), maxval=0.4)
    taste = (
        jax.random.normal(keys[2], (latent.shape[0], 1))
        + jax.random.normal(keys[3], (1, latent.shape[1]))
        + 0.5 * jax.random.normal(keys[4], latent.shape)
    )
    score = (jnp.abs(latent) * jnp.exp(strength * taste)).ravel()
    return top_mask(score, kept_count(keep, score.size), latent)


def loud_cells(network: Any, config: Any, least: float) -> Gaps:
    """Gaps of whole cells for a codec whose latent has them, and what is left of the sound.

    Args:
      network: module of the codec, with `cells(config)` and `filtered(config, audio, kept)`, such
        as `nets.codecs.gainshape`.
      config: configuration of the codec.
      least: smallest fraction of the cells that is kept, see `loud_mask`.

    Returns:
      `(key, latent [F, C], audio [T]) -> mask [F, C], sound [T]`.
    """
    bands = network.cells(config)

    def gaps(key: Array, latent: Array, audio: Array) -> tuple[Array, Array]:
        kept = loud_mask(key, latent[:, : config.gains], least=least)
        sound = network.filtered(config, audio, kept)[: len(audio)]
        return jnp.take(kept, jnp.asarray(bands), axis=1), sound

    return gaps
