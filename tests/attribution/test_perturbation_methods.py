"""Perturbation methods against closed forms, slow loops and their own standard errors."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioxai_jax.attribution.feature_ablation import feature_ablation
from audioxai_jax.attribution.kernel_shap import draw_coalition, kernel_shap
from audioxai_jax.attribution.lime import lime
from audioxai_jax.attribution.occlusion import Occlusion, occlusion
from audioxai_jax.attribution.rise import rise
from audioxai_jax.attribution.segments import blocks, few, groups
from audioxai_jax.attribution.shapley_sampling import shapley_sampling
from audioxai_jax.attribution.shapley_values import shapley_values
from audioxai_jax.core.records import as_method, as_model
from audioxai_jax.engine.batch import attribute_batch
from audioxai_jax.engine.estimator import Estimator
from audioxai_jax.tracing.gradient_flow import NoGradient
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
EACH = blocks(1)


@jax.jit
def run(method, model, x, target, key):
    return method(model, x, target, key=key)


def explain(method, function, x, target=0, seed=0):
    return run(method, as_model(function), jnp.asarray(x), target, jax.random.key(seed))


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def close(found, wanted, tolerance=1e-11):
    assert np.shape(found) == np.shape(wanted)
    assert np.max(np.abs(found - wanted)) <= tolerance * max(1, np.max(np.abs(wanted)))


WEIGHTS = normal(24, seed=9)


def linear(x):
    """Two logits, of inputs of any rank."""
    w = jnp.asarray(WEIGHTS[: x.size], x.dtype).reshape(x.shape)
    return jnp.stack([jnp.sum(w * x) + 3, 1 - 2 * jnp.sum(w * x)])


def product(x):
    return jnp.prod(x, keepdims=True)


def largest(x):
    return jnp.max(x, keepdims=True)


QUADRATIC = normal(24, 24, seed=8)
QUADRATIC = QUADRATIC + QUADRATIC.T


def quadratic(x):
    v = x.ravel()
    return (v @ jnp.asarray(QUADRATIC[: v.size, : v.size], x.dtype) @ v)[None]


def network(x):
    """Neither additive nor symmetric."""
    v = x.ravel()
    inner = jnp.asarray(normal(24, 5, seed=7)[: v.size], x.dtype)
    return jnp.tanh(v @ inner) @ jnp.asarray(normal(5, 3, seed=6), x.dtype)


def values_of_largest(x):
    """Each rise of the sorted values is shared by those that reach it."""
    order = np.argsort(x)
    rises = np.diff(np.concatenate([[0], x[order]])) / np.arange(len(x), 0, -1)
    values = np.zeros(len(x))
    values[order] = np.cumsum(rises)
    return values


def values_by_orders(function, x, base, numbers, count):
    """All orders, one after the other: as the definition says it."""
    coalitions = np.array(list(itertools.product([False, True], repeat=count)))
    mixed = np.where(coalitions[:, numbers], x, base)
    logits = np.asarray(jax.jit(jax.vmap(function))(mixed))[:, 0]
    worth = {tuple(c): v for c, v in zip(coalitions.tolist(), logits, strict=True)}
    values = np.zeros(count)
    for order in itertools.permutations(range(count)):
        present = [False] * count
        for group in order:
            before = worth[tuple(present)]
            present[group] = True
            values[group] += (worth[tuple(present)] - before) / math.factorial(count)
    return values


# All methods


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
def test_ranks_and_types(name, shape):
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
def test_errors(name):
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


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("shape", [(12,), (4, 3), (2, 3, 2)])
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


# Occlusion and ablation


@pytest.mark.parametrize("function", [linear, quadratic])
@pytest.mark.parametrize(
    "shape, window, stride",
    [
        ((7,), 3, 2),
        ((7,), 7, 1),
        ((6, 4), (2, 3), (2, 1)),
        ((6, 4), 2, None),
        ((6, 4), (3,), (1,)),
        ((6, 4), (4, None), (3, -1)),
        ((2, 3, 4), (1, 2, 3), (1, 1, 2)),
        ((5, 3), None, None),
    ],
)
def test_occlusion_window_by_window(function, shape, window, stride, x64):
    x, base = normal(*shape), normal(shape[-1], seed=1)
    found = explain(
        occlusion(window=window, stride=stride, baseline=jnp.asarray(base)), function, x
    )
    whole = lambda given: (None,) * (len(shape) - len(given)) + given
    full = lambda given: whole(given if isinstance(given, tuple) else (given,) * len(shape))
    size = (1, shape[1]) if window is None else full(window)
    size = [n if w in (None, -1) else w for n, w in zip(shape, size, strict=True)]
    step = [max(1, w // 2) for w in size] if stride is None else full(stride)
    step = [n if s in (None, -1) else s for n, s in zip(shape, step, strict=True)]
    total, covered, windows = np.zeros(shape), np.zeros(shape), 0
    counts = [math.ceil((n - w) / s) + 1 for n, w, s in zip(shape, size, step, strict=True)]
    logit = jax.jit(lambda x: function(x)[0])
    for place in itertools.product(*map(range, counts)):
        box = tuple(slice(p * s, p * s + w) for p, s, w in zip(place, step, size, strict=True))
        hidden = x.copy()
        hidden[box] = np.broadcast_to(base, shape)[box]
        total[box] += logit(x) - logit(hidden)
        covered[box] += 1
        windows += 1
    close(found.relevance, total / covered)
    assert found.info["evaluations"] == windows + 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.data())
def test_windows_cover_everything(shape, data):
    window = tuple(data.draw(st.integers(1, size)) for size in shape)
    stride = tuple(data.draw(st.integers(1, size)) for size in window)
    method = occlusion(window=window, stride=stride)
    assert isinstance(method, Occlusion)
    assert np.min(method._covered(tuple(shape))) >= 1


def test_default_windows_are_few_for_audio():
    for shape in [(16000,), (75, 128), (64, 64, 3), (1, 128)]:
        total = occlusion().milestones(jax.ShapeDtypeStruct(shape, jnp.float32))[0]
        assert 15 <= total <= 64, (shape, total)


def test_windows_that_do_not_fit_are_refused():
    ask = lambda **options: occlusion(**options).milestones(jnp.zeros((4, 6)))
    with pytest.raises(ValueError, match=r"a window of 5 does not fit axis 0 of the input \[4, 6"):
        ask(window=5)
    with pytest.raises(ValueError, match="a stride of 3 along axis 1 leaves gaps between windows"):
        ask(window=2, stride=(2, 3))
    with pytest.raises(ValueError, match="occlusion: window: 3 sizes"):
        ask(window=(1, 2, 3))
    with pytest.raises(ValueError, match="occlusion: sizes are whole numbers above 0"):
        occlusion(stride=0)


def test_ablation_of_a_quadratic(x64):
    """x'Qx without group g: the terms that touch g are gone."""
    x, numbers = normal(6), np.array([0, 0, 1, 2, 2, 2])
    found = explain(feature_ablation(segments=numbers), quadratic, x)
    terms = x[:, None] * QUADRATIC[:6, :6] * x
    touched = [np.sum(terms[(numbers[:, None] == g) | (numbers[None] == g)]) for g in range(3)]
    close(found.relevance, np.array(touched)[numbers])


