"""Random graphs without biases: LRP-0 is the gradient times the input, whatever they consist of.

All operations here are piecewise linear, of degree one. If an output's relevance is z dlogit/dz,
then LRP-0 gives each input x dlogit/dx, so that the end must be exact, too, sums that cancel
included: the quotient R / z is a gradient, found with the same sums as by backpropagation.
"""

from collections import Counter

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


def conv2d(w, v):
    return lax.conv_general_dilated(v[None, None], w(2, 1, 3, 2), (1, 1), "SAME")[0].reshape(12, 4)


def pooled(v, start, combine, padding="VALID", window=(2, 1), strides=(2, 1), **options):
    return lax.reduce_window(v, start, combine, window, strides, padding, **options)


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


def nested(w, v):
    matrix = w(4, 4)
    return jax.jit(lambda v: 2.0 * jax.jit(lambda v: jnp.abs(v @ matrix))(v))(v)


def remat(w, v):
    return jax.checkpoint(lambda m, v: relu(v @ m))(w(4, 4), v)


def recurrent(w, v):
    into, back = w(4, 3), w(3, 3)

    def step(state, row):
        state = relu(row @ into + state @ back)
        return state, state

    return lax.scan(step, jnp.zeros(3), v)[1]


def backwards(w, v):
    """Two states, of which one is the last output, from the last row to the first."""
    matrix = w(4, 4)

    def step(state, row):
        old, total = state
        return (row, total + jnp.maximum(old, row) @ matrix), old - total

    (_, total), rows = lax.scan(step, (v[0], 0.0 * v[0]), v, reverse=True)
    return jnp.concatenate([rows, total[None]])


