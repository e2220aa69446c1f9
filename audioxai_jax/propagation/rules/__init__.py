"""Rules of relevance propagation, one family a file.

To add one: write its file, import it, name it in RULES, and give it a line of CASES in
`tests/propagation/test_rule_conformance.py`, which fails without, and a replica in
`tests/helpers/rule_replicas.py`.
"""

from collections.abc import Callable

from audioxai_jax.propagation.rules.alpha_beta import alpha_beta, z_plus
from audioxai_jax.propagation.rules.base import (
    ComparingRule,
    LimitedRule,
    Reference,
    Rule,
    Shares,
    SignedRule,
    divide,
    share,
    stabilise,
    transposed,
)
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
from audioxai_jax.propagation.rules.products import halves, signal, squares, uniform, values
from audioxai_jax.propagation.rules.softmax import taylor

RULES: dict[str, Callable[..., Rule | ComparingRule]] = {
    factory.__name__: factory
    for factory in (
        alpha_beta,
        constant,
        deconvolved,
        epsilon,
        flat,
        gamma,
        generalised_gamma,
        gradient,
        guided,
        halves,
        midpoint,
        pass_through,
        rescale,
        rescale_logsumexp,
        rescale_softmax,
        rescale_winners,
        route,
        scaled,
        shapley,
        signal,
        squares,
        taylor,
        uniform,
        values,
        w_square,
        z_box,
        z_plus,
        zero,
    )
}
"""Factories by name."""

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    "ComparingRule",
    "LimitedRule",
    "RULES",
    "Reference",
    "Rule",
    "Shares",
    "SignedRule",
    "divide",
    "share",
    "stabilise",
    "transposed",
    *RULES,
]
