"""What every rule promises; a rule that is listed in RULES needs a line of CASES here.

Each is called by itself on a small operation of a kind that it is for: relevance has the shape and
dtype of the input, `jit` and `vmap` change nothing, a slow replica says the same, and relevance is
conserved where that is claimed.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.propagation import RULES, composite, kind, propagate, rules
from audioxai_jax.propagation.rules import Shares
from audioxai_jax.propagation.rules.base import Reference, for_inputs, kinds_of, takes_reference
from tests.helpers import rule_replicas
from tests.helpers.rule_replicas import EPSILON, HIGH, LOW


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation without its bias, and the inputs, weights and biases that it is tried with."""

    kind: str
    lin: Callable[[Any, Any], Any]
    draw: Callable[[np.random.Generator], Any]
    weight: Callable[[np.random.Generator], Any] = lambda random: None
    bias: Callable[[np.random.Generator], Any] = lambda random: 0.0


def normal(*shapes):
    """Draws one array, or a tuple of several."""
    one = lambda random, shape: random.normal(size=shape)
    if len(shapes) == 1:
        return lambda random: one(random, shapes[0])
    return lambda random: tuple(one(random, shape) for shape in shapes)


def weights(random):
    """Each output has contributions of both signs, whatever the signs of the input."""
    w = random.normal(size=(6, 4))
    w[:2], w[2:4] = np.abs(w[:2]), -np.abs(w[2:4])
    return w


