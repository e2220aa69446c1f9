"""Random graphs without biases: LRP-0 is the gradient times the input, whatever they consist of.

All operations here are piecewise linear, of degree one. If an output's relevance is z dlogit/dz,
then LRP-0 gives each input x dlogit/dx, so that the end must be exact, too, sums that cancel
included: the quotient R / z is a gradient, found with the same sums as by backpropagation.
"""

from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.nn import relu
from jax.tree_util import Partial

from audioxai_jax.lrp import anything, composite, kind, propagate, rules

ZERO = composite(
    [
        (kind("activation"), rules.pass_through()),
        (kind("route", "max"), rules.gradient()),
        (anything(), rules.zero()),
    ],
    base=[],
)
SIZE = (6, 4)
GRAPHS = 200


def conv(w, v, *, width=3, groups=1, out=4, strides=(1,), padding="SAME", **options):
    kernel = w(width, v.shape[1] // groups, out)
    options |= {"dimension_numbers": ("NTC", "TIO", "NTC"), "feature_group_count": groups}
    return lax.conv_general_dilated(v[None], kernel, strides, padding, **options)[0]


def pooled(v, start, combine):
    return lax.reduce_window(v, start, combine, (2, 1), (2, 1), "VALID")


@jax.custom_jvp
def own_jvp(v):
    return jnp.where(v > 0, v, 0)


@jax.custom_vjp
def own_vjp(v, scale):
    return jnp.maximum(v, 0) * scale


own_jvp.defjvp(lambda p, t: (own_jvp(*p), jnp.where(p[0] > 0, t[0], 0)))
own_vjp.defvjp(
    lambda v, scale: (own_vjp(v, scale), (v, scale)),
    lambda kept, g: (jnp.where(kept[0] > 0, g * kept[1], 0), jnp.zeros(())),
)


def reused(w, v):
    matrix = w(4, 4)
    layer = jax.jit(lambda v: relu(v @ matrix))
    return layer(layer(v)) + layer(v)


def recurrent(w, v):
    into, back = w(4, 4), w(4, 4)

    def step(state, row):
        state = relu(row @ into + state @ back)
        return state, state

    return lax.scan(step, jnp.zeros(4), v)[1]


def backwards(w, v):
    """From the last row to the first; one state moves on, the other is the first row found."""
    matrix = w(4, 4)

    def step(state, row):
        old, total = state
        return (row, total + jnp.maximum(old, row) @ matrix), old - total

    (_, total), rows = lax.scan(step, (v[0], 0.0 * v[0]), v, reverse=True)
    return jnp.concatenate([total[None], rows[1:]])


PLAIN = {
    "dense": lambda w, v: w(6, 6) @ v @ w(4, 4),
    "flat dense": lambda w, v: (v.ravel() @ w(24, 24)).reshape(SIZE),
    "einsum": lambda w, v: jnp.einsum("tc,hcd->thd", v, w(2, 4, 2)).reshape(SIZE),
    "batched einsum": lambda w, v: jnp.einsum("tdc,tc->td", w(6, 4, 4), v),
    "conv": conv,
    "dilated": lambda w, v: conv(w, v, rhs_dilation=(2,)),
    "grouped": lambda w, v: conv(w, v, groups=2),
    "depthwise": lambda w, v: conv(w, v, groups=4, out=8)[:, 2:6],
    "explicit": lambda w, v: conv(w, v, width=4, padding=[(1, 2)]),
    "strided, dilated": lambda w, v: conv(
        w, conv(w, v, strides=(2,)), lhs_dilation=(2,), padding=[(2, 1)]
    ),
    "conv2d": lambda w, v: lax.conv_general_dilated(v[None, None], w(1, 1, 3, 2), (1, 1), "SAME")[
        0, 0
    ],
    "convolve": lambda w, v: jax.vmap(lambda k, c: jnp.convolve(c, k, "same"), 1, 1)(w(3, 4), v),
    "conv, scale": lambda w, v: conv(w, v) * lax.rsqrt(w(4) ** 2 + 0.1) * w(4),
    "relu": lambda w, v: relu(v),
    "maximum": lambda w, v: jnp.maximum(v, 0),
    "where": lambda w, v: jnp.where(v > 0, v, 0),
    "leaky": lambda w, v: jax.nn.leaky_relu(v, 0.1),
    "where leaky": lambda w, v: jnp.where(v > 0, v, 0.2 * v),
    "minimum": lambda w, v: jnp.minimum(v, 0.0),
    "masked": lambda w, v: v * (v > 0),
    "abs": lambda w, v: jnp.abs(v),
    "signed": lambda w, v: v * jnp.sign(v),
    "max": lambda w, v: v.max(0) - v,
    "max of all": lambda w, v: v - v.max(),
    "min": lambda w, v: v + jnp.min(v, axis=1, keepdims=True),
    "wide pool": lambda w, v: lax.reduce_window(v, -jnp.inf, lax.max, (3, 2), (1, 1), "SAME"),
    "max pool, conv_transpose": lambda w, v: lax.conv_transpose(
        pooled(v, -jnp.inf, lax.max)[None], w(4, 4, 4), (2,), "SAME"
    )[0],
    "min pool": lambda w, v: jnp.tile(pooled(v, jnp.inf, lax.min), (2, 1)),
    "average pool": lambda w, v: jnp.repeat(pooled(v, 0.0, lax.add) / 2, 2, axis=0),
    "mean": lambda w, v: v - v.mean(0),
    "sum": lambda w, v: v + jnp.sum(v, axis=(0, 1)) * w(4),
    "cumsum": lambda w, v: jnp.cumsum(v, axis=0),
    "sort": lambda w, v: jnp.sort(v, axis=0),
    "top_k": lambda w, v: jnp.tile(lax.top_k(v, 2)[0], 2),
    "argmax": lambda w, v: v[jnp.argmax(v[:, 0])] + v,
    "argsort": lambda w, v: jnp.take_along_axis(v, jnp.argsort(v, axis=1), axis=1),
    "scale": lambda w, v: -2.0 * v,
    "negated": lambda w, v: -v,
    "channel scale": lambda w, v: v * w(4),
    "frame scale": lambda w, v: v / (1 + w(6, 1) ** 2),
    "reshape": lambda w, v: v.reshape(2, 3, 4).transpose(1, 0, 2).reshape(SIZE),
    "reverse": lambda w, v: v[::-1],
    "slice": lambda w, v: jnp.repeat(v[1:6:2], 2, axis=0),
    "dynamic_slice": lambda w, v: jnp.tile(lax.dynamic_slice(v, (2, 0), (3, 4)), (2, 1)),
    "zero pad": lambda w, v: jnp.pad(v[1:4], ((1, 2), (0, 0))),
    "interior pad": lambda w, v: lax.pad(v[:3], 0.0, ((0, 1, 1), (0, 0, 0))),
    "reflect, valid": lambda w, v: conv(
        w, jnp.pad(v, ((2, 0), (0, 0)), mode="reflect"), padding="VALID"
    ),
    "edge": lambda w, v: jnp.pad(v[:3], ((1, 2), (0, 0)), mode="edge"),
    "gather": lambda w, v: v[jnp.array([5, 0, 0, 3, 1, 1])],
    "gather pairs": lambda w, v: v[jnp.array([[5, 0, 0, 3, 1, 2]]).T, jnp.array([1, 1, 0, 3])],
    "broadcast": lambda w, v: jnp.broadcast_to(v[2], SIZE) + v,
    "roll": lambda w, v: jnp.roll(v, 2, axis=0) + v,
    "scatter": lambda w, v: v.at[1].set(0.0),
    "scatter of itself": lambda w, v: v.at[jnp.array([1, 1, 4])].add(v[:3]),
    "split": lambda w, v: jnp.tile(jnp.subtract(*jnp.split(v, 2)), (2, 1)),
    "triangle": lambda w, v: jnp.tril(v, 1),
    "reused": reused,
    "nested": lambda w, v: jax.jit(
        lambda v: 2.0 * jax.jit(lambda m, v: jnp.abs(v @ m))(w(4, 4), v)
    )(v),
    "remat": lambda w, v: jax.checkpoint(lambda m, v: relu(v @ m))(w(4, 4), v),
    "custom_jvp": lambda w, v: own_jvp(v),
    "custom_vjp": lambda w, v: own_vjp(v, 2.0),
    "vmap": lambda w, v: jax.vmap(lambda m, row: relu(m @ row), (None, 0))(w(4, 4), v),
}
STEERED = {
    "recurrent": recurrent,
    "backwards": backwards,
    "map": lambda w, v: lax.map(lambda row: relu(row) - row[::-1], v),
    "fori_loop": lambda w, v: lax.fori_loop(0, 3, lambda i, v: relu(v) + 0.5 * v[::-1] * i, v),
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
PLACE = st.sampled_from([1, 1, 1, 2, 4])
NAMES = [*PLAIN, *PAIRS, *PLAIN, *PAIRS, *STEERED]  # loops take long to compile
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), PLACE, PLACE), min_size=2, max_size=6)


