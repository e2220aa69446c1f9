"""Rules on operations of all shapes: replicas that know the explicit matrix of each.

The matrix is found by applying the operation to unit vectors. What every rule promises by itself
is in `test_rule_conformance.py`. Double precision, 1e-10 of the largest relevance.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

from audioxai_jax.propagation import composite, kind, propagate, rules
from tests.helpers.rows import rows
from tests.helpers.rule_replicas import EPSILON, MATRIX
from tests.propagation.test_rule_conformance import CASES


def convolution(rank, **options):
    def apply(p, x):
        return lax.conv_general_dilated(x[None], p, **options)[0]

    return apply


def dense(p, x):
    return p @ x


def einsum(p, x):
    return jnp.einsum("tc,hcd->htd", x, p)


def transposed(rank):
    """As a decoder's upsampling: `lax.conv_transpose`, channels last."""

    def apply(p, x):
        names = ("NTC", "TIO", "NTC") if rank == 1 else ("NHWC", "HWIO", "NHWC")
        return lax.conv_transpose(x[None], p, (2,) * rank, "SAME", dimension_numbers=names)[0]

    return apply


def normed(p, x):
    """A convolution and a batch norm, channels last, as flax writes them."""
    y = lax.conv_general_dilated(
        x[None], p["w"], (1,), "SAME", dimension_numbers=("NTC", "TIO", "NTC")
    )
    y = (y + p["b"].reshape(1, 1, -1)).reshape(y.shape[1:])
    scale = lax.rsqrt(p["var"].reshape(1, -1) + 1e-5) * p["scale"].reshape(1, -1)
    return (y - p["mean"].reshape(1, -1)) * scale + p["shift"].reshape(1, -1)


NORM = {
    "w": (3, 2, 4),
    "b": (4,),
    "var": (4,),
    "scale": (4,),
    "mean": (4,),
    "shift": (4,),
}
ONE = {"window_strides": (1,), "padding": "SAME"}
TWO = {"window_strides": (1, 1), "padding": "SAME"}
OPERATIONS = {
    "dense": (dense, (4, 6), (6,)),
    "einsum": (einsum, (2, 3, 4), (5, 3)),
    "conv1d": (convolution(1, **ONE), (4, 2, 3), (2, 7)),
    "strided": (convolution(1, **ONE | {"window_strides": (3,)}), (4, 2, 5), (2, 11)),
    "dilated": (convolution(1, **ONE, rhs_dilation=(2,)), (4, 2, 3), (2, 9)),
    "grouped": (convolution(1, **ONE, feature_group_count=2), (4, 2, 3), (4, 6)),
    "depthwise": (convolution(1, **ONE, feature_group_count=3), (6, 1, 3), (3, 6)),
    "transposed": (transposed(1), (4, 2, 3), (6, 2)),
    "valid": (convolution(1, window_strides=(2,), padding=[(1, 0)]), (3, 2, 4), (2, 9)),
    "conv2d": (convolution(2, **TWO), (2, 2, 3, 3), (2, 4, 5)),
    "strided2d": (
        convolution(2, window_strides=(2, 1), padding="VALID", feature_group_count=2),
        (4, 1, 3, 2),
        (2, 5, 4),
    ),
    "dilated2d": (convolution(2, **TWO, rhs_dilation=(2, 1)), (2, 2, 3, 3), (2, 5, 4)),
    "transposed2d": (transposed(2), (3, 3, 2, 2), (3, 3, 2)),
    "batch_norm": (normed, NORM, (6, 2)),
}


RULES = {name: CASES[name].rule for name in MATRIX if name in CASES}
"""Rules that have an explicit matrix; a new one is tried on every operation, too."""

COMPOSITES = {
    name: composite([(kind("dense", "conv"), rule), (kind("route"), rules.gradient())], base=[])
    for name, rule in RULES.items()
}


def draw(sizes, seed):
    """Normal numbers; variances are positive."""
    random = np.random.default_rng(seed)
    if isinstance(sizes, dict):
        found = {name: random.normal(size=size) for name, size in sizes.items()}
        return {**found, "var": np.square(found["var"]) + 0.5}
    return random.normal(size=sizes)


def rectified(x):
    """What a ReLU before the operation makes known: there is nothing negative."""
    return jax.nn.relu(x)


COVERED = ("conv1d", "dilated", "grouped", "strided2d", "transposed", "valid")
BIASED = {"plain": False, "biased": True}


