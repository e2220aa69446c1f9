"""Perturbation curves and complexity against Quantus 0.6, with one network on both sides.

Quantus rounds inputs to single precision, and so do we. Relevance of several examples is scaled by
one number there, the largest of the batch, where we know one example only: where the scale
matters, examples are given one by one.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.metrics.complexity import complexity, effective_complexity, sparseness
from audioxai_jax.metrics.curve_differences import abpc
from audioxai_jax.metrics.curve_scores import aopc
from audioxai_jax.perturbation.curves import perturbation_curve

torch = pytest.importorskip("torch", reason="torch is not installed: the extra 'oracles'")
quantus = pytest.importorskip("quantus", reason="quantus is not installed: the extra 'oracles'")

EXAMPLES, SIZE, CLASSES = 6, 64, 4
DRAW = np.random.default_rng(0)
FIRST = DRAW.normal(size=(SIZE, 32)).astype(np.float32) / 8
LAST = DRAW.normal(size=(32, CLASSES)).astype(np.float32)
X = DRAW.normal(size=(EXAMPLES, SIZE)).astype(np.float32)
RELEVANCE = DRAW.normal(size=(EXAMPLES, SIZE)).astype(np.float32)
TARGET = DRAW.integers(0, CLASSES, size=EXAMPLES)
QUIET = {"disable_warnings": True}


def network():
    layers = [torch.nn.Flatten(), torch.nn.Linear(SIZE, 32, bias=False), torch.nn.Tanh()]
    found = torch.nn.Sequential(*layers, torch.nn.Linear(32, CLASSES, bias=False)).eval()
    found[1].weight.data, found[3].weight.data = torch.tensor(FIRST.T), torch.tensor(LAST.T)
    return found


MODEL = Partial(
    lambda first, last, x: jnp.tanh(x.ravel() @ first) @ last, jnp.array(FIRST), jnp.array(LAST)
)


def theirs(metric, shape, relevance=RELEVANCE, **changes):
    """Scores `[N, ...]` of all examples, whose features have a shape there."""
    given = {"x_batch": X.reshape(-1, *shape), "a_batch": relevance.reshape(-1, *shape).copy()}
    settings = {"model": network(), "y_batch": TARGET, "channel_first": True, **given, **changes}
    return np.asarray(metric(**settings))


def ours(shape=(SIZE,), ranked=lambda relevance: relevance, of=perturbation_curve, **settings):
    def one(x, target, relevance):
        x, relevance = x.reshape(shape), ranked(relevance.reshape(shape))
        return of(MODEL, x, relevance, target, **settings)

    return jax.jit(jax.vmap(one))(X, TARGET, RELEVANCE)


@pytest.mark.parametrize("step", [1, 4, 16])
@pytest.mark.parametrize("question", ["probability", "logit"])
def test_pixel_flipping(step, question):
    """Its curve starts after the first step, ours with the whole input."""
    metric = quantus.PixelFlipping(features_in_step=step, perturb_baseline=0.25, **QUIET)
    expected = theirs(metric, (1, SIZE), softmax=question == "probability")
    found = ours(fractions=SIZE // step, base=0.25, question=question)
    np.testing.assert_allclose(found[:, 1:], expected, atol=1e-5)


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_region_perturbation(order):
    """Squares of 2 x 2: an input `[4, 2, 4, 2]` with relevance summed over each of them."""
    squares = {
        "shape": (4, 2, 4, 2),
        "ranked": lambda relevance: relevance.sum((1, 3), keepdims=True),
        "fractions": 16,
    }
    metric = quantus.RegionPerturbation(
        patch_size=2, regions_evaluation=16, order=order, perturb_baseline=0.0, **QUIET
    )
    expected = theirs(metric, (1, 8, 8), softmax=True)
    curve = ours(order=order, **squares)
    np.testing.assert_allclose(curve[:, :1] - curve[:, 1:], expected, atol=1e-5)
    if order == "morf":
        drop = ours(of=aopc, **squares)
        np.testing.assert_allclose(drop, expected.sum(1) / 17, atol=1e-5)
    else:
        metric.order = "morf"
        first = theirs(metric, (1, 8, 8), softmax=True)
        both = np.pad(first - expected, ((0, 0), (1, 0)))
        area = (both[:, 1:] + both[:, :-1]).sum(1) / 32
        np.testing.assert_allclose(ours(of=abpc, **squares), area, atol=1e-5)


def test_sparseness():
    """It adds 1e-7 to each value, of which the largest is 1, and refuses a map of zeros."""
    expected = theirs(quantus.Sparseness(**QUIET), (1, SIZE))
    np.testing.assert_allclose(jax.vmap(sparseness)(RELEVANCE), expected, atol=1e-5)
    spiked = np.eye(EXAMPLES, SIZE, dtype=np.float32)
    expected = theirs(quantus.Sparseness(**QUIET), (1, SIZE), relevance=spiked)
    np.testing.assert_allclose(jax.vmap(sparseness)(spiked), expected, atol=SIZE * 1e-7)


def test_complexity():
    """It adds 1e-12 within the logarithm."""
    expected = theirs(quantus.Complexity(**QUIET), (1, SIZE))
    np.testing.assert_allclose(jax.vmap(complexity)(RELEVANCE), expected, atol=1e-5)


@pytest.mark.parametrize("threshold", [1e-5, 0.2])
def test_effective_complexity(threshold):
    """Relevance is scaled by the largest of the batch there, so the batches have one example."""
    metric = quantus.EffectiveComplexity(eps=threshold, **QUIET)
    for x, relevance in zip(X, RELEVANCE, strict=True):
        one = {"x_batch": x[None, None], "a_batch": relevance[None, None].copy()}
        (expected,) = metric(model=network(), y_batch=TARGET[:1], channel_first=True, **one)
        assert effective_complexity(jnp.asarray(relevance), threshold=threshold) == expected
