"""Fidelity: does the part that was kept still say the same, and the rest no longer?

Agreement with the model's own prediction on the whole clip, not accuracy. It is measured
in three places, because each can mislead in its own way:

  latent     the classifier on the masked latent itself, which cannot be heard;
  sound      the classifier on the decoded sound, encoded again: what can be heard, but
             a decoder trained with a cycle loss may please its own encoder;
  listener   a classifier on the decoded sound that never saw the codec.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.contracts import check_sound
from audioxai_jax.core.logits import decision
from audioxai_jax.synthesis.bases import mix
from audioxai_jax.synthesis.masks import top_fraction
from audioxai_jax.types import Codec, Model


def edit_masks(relevance: Array, keep: Array, delete: Array, *, rank: str, unit: str) -> Array:
    """Masks that keep the most relevant features, then masks that delete them.

    Args:
      relevance: `[F, C]`.
      keep, delete: fractions, `[M]` and `[N]`.
      rank, unit: see `top_fraction`.

    Returns:
      `[M + N, F, C]`, 1 where the latent stays as it is.
    """

    def top(fraction):
        return top_fraction(fraction, rank=rank, unit=unit)(relevance)

    return jnp.concatenate([jax.vmap(top)(keep), 1 - jax.vmap(top)(delete)])


def agreement(
    codec: Codec,
    classifier: Model,
    listener: Model,
    latent: Array,
    masks: Array,
    base: Array,
    samples: int,
) -> dict[str, Array]:
    """Whether each edited latent is still classified as the whole one.

    Args:
      classifier: `latent [F, C] -> logits [K]`.
      listener: `audio [T] -> logits [K]`, with the same classes.
      latent: of the clip `[F, C]`.
      masks: `[M, F, C]`.
      base: values where a mask is 0, `[F, C]`.
      samples: length T of the clip.

    Returns:
      Zeros and ones `[M]` in "latent", "sound", "listener"; higher is better for kept
      features, lower for deleted ones. The reference is the classifier's prediction. NaN
      where a model's output is not finite: that is neither agreement nor a flip.
    """
    target = decision(classifier(latent))

    def judge(mask):
        edited = mix(latent, mask, base)
        sound = check_sound(codec.decode(edited), samples)
        logits = {
            "latent": classifier(edited),
            "sound": classifier(codec.encode(sound)),
            "listener": listener(sound),
        }
        return {name: _says(value, target) for name, value in logits.items()}

    return jax.vmap(judge)(masks)


def _says(logits: Array, target: Array) -> Array:
    agrees = (decision(logits) == target) * 1.0
    return jnp.where(jnp.all(jnp.isfinite(logits)), agrees, jnp.nan)