# RISE


def test_rise_of_a_linear_model(x64):
    """E = f(b) + sum_k w_k d_k E[m_k m_i] / p, with E[m_k m_i] from the interpolation."""
    size, cells, p = 7, 3, 0.3
    x, base = normal(size), 0.5
    method = rise(samples=20000, cells=cells, probability=p, baseline=base, chunk=2000)
    found = explain(method, linear, x)
    width = math.ceil(size / cells)
    second = np.zeros((size, size))
    for shift in range(width):
        hats = 1 - np.abs((np.arange(size) + shift)[:, None] / width - np.arange(cells + 2))
        hats = np.maximum(hats, 0)
        second += (p**2 + p * (1 - p) * hats @ hats.T) / width
    w = WEIGHTS[:size]
    wanted = 3 + np.sum(w * base) + second @ (w * (x - base)) / p
    deviation = (found.relevance - wanted) / found.info["standard_error"]
    assert np.max(np.abs(deviation)) < 4


def test_masks_of_rise():
    method, x = rise(cells=(4, 5), probability=0.3), jnp.zeros((3, 16, 12))
    masks = jax.jit(jax.vmap(lambda key: method._mask(x, key)))(
        jax.random.split(jax.random.key(0), 3000)
    )
    assert masks.shape == (3000, 3, 16, 12) and masks.min() >= 0 and masks.max() <= 1
    assert np.all(masks[:, :1] == masks)  # constant where no cells are given
    np.testing.assert_allclose(np.mean(masks, axis=0), 0.3, atol=0.05)
    assert np.max(np.abs(np.diff(masks, axis=2))) <= 1 / 4 + 1e-6  # linear between nodes
    default = rise()._mask(jnp.zeros((30, 4)), jax.random.key(0))
    assert np.all(default[:, :1] == default) and np.ptp(default) > 0


