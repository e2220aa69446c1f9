"""Relevance computed by hand, with fractions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.propagation import (
    anything,
    base,
    composite,
    first,
    kind,
    lrp,
    path,
    propagate,
    rules,
)

KEY = jax.random.key(0)
X = jnp.array([1.0, 2.0, 3.0])


def two_layers(p, x):
    return p["out"] @ jax.nn.relu(p["in"] @ x)


def relevance(entries, model, x, target=0):
    made = composite(entries, base=[*base(0.0), (anything(), rules.zero())])
    return np.asarray(lrp(made)(model, x, target, key=KEY).relevance)


def model(w00=2.0):
    weights = jnp.full((3, 3), 2.0).at[0, 0].set(w00)
    return Partial(two_layers, {"in": weights, "out": jnp.full((1, 3), 3.0)})


@pytest.mark.parametrize(
    "w00, entries, expected",
    [
        # hidden 12, 12, 12; output 108
        (2, [(kind("dense"), rules.epsilon(0.0))], [18, 36, 54]),
        # hidden 8, 12, 12; output 96; hidden relevance 24, 36, 36
        (-2, [(path("in"), rules.gamma(1.0, epsilon=0.0))], [28 / 3, 104 / 3, 52]),
        (-2, [(path("in"), rules.generalised_gamma(1.0, epsilon=0.0))], [28 / 3, 104 / 3, 52]),
        (-2, [(path("in"), rules.z_plus(epsilon=0.0))], [12, 33.6, 50.4]),
        (-2, [(path("in"), rules.pass_through())], [24, 36, 36]),
        (-2, [(path("in"), rules.flat(epsilon=0.0))], [32, 32, 32]),
        # 24 (-2, 4, 6) / 8 + 2 * 36 (2, 4, 6) / 12
        (-2, [(path("in"), rules.zero())], [6, 36, 54]),
        # alpha 2: (24, 67.2, 100.8); beta 1: all of the first unit's 24 to the first input
        (-2, [(path("in"), rules.alpha_beta(epsilon=0.0))], [0, 67.2, 100.8]),
        # squares are all 4
        (-2, [(first(), rules.w_square(epsilon=0.0))], [32, 32, 32]),
        # low 0, high 4: x w - 4 min(w, 0): unit 0 (-2 + 8, 4, 6) of 16, others (2, 4, 6) of 12
        (-2, [(first(), rules.z_box(0.0, 4.0, epsilon=0.0))], [9 + 12, 6 + 24, 9 + 36]),
    ],
)
def test_two_layers_by_hand(w00, entries, expected):
    found = relevance(entries, model(w00), X)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-5)


def test_gamma_for_signed_inputs():
    """z = 2 - 1 = 1 > 0: 1 * 2 * 2 and -1 * 1 count 4 and -1, so 4/3 and -1/3.

    Negated, z = -1 < 0: now the part that is negative, -2, counts double, with the same shares.
    """
    line = Partial(lambda p, x: p @ x, jnp.array([[2.0, 1.0]]))
    entries = [(kind("dense"), rules.generalised_gamma(1.0, epsilon=0.0))]
    for sign in (1.0, -1.0):
        found = relevance(entries, line, sign * jnp.array([1.0, -1.0]))
        np.testing.assert_allclose(found, [sign * 4 / 3, -sign / 3], rtol=1e-6)


def test_alpha_beta_for_signed_inputs():
    """x = (1, -1, -2), w = (2, 3, -1): contributions 2, -3, 2, so z = 1."""
    line = Partial(lambda p, x: p @ x, jnp.array([[2.0, 3.0, -1.0]]))
    found = relevance(
        [(kind("dense"), rules.alpha_beta(epsilon=0.0))], line, X * 0 + jnp.array([1.0, -1, -2])
    )
    np.testing.assert_allclose(found, [1, -1, 1], rtol=1e-6)


def test_bias_takes_its_share():
    """z = 2 * 3 + 2 = 8: the input gets 6, the bias 2, whatever the stabiliser is."""
    line = Partial(
        lambda p, x: p["w"] @ x + p["b"], {"w": jnp.array([[2.0]]), "b": jnp.array([2.0])}
    )
    found = propagate(
        composite([(kind("dense"), rules.epsilon(0.25, absolute=True))]), line, jnp.array([3.0]), 0
    )
    share = 8 / 8.25
    np.testing.assert_allclose(found.relevance, [6 * share], rtol=1e-6)
    np.testing.assert_allclose(found.ledger.bias, [2 * share], rtol=1e-6)
    np.testing.assert_allclose(found.ledger.stabiliser, [8 * (1 - share)], rtol=1e-5)


def test_residual_sum_by_value():
    """(1, 2) plus W (1, 2) = (3, 4): sums 4 and 6; logit 4 + 6 = 10, with relevance (4, 6).

    The identity gets 1 and 2, the layer 3 and 4; its rows (1, 1) and (0, 2) give back
    (1, 2) and (0, 4).
    """
    weights = jnp.array([[1.0, 1.0], [0.0, 2.0]])
    block = Partial(lambda p, x: jnp.sum(x + p @ x, keepdims=True), weights)
    found = relevance([(kind("dense"), rules.zero())], block, jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [1 + 1, 2 + 6], rtol=1e-6)


def test_product_by_halves():
    gated = lambda x: jnp.stack([x[0] * x[1]])
    np.testing.assert_allclose(relevance([], gated, jnp.array([3.0, 5.0])), [7.5, 7.5])


def test_a_gate_gets_nothing():
    gated = lambda x: jnp.stack([jax.nn.sigmoid(x[0]) * x[1]])
    np.testing.assert_allclose(relevance([], gated, jnp.array([0.0, 5.0])), [0, 2.5])


def test_softmax_by_proposition_3_1():
    """R_i = x_i (R_i - s_i sum R): x = (0, log 3), s = (1/4, 3/4), R = s * (4, 8) = (1, 6)."""
    read = lambda x: jnp.array([[4.0, 8.0]]) @ jax.nn.softmax(x)
    found = relevance([(kind("dense"), rules.zero())], read, jnp.array([0.0, np.log(3)]))
    np.testing.assert_allclose(found, [0, np.log(3) * (6 - 0.75 * 7)], rtol=1e-5)


def test_matrix_product_by_proposition_3_3():
    """(1, 2) . (3, 4) = 3 + 8: half of each term to either side."""
    product = lambda x: jnp.dot(x[0], x[1])[None]
    found = relevance([], product, jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_allclose(found, [[1.5, 4], [1.5, 4]], rtol=1e-6)


def test_of_equal_maxima_the_first_wins():
    top = lambda x: jnp.max(x, keepdims=True)
    np.testing.assert_array_equal(relevance([], top, jnp.array([1.0, 5.0, 5.0])), [0, 5, 0])
    pool = lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (3,), (3,), "VALID")
    found = relevance([], pool, jnp.array([2.0, 2, 1, 0, 7, 7]), target=1)
    np.testing.assert_array_equal(found, [0, 0, 0, 0, 7, 0])
    bigger = lambda x: jnp.maximum(x[:2], x[2:])
    np.testing.assert_array_equal(relevance([], bigger, jnp.array([3.0, 1, 3, 1])), [3, 0, 0, 0])


def test_the_targets_logit_is_where_relevance_starts():
    """Relevance for the other classes is theirs alone."""
    line = Partial(lambda p, x: p @ x, jnp.diag(jnp.array([2.0, -3.0, 5.0])))
    for target, weight in enumerate([2.0, -3.0, 5.0]):
        found = relevance([(kind("dense"), rules.zero())], line, X, target)
        np.testing.assert_allclose(found, np.eye(3)[target] * weight * X, rtol=1e-6)
