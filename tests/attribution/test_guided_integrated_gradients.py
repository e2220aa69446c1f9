"""Guided Integrated Gradients against the paper's algorithm, written down again in NumPy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.tree_util import Partial

from audioxai_jax.attribution.guided_integrated_gradients import guided_integrated_gradients
from audioxai_jax.engine.batch import attribute_batch

run = jax.jit(lambda method, model, x, target, key: method(model, x, target, key=key))


def slow(slope, x, b, *, steps, fraction, distance, segments=1):
    """One group of features after the other, in a loop, until a step's length is used up."""
    point, relevance = b.copy(), np.zeros_like(x)
    length = np.abs(x - b).sum()
    line = lambda part: b + part * (x - b)
    for step in range(steps):
        segment = step // (steps // segments)
        part = (step + 1) / steps
        low = line(max(part - distance, segment / segments))
        high = line(min(part + distance, (segment + 1) / segments))
        gradient, before = slope(point), point.copy()
        behind = np.abs(x - point) > np.abs(x - low)
        point[behind] = low[behind]
        movable = np.abs(high - point) > 1e-14
        while True:
            excess = np.abs(x - point).sum() - length * (1 - part)
            if excess < 1e-13 or not movable.any():
                break
            size = np.where(movable, np.abs(gradient), np.inf)
            chosen = movable & (size <= np.sort(size.ravel())[int(fraction * (x.size - 1))])
            gain = np.abs(high - point)[chosen].sum()
            if gain <= excess:
                point[chosen] = high[chosen]
            else:
                point[chosen] += (excess / gain) * (high - point)[chosen]
            movable &= ~chosen
        relevance += (point - before) * gradient
    np.testing.assert_allclose(point, x, atol=1e-9)
    return relevance


def network(params, x):
    return jnp.tanh(x.ravel() @ params[0]) @ params[1]


@pytest.mark.parametrize(
    "fraction, distance, segments",
    [
        (0.25, 0.02, 1),
        (0.1, 1.0, 1),
        (0.3, 0.3, 4),
        (0.0, 0.1, 2),
        (1.0, 0.5, 1),
        (0.5, 1.0, 10),
    ],
)
def test_equals_the_paper(x64, key, fraction, distance, segments):
    options = dict(steps=20, fraction=fraction, distance=distance, segments=segments)
    for seed in range(4):
        random = np.random.default_rng(seed)
        model = Partial(network, (random.normal(size=(12, 5)), random.normal(size=(5, 2))))
        x, b = random.normal(size=(2, 4, 3))
        slope = jax.jit(jax.grad(lambda x: model(x)[1]))  # noqa: B023
        wanted = slow(lambda x: np.asarray(slope(x)), x, b, **options)  # noqa: B023
        found = run(guided_integrated_gradients(baseline=b, **options), model, x, 1, key)
        np.testing.assert_allclose(found.relevance, wanted, rtol=1e-8, atol=1e-10)
        change = model(x)[1] - model(b)[1]
        gap = abs(wanted.sum() - change) / abs(change)
        np.testing.assert_allclose(found.info["completeness_gap"], gap, rtol=1e-6)
        assert found.info["evaluations"] == 22


@pytest.fixture
def x(x64):
    return jnp.array([0.3, -1.2, 0.9])


def test_a_linear_model_is_explained_exactly(x, key):
    model = Partial(lambda x: jnp.array([3.0, -2.0, 0.5]) @ x[:, None])
    found = run(guided_integrated_gradients(steps=7, baseline=0.5), model, x, 0, key)
    np.testing.assert_allclose(found.relevance, np.array([3, -2, 0.5]) * (x - 0.5), rtol=1e-12)
    assert found.info["completeness_gap"] < 1e-12


@pytest.mark.parametrize("options", [{"distance": 0}, {"segments": 40}], ids=str)
def test_the_straight_path_is_a_left_riemann_sum(x, key, options):
    """f = sum x^3: R = x^3 times the sum of 3 (j/n)^2 / n."""
    model = Partial(lambda x: jnp.sum(x**3)[None])
    found = run(guided_integrated_gradients(steps=40, **options), model, x, 0, key).relevance
    wanted = np.mean(3 * (np.arange(40) / 40) ** 2)
    np.testing.assert_allclose(found, wanted * x**3, rtol=1e-12)


def test_a_sum_of_functions_does_not_ask_for_the_way(x, key):
    """f = sum g(x_i): every path gives g(x_i) - g(b_i), up to the error of the steps."""
    model = Partial(lambda x: jnp.sum(x**2)[None])
    for options in ({}, {"distance": 1.0, "fraction": 0.0}):
        found = run(guided_integrated_gradients(steps=2000, **options), model, x, 0, key)
        np.testing.assert_allclose(found.relevance, x**2, atol=5e-3)
        assert found.info["completeness_gap"] < 5e-3