def test_errors_of_rise():
    for p in (0.0, 1.0):
        with pytest.raises(ValueError, match="rise: probability must lie between 0 and 1"):
            rise(probability=p)
    with pytest.raises(ValueError, match="rise: cells: sizes are whole numbers above 0"):
        rise(cells=0)
    with pytest.raises(ValueError, match=r"rise: cells \(2, 2\) for an input \[6\] of 1 axes"):
        rise(cells=(2, 2))(linear, jnp.ones(6), 0, key=jax.random.key(0))


# Shapley values


def test_values_of_known_games(x64):
    x = np.array([2.0, -3.0, 0.5, 1.5])
    close(explain(shapley_values(segments=EACH), product, x).relevance, np.full(4, -4.5 / 4))
    x = np.array([0.3, 1.2, 0.0, 0.7, 0.7])
    close(explain(shapley_values(segments=EACH), largest, x).relevance, values_of_largest(x))
    x, base = normal(5), normal(5, seed=1)
    q, d = QUADRATIC[:5, :5], x - base
    found = explain(shapley_values(segments=EACH, baseline=jnp.asarray(base)), quadratic, x)
    close(found.relevance, 2 * d * (q @ base) + d * (q @ d))


def test_values_are_means_over_all_orders(x64):
    numbers = np.array([[0, 1, 2], [3, 1, 0]])
    x, base = normal(2, 3), normal(3, seed=1)
    found = explain(shapley_values(segments=numbers, baseline=jnp.asarray(base)), network, x)
    wanted = values_by_orders(network, x, base, numbers, 4)
    close(found.relevance, wanted[numbers])
    assert found.info["evaluations"] == 16


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.permutations(range(5)), st.floats(-1, 1))
def test_axioms(seed, order, baseline):
    """Completeness; symmetry: renamed features carry their values along; dummies get nothing."""
    with jax.enable_x64(True):
        x, baseline = normal(5, seed=seed), jnp.float64(baseline)
        x[order[0]] = x[order[1]]
        method = shapley_values(segments=EACH, baseline=baseline)

        found = explain(method, _symmetric, x)
        renamed = explain(method, _symmetric, x[np.array(order)])
        close(renamed.relevance, found.relevance[np.array(order)])
        close(found.relevance[order[0]], found.relevance[order[1]])
        assert found.info["completeness_gap"] < 1e-9
        ignoring = explain(method, _ignores_the_first, x)
        close(ignoring.relevance[0], np.zeros(()))


def _symmetric(x):
    return jnp.stack([jnp.tanh(jnp.sum(x)) * jnp.sum(x**2) + jnp.max(x)])


def _ignores_the_first(x):
    return _symmetric(x[1:])


def test_too_many_groups_are_refused():
    with pytest.raises(ValueError, match=r"17 groups have 2\*\*17 coalitions; at most 16"):
        shapley_values(segments=EACH).milestones(jnp.zeros(17))
    assert shapley_values(segments=EACH).milestones(jnp.zeros(16)) == (2**16 - 2,)


def test_sampled_orders_one_by_one(x64):
    """The same draws, slowly."""
    x, permutations, count = normal(6), 5, 4
    numbers = np.array([0, 1, 2, 2, 3, 0])
    method = shapley_sampling(permutations=permutations, segments=numbers, baseline=0.5, chunk=3)
    found = explain(method, network, x, seed=5)
    logit = jax.jit(lambda x: network(x)[0])
    gains = np.zeros((permutations, count))
    for number in range(permutations):
        order = jax.random.permutation(jax.random.fold_in(jax.random.key(5), number), count)
        now = np.full(6, 0.5)
        for group in np.asarray(order):
            before = logit(now)
            now = np.where(numbers == group, x, now)
            gains[number, group] = logit(now) - before
    close(found.relevance, gains.mean(0)[numbers])
    error = gains.std(0, ddof=1) / np.sqrt(permutations)
    close(found.info["standard_error"], error[numbers])
    assert found.info["completeness_gap"] < 1e-12