OPERATIONS = {
    "dense": Operation("dense", lambda x, w: x @ w, normal((6,)), weights, normal((4,))),
    "tanh": Operation("activation", lambda x, w: jnp.tanh(x), normal((3, 4))),
    "relu": Operation("activation", lambda x, w: jax.nn.relu(x), normal((3, 4))),
    "scale": Operation(
        "scale", lambda x, w: x * w, normal((4,)), lambda random: np.array([[2.0, 0, -1, 3]] * 3)
    ),
    "route": Operation(
        "route", lambda x, w: jnp.pad(x[jnp.array([3, 0, 0])], (1, 1)), normal((5,))
    ),
    "max": Operation("max", lambda x, w: jnp.max(x, -1), normal((3, 4))),
    "product": Operation("product", lambda x, w: x[0] * x[1], normal((3, 4), (1, 4))),
    "matmul": Operation("matmul", lambda x, w: x[0] @ x[1], normal((3, 4), (4, 2))),
    "attention": Operation("attention", lambda x, w: x[1] @ x[0], normal((4, 2), (3, 4))),
    "angle": Operation("atan2", lambda x, w: jnp.arctan2(*x), normal((3, 4), (3, 4))),
    "softmax": Operation("softmax", lambda x, w: jax.nn.softmax(x), normal((3, 4))),
    "logsumexp": Operation("logsumexp", lambda x, w: jax.nn.logsumexp(x, -1), normal((3, 4))),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A rule, an operation for it, and what it claims.

    Attributes:
      conserves: "relevance" if that of the input sums to that of the output where there is no
        bias and a small stabiliser; "difference" if multipliers times the change of the input sum
        to those times the change of the output; "" if neither is claimed.
      accounts: whether what bias and stabiliser took is told, so that nothing is missing.
    """

    rule: Any
    operation: str
    conserves: str = "relevance"
    accounts: bool = True


CASES = {
    "alpha_beta": Case(rules.alpha_beta(epsilon=EPSILON), "dense"),
    "constant": Case(rules.constant(), "tanh", ""),
    "deconvolved": Case(rules.deconvolved(), "relu", "", accounts=False),
    "epsilon": Case(rules.epsilon(EPSILON), "dense"),
    "flat": Case(rules.flat(epsilon=EPSILON), "dense"),
    "gamma": Case(rules.gamma(0.5, epsilon=EPSILON), "dense"),
    "generalised_gamma": Case(rules.generalised_gamma(0.5, epsilon=EPSILON), "dense"),
    "gradient": Case(rules.gradient(), "dense", "", accounts=False),
    "guided": Case(rules.guided(), "relu", "", accounts=False),
    "halves": Case(rules.halves(), "product"),
    "midpoint": Case(rules.midpoint(), "matmul", "difference", accounts=False),
    "pass_through": Case(rules.pass_through(), "tanh"),
    "rescale": Case(rules.rescale(), "tanh", "difference", accounts=False),
    "rescale_logsumexp": Case(rules.rescale_logsumexp(), "logsumexp", "difference", accounts=False),
    "rescale_softmax": Case(rules.rescale_softmax(), "softmax", "difference", accounts=False),
    "rescale_winners": Case(rules.rescale_winners(), "max", "difference", accounts=False),
    "route": Case(rules.route(), "route", ""),
    "scaled": Case(rules.scaled(), "scale", "", accounts=False),
    "shapley": Case(rules.shapley(), "product", "difference", accounts=False),
    "signal": Case(rules.signal(), "product"),
    "squares": Case(rules.squares(), "angle"),
    "taylor": Case(rules.taylor(), "softmax", ""),
    "uniform": Case(rules.uniform(epsilon=EPSILON), "matmul"),
    "values": Case(rules.values(epsilon=EPSILON), "attention"),
    "w_square": Case(rules.w_square(epsilon=EPSILON), "dense"),
    "z_box": Case(rules.z_box(LOW, HIGH, epsilon=EPSILON), "dense"),
    "z_plus": Case(rules.z_plus(epsilon=EPSILON), "dense"),
    "zero": Case(rules.zero(), "dense"),
}
READY = [name for name in RULES if name in CASES and name in rule_replicas.REPLICAS]
BY_NAME = pytest.mark.parametrize("name", READY)


def point(operation, seed, dtype, biased=True):
    """x, w, b, z and relevance of z, drawn from a seed; softmax and logsumexp have parts for w."""
    random = np.random.default_rng(seed)
    x, w, b = (make(random) for make in (operation.draw, operation.weight, operation.bias))
    cast = lambda tree: jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)
    x, w, b = cast(x), cast(w), cast(b if biased else 0.0)
    z = operation.lin(x, w) + b
    if operation.kind in ("softmax", "logsumexp"):
        w = exponentials(x)
    return x, w, b, z, jnp.asarray(random.normal(size=z.shape), dtype)


def exponentials(x):
    """What the weight of a softmax and a logsumexp is made of; nothing is subtracted from x."""
    return jnp.exp(x), jnp.sum(jnp.exp(x), -1, keepdims=True), jnp.zeros_like(x[..., :1])


def called(case, rule, here, there):
    """What a rule returns, as `Shares`."""
    operation, (x, w, b, z, R) = OPERATIONS[case.operation], here
    options = {}
    if takes_reference(rule):
        options = {"reference": Reference(there[0], there[1], there[3])}
    found = rule(operation.lin, x, w, b, z, R, **options)
    return found if isinstance(found, Shares) else Shares(found)


@functools.cache
def points(name, dtype, biased=True):
    """An operation's input and the reference."""
    return tuple(point(OPERATIONS[name], seed, dtype, biased) for seed in (1, 2))


def assert_close(found, wanted, tolerance):
    jax.tree.map(
        lambda f, w: np.testing.assert_allclose(f, w, atol=tolerance * np.max(np.abs(w)) + 1e-30),
        found,
        wanted,
    )


def total(tree):
    return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(tree))


def test_each_listed_rule_has_a_case_and_a_replica():
    """The one test that fails until both are there; the others try the rules that have them."""
    missing = [
        f"{name}: add {what}"
        for table, what in (
            (CASES, "a line of CASES in tests/propagation/test_rule_conformance.py"),
            (
                rule_replicas.REPLICAS,
                "a replica to MATRIX or OTHER in tests/helpers/rule_replicas.py",
            ),
        )
        for name in RULES
        if name not in table
    ]
    assert not missing, "\n".join(missing)
    assert set(CASES) == set(rule_replicas.REPLICAS) == set(RULES), "a case or replica of no rule"


@BY_NAME
def test_the_operation_is_of_a_kind_that_the_rule_is_for(name):
    case = CASES[name]
    kinds = kinds_of(case.rule)
    assert kinds is None or OPERATIONS[case.operation].kind in kinds


@BY_NAME
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_relevance_has_the_shape_and_dtype_of_the_input(name, dtype):
    """Traced, not computed."""
    with jax.enable_x64(dtype == "float64"):
        case = CASES[name]
        here, there = points(case.operation, dtype)
        found = jax.eval_shape(lambda *both: called(case, case.rule, *both).relevance, here, there)
        say = lambda leaf: (leaf.shape, leaf.dtype)
        assert jax.tree.map(say, found) == jax.tree.map(say, here[0])


