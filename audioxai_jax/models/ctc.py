"""Recognisers of speech that were trained by CTC: how likely a token or a word is.

A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist Temporal Classification:
Labelling Unsegmented Sequence Data with Recurrent Neural Networks", ICML 2006, section 4.1.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.checks import whole
from audioxai_jax.core.records import Static, as_model
from audioxai_jax.models.over_time import per_frame
from audioxai_jax.types import Model

NEVER = -1e30
"""Logarithm of the probability of what cannot be: finite, so that no gradient is NaN."""


def ctc_token(model: Model, token: int, *, blank: int = 0) -> Model:
    """The log-likelihood `[1]` that a clip says one token and nothing else, see `ctc_word`.

    Args:
      model: one example to logits of tokens per frame, `[F, K]`.
      token: number of the token.
      blank: number of the blank.

    Raises:
      WrongType, ValueError: as `ctc_word`.
    """
    return ctc_word(model, (token,), blank=blank)


def ctc_word(model: Model, tokens: Sequence[int], *, blank: int = 0) -> Model:
    """The log-likelihood `[1]` that a clip says a sequence of tokens and nothing else.

    log p(l | x) = log of the sum, over all paths of F tokens that give l once repeats and then
    blanks are removed, of the product of y_t. By the forward recursion over the word with blanks
    around its tokens, l' (equations 6 to 8):

        a_t(s) = (a_(t-1)(s) + a_(t-1)(s - 1) [+ a_(t-1)(s - 2)]) y_t(l'_s)

    with the last term where l'_s is a token other than l'_(s - 2). It is computed by logarithms.

    For methods of gradients and of edits. Rules of relevance (`lrp`) pass it, but logarithms of
    sums do not conserve: explain the logit of a token in a span of frames by `over_time.frames`.

    Args:
      model: one example to logits of tokens per frame, `[F, K]`; log-probabilities do as well.
      tokens: numbers of the word's tokens, leaves of the new model: words of one length, with
        repeats at the same places, share a compilation.
      blank: number of the blank.

    Returns:
      A model of one output, 0 or less; its `Classifier.outputs` is "value". It is NaN for a token
      that the model does not have.

    Raises:
      WrongType, ValueError: for no tokens, or the blank among them; when called, for outputs that
        are not `[F, K]`, or fewer frames than the word needs.

    >>> even = lambda x: jnp.zeros((2, 3))  # each of 3 tokens in each of 2 frames
    >>> jnp.exp(ctc_word(even, (1,))(jnp.zeros(1))).round(4).tolist()  # 11, 01, 10 of 9 paths
    [0.33329999446868896]
    """
    blank = whole(blank, "ctc_word: blank", 0)
    if isinstance(tokens, str) or not hasattr(tokens, "__len__") or not len(tokens):
        raise ValueError(
            f"ctc_word: tokens must be numbers of the model's tokens, at least one, got {tokens!r}"
        )
    numbers = [whole(token, "ctc_word: each token", 0) for token in tokens]
    if blank in numbers:
        raise ValueError(
            f"ctc_word: {blank} is the blank, which no word has: leave it out of the tokens, or "
            "say which number the blank has by blank="
        )
    skips = tuple(a != b for a, b in zip(numbers, numbers[1:], strict=False))
    return Partial(_word, as_model(model), np.asarray(numbers, np.int32), Static((blank, skips)))


def _word(model: Model, tokens: Array, layout: Static, x: Array) -> Array:
    blank, skips = layout.value  # type: ignore[misc]
    logits = per_frame(model(x), "ctc_word")
    count, needed = len(logits), len(skips) + 1 + sum(not skip for skip in skips)
    if count < needed:
        raise ValueError(
            f"ctc_word: the word needs {needed} frames, the clip has {count}: give a longer clip"
        )
    if not blank < logits.shape[1]:
        raise ValueError(f"ctc_word: blank {blank} is not among {logits.shape[1]} tokens")
    levels = jax.nn.log_softmax(logits, axis=-1)
    spoken = levels.at[:, jnp.asarray(tokens)].get(mode="fill", fill_value=jnp.nan)
    pauses = jnp.broadcast_to(levels[:, blank : blank + 1], (count, len(skips) + 2))
    # l' = blank, token, blank, .., token, blank
    both = jnp.stack([pauses[:, :-1], spoken], axis=2).reshape(count, -1)
    return _forward(jnp.concatenate([both, pauses[:, -1:]], axis=1), skips)[None]


def _forward(levels: Array, skips: tuple[bool, ...]) -> Array:
    """The recursion over log-probabilities of l' in each frame, `[F, 2 S + 1]`."""
    never = jnp.full((2,), NEVER, levels.dtype)
    steps = np.zeros(levels.shape[1], bool)
    steps[3::2] = skips
    first = jnp.where(np.arange(levels.shape[1]) < 2, levels[0], NEVER)

    def step(before: Array, level: Array) -> tuple[Array, None]:
        padded = jnp.concatenate([never, before])
        skipped = jnp.where(steps, padded[:-2], NEVER)
        return jnp.logaddexp(jnp.logaddexp(before, padded[1:-1]), skipped) + level, None

    last, _ = jax.lax.scan(step, first, levels[1:])
    return jnp.logaddexp(last[-1], last[-2])
