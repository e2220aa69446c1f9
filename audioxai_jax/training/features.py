"""Augmented features, computed once: many networks can then learn from the same ones."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.batching import iterate_examples
from audioxai_jax.core.records import Static, as_model
from audioxai_jax.data.augment import augment
from audioxai_jax.types import Codec, Model

CHUNK = 32


def plain_features(extract: Model, audio: np.ndarray) -> np.ndarray:
    """Features of clips as they are: int16 `[N, T]` to `[N, F, C]`."""
    return _gathered(_plain, as_model(extract), audio, jax.random.key(0))


def augmented_features(
    extract: Model,
    clips: np.ndarray,
    noises: np.ndarray,
    *,
    copies: int,
    key: Array,
    gaps: Model | None = None,
    shift: int = 1600,
) -> Iterator[np.ndarray]:
    """Yields the features of augmented copies of each clip, copy by copy: they are large.

    Args:
      extract: `audio [T] -> features [F, C]`.
      clips: int16 `[N, S, T]`, see `augment`.
      noises: int16 `[M, T]`, see `augment`.
      copies: number of copies of each clip.
      key: consumed; copy k of clip i depends on key, k and i alone.
      gaps: `(key, features) -> features`, what the copies go through as well.
      shift: see `augment`.

    Yields:
      `[N, F, C]` for each copy.
    """
    gaps = None if gaps is None else as_model(gaps)
    shared = (as_model(extract), jnp.asarray(noises), gaps, Static(shift))
    keys = jax.random.split(key, copies)
    for one in keys:
        yield _gathered(_augmented, shared, clips, one)


def encode_gaps(codec: Codec, samples: int, mask: Model, *, heard: float = 0.75) -> Model:
    """`(key, latent) -> latent` with gaps, a fraction of them decoded and encoded again.

    Args:
      codec: codec of the latent.
      samples: length of the clips.
      mask: `(key, latent) -> mask`, such as `masking.loud_mask`.
      heard: probability of the trip through sound, which explanations go through.
    """
    return Partial(_encode_gaps, Static((samples, heard)), codec, mask)


def _encode_gaps(settings: Static, codec: Codec, mask: Model, key: Array, latent: Array) -> Array:
    samples, heard = settings.value  # type: ignore[misc]
    heard_key, mask_key = jax.random.split(key)
    holed = mask(mask_key, latent) * latent  # type: ignore[call-arg]
    again = codec.encode(codec.decode(holed)[:samples])
    return jnp.where(jax.random.bernoulli(heard_key, heard), again, holed)


def _plain(extract: Model, clip: Array, key: Array) -> Array:
    del key
    return extract(clip.astype(jnp.float32) / 32768)


def _augmented(shared, clip: Array, key: Array) -> Array:
    extract, noises, gaps, shift = shared
    augment_key, gaps_key = jax.random.split(key)
    features = extract(augment(augment_key, clip, noises, shift=shift.value))
    return features if gaps is None else gaps(gaps_key, features)


def _gathered(function, shared: Any, examples: np.ndarray, key: Array) -> np.ndarray:
    parts = iterate_examples(function, shared, examples, key=key, chunk=CHUNK)
    return np.concatenate([np.asarray(part) for part in parts])
