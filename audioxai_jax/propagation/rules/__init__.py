"""Rules of relevance propagation, one family a file. To add one: write its file, add its line."""

from collections.abc import Callable
from typing import Any

from audioxai_jax.propagation.rules.alpha_beta import alpha_beta, z_plus
from audioxai_jax.propagation.rules.base import Rule, Shares, divide, share, stabilise, transposed
from audioxai_jax.propagation.rules.deep_lift import (
    midpoint,
    rescale,
    rescale_logsumexp,
    rescale_softmax,
    rescale_winners,
    shapley,
)
from audioxai_jax.propagation.rules.epsilon import epsilon, zero
from audioxai_jax.propagation.rules.first_layer import flat, w_square, z_box
from audioxai_jax.propagation.rules.gamma import gamma, generalised_gamma
from audioxai_jax.propagation.rules.guided import deconvolved, guided
from audioxai_jax.propagation.rules.identity import constant, gradient, pass_through, route, scaled
from audioxai_jax.propagation.rules.products import halves, signal, uniform, values
from audioxai_jax.propagation.rules.softmax import taylor

RULES: dict[str, Callable[..., Any]] = {
    "alpha_beta": alpha_beta,
    "constant": constant,
    "deconvolved": deconvolved,
    "epsilon": epsilon,
    "flat": flat,
    "gamma": gamma,
    "generalised_gamma": generalised_gamma,
    "gradient": gradient,
    "guided": guided,
    "halves": halves,
    "midpoint": midpoint,
    "pass_through": pass_through,
    "rescale": rescale,
    "rescale_logsumexp": rescale_logsumexp,
    "rescale_softmax": rescale_softmax,
    "rescale_winners": rescale_winners,
    "route": route,
    "scaled": scaled,
    "shapley": shapley,
    "signal": signal,
    "taylor": taylor,
    "uniform": uniform,
    "values": values,
    "w_square": w_square,
    "z_box": z_box,
    "z_plus": z_plus,
    "zero": zero,
}

__all__ = [
    "RULES",
    "Rule",
    "Shares",
    "alpha_beta",
    "constant",
    "deconvolved",
    "divide",
    "epsilon",
    "flat",
    "gamma",
    "generalised_gamma",
    "gradient",
    "guided",
    "halves",
    "midpoint",
    "pass_through",
    "rescale",
    "rescale_logsumexp",
    "rescale_softmax",
    "rescale_winners",
    "route",
    "scaled",
    "shapley",
    "share",
    "signal",
    "stabilise",
    "taylor",
    "transposed",
    "uniform",
    "values",
    "w_square",
    "z_box",
    "z_plus",
    "zero",
]
