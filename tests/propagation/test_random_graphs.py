"""Random graphs without biases: LRP-0 is the gradient times the input, whatever they consist of.

All steps here are piecewise linear, of degree one. Where a value's relevance is its gradient
times itself, LRP-0 passes that on, so that it holds at the input, too. Sums that nearly cancel
are no exception: R / z is a gradient, computed by the sums that backpropagation has.
"""

from functools import partial
from zlib import crc32

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jax import lax
from jax.nn import relu
from jax.tree_util import Partial

from audioxai_jax.propagation import PRESETS, composite, kind, rules
from audioxai_jax.propagation.propagate import step_by_step

pytestmark = pytest.mark.full_size

SIZE = (6, 4)  # of all values, so that little is compiled: graphs are computed step by step
ZERO = composite(
    [
        (kind("activation"), rules.pass_through()),
        (kind("route", "max"), rules.gradient()),
        (kind("matmul"), rules.uniform(epsilon=0.0)),
        (kind("conv", "dense", "sum", "add", "affine", "scale"), rules.zero()),
    ],
    base=[],
)


def conv(w, v, *, width=3, groups=1, out=4, strides=(1,), padding="SAME", **options):
    kernel = w(width, v.shape[1] // groups, out)
    options |= {"dimension_numbers": ("NTC", "TIO", "NTC"), "feature_group_count": groups}
    return lax.conv_general_dilated(v[None], kernel, strides, padding, **options)[0]


def up_and_down(w, v):
    return conv(w, conv(w, v, strides=(2,)), lhs_dilation=(2,), padding=[(2, 1)])


def pooled(v, start, combine):
    return lax.reduce_window(v, start, combine, (2, 1), (2, 1), "VALID")


def transposed(w, v):
    short = pooled(v, -jnp.inf, lax.max)
    return lax.conv_transpose(short[None], w(4, 4, 4), (2,), "SAME")[0]


def reflected(w, v):
    return conv(w, jnp.pad(v, ((2, 0), (0, 0)), mode="reflect"), padding="VALID")


@jax.custom_jvp
def own_jvp(v):
    return jnp.where(v > 0, v, 0)


@jax.custom_vjp
def own_vjp(v):
    return 2.0 * jnp.maximum(v, 0)


own_jvp.defjvp(lambda v, t: (own_jvp(*v), jnp.where(v[0] > 0, t[0], 0)))
own_vjp.defvjp(lambda v: (own_vjp(v), v), lambda v, g: (jnp.where(v > 0, 2.0 * g, 0),))


def reused(w, v):
    matrix = w(4, 4)
    layer = jax.jit(lambda v: relu(v @ matrix))
    return layer(layer(v)) + layer(v)


def nested(w, v):
    inner = jax.jit(lambda m, v: jnp.abs(v @ m))
    return jax.jit(lambda m, v: 2.0 * inner(m, v))(w(4, 4), v)


def recurrent(w, v):
    into, back = w(4, 4), w(4, 4)

    def step(state, row):
        state = relu(row @ into + state @ back)
        return state, state

    return lax.scan(step, jnp.zeros(4), v)[1]


def backwards(w, v):
    """From the last row to the first; one state is the row before, the other a sum."""
    matrix = w(4, 4)

    def step(state, row):
        old, total = state
        return (row, total + jnp.maximum(old, row) @ matrix), old - total

    (_, total), rows = lax.scan(step, (v[0], jnp.zeros(4)), v, reverse=True)
    return jnp.concatenate([total[None], rows[1:]])


def layers(w, v):
    """Weights go in by rows; the value is the first state and a constant, too."""
    return lax.scan(lambda state, m: (relu(state @ m) + v, None), v, w(3, 4, 4))[0]


PLAIN = {
    "dense": lambda w, v: w(6, 6) @ v @ w(4, 4),
    "flat dense": lambda w, v: (v.ravel() @ w(24, 24)).reshape(SIZE),
    "einsum": lambda w, v: jnp.einsum("tc,hcd->thd", v, w(2, 4, 2)).reshape(SIZE),
    "batched einsum": lambda w, v: jnp.einsum("tdc,tc->td", w(6, 4, 4), v),
    "conv": conv,
    "dilated": lambda w, v: conv(w, v, rhs_dilation=(2,)),
    "grouped": lambda w, v: conv(w, v, groups=2),
    "depthwise": lambda w, v: conv(w, v[:, 1:3], groups=2),
    "explicit": lambda w, v: conv(w, v, width=4, padding=[(1, 2)]),
    "strided, lhs_dilation": up_and_down,
    "max pool, conv_transpose": transposed,
    "reflect, valid": reflected,
    "convolve": lambda w, v: jnp.convolve(v.ravel(), w(5), "same").reshape(SIZE),
    "conv, norm": lambda w, v: conv(w, v) * lax.rsqrt(jnp.abs(w(4))) * w(4),
    "relu": lambda w, v: relu(v),
    "maximum": lambda w, v: jnp.maximum(v, 0),
    "where": lambda w, v: jnp.where(v > 0, v, 0),
    "leaky": lambda w, v: jax.nn.leaky_relu(v, 0.1),
    "where leaky": lambda w, v: jnp.where(v > 0, v, 0.2 * v),
    "minimum": lambda w, v: jnp.minimum(v, 0.0),
    "masked": lambda w, v: v * (v > 0),
    "abs": lambda w, v: jnp.abs(v),
    "signed": lambda w, v: v * jnp.sign(v),
    "max": lambda w, v: v.max(0) + v - v.max(),
    "min": lambda w, v: v + jnp.min(v, axis=1, keepdims=True),
    "wide pool": lambda w, v: lax.reduce_window(v, -jnp.inf, lax.max, (3, 2), (1, 1), "SAME"),
    "average pool": lambda w, v: jnp.tile(pooled(v, 0.0, lax.add) / 2, (2, 1)),
    "mean": lambda w, v: v - v.mean(0),
    "sum": lambda w, v: v + jnp.sum(v, axis=(0, 1)) * w(4),
    "cumsum": lambda w, v: jnp.cumsum(v, axis=0),
    "sort": lambda w, v: jnp.sort(v, axis=0),
    "top_k": lambda w, v: jnp.tile(lax.top_k(v, 2)[0], 2),
    "argmax": lambda w, v: v[jnp.argmax(v[:, 0])] + v,
    "scale": lambda w, v: -2.0 * v,
    "channel scale": lambda w, v: v * w(4),
    "frame scale": lambda w, v: 0.0 - v / w(6, 1),
    "reshape": lambda w, v: v.reshape(2, 3, 4).transpose(1, 0, 2).reshape(SIZE),
    "reverse": lambda w, v: jnp.roll(v[::-1], 2, axis=0),
    "slice": lambda w, v: jnp.repeat(v[1:6:2], 2, axis=0),
    "dynamic_slice": lambda w, v: jnp.tile(lax.dynamic_slice(v, (2, 0), (3, 4)), (2, 1)),
    "pad": lambda w, v: jnp.pad(v[1:4], ((1, 2), (0, 0))),
    "interior pad": lambda w, v: lax.pad(v[:3], 0.0, ((0, 1, 1), (0, 0, 0))),
    "edge": lambda w, v: jnp.pad(v[:3], ((1, 2), (0, 0)), mode="edge"),
    "gather": lambda w, v: v[jnp.array([5, 0, 0, 3, 1, 1])],
    "broadcast": lambda w, v: jnp.broadcast_to(v[2], SIZE) + v,
    "scatter": lambda w, v: v.at[1].set(0.0),
    "scatter-add": lambda w, v: v.at[jnp.array([1, 1, 4])].add(v[:3]),
    "split": lambda w, v: jnp.tile(jnp.subtract(*jnp.split(v, 2)), (2, 1)),
    "reused": reused,
    "nested": nested,
    "checkpoint": lambda w, v: jax.checkpoint(lambda m, v: relu(v @ m))(w(4, 4), v),
    "custom_jvp": lambda w, v: own_jvp(v),
    "custom_vjp": lambda w, v: own_vjp(v),
    "vmap": lambda w, v: jax.vmap(lambda m, row: relu(m @ row), (None, 0))(w(4, 4), v),
}
STEERED = {
    "layers": layers,
    "recurrent": recurrent,
    "backwards": backwards,
    "map": lambda w, v: lax.map(lambda row: relu(row) - row[::-1], v),
    "cond": lambda w, v: lax.cond(v.sum() > 0, relu, lambda v: 3.0 * v[::-1], v),
    "constant cond": lambda w, v: lax.cond(w(1)[0] > 0, jnp.abs, lambda v: v[::-1], v),
}
PAIRS = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "maximum of two": jnp.maximum,
    "minimum of two": jnp.minimum,
    "where of two": lambda a, b: jnp.where(a + b > 0, a, b),
    "concatenate": lambda a, b: jnp.concatenate([a[:2], b[3:], a[:1]]),
    "stack": lambda a, b: jnp.stack([a[:3], b[:3]], axis=1).reshape(SIZE),
    "update": lambda a, b: lax.dynamic_update_slice(a, b[:2], (1, 0)),
    "cond of two": lambda a, b: lax.cond(a[0, 0] > 0, lax.sub, lax.max, a, b),
}
EACH = [*PLAIN, *PAIRS, *STEERED]
NAMES = [*PLAIN, *PAIRS] * 4 + [*STEERED]  # loops take longest to compile
PLACE = st.sampled_from([1, 1, 1, 2, 4])
STEP = st.tuples(st.sampled_from(NAMES), PLACE, PLACE)
STEPS = st.lists(STEP, min_size=2, max_size=6, unique_by=lambda step: step[0])