def test_a_product_goes_to_the_last(x64, key):
    """f = x y from 0, one feature first: its gradient is 0 on its way, then the other gets all."""
    method = guided_integrated_gradients(steps=100, distance=1, fraction=0)
    found = run(method, Partial(lambda x: jnp.prod(x)[None]), jnp.array([2.0, 3.0]), 0, key)
    np.testing.assert_allclose(found.relevance, [0, 6], rtol=1e-12, atol=1e-12)


def test_the_winner_of_a_maximum_is_paid(x64, key):
    """f = max(x, y), x from 0 to 2, y to 1: the winner is paid, but for the way along the kink.

    In a corridor d, y can keep up with x until its done part is s + d = 2 (s - d): s = 3 d, and
    f = 4 d. A step begins where the other one wins, so what f gains up to there may be lost.
    """
    model, x, steps = Partial(lambda x: jnp.max(x)[None]), jnp.array([2.0, 1.0]), 400
    lost = []
    for distance in (0.02, 0.005):
        method = guided_integrated_gradients(steps=steps, distance=distance)
        found = run(method, model, x, 0, key)
        lost.append(float(2 - found.relevance.sum()))
        assert 0 <= lost[-1] <= 4 * distance + 3 / steps
        assert found.relevance[1] == 0
        np.testing.assert_allclose(found.info["completeness_gap"], lost[-1] / 2, rtol=1e-9)
    assert lost[1] < lost[0] / 2


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_the_path_ends_at_the_input(seed, distance):
    """A linear model pays w (x - b) exactly if and only if each feature goes all its way."""
    random = np.random.default_rng(seed)
    with jax.enable_x64(True):
        x, w = random.normal(size=(2, 9)) * (random.random(9) > 0.2)
        found = along(w, jnp.asarray(x), jnp.float64(distance))
        np.testing.assert_allclose(found, w * x, atol=1e-10)


@jax.jit
def along(w, x, distance):
    method = guided_integrated_gradients(steps=12, fraction=0.3, segments=3)
    method = dataclasses.replace(method, distance=distance)
    return method(lambda x: (w @ x)[None], x, 0, key=None).relevance


def test_from_the_input_itself_nothing(key):
    x = jnp.ones((2, 3))
    found = run(
        guided_integrated_gradients(steps=5, baseline=1.0),
        Partial(network, (jnp.ones((6, 2)), jnp.ones((2, 2)))),
        x,
        0,
        key,
    )
    assert np.all(found.relevance == 0)


@pytest.mark.full_size
def test_batches_equal_single_examples(x, key):
    model = Partial(lambda x: jnp.stack([jnp.sum(jnp.sin(2 * x)), jnp.prod(x)]))
    method = guided_integrated_gradients(steps=10, fraction=0.5)
    batch = jnp.stack([x, 2 * x, x**2])
    for chunk in (1, 4, "auto"):
        found = attribute_batch(method, model, batch, jnp.array([0, 1, 1]), key=key, chunk=chunk)
        for index, target in enumerate([0, 1, 1]):
            wanted = run(method, model, batch[index], target, jax.random.fold_in(key, index))
            np.testing.assert_allclose(found.relevance[index], wanted.relevance, rtol=1e-12)


@pytest.mark.full_size
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 2)])
def test_inputs_of_any_rank(shape, key):
    method = guided_integrated_gradients(steps=3)
    found = run(method, Partial(lambda x: jnp.sum(x**2)[None]), jnp.ones(shape), 0, key)
    assert found.relevance.shape == shape and found.relevance.dtype == jnp.float32


def test_it_needs_no_key_and_equal_ones_are_one():
    first, second = guided_integrated_gradients(), guided_integrated_gradients(baseline=0)
    assert first == second and jax.tree.structure(first) == jax.tree.structure(second)
    first(lambda x: jnp.sum(x**2)[None], jnp.ones(2), 0, key=None)


def test_wrong_options_are_refused():
    name = "guided_integrated_gradients"
    for options, words in (
        ({"steps": 0}, "steps must be a whole number from 1 up, got 0"),
        ({"segments": 0}, "segments must be a whole number from 1 up, got 0"),
        ({"segments": 3}, "segments must divide the 200 steps, got 3"),
        ({"fraction": 1.1}, "fraction must be between 0 and 1, got 1.1"),
        ({"distance": -0.1}, "distance must be between 0 and 1, got -0.1"),
    ):
        with pytest.raises(ValueError, match=f"{name}: {words}"):
            guided_integrated_gradients(**options)
