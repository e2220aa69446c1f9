"""Additive: each output is a weighted sum of levels of a real latent.

    f_c(x) = sum_i w_ci x_i + b_c,     R_i = w_ci x_i

which is the Shapley value, and what Integrated Gradients, input times gradient, DeepLIFT and LRP
with an epsilon of zero give (M. Ancona et al., "Towards better understanding of gradient-based
attribution methods for Deep Neural Networks", ICLR 2018, section 3). A third of the weights of each
output is zero.
"""

from pathlib import Path

import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.truth.closed import CLASSES, PLAYERS, Closed, closed_trial, draw
from audioxai_jax.truth.record import Trial

UNREAD = PLAYERS // 3


def weighted(params: dict[str, Array], x: Array) -> Array:
    """Outputs `[CLASSES]` of levels `[PLAYERS]`."""
    return params["weights"] @ x + params["bias"]


def closed(seed: int) -> Closed:
    """The model of a seed, and its exact values."""
    random = np.random.default_rng([seed, 23])
    weights = random.normal(size=(CLASSES, PLAYERS))
    for row in weights:
        row[random.permutation(PLAYERS)[:UNREAD]] = 0
    params = {"weights": weights, "bias": random.normal(size=CLASSES)}
    values = lambda x, target: weights[target] * x
    return Closed(Partial(weighted, params), values, values, weights != 0)


def build(seed: int, *, clips: int = 24, data: Path | None = None) -> Trial:
    """See `Truth.build`."""
    del data
    return closed_trial(closed(seed), draw(clips, seed=seed))
