"""What is equal compiles once: counted by models whose Python body counts its traces."""

from collections import Counter

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax import nnx
from jax.tree_util import Partial

from audioxai_jax import METHODS, Classifier, Codec, explain_batch, integrated_gradients, windowed
from audioxai_jax.nets.adapters import from_linen, from_nnx

TRACES = Counter()
AUDIO = jax.random.normal(jax.random.key(0), (5, 40))


def encode(scale, audio):
    return scale * audio.reshape(-1, 4)


def decode(scale, latent):
    TRACES["decoder"] += 1
    return (latent / scale).ravel()


def classify(params, latent):
    TRACES["classifier"] += 1
    return jnp.tanh(latent @ params).mean(0)


def codec(scale=2.0):
    scale = jnp.float32(scale)
    return Codec(Partial(encode, scale), Partial(decode, scale), sample_rate=400, hop=4)


def classifier(seed=0):
    return Partial(classify, jax.random.normal(jax.random.key(seed), (4, 3)))


def new_traces(call, *args, **options):
    TRACES.clear()
    jax.block_until_ready(call(*args, **options))
    return dict(TRACES)


@pytest.fixture(params=["integrated_gradients", "lrp", "random_control", "saliency"])
def factory(request):
    return METHODS[request.param]


def test_a_second_call_compiles_nothing(factory):
    """Equal factories, other parameters, clips, keys, fractions, places and batch sizes."""
    options = {"method": factory(), "chunk": 2}
    assert new_traces(explain_batch, codec(), classifier(), AUDIO, **options) != {}
    same = [
        {},
        {"keep": 0.3},
        {"keep": 1},
        {"method": factory()},
        {"key": jax.random.key(5)},
        {"first_index": 100},
        {"audio": AUDIO + 1},
        {"audio": AUDIO[:3]},
        {"codec": codec(scale=3.0)},
        {"classifier": classifier(seed=1)},
        {"classifier": Classifier(model=classifier(seed=2), labels=("a", "b", "c"))},
    ]
    arguments = {"codec": codec(), "classifier": classifier(), "audio": AUDIO} | options
    for change in same:
        assert new_traces(explain_batch, **arguments | change) == {}, change


def test_what_differs_in_kind_compiles_anew():
    """The counter would notice: other options that are part of the program are counted."""
    arguments = {"codec": codec(), "classifier": classifier(), "audio": AUDIO, "chunk": 2}
    explain_batch(**arguments)
    for change in (
        {"rank": "absolute"},
        {"method": integrated_gradients(steps=3)},
        {"audio": AUDIO[:, :36]},
    ):
        assert new_traces(explain_batch, **arguments | change)["classifier"] > 0, change


def test_baselines_of_one_shape_compile_once():
    arguments = codec(), classifier(), AUDIO
    at = lambda value: integrated_gradients(steps=2, baseline=jnp.full((10, 4), value))
    assert new_traces(explain_batch, *arguments, method=at(0.0)) != {}
    assert new_traces(explain_batch, *arguments, method=at(1.0)) == {}


def test_windowed_classifiers_compile_once():
    def make(seed):
        return windowed(Classifier(classifier(seed), ("a", "b", "c"), frames=4))

    assert new_traces(explain_batch, codec(), make(0), AUDIO) != {}
    assert new_traces(explain_batch, codec(), make(1), AUDIO) == {}


def test_a_plain_function_compiles_once():
    def model(latent):
        TRACES["classifier"] += 1
        return latent.mean(0)

    assert new_traces(explain_batch, codec(), model, AUDIO)["classifier"] > 0
    assert new_traces(explain_batch, codec(), model, AUDIO) == {}


class Linen(nn.Module):
    width: int = 3

    @nn.compact
    def __call__(self, latent):
        TRACES["linen"] += 1
        return nn.Dense(self.width)(nn.relu(latent)).mean(0)


class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.dense = nnx.Linear(4, 3, rngs=rngs)
        self.drop = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, latent):
        TRACES["nnx"] += 1
        return self.drop(self.dense(latent)).mean(0)


class Equinox(eqx.Module):
    net: eqx.nn.MLP
    drop: eqx.nn.Dropout
    repeats: int

    def __call__(self, latent):
        TRACES["equinox"] += 1
        for _ in range(self.repeats):
            latent = self.drop(jax.nn.relu(latent))
        return jax.vmap(self.net)(latent).mean(0)


def linen(seed):
    module = Linen()
    return from_linen(module, module.init(jax.random.key(seed), jnp.ones((10, 4))))


def flax_nnx(seed):
    module = Nnx(nnx.Rngs(seed))
    module.eval()
    return from_nnx(module)


def equinox(seed):
    net = eqx.nn.MLP(4, 3, 8, 1, key=jax.random.key(seed))
    return eqx.nn.inference_mode(Equinox(net, eqx.nn.Dropout(0.1), repeats=2))


@pytest.mark.parametrize("make", [linen, flax_nnx, equinox])
def test_fresh_modules_compile_once(make):
    first, second = make(0), make(1)
    kind = make.__name__.removeprefix("flax_")
    assert new_traces(explain_batch, codec(), first, AUDIO)[kind] > 0
    assert new_traces(explain_batch, codec(), second, AUDIO) == {}
    assert new_traces(explain_batch, codec(), make(2), AUDIO, keep=0.5) == {}
