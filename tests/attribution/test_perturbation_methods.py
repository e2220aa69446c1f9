"""What all methods have in common that perturb their input: groups, draws, chunks, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.attribution.feature_ablation import feature_ablation
from audioxai_jax.attribution.kernel_shap import kernel_shap
from audioxai_jax.attribution.lime import lime
from audioxai_jax.attribution.occlusion import occlusion
from audioxai_jax.attribution.rise import rise
from audioxai_jax.attribution.segments import blocks, groups
from audioxai_jax.attribution.shapley_sampling import shapley_sampling
from audioxai_jax.attribution.shapley_values import shapley_values
from audioxai_jax.core.records import as_method, as_model
from audioxai_jax.engine.batch import attribute_batch
from audioxai_jax.engine.estimator import Estimator
from audioxai_jax.tracing.gradient_flow import NoGradient
from tests.helpers.games import EACH, WEIGHTS, close, explain, linear, network, normal, product, run
from tests.helpers.rows import rows

METHODS = {
    "feature_ablation": feature_ablation,
    "kernel_shap": lambda **options: kernel_shap(**{"samples": 40} | options),
    "lime": lambda **options: lime(**{"samples": 40} | options),
    "occlusion": occlusion,
    "rise": lambda **options: rise(**{"samples": 40} | options),
    "shapley_sampling": lambda **options: shapley_sampling(**{"permutations": 7} | options),
    "shapley_values": shapley_values,
}
SAMPLED = ("kernel_shap", "lime", "rise", "shapley_sampling")
GROUPED = ("feature_ablation", "kernel_shap", "lime", "shapley_sampling", "shapley_values")


def test_all_are_estimators():
    for factory in METHODS.values():
        assert isinstance(factory(), Estimator)
        assert factory() == factory() and hash(jax.tree.structure(factory()))
    for method in (lime(ridge=0, width=1), rise(cells=2)):
        assert as_method(method) is method
        leaves = jax.tree.leaves(method)  # whole numbers too are its leaves, and traced
        assert leaves and all(isinstance(leaf, float) for leaf in leaves)


@pytest.mark.full_size
@pytest.mark.parametrize("shape", [(12,), (6, 4), (2, 3, 4)])
@pytest.mark.parametrize("name", METHODS)
def test_inputs_of_any_rank_keep_their_type(name, shape):
    """Single precision, batches by vmap, traced targets; info says what was done."""
    method = METHODS[name](chunk=64, baseline=0.25)
    x = jnp.asarray(normal(2, *shape), jnp.float32)
    found = jax.vmap(run, in_axes=(None, None, 0, 0, None))(
        method, as_model(linear), x, jnp.arange(2), jax.random.key(0)
    )
    assert found.relevance.shape == x.shape and found.relevance.dtype == jnp.float32
    assert np.all(np.isfinite(found.relevance))
    error = found.info["standard_error"]
    assert error.shape == (x.shape if name in SAMPLED else (2,))
    assert np.all(np.isfinite(error)) if name in SAMPLED else np.all(np.isnan(error))
    extra = {"rise": 0, "feature_ablation": 1, "occlusion": 1, "lime": 1}.get(name, 2)
    np.testing.assert_array_equal(found.info["evaluations"], method.milestones(x[0])[-1] + extra)
    for index, target in enumerate([0, 1]):
        alone = run(method, as_model(linear), x[index], target, jax.random.key(0))
        close(found.relevance[index], alone.relevance, 1e-4)


ALIKE = ("lime", "shapley_sampling", "shapley_values")
"""Methods whose solver or driver another one has, too."""


@pytest.mark.parametrize("name", rows(METHODS, full_size=ALIKE))
def test_chunks_change_nothing(name, x64):
    x = normal(5, 3)
    found = [explain(METHODS[name](chunk=chunk), network, x, 1) for chunk in (1, 3, 64)]
    for other in found[1:]:
        close(other.relevance, found[0].relevance, 1e-12)
        both = found[0].info["standard_error"], other.info["standard_error"]
        np.testing.assert_allclose(*both, rtol=1e-9)


@pytest.mark.full_size
@pytest.mark.parametrize("name", METHODS)
def test_batches_draw_as_examples_do(name, x64):
    method, model, x = METHODS[name](), as_model(network), jnp.asarray(normal(3, 4, 3))
    key, target = jax.random.key(4), jnp.array([2, 0, 1])
    found = attribute_batch(method, model, x, target, key=key, chunk=8)
    for index in range(3):
        own = jax.random.fold_in(key, index)
        alone = run(method, model, x[index], target[index], own)
        close(found.relevance[index], alone.relevance, 1e-12)
        assert found.info["evaluations"][index] == alone.info["evaluations"]


@pytest.mark.parametrize("name", rows(SAMPLED, full_size=("lime", "rise", "shapley_sampling")))
def test_memory_does_not_grow_with_samples(name):
    """But for the numbers of the steps, int32, that the loop of `inside` goes through."""
    option = "permutations" if name == "shapley_sampling" else "samples"

    def needed(samples):
        method, x = METHODS[name](**{option: samples}, chunk=8), jnp.ones(24)
        lowered = run.lower(method, as_model(linear), x, 0, jax.random.key(0))
        steps = method.milestones(x)[-1] / 8
        return lowered.compile().memory_analysis().temp_size_in_bytes - 4 * steps

    assert needed(10_000) <= needed(100) + 1000


@pytest.mark.parametrize("name", METHODS)
def test_models_are_asked_once_a_sample(name):
    """Rows that the model sees, counted as it runs; what is not valid may round a chunk up."""
    rows = []

    def counted(x):
        jax.debug.callback(lambda value: rows.append(1), x[0])
        return linear(x)

    method = METHODS[name](chunk=1)
    found = method(counted, jnp.ones(6), 0, key=jax.random.key(0))
    jax.effects_barrier()
    assert len(rows) == found.info["evaluations"]


@pytest.mark.parametrize("name", METHODS)
def test_no_gradient_is_needed_but_the_input_is(name):
    method, x, key = METHODS[name](), jnp.arange(6.0), jax.random.key(0)
    rounded = run(method, as_model(lambda x: jnp.round(linear(x))), x, 0, key)
    assert np.any(rounded.relevance != 0)
    with pytest.raises(NoGradient, match="does not depend on its input"):
        method(lambda x: jnp.ones(2), x, 0, key=key)


@pytest.mark.parametrize("name", METHODS)
def test_wrong_options_are_refused_by_name(name):
    x, key = jnp.ones(6), jax.random.key(0)
    with pytest.raises(ValueError, match=f"{name}: chunk must be a whole number"):
        METHODS[name](chunk=0)
    with pytest.raises(ValueError, match=r"the baseline \[5\] does not fit the input \[6\]"):
        METHODS[name](baseline=jnp.ones(5))(linear, x, 0, key=key)
    if name in SAMPLED:
        option = "permutations" if name == "shapley_sampling" else "samples"
        with pytest.raises(
            ValueError, match=f"{name}: {option} must be a whole number from 1 up, got 0"
        ):
            METHODS[name](**{option: 0})
        with pytest.raises(ValueError, match=f"{name} draws at random: give it a key"):
            METHODS[name]()(linear, x, 0, key=None)
    if name in GROUPED:
        with pytest.raises(ValueError, match=f"{name}: segments must be whole numbers"):
            METHODS[name](segments=[0.5])
        with pytest.raises(ValueError, match=r"segments \[5\] do not fit the input \[6\]"):
            METHODS[name](segments=[0, 1, 2, 3, 4])(linear, x, 0, key=key)


SHAPES = [(12,), pytest.param((4, 3), marks=pytest.mark.full_size), (2, 3, 2)]


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("shape", SHAPES)
def test_linear_models_are_explained_exactly(name, shape, x64):
    """Each group gets sum w (x - b), of any rank, with any number of samples that suffices."""
    options = {"ridge": 0.0} if name == "lime" else {}
    segments = blocks(tuple(max(1, n // 2) for n in shape))
    x, base = normal(*shape), normal(shape[-1], seed=1)
    numbers, count = groups(segments, shape)
    method = METHODS[name](segments=segments, baseline=jnp.asarray(base), **options)
    found = explain(method, linear, x, 1)
    parts = -2 * WEIGHTS[:12].reshape(shape) * (x - base)
    wanted = np.array([np.sum(parts[numbers == group]) for group in range(count)])[numbers]
    close(found.relevance, wanted)
    if "shap" in name:
        assert found.info["completeness_gap"] < 1e-12
    if name in SAMPLED:
        assert np.max(found.info["standard_error"]) < 1e-10


@pytest.mark.parametrize("name", [name for name in GROUPED if name != "lime"])
def test_one_group_gets_everything(name, x64):
    x = normal(4)
    found = explain(METHODS[name](segments=blocks(None)), network, x)
    close(found.relevance, np.full(4, network(jnp.asarray(x))[0] - network(jnp.zeros(4))[0]))


@pytest.mark.parametrize("name", rows(GROUPED, full_size=ALIKE))
def test_half_precision_counts_beyond_256(name):
    options = {} if name not in ("lime", "kernel_shap") else {"samples": 400}
    options |= {"ridge": 0.0} if name == "lime" else {}
    x = jnp.asarray(normal(4), jnp.bfloat16)
    found = explain(METHODS[name](segments=EACH, **options), linear, x)
    assert found.relevance.dtype == jnp.bfloat16
    close(found.relevance.astype(float), WEIGHTS[:4] * x.astype(float), 0.05)


CALIBRATION = {
    "kernel_shap": lambda: kernel_shap(samples=160, segments=EACH),
    "lime": lambda: lime(samples=160, segments=EACH),
    "rise": lambda: rise(samples=64, cells=3),
    "shapley_sampling": lambda: shapley_sampling(permutations=20, segments=EACH),
}


@pytest.mark.parametrize("function", rows([network, product], full_size=(product,)))
@pytest.mark.parametrize("name", SAMPLED)
def test_standard_errors_are_calibrated(name, function, x64):
    """The spread over 200 keys is what one run says of itself, within 20 %."""
    x, method = jnp.asarray(np.abs(normal(6)) + 0.5), CALIBRATION[name]()
    keys = jax.random.split(jax.random.key(1), 200)
    one = lambda key: run(method, as_model(function), x, 0, key)
    found = jax.vmap(one)(keys)
    spread = np.sqrt(np.mean(np.var(found.relevance, axis=0)))
    told = np.sqrt(np.mean(found.info["standard_error"] ** 2))
    assert 0.8 < told / spread < 1.2
    each = np.mean(found.info["standard_error"], axis=0) / np.std(found.relevance, axis=0)
    assert np.all((0.7 < each) & (each < 1.4))
