"""Models as people write them: numbers, switches, functions and arrays of all sorts inside."""

import dataclasses
import enum
import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax import nnx
from jax.tree_util import Partial

from audioxai_jax import METHODS, as_model, attribute_batch
from audioxai_jax.core.records import Static
from audioxai_jax.metrics.parameter_groups import layers
from audioxai_jax.models.precision import cast
from audioxai_jax.nets.adapters import from_linen, from_nnx
from audioxai_jax.tracing.trace import leaf_names, trace
from audioxai_jax.types import Codec
from tests.helpers.rows import rows

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (6, 4))
W = jax.random.normal(jax.random.key(1), (4, 3))
RUN = jax.jit(lambda model, x: model(x))


class Mode(enum.IntEnum):
    ONE = 1
    TWO = 2


class Odd:
    """Can be compared, but not hashed."""

    gain = 2.0

    def __eq__(self, other):
        return True

    __hash__ = None  # type: ignore[assignment]


class Holder(eqx.Module):
    """Any value beside a weight, and what is done with it: `use(held, x) @ weight`."""

    weight: jax.Array
    held: object
    use: object = eqx.field(static=True)

    def __call__(self, x):
        return self.use(self.held, x) @ self.weight


def total(numbers, x):
    return sum(x[number] for number in numbers)


def times(held, x):
    return held * x.mean(0)


def times_if(held, x):
    return times(held, x) if held > 0 else x[0]


def as_type(held, x):
    return x.astype(held).mean(0)


def apply(held, x):
    return held(x).mean(0)


def swap(held, x):
    return x[:, held].mean(0)


def random_gain(held, x):
    return x.mean(0) * jax.random.normal(held, (4,))


SWAP, MASK = [1, 0, 3, 2], [True, False, True, True]
STRUCTURE = {
    "float": (lambda: 1.5, times_if),
    "NaN": (lambda: float("nan"), lambda v, x: (2 if math.isnan(v) else 1) * x.mean(0)),
    "complex": (lambda: 2 + 1j, lambda v, x: times(abs(v), x)),
    "whole": (lambda: 2, lambda v, x: total(range(v), x)),
    "float64": (lambda: np.float64(2.5), times_if),
    "float32": (lambda: np.float32(2.5), times_if),
    "int64": (lambda: np.int64(2), lambda v, x: total(range(v), x)),
    "bool_": (lambda: np.bool_(True), lambda v, x: x[0] if v else x[1]),
    "array of one whole number": (lambda: np.array(2), lambda v, x: total(range(v), x)),
    "text": (lambda: "tanh", lambda v, x: getattr(jnp, v)(x).mean(0)),
    "bytes": (lambda: b"abc", lambda v, x: len(v) * x.mean(0)),
    "None": (lambda: None, lambda v, x: x[0] if v is None else x[1]),
    "enum": (lambda: Mode.TWO, lambda v, x: x[0] if v is Mode.TWO else x[1]),
    "dtype": (lambda: np.dtype("float16"), as_type),
    "NumPy's type": (lambda: np.float16, as_type),
    "JAX's type": (lambda: jnp.bfloat16, as_type),
    "slice": (lambda: slice(0, 3), lambda v, x: x[v].mean(0)),
    "set": (lambda: {0, 2}, total),
    "range": (lambda: range(2), total),
    "partial": (lambda: functools.partial(jax.nn.gelu, approximate=False), apply),
    "texts": (lambda: np.array(["tanh"]), lambda v, x: getattr(jnp, str(v[0]))(x).mean(0)),
    "objects": (lambda: np.array([jnp.tanh, None]), lambda v, x: v[0](x).mean(0)),
}
ARRAYS = {
    "array": (lambda: jnp.array([1.0, 2, 3, 4]), times),
    "array of one number": (lambda: jnp.array(2.0), times),
    "NumPy's array of one number": (lambda: np.array(2.0), times),
    "double precision": (lambda: np.array([1.0, 2, 3, 4]), times),
    "bfloat16": (lambda: np.ones(4, jnp.bfloat16), times),
    "key": (lambda: jax.random.key(3), random_gain),
    "raw key": (lambda: jax.random.PRNGKey(3), random_gain),
    "places": (lambda: jnp.array(SWAP), swap),
    "NumPy's places": (lambda: np.array(SWAP), swap),
    "mask": (lambda: np.array(MASK), lambda v, x: jnp.where(v, x, 0).mean(0)),
}


@pytest.mark.parametrize("name", [*STRUCTURE, *ARRAYS])
def test_what_is_held_means_the_same_and_compiles_once(name):
    make, use = (STRUCTURE | ARRAYS)[name]
    model, again = as_model(Holder(W, make(), use)), as_model(Holder(2 * W, make(), use))
    names = leaf_names(jax.tree_util.tree_leaves_with_path(model))
    assert sorted(names) == (["held", "weight"] if name in ARRAYS else ["weight"])
    assert all(hasattr(leaf, "shape") for leaf in jax.tree.leaves(model))
    np.testing.assert_allclose(RUN(model, X), use(make(), X) @ W, rtol=1e-5, atol=1e-6)
    programs = RUN._cache_size()
    np.testing.assert_allclose(RUN(again, X), use(make(), X) @ (2 * W), rtol=1e-5, atol=1e-6)
    assert RUN._cache_size() == programs
    assert trace(model, X)[0].outputs[0] in trace(model, X)[0].depends


