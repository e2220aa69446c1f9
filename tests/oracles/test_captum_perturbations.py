"""Methods that remove parts of the input against captum, in double precision.

Where they draw at random, captum is given the orders and coalitions of ours.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import (
    feature_ablation,
    kernel_shap,
    lime,
    occlusion,
    shapley_sampling,
    shapley_values,
)
from audioxai_jax.attribution.kernel_shap import draw_coalition
from tests.helpers.captum_networks import CHANNELS, FRAMES, TARGET, check, pair, torch

attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")

KEY, GROUPS = jax.random.key(5), 4
WINDOWS = {
    "short": ("audionet", (4,), (2,)),
    "stride does not divide": ("audionet", (7,), (3,)),
    "without overlap": ("audionet", (8,), (8,)),
    "one feature": ("audionet", (1,), (1,)),
    "whole": ("audionet", (50,), (50,)),
    "box": ("convolutions", (4, 2), (2, 1)),
    "box whose strides do not divide": ("convolutions", (7, 4), (3, 3)),
    "frames": ("recurrence", (3, CHANNELS), (2, CHANNELS)),
    "channels": ("recurrence", (FRAMES, 1), (FRAMES, 1)),
}


def groups_of(sides):
    """Dealt out at random, so that groups do not hang together."""
    numbers = np.random.default_rng(3).integers(0, GROUPS, sides.x.shape)
    numbers.flat[:GROUPS] = range(GROUPS)
    return numbers


def options(sides):
    mask = torch.tensor(groups_of(sides)[None])
    return {"baselines": sides.base_rows, "target": TARGET, "feature_mask": mask}


@pytest.mark.parametrize("name", WINDOWS)
def test_occlusion(name, dtype):
    network, window, stride = WINDOWS[name]
    sides = pair(network, dtype)
    found = sides.run(occlusion(window=window, stride=stride, baseline=sides.base))
    wanted = attr.Occlusion(sides.net).attribute(
        sides.rows, window, stride, baselines=sides.base_rows, target=TARGET
    )
    check(f"occlusion of {network}, {name}", found, wanted[0])


@pytest.mark.parametrize("network", ["audionet", "convolutions", "recurrence"])
def test_feature_ablation(network, dtype):
    sides = pair(network, dtype)
    found = sides.run(feature_ablation(segments=groups_of(sides), baseline=sides.base))
    wanted = attr.FeatureAblation(sides.net).attribute(sides.rows, **options(sides))
    check(f"feature_ablation of {network}", found, wanted[0])


@pytest.mark.parametrize("network", ["audionet", "recurrence"])
def test_shapley_values(network, dtype):
    sides = pair(network, dtype)
    found = sides.run(shapley_values(segments=groups_of(sides), baseline=sides.base))
    wanted = attr.ShapleyValues(sides.net).attribute(
        sides.rows, **options(sides), perturbations_per_eval=GROUPS
    )
    check(f"shapley_values of {network}", found, wanted[0])


@pytest.mark.parametrize("network", ["audionet", "recurrence"])
def test_shapley_sampling(network, dtype):
    """An order says which group comes in first, then second, on both sides."""
    sides, count = pair(network, dtype), 6
    method = shapley_sampling(permutations=count, segments=groups_of(sides), baseline=sides.base)
    found = sides.run(method, KEY)
    keys = jax.vmap(lambda number: jax.random.fold_in(KEY, number))(jnp.arange(count))
    orders = np.asarray(jax.vmap(lambda key: jax.random.permutation(key, GROUPS))(keys))
    theirs = attr.ShapleyValueSampling(sides.net)
    theirs.permutation_generator = lambda features, samples: orders.tolist()
    wanted = theirs.attribute(sides.rows, **options(sides), n_samples=count)
    check(f"shapley_sampling of {network}", found, wanted[0])


def fed(coalitions):
    """captum's source of coalitions, with ours."""

    def perturb(inputs, **keywords):
        yield from (torch.tensor(row[None]) for row in coalitions)

    return perturb


@pytest.mark.parametrize("network", ["audionet", "recurrence"])
@pytest.mark.parametrize("width, ridge", [(0.25, 1.0), (0.7, 0.01)])
def test_lime(width, ridge, network, dtype):
    """captum's kernel is exp(-D^2 / (2 width^2)), ours exp(-D^2 / width^2), as in the paper: its
    width is ours / sqrt(2). Its default D is between inputs; ours, as in the authors' code, is
    between coalitions. Each side fits a ridge regression, captum with scikit-learn's."""
    pytest.importorskip("sklearn", reason="scikit-learn, of captum's regressions, is not installed")
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr._core.lime import get_exp_kernel_similarity_function

    sides, samples = pair(network, dtype), 60
    found = sides.run(
        lime(
            samples=samples,
            segments=groups_of(sides),
            baseline=sides.base,
            width=width,
            ridge=ridge,
        ),
        KEY,
    )
    one = lambda number: jax.random.bernoulli(
        jax.random.fold_in(KEY, number), jnp.float32(0.5), (GROUPS,)
    )
    coalitions = np.asarray(jax.vmap(one)(jnp.arange(samples))).astype(int)
    kernel = get_exp_kernel_similarity_function("cosine", width / math.sqrt(2))
    theirs = attr.Lime(
        sides.net,
        interpretable_model=SkLearnRidge(alpha=ridge),
        similarity_func=lambda x, changed, z, **keywords: kernel(torch.ones_like(z), z, z),
        perturb_func=fed(coalitions),
    )
    wanted = theirs.attribute(sides.rows, **options(sides), n_samples=samples)
    check(f"lime of {network}", found, wanted[0])


@pytest.mark.parametrize("network", ["audionet", "recurrence"])
def test_kernel_shap(network, x64, double_in_torch):
    """captum's constraint, that values sum to the difference, is a weight of 1e6 on the empty and
    the full coalition; ours is exact. So its weight is raised until it hardly gives."""
    pytest.importorskip("sklearn", reason="scikit-learn, of captum's regressions, is not installed")
    sides, samples = pair(network), 40
    method = kernel_shap(samples=samples, segments=groups_of(sides), baseline=sides.base)
    found = sides.run(method, KEY)
    one = lambda number: draw_coalition(jax.random.fold_in(KEY, number), GROUPS)
    coalitions = np.asarray(jax.vmap(one)(jnp.arange(samples))).astype(int)
    ends = np.array([[1] * GROUPS, [0] * GROUPS])
    theirs = attr.KernelShap(sides.net)
    theirs.perturb_func = fed(np.concatenate([ends, coalitions]))
    theirs.similarity_func = lambda x, changed, z, **keywords: torch.tensor(
        1.0 if 0 < z.sum() < GROUPS else 1e12
    )
    wanted = theirs.attribute(sides.rows, **options(sides), n_samples=samples + 2)
    check(f"kernel_shap of {network}", found, wanted[0])