ONE = {
    "right dense": lambda w, v: v @ w(4, 3),
    "left dense": lambda w, v: w(5, 6) @ v,
    "flat dense": lambda w, v: (v.ravel() @ w(24, 12)).reshape(4, 3),
    "einsum": lambda w, v: jnp.einsum("tc,hcd->thd", v, w(2, 4, 3)).reshape(12, 3),
    "batched einsum": lambda w, v: jnp.einsum("tdc,tc->td", w(6, 3, 4), v),
    "conv": conv,
    "valid": lambda w, v: conv(w, v, padding="VALID"),
    "explicit": lambda w, v: conv(w, v, padding=[(2, 1)]),
    "strided": lambda w, v: conv(w, v, strides=(2,), out=3),
    "dilated": lambda w, v: conv(w, v, rhs_dilation=(2,)),
    "grouped": lambda w, v: conv(w, v, groups=2),
    "depthwise": lambda w, v: conv(w, v, groups=4, out=8),
    "upsampling": lambda w, v: conv(w, v, lhs_dilation=(2,), padding=[(2, 1)]),
    "conv2d": conv2d,
    "conv_transpose": lambda w, v: lax.conv_transpose(v[None], w(4, 4, 3), (2,), "SAME")[0],
    "convolve": lambda w, v: jnp.convolve(v[:, 1], w(3))[:, None] + v[:1],
    "conv and scale": lambda w, v: conv(w, v) * lax.rsqrt(w(4) ** 2 + 0.1) * w(4),
    "relu": lambda w, v: relu(v),
    "maximum": lambda w, v: jnp.maximum(v, 0),
    "where": lambda w, v: jnp.where(v > 0, v, 0),
    "leaky": lambda w, v: jax.nn.leaky_relu(v, 0.1),
    "where leaky": lambda w, v: jnp.where(v > 0, v, 0.2 * v),
    "minimum": lambda w, v: jnp.minimum(v, 0.0),
    "clip": lambda w, v: jnp.clip(v, 0),
    "masked": lambda w, v: v * (v > 0),
    "abs": lambda w, v: jnp.abs(v),
    "signed": lambda w, v: v * jnp.sign(v),
    "max": lambda w, v: v.max(0, keepdims=True),
    "max of all": lambda w, v: v.max(keepdims=True) + v,
    "min": lambda w, v: jnp.min(v, axis=1, keepdims=True),
    "max pool": lambda w, v: pooled(v, -jnp.inf, lax.max),
    "wide pool": lambda w, v: pooled(v, -jnp.inf, lax.max, "SAME", (3, 2), (1, 1)),
    "min pool": lambda w, v: pooled(v, jnp.inf, lax.min, window_dilation=(2, 1)),
    "average pool": lambda w, v: pooled(v, 0.0, lax.add) / 2,
    "mean": lambda w, v: v - v.mean(0),
    "sum": lambda w, v: v + jnp.sum(v, axis=(0, 1)) * w(4),
    "cumsum": lambda w, v: jnp.cumsum(v, axis=0),
    "backward cumsum": lambda w, v: lax.cumsum(v, axis=1, reverse=True),
    "sort": lambda w, v: jnp.sort(v, axis=0),
    "top_k": lambda w, v: lax.top_k(v, 2)[0],
    "argmax": lambda w, v: v[jnp.argmax(v[:, 0])][None] + v[:3],
    "argsort": lambda w, v: jnp.take_along_axis(v, jnp.argsort(v, axis=1), axis=1),
    "doubled": lambda w, v: 2.0 * v,
    "negated": lambda w, v: -v,
    "channel scale": lambda w, v: v * w(4),
    "frame scale": lambda w, v: v / (1 + w(6, 1) ** 2),
    "norm scale": lambda w, v: v * lax.rsqrt(w(4) ** 2 + 0.1) * w(4),
    "reshape": lambda w, v: v.reshape(4, 6),
    "transpose": lambda w, v: v.T,
    "reverse": lambda w, v: v[::-1],
    "slice": lambda w, v: v[1:6:2, 1:],
    "dynamic_slice": lambda w, v: lax.dynamic_slice(v, (2, 0), (3, 4)),
    "zero pad": lambda w, v: jnp.pad(v, ((1, 2), (0, 0)))[1:8],
    "reflect": lambda w, v: jnp.pad(v, ((2, 1), (0, 0)), mode="reflect")[:6],
    "edge": lambda w, v: jnp.pad(v, ((2, 1), (0, 0)), mode="edge")[:6],
    "interior pad": lambda w, v: lax.pad(v, 0.0, ((0, 0, 1), (0, 0, 0)))[3:9],
    "gather": lambda w, v: v[jnp.array([5, 0, 0, 3, 1])],
    "gather pairs": lambda w, v: v[jnp.array([[5, 0], [3, 1]]), jnp.array([[0, 1], [3, 3]])],
    "broadcast": lambda w, v: jnp.broadcast_to(v[2], SIZE) + v,
    "roll": lambda w, v: jnp.roll(v, 2, axis=0) + v,
    "repeat": lambda w, v: jnp.repeat(v[:3], 2, axis=0),
    "difference": lambda w, v: jnp.diff(v, axis=0),
    "scatter": lambda w, v: v.at[1].set(0.0),
    "scatter of itself": lambda w, v: v.at[jnp.array([1, 1, 4])].add(v[:3]),
    "split": lambda w, v: jnp.subtract(*jnp.split(v, 2)),
    "triangle": lambda w, v: jnp.tril(v),
    "reused": reused,
    "nested": nested,
    "remat": remat,
    "custom_jvp": lambda w, v: own_jvp(v),
    "custom_vjp": lambda w, v: own_vjp(v, 2.0),
    "vmap": lambda w, v: jax.vmap(lambda m, row: relu(m @ row), (None, 0))(w(3, 4), v),
    "vmap of conv": lambda w, v: jax.vmap(jnp.convolve, (1, None), 1)(v, w(3)),
    "recurrent": recurrent,
    "backwards": backwards,
    "map": lambda w, v: lax.map(lambda row: relu(row) - row[::-1], v),
    "fori_loop": lambda w, v: lax.fori_loop(0, 3, lambda i, v: relu(v) + 0.5 * v[::-1] * i, v),
    "cond": lambda w, v: lax.cond(v.sum() > 0, relu, lambda v: 3.0 * v[::-1], v),
    "constant cond": lambda w, v: lax.cond(w(1)[0] > 0, jnp.abs, lambda v: v[::-1], v),
}
TWO = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "maximum of two": jnp.maximum,
    "minimum of two": jnp.minimum,
    "where of two": lambda a, b: jnp.where(a + b > 0, a, b),
    "concatenate": lambda a, b: jnp.concatenate([a[:3], b[3:], a[:1]]),
    "channels": lambda a, b: jnp.concatenate([a, b], axis=1)[:, 2:6],
    "stack": lambda a, b: jnp.stack([a, b], axis=1).reshape(12, 4)[3:9],
    "update": lambda a, b: lax.dynamic_update_slice(a, b[:2], (1, 0)),
    "switch": lambda a, b: lax.switch((a[0, 0] > 0) + 1, [lambda a, b: a, lax.sub, lax.max], a, b),
}
PLACE = st.sampled_from([1, 1, 1, 2, 4])
STEP = st.tuples(st.sampled_from([*ONE, *TWO]), PLACE, PLACE)


def fit(v):
    """Shapes that recur, since compiling takes the time."""
    return v if v.shape == SIZE else jnp.tile(v, [-(-n // m) for n, m in zip(SIZE, v.shape)])[:6, :4]


def compute(steps, w, x):
    """Steps from earlier values, counted from the last one; what nothing uses makes the logits."""
    values, unused = [x], {0}
    for name, *places in steps:
        used = [max(len(values) - n, 0) for n in places[: 1 if name in ONE else 2]]
        operands = [values[i] for i in used]
        unused = unused.difference(used) | {len(values)}
        values.append(fit(ONE[name](w, *operands) if name in ONE else TWO[name](*operands)))
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