def compute(steps, w, x):
    """Steps from earlier values, counted from the last one; what nothing uses makes the logits."""
    values, unused = [x], {0}
    for name, *places in steps:
        used = [max(len(values) - n, 0) for n in places[: 2 if name in PAIRS else 1]]
        step = PAIRS.get(name) or partial({**PLAIN, **STEERED}[name], w)
        unused = unused.difference(used) | {len(values)}
        values.append(step(*(values[i] for i in used)))
    return sum(w(3, 24) @ values[i].ravel() for i in sorted(unused))


def draw(steps):
    """A model with its weights, and an input."""
    random, weights = np.random.default_rng(crc32(repr(steps).encode())), []
    x = jnp.asarray(random.normal(size=SIZE))

    def new(*sizes):
        weights.append(random.normal(size=sizes))
        return weights[-1]

    def model(weights, x):
        left = iter(weights)
        return compute(steps, lambda *sizes: next(left), x)

    jax.eval_shape(partial(compute, steps, new), x)
    return Partial(model, [jnp.asarray(weight) for weight in weights]), x


def gradient_times_input(model, x):
    with jax.disable_jit():  # loops are unrolled, which is a check of its own
        return x * jax.grad(lambda x: model(x)[1])(x)


def test_random_graphs(x64, request):
    """A fifth of the steps once, and 6 random graphs; all and 200 with `--full-size`.

    Graphs whose gradient is zero, such as x - x, are no proof and are counted out.
    """
    whole, used = request.config.getoption("--full-size"), []
    graphs, names = (200, list(EACH)) if whole else (6, list(EACH)[::5])

    @settings(max_examples=graphs)
    @given(STEPS)
    def check(steps):
        model, x = draw(steps)
        expected = gradient_times_input(model, x)
        found = step_by_step(ZERO, model, x, 1)
        largest = np.max(np.abs(expected))
        assert np.max(np.abs(found.relevance - expected)) <= 1e-8 * largest
        lost = [found.ledger.bias, found.ledger.stabiliser, found.ledger.missing]
        assert np.max(np.abs(lost)) <= 1e-8 * largest
        if largest > 0:
            used.append({name for name, *_ in steps})

    for name in names:
        check = example([("dense", 1, 1), (name, 1, 2)])(check)
    check()
    assert len(used) >= 0.9 * (graphs + len(names)) and set.union(*used) >= set(names)


