"""What is equal compiles once: counted by models whose Python body counts its traces."""

from collections import Counter

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from flax import nnx
from jax.tree_util import Partial

from audioxai_jax import METHODS, Classifier, Codec, domains, integrated_gradients
from audioxai_jax import explain_batch as explain_clips
from audioxai_jax.core.sharing import distinct
from audioxai_jax.nets.adapters import from_linen, from_nnx

TRACES = Counter()
KEY = jax.random.key(0)
AUDIO = jax.random.normal(KEY, (5, 40))


def encode(scale, audio):
    return scale * audio.reshape(-1, 4)


def decode(scale, latent):
    TRACES["decoder"] += 1
    return (latent / scale).ravel()


def classify(params, latent):
    TRACES["classifier"] += 1
    return jnp.tanh(latent @ params).mean(0)


def codec(scale=2.0, **changes):
    scale = jnp.float32(scale)
    fields = {"sample_rate": 400, "hop": 4} | changes
    return Codec(Partial(encode, scale), Partial(decode, scale), **fields)


def network(seed=0):
    return Partial(classify, jax.random.normal(jax.random.key(seed), (4, 3)))


def classifier(seed=0, scale=2.0, **changes):
    fields = {"model": network(seed), "reads": domains.latent(codec(scale))} | changes
    return Classifier(**fields)


def explain_batch(classifier, audio, **options):
    return explain_clips(classifier, audio, **{"key": KEY} | options)


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
    assert new_traces(explain_batch, classifier(), AUDIO, **options) != {}
    named = codec(manifest={"made": "elsewhere"})
    same = [
        {},
        {"keep": 0.3},
        {"keep": 1},
        {"method": factory()},
        {"key": jax.random.key(5)},
        {"first_index": 100},
        {"audio": AUDIO + 1},
        {"audio": AUDIO[:3]},
        {"classifier": classifier(scale=3.0)},
        {"classifier": classifier(seed=1)},
        {"classifier": classifier(seed=2, labels=("a", "b", "c"))},
        {"classifier": classifier(manifest={"sha256": "0"}, reads=domains.latent(named))},
        {"domain": domains.latent(codec())},
    ]
    arguments = {"classifier": classifier(), "audio": AUDIO} | options
    for change in same:
        assert new_traces(explain_batch, **arguments | change) == {}, change


def test_another_domain_compiles_once(factory):
    """And is compiled for itself."""
    options = {"method": factory(), "chunk": 2, "domain": domains.frequencies(400)}
    assert new_traces(explain_batch, classifier(), AUDIO, **options)["classifier"] > 0
    for change in (
        {"domain": domains.frequencies(400)},
        {"keep": 0.5},
        {"classifier": classifier(seed=1, scale=3.0)},
    ):
        arguments = {"classifier": classifier(), "audio": AUDIO} | options
        assert new_traces(explain_batch, **arguments | change) == {}, change


def test_parameters_that_are_in_two_places_are_arguments_once():
    """A codec that is read and explained, and heard by a listener, is not copied.

    Here its encoder and its decoder have one number in common, an array.
    """
    reads = classifier().reads
    request = (network(), reads, domains.latent(codec()), reads)
    shared = distinct(request)
    assert [len(jax.tree.leaves(tree)) for tree in (request, shared)] == [7, 3]
    assert jax.tree.structure(shared.tree) == jax.tree.structure(request)
    assert all(a is b for a, b in zip(*map(jax.tree.leaves, (shared.tree, request)), strict=True))


def test_numbers_that_happen_to_be_equal_are_not_one():
    assert jax.tree.structure(distinct((3, 3))) == jax.tree.structure(distinct((3, 4)))


def test_what_differs_in_kind_compiles_anew():
    """The counter would notice: other options that are part of the program are counted."""
    arguments = {"classifier": classifier(), "audio": AUDIO, "chunk": 2}
    explain_batch(**arguments)
    for change in (
        {"rank": "absolute"},
        {"method": integrated_gradients(steps=3)},
        {"audio": AUDIO[:, :36]},
        {"unit": "frame"},
    ):
        assert new_traces(explain_batch, **arguments | change)["classifier"] > 0, change


def test_baselines_of_one_shape_compile_once():
    arguments = classifier(), AUDIO
    at = lambda value: integrated_gradients(steps=2, baseline=jnp.full((10, 4), value))
    assert new_traces(explain_batch, *arguments, method=at(0.0)) != {}
    assert new_traces(explain_batch, *arguments, method=at(1.0)) == {}


def test_windowed_classifiers_compile_once():
    def make(seed):
        return classifier(seed, labels=("a", "b", "c"), frames=4)

    assert new_traces(explain_batch, make(0), AUDIO) != {}
    assert new_traces(explain_batch, make(1), AUDIO) == {}


def test_a_plain_function_compiles_once():
    def model(latent):
        TRACES["classifier"] += 1
        return latent.mean(0)

    make = lambda: classifier(model=model)
    assert new_traces(explain_batch, make(), AUDIO)["classifier"] > 0
    assert new_traces(explain_batch, make(), AUDIO) == {}


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
    first, second, third = (classifier(model=make(seed)) for seed in range(3))
    kind = make.__name__.removeprefix("flax_")
    assert new_traces(explain_batch, first, AUDIO)[kind] > 0
    assert new_traces(explain_batch, second, AUDIO) == {}
    assert new_traces(explain_batch, third, AUDIO, keep=0.5) == {}
