"""Infidelity: does relevance foretell how the output changes when the input does?

C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. Inouye, P. Ravikumar, "On the (In)fidelity and
Sensitivity of Explanations", NeurIPS 2019, definition 2.1:

    INFD = E_I [ (sum_i I_i R_i - (f(x) - f(x - I)))^2 ]

`I` is a change in units of the input: `R` is then a slope, such as a gradient. Relevance that
is a contribution already (gradient x input, integrated gradients) wants `I` as a share of
what the feature has over its baseline, `(x - changed) / (x - baseline)`: captum's
`multiply_by_inputs`. Quantus takes slopes only.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checked import checked
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.perturbation.noise import (
    Perturbation,
    check_perturbed,
    gaussian_noise,
    perturbed_inputs,
)
from audioxai_jax.types import Model, score


@relaxed()
@checked
def infidelity(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    perturb: Perturbation = gaussian_noise(0.1),
    *,
    key: Array,
    samples: int = 64,
    baseline: Array | float | None = None,
    normalise: bool = False,
    chunk: int = 16,
) -> Array:
    """Mean squared error of the change that relevance foretells; lower is better, in [0, inf).

    Args:
      model: one example to logits `[K]`, of audio or of the features of any domain; the target's
        is explained. For probabilities, see `audioxai_jax.models.outputs`.
      x: input of the model, floating point.
      relevance: relevance of the input's shape.
      perturb: `(x, key) -> changed x`: `gaussian_noise`, `uniform_noise` or `random_subset` of
        `perturbation.noise`, or a function of your own.
      key: consumed.
      samples: number of changed inputs.
      baseline: None for relevance that is a slope; for contributions the baseline they are
        over, of the input's shape or a number.
      normalise: scale relevance by the factor that makes the error least, as captum's
        `normalize` does. The result then lies between 0 and the mean square of the changes.
      chunk: changed inputs at once.

    Returns:
      A scalar, in squared units of the output; NaN if relevance or an output is.

    Raises:
      ValueError: for shapes that do not fit, or no samples.
    """
    changed = perturbed_inputs(perturb, x, key, samples)
    return infidelity_of(
        model, x, relevance, target, changed, baseline=baseline, normalise=normalise, chunk=chunk
    )


@relaxed()
def infidelity_of(
    model: Model,
    x: Array,
    relevance: Array,
    target: Array | int,
    perturbed: Array,
    *,
    baseline: Array | float | None = None,
    normalise: bool = False,
    chunk: int = 16,
) -> Array:
    """`infidelity` over changed inputs `[S, ...]` that are given."""
    changed = check_perturbed(perturbed, x)
    if relevance.shape != x.shape:
        raise ValueError(f"relevance is {list(relevance.shape)}, the input {list(x.shape)}")
    drops = score(model, x, target) - jax.lax.map(
        lambda one: score(model, one, target), changed, batch_size=chunk
    )
    moves = x - changed
    if baseline is not None:
        over = x - baseline
        moves = moves / jnp.where(over == 0, 1, over)
    foretold = jnp.sum((moves * relevance).reshape(len(changed), -1), axis=1)
    if normalise:
        scale = jnp.sum(foretold**2)
        foretold *= jnp.sum(foretold * drops) / jnp.where(scale == 0, 1, scale)
    return jnp.mean((foretold - drops) ** 2)