def normed(y, p):
    """As flax has it at inference."""
    return (y - p["mean"]) * (lax.rsqrt(p["var"] + 1e-5) * p["scale"]) + p["shift"]


def norm_and_not(p, y, apart=lambda y: y):
    y = apart(conv(lambda *_: p["w"], y))
    return relu(normed(y, p)) - relu(y)


def bias_and_not(p, y, apart=lambda y: y):
    y = apart(conv(lambda *_: p["w"], y))
    return relu(y + p["shift"]) - relu(y)


def two_norms(p, y):
    y = conv(lambda *_: p["w"], y)
    return normed(y, p) + normed(y, {**p, "mean": p["shift"], "shift": p["mean"]})


def skips(p, y):
    return y + relu(y) + relu(relu(y) @ p["m"]) + relu(y)


MET_AGAIN = {  # functions and their degree: the gradient times the input is so often the output
    "sum": (lambda p, y: y + y, 1),
    "difference": (lambda p, y: relu(y) - y, 1),
    "product": (lambda p, y: y * y, 2),
    "square": (lambda p, y: y**2, 2),
    "matrix product": (lambda p, y: (y @ y.T)[:, :4], 2),
    "concatenation": (lambda p, y: jnp.concatenate([y, y])[3:9], 1),
    "maximum": (lambda p, y: jnp.maximum(y, y), 1),
    "tied weights": (lambda p, y: relu(y @ p["m"]) @ p["m"].T, 1),
    "used twice": (lambda p, y: (lambda z: z[::-1] + relu(z))(relu(y) @ p["m"]), 1),
    "skips": (skips, 1),
    "two norms": (two_norms, 1),
    "norm and not": (norm_and_not, 1),
    "bias and not": (bias_and_not, 1),
    "shift of one channel to four": (lambda p, y: y[:, :1] + p["shift"], 1),
}


