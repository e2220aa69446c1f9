"""What a classifier's probabilities say of a mask: before, and after it is applied.

F. Paissan, M. Ravanelli, C. Subakan, "Listenable Maps for Audio Classifiers" (L-MAC), ICML 2024,
arXiv 2403.13086; average increase and drop are of A. Chattopadhay et al., "Grad-CAM++", WACV 2018.
All are of one clip; the published numbers are means over clips.

Probabilities `[K]` are a softmax of the logits, once. What is not finite, negative, or does not
sum to 1 (within 1e-3; logits, say) gives NaN. The class c is what the whole clip is taken for,
the lowest of equals.

======== ================================================================
whole    probabilities of the whole clip
kept     of what the mask keeps ("mask-in", the explanation alone)
removed  of what the mask leaves out ("mask-out")
======== ================================================================
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked

TOLERANCE = 1e-3


@checked
def average_increase(whole: Array, kept: Array) -> Array:
    """Whether the mask makes the class more probable; higher is better, 0 or 100, percent.

        100 * 1[o_c > p_c],    p = whole, o = kept

    Grad-CAM++, section 4.1 ("% increase in confidence"); AI of L-MAC.

    Args:
      whole, kept: probabilities `[K]`.

    Raises:
      ValueError: for shapes that are not `[K]`, both.
    """
    before, after = _of_the_class(whole, kept)
    return _where_known(before, after, 100.0 * (after > before))


@checked
def average_drop(whole: Array, kept: Array) -> Array:
    """By which share the class becomes less probable; lower is better, in [0, 100], percent.

        100 * max(0, p_c - o_c) / p_c,    p = whole, o = kept

    Grad-CAM++, section 4.1; AD of L-MAC. SpeechBrain's code for it is `average_drop_speechbrain`.

    Args:
      whole, kept: probabilities `[K]`.

    Raises:
      ValueError: for shapes that are not `[K]`, both.
    """
    before, after = _of_the_class(whole, kept)
    return 100 * jnp.maximum(before - after, 0) / before


@checked
def average_gain(whole: Array, kept: Array) -> Array:
    """Which share of the way to certainty is gained; higher is better, in [0, 100], percent.

        100 * max(0, o_c - p_c) / (1 - p_c),    p = whole, o = kept

    AG of L-MAC, from H. Zhang et al., "Opti-CAM", 2023. 0 for a clip whose class is certain: there
    is nothing to gain. A clip that is nearly certain can have any value, and its digits are
    few in single precision.

    Args:
      whole, kept: probabilities `[K]`.

    Raises:
      ValueError: for shapes that are not `[K]`, both.
    """
    before, after = _of_the_class(whole, kept)
    missing = 1 - before
    gain = jnp.clip((after - before) / jnp.where(missing > 0, missing, 1), 0, 1)
    return _where_known(before, after, jnp.where(missing > 0, 100 * gain, 0))


@checked
def faithfulness_on_spectra(whole: Array, removed: Array) -> Array:
    """How much less probable the class is without what the mask keeps; higher is better.

        p_c - r_c in [-1, 1],    p = whole, r = removed

    FF of L-MAC, after J. Parekh et al., "Listen to Interpret", NeurIPS 2022.

    Args:
      whole, removed: probabilities `[K]`.

    Raises:
      ValueError: for shapes that are not `[K]`, both.
    """
    before, after = _of_the_class(whole, removed)
    return before - after


@checked
def input_fidelity(whole: Array, kept: Array) -> Array:
    """Whether what is kept is taken for the class of the whole; higher is better, 0 or 1.

    Fid-In of L-MAC, with the first class alone (top 1).

    Args:
      whole, kept: probabilities `[K]`.

    Raises:
      ValueError: for shapes that are not `[K]`, both.
    """
    before, after = _of_the_class(whole, kept)
    return _where_known(before, after, 1.0 * (jnp.argmax(whole) == jnp.argmax(kept)))


@checked
def average_drop_speechbrain(whole: Array, kept: Array) -> Array:
    """Average drop with a second softmax, of the probabilities, as SpeechBrain computes it.

        100 * max(0, P_c - O_c) / (P_c + 1e-10),    P = softmax(whole), O = softmax(kept)

    Lower is better, percent, in [0, 100 (1 - 1 / e)]: probabilities differ by 1 at most, so a clip
    that loses its class for good counts 63 at most, see `recipes/ESC50/interpret` there. To
    compare with its tables only.

    Args:
      whole, kept: probabilities `[K]`.

    Raises:
      ValueError: for shapes that are not `[K]`, both.
    """
    before, after = _of_the_class(whole, kept)
    chosen = jnp.argmax(whole)
    first, second = jax.nn.softmax(whole)[chosen], jax.nn.softmax(kept)[chosen]
    drop = 100 * jnp.maximum(first - second, 0) / (first + 1e-10)
    return _where_known(before, after, drop)


def _of_the_class(whole: Array, other: Array) -> tuple[Array, Array]:
    """Two probabilities of the class of the whole; NaN where they are not probabilities."""
    whole, other = jnp.asarray(whole), jnp.asarray(other)
    if whole.ndim != 1 or whole.shape != other.shape or whole.size == 0:
        raise ValueError(
            f"the probabilities are {list(whole.shape)} and {list(other.shape)}, expected [K] both"
        )
    chosen = jnp.argmax(whole)

    def of(probabilities: Array) -> Array:
        fine = jnp.all(probabilities >= 0) & (jnp.abs(jnp.sum(probabilities) - 1) < TOLERANCE)
        return jnp.where(fine, probabilities[chosen], jnp.nan)

    return of(whole), of(other)


def _where_known(before: Array, after: Array, found: Array) -> Array:
    return jnp.where(jnp.isnan(before) | jnp.isnan(after), jnp.nan, found)
