"""What an explanation must pass before its pictures are believed: checks of methods, and tables.

area          under the curve of the prediction's probability while the most relevant features
              are set to zero, beside that of random rankings, `random_area`;
top, all      rank correlation of relevance with that after the parameters of the top layer, of
              all layers, were drawn anew (J. Adebayo et al., "Sanity Checks for Saliency Maps",
              NeurIPS 2018); `_absolute`: of absolute values;
other         with relevance for another class (L. Sixt, M. Granz, T. Landgraf, "When
              Explanations Lie", ICML 2020);
sensitivity   the largest relative change of relevance within a tenth of the latent's rms
              (C.-K. Yeh et al., "On the (In)fidelity and Sensitivity of Explanations",
              NeurIPS 2019);
sparseness    Gini's index of absolute relevance.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.engine.batch import attribute_batch
from audioxai_jax.metrics.complexity import sparseness
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.metrics.curve_scores import deletion_auc
from audioxai_jax.metrics.randomisation import choose, other_class, redraw
from audioxai_jax.statistics.bootstrap import median_interval
from audioxai_jax.statistics.intervals import intervals
from audioxai_jax.types import Method, Model, attribute

RADIUS = 0.1
"""Of the ball of max-sensitivity, in rms of the clip's latent."""
SENSITIVITY_SAMPLES = 5
ALIKE = 0.2
"""Median rank correlation from which on relevance is said to ignore the parameters."""
CORRELATIONS = ("top", "top_absolute", "all", "all_absolute")
"""Their size counts: a map upside down is still the map."""
CHECKS = ("area", "random_area", *CORRELATIONS, "other", "sensitivity", "sparseness")


def refusal(method: Method, model: Model, latent: Array) -> str:
    """Why a method cannot explain this classifier without settings, "" if it can."""
    try:
        jax.eval_shape(
            lambda x: attribute(method, model, x, jnp.int32(0), key=jax.random.key(0)), latent
        )
    except (ValueError, TypeError) as error:
        return str(error).split("\n")[0]
    return ""


def check_method(
    method: Method,
    model: Model,
    latents: Array,
    changed: np.ndarray,
    key: Array,
    *,
    draws: int,
    chunk: int | str = "auto",
) -> dict[str, Array]:
    """Every check of one method on some clips.

    Args:
      latents: `[N, F, C]`; each clip's own prediction is explained.
      changed: parameters that each stage draws anew, see `metrics.randomisation.stages`.
      key: consumed; the clips share its draw of parameters, and the method draws alike in all
        checks, so that differences are not those of its own sampling.
      draws: random rankings per clip.
      chunk: evaluations at once.

    Returns:
      CHECKS, `[N]` each; NaN where a check is undefined, as of relevance that is zero.
    """
    method_key, noise_key, redraw_key, class_key, random_key = jax.random.split(key, 5)
    logits = jax.vmap(model)(latents)
    targets = jnp.argmax(logits, axis=1)

    def explain(x: Array, targets: Array, model: Model = model) -> Array:
        return attribute_batch(method, model, x, targets, key=method_key, chunk=chunk).relevance

    relevance = explain(latents, targets)
    redrawn = redraw(model, redraw_key)
    top, whole = (
        explain(latents, targets, choose(model, redrawn, changed[stage])) for stage in (0, -1)
    )
    keys = jax.random.split(class_key, len(latents))
    others = jax.vmap(other_class, (0, None, 0))(targets, logits.shape[1], keys)
    rankings = jax.random.normal(random_key, (draws, *latents.shape))
    areas = [_areas(model, latents, targets, ranking) for ranking in rankings]

    size = jnp.sqrt(jnp.mean(latents**2, axis=(1, 2), keepdims=True))
    norm = _norm(relevance)
    size_of_relevance, changes = jnp.where(norm > 0, norm, jnp.nan), []
    for sample in range(SENSITIVITY_SAMPLES):
        noise = jax.random.uniform(
            jax.random.fold_in(noise_key, sample), latents.shape, minval=-1, maxval=1
        )
        near = explain(latents + RADIUS * size * noise, targets)
        changes.append(_norm(near - relevance) / size_of_relevance)
    return {
        "area": _areas(model, latents, targets, relevance),
        "random_area": jnp.mean(jnp.stack(areas), axis=0),
        "top": _alike(relevance, top),
        "top_absolute": _alike(jnp.abs(relevance), jnp.abs(top)),
        "all": _alike(relevance, whole),
        "all_absolute": _alike(jnp.abs(relevance), jnp.abs(whole)),
        "other": _alike(relevance, explain(latents, others)),
        "sensitivity": jnp.max(jnp.stack(changes), axis=0),
        "sparseness": jax.vmap(sparseness)(relevance),
    }


def summary(found: Mapping[str, np.ndarray], speakers: np.ndarray, key: Array) -> dict[str, Any]:
    """One method's row: its advantage over random deletion, medians, and what it passes.

    Args:
      found: result of `check_method`, of all clips.
      speakers: number of each clip's speaker `[N]`, -1 for nobody.
      key: consumed, by the bootstrap over clips.

    Returns:
      "over_random", a mean, in [-1, 1]; the medians of the other checks (those of CORRELATIONS
      without sign); each with the 95 % interval over clips, "_low" to "_high", and, of
      "over_random" and 10 speakers or more, over these, "_speakers_low" to "_speakers_high".
      "beats_random": the intervals lie above 0; "depends_on_parameters": that of "all" lies
      below ALIKE; "undefined": clips without a number, which are left out, by check.
    """
    over = found["random_area"] - found["area"]
    over_key, known = jax.random.fold_in(key, 1), ~np.isnan(over)
    row: dict[str, Any] = {"over_random": np.mean(over[known]) if known.any() else np.nan}
    ends = intervals(over[known], over_key, speakers=speakers[known])
    row |= {f"over_random_{end}": value for end, value in ends.items()}
    lows = [value for name, value in row.items() if name.endswith("_low")]
    for number, name in enumerate(CHECKS[2:], start=2):
        values = found[name][~np.isnan(found[name])]
        values = np.abs(values) if name in CORRELATIONS else values
        row[name] = np.median(values) if values.size else np.nan
        ends = intervals(values, jax.random.fold_in(key, number), interval=median_interval)
        row |= {f"{name}_{end}": value for end, value in ends.items()}
    return {name: float(value) for name, value in row.items()} | {
        "beats_random": bool(min(lows) > 0),
        "depends_on_parameters": bool(row["all_high"] < ALIKE),
        "undefined": {name: int(np.sum(np.isnan(found[name]))) for name in CHECKS},
    }


_alike = jax.jit(jax.vmap(rank_correlation))


def _areas(model: Model, latents: Array, targets: Array, scores: Array) -> Array:
    """Under deletion curves, `[N]`."""
    return map_examples(_area, model, (latents, scores, targets), key=jax.random.key(0))


def _area(model: Model, example: tuple[Array, Array, Array], key: Array) -> Array:
    del key
    return deletion_auc(model, *example)


def _norm(values: Array) -> Array:
    return jnp.sqrt(jnp.sum(values**2, axis=(1, 2)))