@pytest.fixture
def drawn(x64):
    """An input, and what makes a model of a function."""
    random = np.random.default_rng(3)
    sizes = {"w": (3, 4, 4), "m": (4, 4), "out": (3, 24)}
    sizes |= dict.fromkeys(("mean", "scale", "shift", "var"), (4,))
    p = {name: jnp.asarray(random.normal(size=size)) for name, size in sizes.items()}
    p["var"] = p["var"] ** 2
    make = lambda function: Partial(lambda p, x: p["out"] @ function(p, x).ravel(), p)
    return jnp.asarray(random.normal(size=SIZE)), make


@pytest.mark.parametrize("name", MET_AGAIN)
def test_values_that_meet_again(name, drawn):
    function, degree = MET_AGAIN[name]
    x, make = drawn
    for model in (make(function), make(lambda p, x: function(p, x @ p["m"]))):
        expected = gradient_times_input(model, x) / degree
        found = step_by_step(ZERO, model, x, 1).relevance
        assert np.max(np.abs(found - expected)) <= 1e-12 * np.max(np.abs(expected))


def dilated_pool(p, y):
    y = lax.reduce_window(y, -jnp.inf, lax.max, (2, 1), (1, 1), "VALID", (1, 1), (3, 1))
    return jnp.tile(y, (2, 1))


def twice(one, other):
    return lambda p, y: other(one(y) @ p["m"]) @ p["m"]


MODULE = eqx.nn.Lambda(relu)
AGAIN = jax.jit(own_jvp)
TWINS = {
    "reused": (twice(AGAIN, AGAIN), twice(relu, lambda y: jnp.maximum(y, 0))),
    "module": (twice(MODULE, MODULE), twice(relu, relu)),
    "called": (lambda p, y: jax.checkpoint(jax.jit(skips))(p, y), skips),
    "norm": (norm_and_not, partial(norm_and_not, apart=lax.optimization_barrier)),
    "bias": (bias_and_not, partial(bias_and_not, apart=lax.optimization_barrier)),
    "dilated pool": (dilated_pool, lambda p, y: jnp.tile(jnp.maximum(y[:3], y[3:]), (2, 1))),
}


@pytest.mark.parametrize("name", TWINS)
def test_the_same_written_differently(name, drawn):
    """The very same numbers, by rules that tell products from what belongs to them, too."""
    x, make = drawn
    for made in (ZERO, PRESETS["epsilon_plus"](), PRESETS["epsilon_gamma_box"]()):
        one, other = (
            step_by_step(made, make(function), x, 1).relevance for function in TWINS[name]
        )
        np.testing.assert_array_equal(one, other)
        assert np.any(one)


def test_what_others_need_is_not_folded(drawn):
    """A norm or bias belongs to the convolution before it, unless that is used without it."""
    x, make = drawn
    alone = lambda p, y: normed(conv(lambda *_: p["w"], y), p)
    for function, expected in [(alone, 0), (two_norms, 2), (norm_and_not, 1), (bias_and_not, 1)]:
        table = ZERO.table(make(function), x)
        assert table.count("\naffine") == expected and table.count("\nconv") == 1


SIGNS = {
    "mean": lambda y: relu(y).mean(0),
    "negative mean": lambda y: -relu(y).mean(0),
    "mean and shift": lambda y: relu(y).mean(0) - 3.0,
    "added to negative": lambda y: jnp.full(4, -3.0).at[:3].add(relu(y)[0, :3]),
}


@pytest.mark.parametrize("name", SIGNS)
def test_what_is_known_of_signs_is_true(name, drawn):
    """Rules that are told of it find what they find untold."""
    x, make = drawn
    model = make(lambda p, x: jnp.tile(SIGNS[name](x) @ p["m"], 6))
    told = rules.alpha_beta()
    made = [composite([(kind("dense"), rule)]) for rule in (told, lambda *given: told(*given))]
    one, other = (step_by_step(each, model, x, 1).relevance for each in made)
    assert np.max(np.abs(one - other)) <= 1e-12 * np.max(np.abs(other))
