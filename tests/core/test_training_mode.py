"""Models that still train are refused, by what they do; all others are explained."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax import nnx
from jax.tree_util import Partial

from audioxai_jax import attribute_batch, saliency
from audioxai_jax.core.training_mode import TrainingMode
from audioxai_jax.models.outputs import probability
from audioxai_jax.nets.adapters import from_linen, from_nnx

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (5, 4))


class Nnx(nnx.Module):
    """The layers one after the other, all called with the same options."""

    def __init__(self, *kinds, **options):
        self.layers, self.options = nnx.List([kind(nnx.Rngs(0)) for kind in kinds]), options

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x, **self.options)
        return x.mean(0)


class OwnMask(nnx.Module):
    def __init__(self):
        self.rngs = nnx.Rngs(0)

    def __call__(self, x):
        return (x * jax.random.bernoulli(self.rngs.params(), 0.5, x.shape)).mean(0)


def drop(rngs, rate=0.5):
    return nnx.Dropout(rate, rngs=rngs)


def norm(rngs):
    return nnx.BatchNorm(4, rngs=rngs)


def attention(rngs):
    return nnx.MultiHeadAttention(2, 4, dropout_rate=0.3, decode=False, rngs=rngs)


def evaluated(module):
    module.eval()
    return module


def trained(module):
    module.train()
    return module


def one_in_training():
    module = evaluated(Nnx(norm, drop))
    module.layers[1].train()
    return module


class Linen(nn.Module):
    train: bool = True
    drop: float = 0.5
    norm: bool = True

    @nn.compact
    def __call__(self, x, train=None):
        train = self.train if train is None else train
        x = nn.BatchNorm(use_running_average=not train)(x) if self.norm else x
        return nn.Dropout(self.drop, deterministic=not train)(x).mean(0)


class Equinox(eqx.Module):
    layer: eqx.Module
    options: dict = eqx.field(default_factory=dict)

    def __call__(self, x):
        return self.layer(x, **self.options).mean(0)


def equinox_norm(inference):
    norm, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(4, "batch", mode="batch")
    norm = eqx.nn.inference_mode(norm, inference)
    rows = jax.vmap(norm, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
    return lambda x: rows(x, state)[0].mean(0)


VARIABLES = Linen(train=False).init(KEY, X)
DROPS, STILL = Nnx(drop), evaluated(Nnx(drop, norm))

REFUSED = {
    "NNX, dropout": (lambda: from_nnx(Nnx(norm, drop)), r"layers/0 \(BatchNorm\), layers/1 \(Drop"),
    "NNX, statistics": (lambda: from_nnx(Nnx(norm)), r"layers/0 \(BatchNorm\).*module.eval"),
    "NNX, attention": (
        lambda: from_nnx(trained(Nnx(attention))),
        r"layers/0 \(MultiHeadAttention\)",
    ),
    "NNX, one of two": (lambda: from_nnx(one_in_training()), r"mode: layers/1 \(Dropout\): "),
    "NNX, by its call": (
        lambda: from_nnx(evaluated(Nnx(drop, deterministic=False))),
        "dropout at .*test_training_mode.py",
    ),
    "NNX, statistics by its call": (
        lambda: from_nnx(evaluated(Nnx(norm, use_running_average=False))),
        "layers/0/mean",
    ),
    "NNX, own mask": (lambda: from_nnx(OwnMask()), r"dropout at .*OwnMask.__call__"),
    "NNX without an adapter": (lambda: Nnx(drop), r"layers/0 \(Dropout\)"),
    "NNX, statistics without": (lambda: Nnx(norm), r"batch statistics at .*layers/0 \(BatchNorm"),
    "NNX in a function": (lambda: lambda x: DROPS(x), "Cannot mutate RngCount"),
    "NNX, wrapped": (lambda: probability(from_nnx(Nnx(drop))), r"layers/0 \(Dropout\)"),
    "Linen": (lambda: from_linen(Linen(), VARIABLES), r"BatchNorm_0 \(BatchNorm\): Cannot update"),
    "Linen, dropout": (lambda: from_linen(Linen(norm=False), {}), r"Dropout_0 \(Dropout\)"),
    "Linen, partial": (
        lambda: functools.partial(Linen(train=False).apply, VARIABLES, train=True),
        "mode: train=True: Cannot update",
    ),
    "Linen, Partial": (
        lambda: Partial(Linen(norm=False).apply, {}, train=True),
        "mode: train=True",
    ),
    "Linen with a key": (
        lambda: lambda x: Linen(norm=False).apply({}, x, rngs={"dropout": KEY}),
        "dropout at .*Linen.__call__",
    ),
    "Linen, statistics move": (
        lambda: lambda x: Linen(drop=0.0).apply(VARIABLES, x, mutable=["batch_stats"])[0],
        "batch statistics at .*Linen.__call__",
    ),
    "Equinox": (lambda: Equinox(eqx.nn.Dropout(0.5)), r"layer \(Dropout\).*requires a key"),
    "Equinox with a key": (
        lambda: Equinox(eqx.nn.Dropout(0.5), {"key": KEY}),
        r"dropout at .*Equinox.__call__.*layer \(Dropout\)",
    ),
    "Equinox, statistics": (lambda: equinox_norm(False), "batch statistics at"),
    "in a loop": (
        lambda: (
            lambda x: jax.lax.scan(
                lambda carry, key: (carry * jax.random.bernoulli(key, 0.5, carry.shape), None),
                x.mean(0),
                jax.random.split(KEY, 3),
            )[0]
        ),
        "dropout at .*test_training_mode.py",
    ),
    "compiled": (
        lambda: jax.jit(lambda x: jnp.where(jax.random.bernoulli(KEY, 0.5, (4,)), x, 0)[0]),
        "dropout at .*test_training_mode.py",
    ),
}
EXPLAINED = {
    "NNX": lambda: from_nnx(evaluated(Nnx(drop, norm, attention))),
    "NNX, nothing is dropped": lambda: from_nnx(Nnx(functools.partial(drop, rate=0.0))),
    "NNX, still by its call": lambda: from_nnx(Nnx(drop, deterministic=True)),
    "NNX without an adapter": lambda: evaluated(Nnx(drop, norm)),
    "NNX in a function": lambda: lambda x: STILL(x),
    "Linen": lambda: from_linen(Linen(train=False), VARIABLES),
    "Linen, nothing is dropped": lambda: from_linen(Linen(drop=0.0, norm=False), {}),
    "Linen, partial": lambda: functools.partial(Linen().apply, VARIABLES, train=False),
    "Equinox, nothing is dropped": lambda: Equinox(eqx.nn.Dropout(0.0)),
    "Equinox": lambda: Equinox(eqx.nn.Dropout(0.5, inference=True)),
    "Equinox, still by its call": lambda: Equinox(eqx.nn.Dropout(0.5), {"inference": True}),
    "Equinox, statistics": lambda: equinox_norm(True),
    "random features": lambda: lambda x: jnp.cos(x.mean(0) @ jax.random.normal(KEY, (4, 4))),
    "random signs": lambda: lambda x: (x * jax.random.rademacher(KEY, (4,), x.dtype)).mean(0),
}


def explain(model):
    return attribute_batch(saliency(), model, X[None], 1, key=jax.random.key(0)).relevance


@pytest.mark.parametrize("kind", REFUSED)
def test_what_trains_is_refused(kind):
    make, said = REFUSED[kind]
    with pytest.raises(TrainingMode, match=said) as found:
        explain(make())
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("kind", EXPLAINED)
def test_what_is_still_is_explained(kind):
    assert jnp.any(explain(EXPLAINED[kind]()) != 0)


def test_other_errors_of_a_model_in_training_stay_what_they_are():
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        explain(Equinox(eqx.nn.Dropout(0.5), {"wrong": True}))
