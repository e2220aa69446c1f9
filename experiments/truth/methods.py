"""The methods of the leaderboard, with settings that fit a trial.

All that stand alone are here. Those that draw coalitions take the trial's segments as players and
its baseline for absent ones; those that follow a path begin at that baseline; those that want
several baselines take other clips of the trial.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import Array

from audioxai_jax import attribution
from audioxai_jax.attribution.segments import custom, groups
from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.records import record
from audioxai_jax.truth import Trial
from audioxai_jax.truth.answers import feature_shape, merged_shape
from audioxai_jax.truth.factor import Voices
from audioxai_jax.types import Attribution, Method, Model

STEPS = 32
"""Of Integrated Gradients."""
GUIDED_STEPS = 8
"""Of guided Integrated Gradients, one after the other: they take longest of all."""
TOLERANCE, MOST_STEPS = 0.02, 31
"""Of adaptive Integrated Gradients: its completeness gap, and where it gives up."""
COPIES = 8
"""Noisy copies of SmoothGrad and its kin."""
NOISE = 0.05
"""Deviation of their noise, as a part of the range of the features."""
CLIPS = 4
"""Other clips as baselines."""
AT_ONCE = 128
"""Evaluations: memory, not results; in one block they compile four times sooner than in four."""
COALITIONS = 128
"""Evaluations of LIME, KernelSHAP, RISE and Shapley sampling; more if there are more players."""
WINDOWS = 128
"""Most windows of occlusion that overlap; more do not."""
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
REFUSALS = (ValueError, TypeError, NotImplementedError)
"""By which a method of the library says that it does not fit a model."""
CONTROLS = ("energy", "magnitude", "random")
"""Rows that never look at the model: squared size, size, noise."""
SHORT = (
    "integrated_gradients",
    "lrp:epsilon_plus",
    "input_x_gradient",
    "feature_ablation",
)
"""Methods of the table of domains."""
OF_FACTORS = (
    "saliency",
    "input_x_gradient",
    "integrated_gradients",
    "feature_ablation",
    "lime",
    "kernel_shap",
    "shapley_sampling",
    "shapley_values",
    "magnitude",
    "random",
)
"""Methods that are asked about factors, see `left_out`."""
COMBINATORS = ("absolute", "normalise", "over_baselines", "rectify", "sum_channels")
"""Factories that change another method: they have rows only where a change is of use."""


def standard_methods(trial: Trial, names: Sequence[str] | None = None) -> dict[str, Method]:
    """The rows of the leaderboard by name, for a trial; the controls but energy are the last.

    Args:
      trial: gives segments, baseline and other clips.
      names: keys of ROWS, all if None.
    """
    return {name: ROWS[name](trial) for name in (ROWS if names is None else names)}


def left_out(trial: Trial, name: str) -> str:
    """Why a row of ROWS is not asked about a trial; "" if it is.

    Features of voices are few, and each evaluation makes a sound and listens to it anew.
    """
    if isinstance(trial.view, Voices) and name not in OF_FACTORS:
        return "left out: every evaluation makes a sound anew"
    return ""


Row = Callable[[Trial], Method]


def _fixed(method: Method) -> Row:
    return lambda trial: method


def _from_base(factory: Callable[..., Method], **options: Any) -> Row:
    return lambda trial: factory(baseline=trial.baseline, **options)


def _of_players(factory: Callable[..., Method], samples: str | None = None) -> Row:
    """A method of coalitions of the trial's segments, and its option that says how many."""

    def make(trial: Trial) -> Method:
        labels = players(trial)
        given = {"segments": labels, "baseline": trial.baseline, "chunk": AT_ONCE}
        count = groups(custom(labels), feature_shape(trial))[1]
        if samples == "samples":
            given["samples"] = max(COALITIONS, 4 * count)
        elif samples == "permutations":
            given["permutations"] = max(2, COALITIONS // count)
        elif samples == "all" and count > PLAYERS:
            return Refused(f"{count} players: 2^{count} coalitions are too many")
        return factory(**given)

    return make


def _occlusion(trial: Trial) -> Method:
    window, stride = windows(players(trial), feature_shape(trial))
    return attribution.occlusion(window=window, stride=stride, baseline=trial.baseline)


def _rise(trial: Trial) -> Method:
    cells = along_axes(players(trial), feature_shape(trial))
    base = trial.baseline
    return attribution.rise(samples=COALITIONS, cells=cells, baseline=base, chunk=AT_ONCE)


def _expected_gradients(trial: Trial) -> Method:
    return attribution.expected_gradients(baselines=other_clips(trial), samples=STEPS)


def _gradient_shap(trial: Trial) -> Method:
    return attribution.gradient_shap(baselines=trial.baseline, samples=STEPS, deviation=NOISE)


def _deep_lift_to_clips(trial: Trial) -> Method:
    return attribution.over_baselines(attribution.deep_lift(), other_clips(trial))


_NOISY: dict[str, Any] = {"samples": COPIES, "deviation": NOISE}
ROWS: dict[str, Row] = {
    "saliency": _fixed(attribution.saliency()),
    "signed_gradient": _fixed(attribution.signed_gradient()),
    "input_x_gradient": _fixed(attribution.input_x_gradient()),
    "absolute:input_x_gradient": _fixed(attribution.absolute(attribution.input_x_gradient())),
    "integrated_gradients": _from_base(attribution.integrated_gradients, steps=STEPS),
    "adaptive_integrated_gradients": _from_base(
        attribution.adaptive_integrated_gradients, tolerance=TOLERANCE, most=MOST_STEPS
    ),
    "guided_integrated_gradients": _from_base(attribution.guided_integrated_gradients, steps=STEPS),
    "expected_gradients": _expected_gradients,
    "gradient_shap": _gradient_shap,
    "smoothgrad": _fixed(attribution.smoothgrad(**_NOISY)),
    "smoothgrad:input_x_gradient": _fixed(
        attribution.smoothgrad(attribution.input_x_gradient(), **_NOISY)
    ),
    "squaregrad": _fixed(attribution.squaregrad(**_NOISY)),
    "vargrad": _fixed(attribution.vargrad(**_NOISY)),
    "guided_backprop": _fixed(attribution.guided_backprop()),
    "deconvolution": _fixed(attribution.deconvolution()),
    "grad_cam": _fixed(attribution.grad_cam()),
    **{f"lrp:{name}": _fixed(attribution.lrp(name)) for name in COMPOSITES},
    "deep_lift": _from_base(attribution.deep_lift),
    "over_baselines:deep_lift": _deep_lift_to_clips,
    "feature_ablation": _of_players(attribution.feature_ablation),
    "occlusion": _occlusion,
    "lime": _of_players(attribution.lime, "samples"),
    "kernel_shap": _of_players(attribution.kernel_shap, "samples"),
    "shapley_sampling": _of_players(attribution.shapley_sampling, "permutations"),
    "shapley_values": _of_players(attribution.shapley_values, "all"),
    "rise": _rise,
    "magnitude": _fixed(attribution.magnitude_control()),
    "random": _fixed(attribution.random_control()),
}
"""How each row is made for a trial; `change:method` where one method changes another."""


@record(static=("reason",))
class Refused:
    """A method that would cost too much here: it says so instead."""

    reason: str

    def __call__(self, model: Model, x: Array, target: Array, *, key: Array) -> Attribution:
        raise ValueError(self.reason)


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