@BY_NAME
def test_in_batches_it_says_the_same(name):
    case = CASES[name]
    here, there = points(case.operation, "float32")
    one = lambda R: called(case, case.rule, (*here[:4], R), there).relevance
    each = jnp.stack([here[4], -2 * here[4]])
    found = jax.jit(jax.vmap(one))(each)
    for i in range(2):
        assert_close(jax.tree.map(lambda leaf, i=i: leaf[i], found), jax.jit(one)(each[i]), 1e-5)


@BY_NAME
def test_a_slow_replica_says_the_same(name, x64):
    """Also the variant of a rule for inputs that are known to have no negative values."""
    case = CASES[name]
    here, there = points(case.operation, "float64")
    compare_with_replica(name, here, there, jitted(case, case.rule, here, there))
    x, w, b, _, R = here
    x = jax.tree.map(jnp.abs, x)
    z = OPERATIONS[case.operation].lin(x, w) + b
    here = x, exponentials(x) if isinstance(w, tuple) else w, b, z, R
    found = jitted(case, for_inputs(case.rule, nonnegative=True), here, there)
    compare_with_replica(name, here, there, found)


def jitted(case, rule, here, there):
    return jax.jit(lambda *both: called(case, rule, *both))(here, there)


def compare_with_replica(name, here, there, found):
    x, w, b, z, R, x0, w0, _, z0 = jax.tree.map(np.asarray, (*here, *there[:4]))
    if name in rule_replicas.MATRIX:
        wanted = rule_replicas.MATRIX[name](x, w, b, z, R)
    else:
        compared = (x0, w0, z0) * takes_reference(CASES[name].rule)
        wanted = rule_replicas.OTHER[name](x, w, z, R, *compared)
    assert_close(found.relevance, wanted, 1e-10)


@BY_NAME
def test_relevance_is_conserved_where_that_is_claimed(name, x64):
    """Without a bias, and all but without a stabiliser."""
    case = CASES[name]
    rule = case.rule
    if hasattr(rule, "epsilon"):
        rule = dataclasses.replace(rule, epsilon=1e-13)
    here, there = points(case.operation, "float64", biased=False)
    x, _, _, z, R = here
    found = jitted(case, rule, here, there)
    if case.conserves == "difference":
        moved = jax.tree.map(lambda m, new, old: m * (new - old), found.relevance, x, there[0])
        assert np.isclose(total(moved), total(R * (z - there[3])), rtol=1e-9)
    else:
        kept = total(found.relevance)
        assert np.isclose(kept, total(R), rtol=1e-8) == (case.conserves == "relevance")


@pytest.mark.parametrize("name", [name for name in READY if CASES[name].accounts])
def test_what_bias_and_stabiliser_took_is_told(name, x64):
    """Relevance, bias and stabiliser are all there is, though both are large."""
    case = CASES[name]
    here, there = points(case.operation, "float64")
    found = jitted(case, case.rule, here, there)
    accounted = total(found.relevance) + found.bias + found.stabiliser
    assert np.isclose(accounted, total(here[4]), rtol=1e-9)


def test_optional_members_of_rules_are_found_on_functions_too():
    """A composite wraps functions; what they say of themselves stays in force."""

    def only_dense(lin, x, w, b, z, R):
        return jnp.zeros_like(x)

    only_dense.kinds = ("dense",)
    made = composite([(kind("activation"), only_dense)], base=[])
    with pytest.raises(ValueError, match="is for operations of kind dense"):
        propagate(made, jnp.tanh, jnp.ones(2), 0)


def test_a_rule_that_compares_is_refused_without_a_reference():
    made = composite([(kind("activation"), rules.rescale())], base=[])
    with pytest.raises(ValueError, match="compares with a reference: give propagate"):
        propagate(made, jnp.tanh, jnp.ones(2), 0)


def test_a_function_may_compare_too():
    def change(lin, x, w, b, z, R, *, reference):
        return R * (z - reference.z)

    change.takes_reference = True
    made = composite([(kind("activation"), change)], base=[])
    call = functools.partial(propagate, made, jnp.tanh, jnp.ones(2), 1, seed=1.0)
    relevance = call(reference=jnp.zeros(2)).relevance
    np.testing.assert_allclose(relevance, [0.0, np.tanh(1.0)], rtol=1e-6)
