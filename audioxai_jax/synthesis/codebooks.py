"""Which codewords of a residual quantiser speak for a class, and a sound of those alone.

The latent of a residual quantiser is a sum of K stages, `z = v_1 + .. + v_K`, a codeword per
stage and frame (see `nets.layers.quantiser.stage_words`). So a classifier of latents is also one of
stages, and every attribution method, applied to the stages, says how much each of their
numbers speaks for the target. With gradient x input that is `grad f(z) . v_k`; with integrated
gradients the gradient is averaged along the path, and the relevance of all stages sums to
`f(z) - f(0)`. A stage that is left out adds nothing, as one that was never sent.

    _, _, params = records.bound(codec.encode)          # of lyra or encodec
    codes = quantise(params["codebooks"], codec.encode(audio))
    stages = stage_words(params["codebooks"], codes)
    relevance = method(of_stages(classifier), stages, target, key=key).relevance
    kept = jnp.sum(top_codes(50)(relevance, Context()) * stages, axis=0)      # a latent to decode
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import as_model, record
from audioxai_jax.perturbation.rank import check_sign, top_mask
from audioxai_jax.synthesis.masks import check_count
from audioxai_jax.types import Context, Masker, Model

CODE_UNITS = ("code", "stage")


def of_stages(model: Model) -> Model:
    """The model of latents `[F, C]` as one of stages `[K, F, C]`: it is given their sum."""
    return Partial(_of_sum, as_model(model))


def _of_sum(model: Model, stages: Array) -> Array:
    if stages.ndim != 3:
        raise ValueError(f"stages must be [K, F, C], got {stages.shape}")
    return model(jnp.sum(stages, axis=0))


def code_scores(relevance: Array, *, rank: str = "signed", unit: str = "code") -> Array:
    """Relevance of each codeword, `[K, F]`, or each stage, `[K, 1]`.

    A codeword is one decision, so its relevance is the sum over its channels, whose signs
    may differ; "absolute" is the magnitude of that sum. A stage's is the sum over its
    codewords' scores.

    Args:
      relevance: relevance of stages, `[K, F, C]`.
      rank, unit: see `top_codes`.

    Raises:
      ValueError: as `top_codes`, and for relevance that is not `[K, F, C]`.
    """
    _check(rank, unit)
    if relevance.ndim != 3:
        raise ValueError(f"relevance must be that of stages [K, F, C], got {relevance.shape}")
    score = jnp.sum(relevance, axis=2)
    score = jnp.abs(score) if rank == "absolute" else score
    return jnp.sum(score, axis=1, keepdims=True) if unit == "stage" else score


def top_codes(count: int | Array, *, rank: str = "signed", unit: str = "code") -> Masker:
    """Keeps the `count` most relevant codewords, or whole stages; ties to the lowest index.

    Args:
      count: a whole number from 0 up, may be traced; all are kept if there are fewer.
      rank: "signed" or "absolute", see `code_scores`.
      unit: "code", one stage of one frame, or "stage", in all frames.

    Returns:
      A `Masker`: relevance of stages `[K, F, C]` to a mask of that shape, zeros and ones, equal
      over channels.

    Raises:
      ValueError: for a count that is negative or not whole, an unknown rank or unit.
    """
    check_count(count)
    _check(rank, unit)
    return TopCodes(count=count, rank=rank, unit=unit)


@record(static=("rank", "unit"))
class TopCodes:
    """See `top_codes`."""

    count: int | Array
    rank: str
    unit: str

    def __call__(self, relevance: Array, context: Context) -> Array:
        del context  # units are codewords, or stages
        score = code_scores(relevance, rank=self.rank, unit=self.unit)
        units = np.arange(score.size).reshape(*score.shape, 1)
        return top_mask(score.ravel(), self.count, relevance, units)


def _check(rank: str, unit: str) -> None:
    check_sign(rank)
    if unit not in CODE_UNITS:
        raise ValueError(f"unknown unit {unit!r}: choose one of {', '.join(CODE_UNITS)}")