@pytest.mark.parametrize(
    "method",
    [shapley_sampling(permutations=2000, segments=EACH), kernel_shap(samples=8000, segments=EACH)],
    ids=["shapley_sampling", "kernel_shap"],
)
def test_sampled_values_approach_the_exact_ones(method, x64):
    x = np.array([0.3, 1.2, 0.1, 0.7, 0.9])
    found = explain(method, largest, x)
    error = found.info["standard_error"]
    assert np.max(error) < 0.01
    assert np.max(np.abs(found.relevance - values_of_largest(x)) / error) < 4


# Regressions


def test_coalitions_of_kernel_shap():
    count = 6
    draw = jax.jit(jax.vmap(lambda key: draw_coalition(key, count)))
    found = np.asarray(draw(jax.random.split(jax.random.key(0), 20000)))
    sizes = np.bincount(found.sum(1), minlength=count + 1) / len(found)
    kernel = np.array([1 / (s * (count - s)) for s in range(1, count)])
    np.testing.assert_allclose(sizes[1:-1], kernel / kernel.sum(), atol=0.02)
    assert sizes[0] == sizes[-1] == 0
    np.testing.assert_allclose(found.mean(0), 0.5, atol=0.02)


def test_kernel_shap_by_lagrange(x64):
    """The same draws; the constraint by a multiplier, in NumPy."""
    x, count, samples = normal(6), 6, 50
    found = explain(kernel_shap(samples=samples, segments=EACH, baseline=0.5), network, x, seed=5)
    keys = [jax.random.fold_in(jax.random.key(5), number) for number in range(samples)]
    z = np.array([draw_coalition(key, count) for key in keys], float)
    logits = np.asarray(jax.jit(jax.vmap(network))(0.5 + z * (x - 0.5)))[:, 0]
    ends = np.asarray(jax.vmap(network)(jnp.stack([jnp.full(6, 0.5), jnp.asarray(x)])))[:, 0]
    system = np.block([[2 * z.T @ z, np.ones((count, 1))], [np.ones((1, count)), np.zeros((1, 1))]])
    right = np.append(2 * z.T @ (logits - ends[0]), ends[1] - ends[0])
    close(found.relevance, np.linalg.solve(system, right)[:-1], 1e-9)
    assert found.info["completeness_gap"] < 1e-12


@pytest.mark.parametrize("width, ridge", [(0.25, 1.0), (0.6, 0.0)])
def test_lime_by_numpy(width, ridge, x64):
    x, numbers, samples = normal(6), np.array([0, 1, 2, 3, 4, 4]), 50
    method = lime(samples=samples, segments=numbers, width=width, ridge=ridge, baseline=0.5)
    found = explain(method, network, x, seed=5)
    keys = [jax.random.fold_in(jax.random.key(5), number) for number in range(samples)]
    z = np.array([jax.random.bernoulli(key, jnp.float32(0.5), (5,)) for key in keys])
    logits = np.asarray(jax.jit(jax.vmap(network))(np.where(z[:, numbers], x, 0.5)))[:, 0]
    norms = np.maximum(np.linalg.norm(z, axis=1), 1e-300)
    weight = np.exp(-((1 - z.sum(1) / norms / np.sqrt(5)) ** 2) / width**2)
    root = np.sqrt(weight)[:, None]
    rows = np.concatenate([root * z, root], axis=1)
    penalty = np.sqrt(ridge) * np.eye(5, 6)
    stacked = np.concatenate([rows, penalty]), np.append(root[:, 0] * logits, np.zeros(5))
    wanted = np.linalg.lstsq(*stacked, rcond=None)[0][:-1]
    close(found.relevance, wanted[numbers], 1e-9)


def test_errors_of_regressions():
    x, key = jnp.ones(6), jax.random.key(0)
    with pytest.raises(ValueError, match="kernel_shap: 5 samples cannot tell 6 groups apart"):
        kernel_shap(samples=5, segments=EACH)(linear, x, 0, key=key)
    with pytest.raises(ValueError, match="lime: 6 samples cannot tell"):
        lime(samples=6, segments=EACH)(linear, x, 0, key=key)
    with pytest.raises(ValueError, match="lime: width must be positive, got 0"):
        lime(width=0)
    with pytest.raises(ValueError, match="lime: ridge must not be negative, got -1"):
        lime(ridge=-1)


def test_defaults_have_few_groups():
    for shape in [(16000,), (75, 128), (64, 64, 3)]:
        assert groups(few(8), shape)[1] in (4, 8)