def test_what_cannot_be_hashed_is_known_by_what_it_is():
    odd = Odd()
    model = as_model(Holder(W, odd, lambda v, x: times(v.gain, x)))
    np.testing.assert_allclose(RUN(model, X), 2 * X.mean(0) @ W, rtol=1e-5)
    other = as_model(Holder(W, Odd(), model.args[0].value[0]))
    assert jax.tree.structure(model) != jax.tree.structure(other)


ALIKE = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    (np.float32(1), 1.0),
    (np.float32(1), np.float64(1)),
    (np.dtype("float32"), np.float32),
    (Mode.ONE, 1),
    ((1, 2), (True, 2)),
    (0j, complex(0, -0.0)),
    (frozenset({1}), frozenset({1.0})),
]


@pytest.mark.parametrize("one, other", ALIKE)
def test_equal_is_not_enough(one, other):
    """A program compiled for 1 must not run for True; Python thinks that they are equal."""
    by_type = lambda v, x: x.mean(0) * (2 if type(v) is type(one) and str(v) == str(one) else 1)
    wanted = [Holder(W, value, by_type)(X) for value in (one, other)]
    found = [RUN(as_model(Holder(W, value, by_type)), X) for value in (one, other)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert jax.tree.structure(Static(one)) != jax.tree.structure(Static(other))
    structures = [jax.tree.structure(Static(value)) for value in (one, one)]
    assert structures[0] == structures[1] and hash(structures[0]) == hash(structures[1])


def test_nan_is_found_again():
    one, other = (jax.tree.structure(Static((float("nan"), np.float32("nan")))) for _ in "ab")
    assert one == other and hash(one) == hash(other)


def test_settings_of_linen_are_compared_exactly():
    class Net(nn.Module):
        gain: float = 0.0

        def __call__(self, x):
            return x * self.gain

    structures = [jax.tree.structure(from_linen(Net(gain), {})) for gain in (0.0, -0.0, 0.0)]
    assert structures[0] == structures[2] != structures[1]


def test_names_that_collide_do_not_mix_up_arrays():
    held = {"a/b": jnp.ones(4), "a": {"b": jnp.full(4, 2.0)}, "n": 1}
    use = lambda v, x: x.mean(0) * (v["a/b"] + 3 * v["a"]["b"])
    np.testing.assert_allclose(RUN(as_model(Holder(W, held, use)), X), 7 * X.mean(0) @ W, rtol=1e-5)


class Pooled(eqx.Module):
    conv: eqx.nn.Conv1d
    pool: eqx.nn.MaxPool1d
    out: eqx.nn.Linear

    def __call__(self, x):
        return self.out(self.pool(jax.nn.relu(self.conv(x.T))).mean(1))


class Attends(eqx.Module):
    attention: eqx.nn.MultiheadAttention
    drop: eqx.nn.Dropout
    out: eqx.nn.Linear

    def __call__(self, x):
        return self.out(self.drop(self.attention(x, x, x)).mean(0))


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Plain:
    weight: jax.Array
    gain: float
    name: str

    def __call__(self, x):
        return (x if self.gain == 1 else self.gain * x).mean(0) @ self.weight


class OfNnx(nnx.Module):
    def __init__(self):
        self.out = nnx.Linear(4, 3, rngs=nnx.Rngs(0))
        self.gain, self.act, self.places = 2.0, nnx.relu, np.array(SWAP)

    def __call__(self, x):
        x = x[:, self.places]
        return self.out(self.act(x if self.gain == 1 else self.gain * x)).mean(0)


def scaled(params, x, *, gain):
    return (x if gain == 1 else gain * x).mean(0) @ params["w"]


OUT = eqx.nn.Linear(4, 3, key=KEY)
MODELS = {
    "pool": lambda: Pooled(eqx.nn.Conv1d(4, 4, 3, key=KEY), eqx.nn.MaxPool1d(2, 2), OUT),
    "attention": lambda: Attends(
        eqx.nn.MultiheadAttention(2, 4, key=KEY), eqx.nn.Dropout(0.0), OUT
    ),
    "dataclass": lambda: Plain(W, 2.0, "name"),
    "nnx": lambda: OfNnx(),
    "from_nnx": lambda: from_nnx(OfNnx()),
    "Partial": lambda: Partial(scaled, {"w": W}, gain=2.0),
    "functools.partial": lambda: functools.partial(scaled, {"w": W}, gain=2.0),
}


@pytest.mark.parametrize("kind", rows(MODELS, full_size=("pool",)))
def test_methods_see_the_function_that_the_model_is(kind):
    model = MODELS[kind]()
    for name in ("occlusion", "lrp") if kind in ("pool", "attention") else ("saliency",):
        method = METHODS[name]()
        found = attribute_batch(method, MODELS[kind](), X[None], 1, key=jax.random.key(0)).relevance
        wanted = attribute_batch(
            method, lambda x: model(x), X[None], 1, key=jax.random.key(0)
        ).relevance
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_layers_and_half_precision_leave_out_what_is_no_parameter():
    model = Holder(
        W,
        {"key": jax.random.key(0), "places": jnp.array(SWAP), "gain": 2.0},
        lambda v, x: v["gain"] * x[:, v["places"]].mean(0),
    )
    assert list(layers(model, X)) == ["weight"]
    codec = cast(Codec(model, model, 1, 1), jnp.bfloat16)
    types = {str(leaf.dtype) for leaf in jax.tree.leaves(codec)}
    assert types == {"bfloat16", "int32", "key<fry>"}
