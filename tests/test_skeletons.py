"""Each skeleton of docs/skeletons/ keeps what its kind promises, as rows of tables do."""

import doctest
import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.metrics.table import KINDS, Metric
from audioxai_jax.propagation import composite, kind, propagate
from tests.attribution import test_conformance as methods

KINDS_OF_SKELETONS = ("codec", "domain", "method", "metric", "rule")


@pytest.fixture
def skeleton(repo):
    def load(name):
        spec = importlib.util.spec_from_file_location(
            f"skeleton_{name}", repo / "docs" / "skeletons" / f"{name}.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_every_skeleton_is_tested(repo):
    folder = repo / "docs" / "skeletons"
    assert sorted(path.stem for path in folder.glob("*.py")) == list(KINDS_OF_SKELETONS)


@pytest.mark.parametrize("name", ["method", "metric"])
def test_doctests(name, skeleton):
    failed, tried = doctest.testmod(skeleton(name))
    assert tried and not failed


@pytest.fixture
def method(repo):
    return f"{repo / 'docs' / 'skeletons' / 'method.py'}:my_method"


def test_the_method_keeps_the_promises_of_methods(method):
    made = methods.make(method)
    methods.test_relevance_has_the_shape_and_type_of_the_input(made, (2, 3, 4))
    methods.test_info_is_that_of_every_method(made)
    methods.test_batches_equal_single_examples(made)
    methods.test_relevance_is_finite(made, 0 * methods.X)
    methods.test_a_model_that_ignores_its_input_is_refused(made, set())
    methods.test_equal_factories_are_one_and_compile_once(method)


def test_the_method_keeps_its_claims(method, x64):
    methods.test_claim_of_sensitivity(methods.make(method), None)
    methods.test_claim_of_invariance(methods.make(method), None)


def layer(params, x):
    return jnp.tanh(x @ params["kernel"] + params["bias"]) @ params["out"]


def test_the_rule_shares_relevance_by_its_equation(skeleton, x64):
    """R_i = sum over j of |x_i w_ij| / (sum over i of |x_i w_ij| + |b_j|) R_j, twice."""
    draw = np.random.default_rng(0).normal
    x, kernel, bias, out = draw(size=6), draw(size=(6, 4)), draw(size=4), draw(size=(4, 3))
    rule = skeleton("rule").my_rule()
    model = Partial(layer, {"kernel": kernel, "bias": bias, "out": out})
    found = propagate(composite([(kind("conv", "dense"), rule)]), model, jnp.asarray(x), target=1)

    hidden = np.tanh(x @ kernel + bias)
    score = (hidden @ out)[1]
    parts = np.abs(hidden * out[:, 1])
    relevance = score * parts / parts.sum()
    parts = np.abs(x[:, None] * kernel)
    wanted = (parts / (parts.sum(0) + np.abs(bias)) * relevance).sum(1)
    np.testing.assert_allclose(found.relevance, wanted, rtol=1e-9)


@pytest.mark.parametrize("samples", [1, 7, 160, 801])
def test_the_domain_inverts_and_partitions(samples, skeleton, x64):
    domain = skeleton("domain").my_domain(16_000)
    audio = jax.random.normal(jax.random.key(0), (samples,), jnp.float64)
    features = domain.analyse(audio)
    np.testing.assert_allclose(domain.synthesise(features, audio), audio, atol=1e-12)
    assert domain.base(features).shape == domain.size(features).shape == features.shape
    for labels in domain.units(features.shape).values():
        np.broadcast_to(labels, features.shape)
        assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert [len(axis.values) for axis in domain.axes(features.shape)] == list(features.shape)


@pytest.mark.parametrize("samples", [1, 320, 1_001])
def test_the_codec_codes_any_length(samples, skeleton):
    module = skeleton("codec")
    codec = module.my_codec(module.my_params())
    audio = jax.random.normal(jax.random.key(0), (samples,))
    latent = codec.encode(audio)
    assert latent.shape == (-(-samples // codec.hop), module.CHANNELS)
    assert codec.decode(latent).shape[0] >= samples
    gradient = jax.grad(lambda x: jnp.sum(codec.decode(codec.encode(x)) ** 2))(audio)
    assert np.all(np.isfinite(gradient)) and np.any(gradient != 0)
    again = codec.encode(codec.decode(latent))
    np.testing.assert_allclose(again, latent, atol=1e-4)


def test_the_metric_is_a_row(skeleton):
    metric = Metric(skeleton("metric").my_metric, "relevance", "higher", 0, 1, "Author, year")
    assert metric.of in KINDS
    values = jax.vmap(metric.function)(jnp.array([[3.0, -1.0], [1.0, 1.0], [-1.0, -1.0]]))
    assert values.tolist() == [0.75, 1, 0]