@pytest.mark.full_size
@pytest.mark.parametrize("terms", rows(BIASED, full_size=["plain"]))
@pytest.mark.parametrize("operation", rows(OPERATIONS, full_size=COVERED))
def test_every_rule(operation, terms, x64):
    biased = BIASED[terms]
    apply, sizes, shape = OPERATIONS[operation]
    params, x = draw(sizes, 1), draw(shape, 2)
    out = np.asarray(apply(params, x))
    bias = draw(out.shape, 3) if biased else np.zeros_like(out)

    def model(p, x):
        y = apply(p["params"], x)
        return jnp.ravel(y + p["bias"] if biased else y)

    bound = Partial(model, {"params": params, "bias": bias})
    zero = np.asarray(bound(np.zeros(shape)))
    units = np.eye(x.size).reshape(-1, *shape)
    matrix = np.stack([np.asarray(bound(unit)) - zero for unit in units])
    matrix[np.abs(matrix) < 1e-13] = 0

    @jax.jit
    def explain(bound, x):
        one = lambda made, target: propagate(made, bound, x, target)
        targets = jnp.arange(out.size)
        return {name: jax.vmap(partial(one, made))(targets) for name, made in COMPOSITES.items()}

    for point in (x, np.maximum(x, 0)):
        z = np.asarray(bound(point))
        found = explain(bound, jnp.asarray(point))
        for name in RULES:
            replica = MATRIX[name]
            rows = [replica(point.ravel(), matrix, zero, z, row) for row in np.diag(z)]
            expected = np.stack(rows).reshape(found[name].relevance.shape)
            error = np.max(np.abs(found[name].relevance - expected))
            assert error < 1e-10 * np.max(np.abs(expected)), name
            missing = np.max(np.abs(found[name].ledger.missing))
            assert not CASES[name].accounts or missing < 1e-10 * np.max(np.abs(z)), name


@pytest.mark.parametrize("name", ["z_plus", "alpha_beta", "generalised_gamma"])
def test_knowing_that_inputs_are_not_negative_changes_nothing(name, x64):
    """After a ReLU, rules for signed inputs leave half of the work out."""
    apply, sizes, shape = OPERATIONS["conv1d"]
    params, x = draw(sizes, 4), draw(shape, 5)
    rule = RULES[name]
    full = Partial(lambda p, x: jnp.ravel(apply(p, x)), params)
    behind = Partial(lambda p, x: jnp.ravel(apply(p, rectified(x))), params)
    made = composite([(kind("conv"), rule)])
    signed = propagate(made, full, jnp.maximum(x, 0), 3).relevance
    known = propagate(made, behind, x, 3).relevance
    assert np.max(np.abs(signed - known)) <= 1e-15 * np.max(np.abs(signed))


def test_scales_that_the_weight_cannot_take_are_operations_of_their_own(x64):
    """A window over time after a convolution differs along an axis that the kernel lacks."""
    params, x = draw((3, 2, 4), 6), draw((6, 2), 7)
    window = jnp.hanning(6)[:, None]

    def model(p, x):
        y = lax.conv_general_dilated(
            x[None], p, (1,), "SAME", dimension_numbers=("NTC", "TIO", "NTC")
        )[0]
        return jnp.ravel(window * y)

    found = composite([]).table(Partial(model, params), x)
    assert [line.split()[0] for line in found.splitlines()[2:4]] == ["conv", "scale"]


def test_what_is_not_known_to_be_positive_is_not_taken_for_it(x64):
    """Negated means, differences and padding with numbers below zero after a ReLU."""
    weights, x = draw((3, 4), 8), draw((5, 4), 9)
    for change in (
        lambda y: -y.mean(0),
        lambda y: y.sum(0) * -2.0,
        lambda y: y[0] - y[1],
        lambda y: jnp.pad(y, ((0, 0), (0, 2)), constant_values=-1.0)[0, 2:],
        lambda y: y.sum(0) - 3.0,
    ):
        rule = rules.z_plus(epsilon=EPSILON)
        made = composite([(kind("dense"), rule)])
        model = Partial(lambda p, x, change=change: p @ change(rectified(x)), weights)
        found = propagate(made, model, x, 1)
        direct = Partial(lambda p, y: p @ y, weights)
        y = change(rectified(x))
        expected = propagate(made, direct, y, 1)
        assert np.isclose(found.ledger.passed_on[-1], expected.ledger.passed_on[-1], rtol=1e-12)
        assert np.min(y) < 0