def compute(steps, w, x):
    """Steps from earlier values, counted from the last one; what nothing uses makes the logits."""
    values, unused = [x], {0}
    for name, *places in steps:
        used = [max(len(values) - n, 0) for n in places[: 2 if name in PAIRS else 1]]
        step = PAIRS.get(name) or partial({**PLAIN, **STEERED}[name], w)
        unused = unused.difference(used) | {len(values)}
        values.append(step(*(values[i] for i in used)))
    flat = jnp.concatenate([values[i].ravel() for i in sorted(unused)])
    return w(3, flat.size) @ flat


def draw(steps, seed):
    """A model with weights, and an input."""
    random, weights = np.random.default_rng(seed), []
    x = jnp.asarray(random.normal(size=SIZE))

    def new(*sizes):
        weights.append(random.normal(size=sizes))
        return weights[-1]

    def model(weights, x):
        left = iter(weights)
        return compute(steps, lambda *sizes: next(left), x)

    jax.eval_shape(lambda x: compute(steps, new, x), x)
    return Partial(model, [jnp.asarray(weight) for weight in weights]), x


def gradient_times_input(model, x, target):
    with jax.disable_jit():  # loops are unrolled: no compiler, and nothing of what is tested
        return x * jax.grad(lambda x: model(x)[target])(x)


def test_random_graphs(x64):
    used = []

    @settings(max_examples=GRAPHS)
    @given(STEPS, st.integers(0, 999), st.integers(0, 2))
    def check(steps, seed, target):
        model, x = draw(steps, seed)
        expected = gradient_times_input(model, x, target)
        found = propagate(ZERO, model, x, target)
        largest = np.max(np.abs(expected))
        err = np.max(np.abs(found.relevance - expected))
        led = np.max(np.abs([found.ledger.missing, found.ledger.bias, found.ledger.stabiliser]))
        print(
            "ERR",
            largest,
            err / largest,
            led / largest,
            led / np.max(np.abs(found.ledger.received)),
            [s[0] for s in steps],
        )
        assert np.max(np.abs(found.relevance - expected)) <= 1e-8 * largest
        if largest > 0:
            used.append({name for name, *_ in steps})

    check()
    assert len(used) >= 0.9 * GRAPHS and set.union(*used) == set(NAMES)
    c = Counter(n for u in used for n in u)
    print(len(used), c.most_common())
