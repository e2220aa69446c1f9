"""The game that is played: groups of features are in, the others are replaced by a baseline.

v(z) = f(x where z is 1, baseline where z is 0),        z in {0, 1}^G
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution.options import baseline_like
from audioxai_jax.attribution.segments import Segmentation, in_groups
from audioxai_jax.engine.estimator import sum_type
from audioxai_jax.types import Model, score


def worth(model: Model, x: Array, target: Array | int) -> Array:
    """The target's logit, in the type in which samples are added up."""
    return score(model, x, target).astype(sum_type(x))


def worths(
    model: Model,
    x: Array,
    target: Array | int,
    baseline: Array | float,
    segments: Segmentation,
    coalitions: Array,
) -> Array:
    """`v` of coalitions, bool `[n, G]`: one evaluation of the model each."""
    base = baseline_like(baseline, x)

    def one(present: Array) -> Array:
        return worth(model, jnp.where(in_groups(present, segments, x.shape), x, base), target)

    return jax.vmap(one)(coalitions)
