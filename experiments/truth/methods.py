"""The methods of the leaderboard, with settings that fit a trial.

All that stand alone are here. Those that draw coalitions take the trial's segments as players and
its baseline for what is absent; those that follow a path begin at that baseline; those that want
several baselines take other clips of the trial.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax import attribution
from audioxai_jax.attribution.segments import custom, groups
from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.records import record
from audioxai_jax.truth import Trial
from audioxai_jax.truth.answers import merged_shape
from audioxai_jax.types import Attribution, Method, Model

STEPS = 32
"""Of Integrated Gradients."""
COPIES = 16
"""Noisy copies of SmoothGrad and its kin."""
NOISE = 0.05
"""Deviation of their noise, as a part of the range of the features."""
CLIPS = 8
"""Other clips as baselines."""
COALITIONS = 256
"""Evaluations of LIME, KernelSHAP, RISE and Shapley sampling; more if there are more players."""
WINDOWS = 256
"""Above so many windows of occlusion they do not overlap."""
PLAYERS = 10
"""Most for exact Shapley values: 1,024 coalitions."""
COMPOSITES = (
    "attn_lrp",
    "epsilon_plus",
    "epsilon_plus_flat",
    "epsilon_alpha2_beta1",
    "epsilon_alpha2_beta1_flat",
    "epsilon_gamma_box",
)
"""Presets of LRP that fit networks of any kind."""
CONTROLS = ("energy", "magnitude", "random")
"""Rows that never look at the model: squared size, size, noise."""
SHORT = (
    "integrated_gradients",
    "lrp:epsilon_plus",
    "input_x_gradient",
    "feature_ablation",
)
"""Methods of the table of domains."""
COMBINATORS = ("absolute", "normalise", "over_baselines", "rectify", "sum_channels")
"""Factories that change another method: they have rows only where a change is of use."""


def standard_methods(trial: Trial) -> dict[str, Method]:
    """The rows of the leaderboard by name, for a trial; the controls but energy are the last.

    Args:
      trial: gives segments, baseline and other clips.
    """
    return _of_gradients(trial) | _of_relevance(trial) | _of_coalitions(trial) | _controls()


def _of_gradients(trial: Trial) -> dict[str, Method]:
    base, clips = trial.baseline, other_clips(trial)
    noisy: dict[str, Any] = {"samples": COPIES, "deviation": NOISE}
    return {
        "saliency": attribution.saliency(),
        "signed_gradient": attribution.signed_gradient(),
        "input_x_gradient": attribution.input_x_gradient(),
        "absolute:input_x_gradient": attribution.absolute(attribution.input_x_gradient()),
        "integrated_gradients": attribution.integrated_gradients(steps=STEPS, baseline=base),
        "absolute:integrated_gradients": attribution.absolute(
            attribution.integrated_gradients(steps=STEPS, baseline=base)
        ),
        "adaptive_integrated_gradients": attribution.adaptive_integrated_gradients(
            baseline=base, most=63
        ),
        "guided_integrated_gradients": attribution.guided_integrated_gradients(
            baseline=base, steps=STEPS
        ),
        "expected_gradients": attribution.expected_gradients(baselines=clips, samples=2 * STEPS),
        "gradient_shap": attribution.gradient_shap(
            baselines=base, samples=STEPS, deviation=NOISE
        ),
        "smoothgrad": attribution.smoothgrad(**noisy),
        "smoothgrad:input_x_gradient": attribution.smoothgrad(
            attribution.input_x_gradient(), **noisy
        ),
        "squaregrad": attribution.squaregrad(**noisy),
        "vargrad": attribution.vargrad(**noisy),
        "guided_backprop": attribution.guided_backprop(),
        "deconvolution": attribution.deconvolution(),
        "grad_cam": attribution.grad_cam(),
    }


def _of_relevance(trial: Trial) -> dict[str, Method]:
    rows = {f"lrp:{name}": attribution.lrp(name) for name in COMPOSITES}
    to_clips = attribution.over_baselines(attribution.deep_lift(), other_clips(trial))
    return rows | {
        "deep_lift": attribution.deep_lift(baseline=trial.baseline),
        "over_baselines:deep_lift": to_clips,
    }


def _of_coalitions(trial: Trial) -> dict[str, Method]:
    labels = players(trial)
    count = groups(custom(labels), feature_shape(trial))[1]
    samples = max(COALITIONS, 4 * count)
    common: dict[str, Any] = {"segments": labels, "baseline": trial.baseline}
    window, stride = windows(labels, feature_shape(trial))
    exact = attribution.shapley_values(**common)
    return {
        "feature_ablation": attribution.feature_ablation(**common),
        "occlusion": attribution.occlusion(window=window, stride=stride, baseline=trial.baseline),
        "lime": attribution.lime(samples=samples, **common),
        "kernel_shap": attribution.kernel_shap(samples=samples, **common),
        "shapley_sampling": attribution.shapley_sampling(
            permutations=max(2, COALITIONS // count), **common
        ),
        "shapley_values": exact if count <= PLAYERS else Refused(f"{count} players: too many"),
        "rise": attribution.rise(
            samples=samples, cells=along_axes(labels, feature_shape(trial)), baseline=trial.baseline
        ),
    }


def _controls() -> dict[str, Method]:
    return {"magnitude": attribution.magnitude_control(), "random": attribution.random_control()}


@record(static=("reason",))
class Refused:
    """A method that would cost too much here: it says so instead."""

    reason: str

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        raise ValueError(self.reason)


def feature_shape(trial: Trial) -> tuple[int, ...]:
    """Shape of one example's features, parts of complex values included."""
    first = jax.tree.map(lambda leaf: leaf[0], trial.examples)
    return jax.eval_shape(lambda example: trial.view(example)[1], first).shape


def players(trial: Trial) -> np.ndarray:
    """The trial's segments, for features as they are: parts of one value are one player."""
    merged, shape = merged_shape(trial), feature_shape(trial)
    labels = np.asarray(trial.segments)
    labels = labels.reshape((1,) * (len(merged) - labels.ndim) + labels.shape)
    return labels.reshape(labels.shape + (1,) * (len(shape) - len(merged)))


def along_axes(labels: np.ndarray, shape: Sequence[int]) -> tuple[int | None, ...]:
    """How many players lie along each axis; None along one that is not cut."""
    counts = []
    for axis in range(len(shape)):
        line = np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)[:, 0]
        count = len(np.unique(line))
        counts.append(count if count > 1 else None)
    return tuple(counts)


def windows(labels: np.ndarray, shape: Sequence[int]) -> tuple[tuple, tuple]:
    """Window and stride of occlusion: as large as a player, half overlapping if that is cheap."""
    counts = along_axes(labels, shape)
    cheap = np.prod([2.0 * (count or 0.5) for count in counts]) <= WINDOWS
    size = tuple(
        None if count is None else -(-n // count) for n, count in zip(shape, counts, strict=True)
    )
    stride = tuple(n if n is None else max(1, n // 2) if cheap else n for n in size)
    return size, stride


def other_clips(trial: Trial) -> Array:
    """Features of the first clips, as baselines, `[B, ..]`."""
    first = jax.tree.map(lambda leaf: leaf[:CLIPS], trial.examples)
    return map_examples(_features, trial.view, first, key=jax.random.key(0))


def _features(view: Any, example: Any, key: Array) -> Array:
    del key
    return view(example)[1]
