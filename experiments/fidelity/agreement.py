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
import numpy as np
from jax import Array

from audioxai_jax.core.contracts import check_sound
from audioxai_jax.core.logits import decision
from audioxai_jax.perturbation.ask import says
from audioxai_jax.perturbation.edit import edit_first
from audioxai_jax.perturbation.rank import kept_count, rank_positions, unit_number, unit_scores
from audioxai_jax.types import Codec, Model


def edited_latents(
    latent: Array,
    relevance: Array,
    base: Array,
    keep: Array,
    delete: Array,
    *,
    rank: str,
    units: np.ndarray | None,
) -> Array:
    """Latents of which the most relevant units are kept, then latents of which they are deleted.

    Args:
      latent: latent of the clip `[F, C]`.
      relevance: `[F, C]`.
      base: values that stand for absent features, `[F, C]`.
      keep, delete: fractions, `[M]` and `[N]`.
      rank, units: see `perturbation.rank.unit_scores`.

    Returns:
      `[M + N, F, C]`.
    """
    positions = rank_positions(unit_scores(relevance, units, rank=rank))
    number = unit_number(latent.shape, units)

    def edits(edit: str, fractions: Array) -> Array:
        return jax.vmap(
            lambda part: edit_first(edit, latent, positions, kept_count(part, number), base, units)
        )(fractions)

    return jnp.concatenate([edits("keep", keep), edits("delete", delete)])


def agreement(
    codec: Codec, classifier: Model, listener: Model, latent: Array, edited: Array, samples: int
) -> dict[str, Array]:
    """Whether each edited latent is still classified as the whole one.

    Args:
      classifier: `latent [F, C] -> logits [K]`.
      listener: `audio [T] -> logits [K]`, with the same classes.
      latent: latent of the clip `[F, C]`.
      edited: `[M, F, C]`.
      samples: length T of the clip.

    Returns:
      Zeros and ones `[M]` in "latent", "sound", "listener"; higher is better for kept
      features, lower for deleted ones. The reference is the classifier's prediction. NaN
      where a model's output is not finite: that is neither agreement nor a flip.
    """
    target = decision(classifier(latent))

    def ask(edited: Array) -> dict[str, Array]:
        sound = check_sound(codec.decode(edited), samples)
        logits = {
            "latent": classifier(edited),
            "sound": classifier(codec.encode(sound)),
            "listener": listener(sound),
        }
        return {name: says(value, target) for name, value in logits.items()}

    return jax.vmap(ask)(edited)
