"""Which rule an operation gets, and what is refused when it gets none."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from jax import lax
from jax.tree_util import Partial

from audioxai_jax.nets.adapters import from_linen
from audioxai_jax.nets.classifiers import cnn, gru, transformer
from audioxai_jax.propagation import (
    PRESETS,
    SoftmaxOutput,
    UncoveredOperation,
    anything,
    base,
    both,
    composite,
    first,
    kind,
    last,
    lrp,
    path,
    propagate,
    rules,
    scope,
)
from tests.helpers.small_models import random_params

KEY = jax.random.key(0)
X = jnp.ones((12, 4))


class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        for i in range(2):
            x = nn.gelu(nn.Conv(4, (3,), name=f"conv_{i}")(x))
        x = x + nn.Dense(4, name="inner")(nn.LayerNorm(name="norm")(x))
        return nn.Dense(3, name="out")(x.mean(0))


def net():
    return from_linen(Net(), random_params(lambda: Net().init(KEY, X)))


def rows(made, model=None, x=X):
    """The table's operations, places, rules and patterns."""
    lines = made.table(model or net(), x).splitlines()[2:-1]
    cells = [[cell for cell in line.split("  ") if cell.strip()] for line in lines]
    return [[cell.strip() for cell in row] for row in cells]


def rule_of(made, place):
    return next(row[-2] for row in rows(made) if row[1].startswith(place))


def test_the_table_names_every_operation():
    names = [row[0] for row in rows(PRESETS["epsilon_plus"]())]
    assert names == [
        "conv",
        "activation",
        "conv",
        "activation",
        "normalise",
        "dense",
        "add",
        "sum:reduce_sum",
        "dense",
    ]


def test_the_first_pattern_wins():
    entries = [
        (path("conv_1/*"), rules.flat()),
        (path("conv_*"), rules.w_square()),
        (first(), rules.zero()),
        (last(), rules.gamma()),
        (both(scope("*/inner"), kind("dense")), rules.z_plus()),
        (kind("dense", "conv"), rules.epsilon()),
    ]
    for order, expected in [
        (entries, {"conv_0": "WSquare", "conv_1": "Flat", "inner": "AlphaBeta", "out": "Gamma"}),
        (entries[2:], {"conv_0": "Epsilon(epsilon=0", "conv_1": "Epsilon(epsilon=1e-06"}),
        (entries[::-1], {"conv_0": "Epsilon", "out": "Epsilon", "inner": "Epsilon"}),
    ]:
        made = composite(order)
        for place, rule in expected.items():
            assert rule_of(made, place).startswith(rule), (place, rule)


def test_paths_are_those_of_the_models_leaves():
    places = {row[1] for row in rows(PRESETS["attn_lrp"]())}
    assert {"conv_0/kernel", "conv_1/kernel", "inner/kernel", "norm/scale", "out/kernel"} <= places


def test_first_and_last_follow_the_graph_not_the_order():
    """Two inputs layers, of which the second stands after a deeper one in the code."""

    def model(p, x):
        deep = p["c"] @ jax.nn.relu(p["a"] @ x)
        return p["d"] @ (deep + p["b"] @ x)

    weights = {name: jnp.eye(3) for name in "abcd"}
    made = composite([(first(), rules.flat()), (last(), rules.gamma()), (anything(), rules.zero())])
    found = {row[1]: row[-2] for row in rows(made, Partial(model, weights), jnp.ones(3))}
    assert [found[name].split("(")[0] for name in "abcd"] == ["Flat", "Flat", "Epsilon", "Gamma"]


@pytest.mark.full_size
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("module", [cnn, gru, transformer], ids=lambda m: m.__name__[-5:])
def test_presets_cover_all_heads(name, module):
    name_of = {cnn: cnn.CnnConfig, gru: gru.GruConfig, transformer: transformer.TransformerConfig}
    config = name_of[module]()
    model = module.model(config, random_params(lambda: module.init(config, KEY)))
    assert "NONE" not in PRESETS[name]().table(model, jnp.ones((50, 64)))


def test_batch_norms_fold_into_the_convolution_before_alone():
    class Normed(nn.Module):
        twice: bool = False

        @nn.compact
        def __call__(self, x):
            y = nn.Conv(4, (3,), name="conv")(x)
            z = nn.BatchNorm(use_running_average=True, name="norm")(y)
            z = nn.BatchNorm(use_running_average=True, name="after")(nn.relu(z))
            return (z + y if self.twice else z).ravel()

    for twice, expected in [
        (False, ["conv", "activation:relu", "affine"]),
        (True, ["conv", "affine", "activation:relu", "affine", "add"]),
    ]:
        module = Normed(twice)
        model = from_linen(module, random_params(lambda m=module: m.init(KEY, X)))
        assert [row[0] for row in rows(PRESETS["epsilon_plus"](), model)] == expected


# -- refusals --------------------------------------------------------------------------------


def broken(p, x):
    y = p["dense"] @ x
    return jnp.cumprod(y)


