"""Each skeleton of docs/skeletons/ keeps what its kind promises, as rows of tables do."""

import doctest
import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.attribution import METHODS
from audioxai_jax.domains import samples
from audioxai_jax.metrics.table import KINDS, Metric
from audioxai_jax.propagation import composite, kind, propagate
from audioxai_jax.streaming.codecs import STAGES
from audioxai_jax.truth import Truth
from audioxai_jax.truth.score import energy, explained, scores
from audioxai_jax.types import Classifier
from tests.attribution import test_conformance as methods
from tests.domains import test_conformance as domains
from tests.nets.codecs import test_conformance as codecs
from tests.propagation import test_rule_conformance as rules

KINDS_OF_SKELETONS = ("codec", "domain", "method", "metric", "rule", "truth")


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


@pytest.fixture
def rule(skeleton, monkeypatch):
    """The skeleton as a row of RULES."""
    case = rules.Case(skeleton("rule").my_rule(), "dense")
    monkeypatch.setitem(rules.CASES, "my_rule", case)
    return "my_rule"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_rule_keeps_types(rule, dtype):
    rules.test_the_operation_is_of_a_kind_that_the_rule_is_for(rule)
    rules.test_relevance_has_the_shape_and_dtype_of_the_input(rule, dtype)


def test_the_rule_says_the_same_in_batches(rule):
    rules.test_in_batches_it_says_the_same(rule)


def test_the_rule_conserves_relevance_and_says_where_it_went(rule, x64):
    rules.test_relevance_is_conserved_where_that_is_claimed(rule, None)
    rules.test_what_bias_and_stabiliser_took_is_told(rule, None)


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


@pytest.mark.parametrize("check", domains.CHECKS)
def test_the_domain_keeps_the_promises_of_domains(check, skeleton, x64):
    domains.CHECKS[check](skeleton("domain").my_domain(domains.RATE))


@pytest.mark.parametrize(
    "check",
    [
        codecs.test_the_codec_says_what_its_configuration_says,
        codecs.test_any_length_from_one_sample,
        codecs.test_batched_it_says_the_same,
    ],
)
def test_the_codec_keeps_the_promises_of_codecs(check, codec):
    check(codec)


@pytest.mark.parametrize(
    "check",
    [
        codecs.test_gradients_flow_through_encoder_and_decoder,
        codecs.test_in_pieces_it_says_the_same,
    ],
)
def test_the_codec_keeps_them_in_double_precision(check, codec, x64):
    check(codec, None)


@pytest.fixture
def codec(skeleton, monkeypatch):
    """The skeleton as a row of CODECS."""
    row, name = skeleton("codec").ROW, "my_codec-0"
    monkeypatch.setitem(codecs.CASES, name, (row, row.small[0]))
    for function, stages in row.stages.items():
        monkeypatch.setitem(STAGES, function, stages)
    yield name
    codecs.small.cache_clear()


def test_a_fresh_codec_keeps_what_it_has_encoded(skeleton):
    module = skeleton("codec")
    params = module.init(module.MyConfig(), jax.random.key(0))
    made = module.my_codec(module.MyConfig(), params, name="my_codec")
    latent = made.encode(jax.random.normal(jax.random.key(1), (1_000,)))
    np.testing.assert_allclose(made.encode(made.decode(latent)), latent, atol=1e-4)


def test_the_metric_is_a_row(skeleton):
    metric = Metric(skeleton("metric").my_metric, "relevance", "higher", 0, 1, "Author, year")
    assert metric.of in KINDS
    values = jax.vmap(metric.function)(jnp.array([[3.0, -1.0], [1.0, 1.0], [-1.0, -1.0]]))
    assert values.tolist() == [0.75, 1, 0]


def test_the_truth_is_proven_and_found(skeleton):
    module = skeleton("truth")
    trial = Truth("Which tone of ten decides?", module.build, module.BARS).make(0, clips=8)
    assert trial.proven and len(trial.checks) == 4
    relevance, _ = explained(trial, METHODS["integrated_gradients"](steps=4), key=jax.random.key(0))
    (bar,) = module.BARS
    assert bar.passes(np.mean(scores(trial, relevance)[bar.score]))
    assert np.mean(scores(trial, energy(trial))[bar.score]) <= bar.energy


def test_the_truth_is_not_proven_of_a_classifier_that_hears_something_else(skeleton):
    module = skeleton("truth")
    first = jax.tree_util.Partial(lambda clip: jnp.stack([clip[0], -clip[0]]))
    classifier = Classifier(first, reads=samples(16_000), labels=("low", "high"))
    assert not module.build(0, clips=8, classifier=classifier).proven
    one = jax.tree_util.Partial(lambda clip: clip[:1])
    with pytest.raises(ValueError, match=r"outputs \[1\], this truth asks for 2, .*low, high"):
        module.build(0, classifier=Classifier(one, reads=samples(16_000)))
