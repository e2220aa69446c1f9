"""Scores of relevance beside the truth: where it lies, by segment and by feature, and its sign."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.truth.answers import Exact
from audioxai_jax.truth.record import Trial
from audioxai_jax.types import Method, attribute

CONTROLS = ("energy", "random")


def explained(
    trial: Trial, method: Method, *, key: Array, chunk: int | str = "auto"
) -> tuple[np.ndarray, int]:
    """Merged relevance of each example, `[N, ..]`, and evaluations of the model for one.

    Example i draws from `fold_in(key, i)`.
    """
    shared, examples = (method, trial.view), (trial.examples, jnp.asarray(trial.targets, jnp.int32))
    relevance, evaluations = map_examples(_explain, shared, examples, key=key, chunk=chunk)
    return np.asarray(relevance), int(np.max(evaluations))


def energy(trial: Trial) -> np.ndarray:
    """The control that knows the sound and not the model: squared sizes, `[N, ..]`."""
    unused = jax.random.key(0)
    return np.asarray(map_examples(_energy, trial.view, trial.examples, key=unused))


def _explain(shared: Any, example: Any, key: Array) -> tuple[Array, Array]:
    (method, view), (opened, target) = shared, example
    model, features = view(opened)
    attribution = attribute(method, model, features, target, key=key)
    evaluations = jnp.asarray(attribution.info.get("evaluations", 0))
    return view.merge(attribution.relevance), evaluations


def _energy(view: Any, example: Any, key: Array) -> Array:
    del key
    return view.merge(view.size(view(example)[1]) ** 2)


def scores(trial: Trial, relevance: np.ndarray) -> dict[str, np.ndarray]:
    """All scores of each example, `[N]`; NaN where one is not defined.

    Args:
      trial: what was explained.
      relevance: merged relevance, `[N, ..]`.
    """
    masks = trial.answer.masks(trial)
    rows = [one_example(r, m, trial.segments) for r, m in zip(relevance, masks, strict=True)]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    if isinstance(trial.answer, Exact):
        columns["error"] = relative_error(relevance, trial.answer.relevance)
    return columns


def one_example(
    relevance: np.ndarray, mask: np.ndarray, segments: np.ndarray
) -> Mapping[str, float]:
    """Scores of one example.

    Args:
      relevance: merged relevance, of any shape.
      mask: 1 inside, 0 outside, -1 left out, of that shape.
      segments: labels that broadcast to it.
    """
    if not np.isfinite(relevance).all():
        return {name: float("nan") for name in SCORES if name != "error"}
    relevance = relevance.astype(np.float64)
    counted, inside = mask >= 0, mask == 1
    values = {
        name: score(relevance[counted], inside[counted]) for name, score in BY_FEATURE.items()
    }
    labels = np.broadcast_to(segments, relevance.shape)
    return {"auc": segment_auc(relevance, mask, labels), **values}


def segment_auc(relevance: np.ndarray, mask: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve of summed relevance of segments; chance is 0.5.

    A segment counts as inside if half of it is or more, as outside if none of it is; others, and
    those that are mostly left out, do not count.
    """
    size = int(labels.max()) + 1
    add = lambda weights: np.bincount(labels.ravel(), weights.ravel(), size)
    sums, features = add(relevance), add(np.ones(mask.shape))
    inside, left_out = add(mask == 1) / features, add(mask == -1) / features
    label = np.where(inside >= 0.5, 1, np.where((inside == 0) & (left_out < 0.5), 0, -1))
    return area(sums[label == 1], sums[label == 0])


def area(inside: np.ndarray, outside: np.ndarray) -> float:
    """Probability that a value inside is above one outside, ties half; NaN without a pair.

    As `metrics.segments.roc_auc`, on the host: there are thousands of small ones.
    """
    if not len(inside) or not len(outside):
        return float("nan")
    ordered = np.sort(outside)
    below, upto = (np.searchsorted(ordered, inside, side) for side in ("left", "right"))
    return float(np.mean(below + upto) / (2 * len(outside)))


def pointing(relevance: np.ndarray, inside: np.ndarray) -> float:
    """Whether the most relevant feature is inside; of equals the share."""
    most = relevance == relevance.max()
    return float(np.mean(inside[most])) if inside.any() else float("nan")


def rank(relevance: np.ndarray, inside: np.ndarray) -> float:
    """Share of the K most relevant that are inside, where K are; of equals the first."""
    order = np.argsort(-relevance, kind="stable")[: inside.sum()]
    return float(np.mean(inside[order])) if inside.any() else float("nan")


def share(relevance: np.ndarray, inside: np.ndarray) -> float:
    """Share of the positive relevance that lies inside; NaN if nothing is positive."""
    positive = np.maximum(relevance, 0)
    return float(positive[inside].sum() / positive.sum()) if positive.any() else float("nan")


def mass(relevance: np.ndarray, inside: np.ndarray) -> float:
    """Share of the absolute relevance that lies inside; NaN if all is 0."""
    absolute = np.abs(relevance)
    return float(absolute[inside].sum() / absolute.sum()) if absolute.any() else float("nan")


def exact_set(relevance: np.ndarray, inside: np.ndarray) -> float:
    """1 where the K largest of absolute relevance are the K inside, without a tie, else 0."""
    if inside.all() or not inside.any():
        return float("nan")
    absolute = np.abs(relevance)
    return float(absolute[inside].min() > absolute[~inside].max())


def sign(relevance: np.ndarray, inside: np.ndarray) -> float:
    """1 where the relevance inside adds up to more than 0, else 0."""
    return float(relevance[inside].sum() > 0) if inside.any() else float("nan")


def relative_error(relevance: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Largest difference to the exact relevance, over the largest of that, `[N]`."""
    flat = lambda values: np.abs(values).reshape(len(values), -1).max(axis=1)
    return flat(relevance - exact) / flat(exact)


BY_FEATURE: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "pointing": pointing,
    "rank": rank,
    "share": share,
    "mass": mass,
    "exact_set": exact_set,
    "sign": sign,
}
SCORES = {
    "auc": "AUC over segments",
    "pointing": "pointing game",
    "rank": "relevance rank accuracy",
    "share": "share of positive relevance",
    "mass": "share of absolute relevance",
    "exact_set": "largest absolute relevance is the set",
    "sign": "cue speaks for the class",
    "error": "largest error over the largest exact value",
}
"""Scores by name, as tables head them."""