def test_an_uncovered_operation_is_refused_with_all_one_needs():
    model = Partial(broken, {"dense": jnp.eye(3)})
    with pytest.raises(UncoveredOperation) as error:
        lrp()(model, jnp.ones(3), 0, key=KEY)
    line = broken.__code__.co_firstlineno + 2
    for part in (
        "cumprod",
        f"test_composites.py:{line} (broken)",
        "[3] -> [3]",
        "kind('dense')",
        "add (kind('cumprod'), rule)",
    ):
        assert part in str(error.value)


def test_refused_before_anything_is_computed():
    computed = []

    def model(x):
        jax.debug.callback(lambda: computed.append(1))
        return jnp.cumprod(x)

    with pytest.raises(UncoveredOperation):
        lrp()(model, jnp.ones(3), 0, key=KEY)
    jax.effects_barrier()
    assert not computed


def test_an_operation_can_be_covered_by_a_rule_of_ones_own():
    def by_hand(lin, x, w, b, z, R):
        return R / 2

    made = composite([(kind("cumprod"), by_hand), (kind("dense"), rules.zero())])
    found = propagate(made, Partial(broken, {"dense": 2 * jnp.eye(3)}), jnp.ones(3), 1)
    assert found.relevance.tolist() == [0, 2, 0]
    assert found.ledger.missing.tolist() == [0, 2]


def test_what_no_output_needs_is_not_refused():
    def model(x):
        jnp.cumprod(x)
        return 2 * x

    assert lrp()(model, jnp.ones(3), 1, key=KEY).relevance.tolist() == [0, 2, 0]


@pytest.mark.parametrize(
    "function, word",
    [
        (lambda x: lax.while_loop(lambda v: v[0] < 9, lambda v: v * 2, x), "lax.scan"),
        (lambda x: jnp.sin(jnp.fft.rfft(x)).real, "of complex values"),
        (lambda x: x[:2] ** x[1:], "pow"),
        (lambda x: jnp.prod(x, keepdims=True), "reduce_prod"),
        (lambda x: jnp.linalg.inv(jnp.outer(x, x) + jnp.eye(3))[0], "lu"),
    ],
)
def test_refusals_advise(function, word):
    with pytest.raises(UncoveredOperation, match=word):
        lrp()(function, jnp.array([1.0, 2, 3]), 0, key=KEY)


def own_softmax(x):
    e = jnp.exp(x - x.max())
    return e / e.sum()


@pytest.mark.parametrize(
    "end, word",
    [
        (jax.nn.softmax, "softmax"),
        (own_softmax, "softmax"),
        (lambda x: jax.nn.softmax(x[None])[0], "softmax"),
        (jax.nn.log_softmax, "log-softmax"),
        (lambda x: x - jax.nn.logsumexp(x), "log-softmax"),
    ],
)
@pytest.mark.parametrize("name", ["epsilon_plus", "attn_lrp"])
def test_probabilities_are_refused(end, word, name):
    model = Partial(lambda p, x: end(p @ x), jnp.eye(3))
    with pytest.raises(SoftmaxOutput, match=f"ends in a {word}.*Explain the logits"):
        lrp(name)(model, jnp.ones(3), 0, key=KEY)


def test_a_softmax_inside_is_none_at_the_end():
    model = lambda x: jax.nn.softmax(x) @ jnp.ones((3, 3))
    assert lrp()(model, jnp.ones(3), 0, key=KEY).relevance.shape == (3,)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lrp("epsilon"), "no composite 'epsilon': there are attn_lrp"),
        (lambda: rules.alpha_beta(2, 0), "alpha - beta must be 1"),
        (lambda: lrp()(lambda x: x[None], X[0], 0, key=KEY), r"logits \[K\]"),
        (lambda: lrp()(lambda x: x, X[0], 7, key=KEY), "target 7 is not a class"),
        (lambda: lrp()(lambda x: (x, x), X[0], 0, key=KEY), "2 arrays"),
        (
            lambda: propagate(
                composite([(kind("dense"), rules.pass_through())]),
                Partial(lambda p, x: p @ x, jnp.ones((2, 3))),
                jnp.ones(3),
                0,
            ),
            "for operations on single values",
        ),
        (
            lambda: propagate(
                composite([(kind("scale"), lambda *a: jnp.ones(2))]),
                lambda x: 2 * x,
                jnp.ones(3),
                0,
            ),
            "must have the same shape",
        ),
        (
            lambda: propagate(
                composite([(kind("matmul"), rules.signal())]),
                lambda x: (x @ x.T)[0],
                jnp.ones((3, 3)),
                0,
            ),
            "is for operations of kind product, gate, and not for matmul",
        ),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_rule_must_be_callable():
    with pytest.raises(TypeError, match="is not a rule"):
        composite([(kind("dense"), "epsilon")])


def test_base_covers_what_is_no_layer():
    kinds = {"activation", "add", "sum", "affine", "scale", "route", "max", "product", "gate"}
    covered = {name for pattern, _ in base() for name in pattern.names}
    assert covered == kinds | {"atan2", "matmul", "attention", "softmax", "normalise"}
