"""Smallest sets of many clips: what is searched per clip, and medians with intervals per class."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.metrics.bootstrap import median_interval
from audioxai_jax.records import record
from audioxai_jax.synthesis.masks import unit_number
from audioxai_jax.synthesis.smallest import EDITS, count_grid, smallest_set, through_sound
from audioxai_jax.types import Base, Codec, Method, Model, attribute

PLACES = ("latent", "sound")
ALL = "all classes"


@record(static=("unit", "rank", "points"))
class Searches:
    """What is searched; see `search_clip`.

    Attributes:
      codec, classifier: models.
      methods: by name, the control of random features among them.
      base: what replaces the others.
      unit, rank: see `synthesis.masks.top_fraction`.
      points: of the grid of counts, see `synthesis.smallest.count_grid`.
    """

    codec: Codec
    classifier: Model
    methods: Mapping[str, Method]
    base: Base
    unit: str
    rank: str
    points: int


def search_clip(what: Searches, audio: Array, key: Array) -> dict[str, Any]:
    """The smallest sets of one clip, for each method, in the latent and in the sound.

    Args:
      audio: waveform `[T]` at the codec's rate.
      key: consumed.

    Returns:
      "target", the classifier's class; "fraction" and "lasting" by place, edit and method, see
      `SmallestSet`; "finite": False if a model or a method returned NaN or infinity.
    """
    latent = what.codec.encode(audio)
    base_key, method_key = jax.random.split(key)
    base = what.base(what.codec, latent, base_key)
    logits = what.classifier(latent)
    target = jnp.argmax(logits)
    relevance = jnp.stack([
        attribute(method, what.classifier, latent, target, key=method_key).relevance
        for method in what.methods.values()
    ])  # fmt: skip
    counts = count_grid(unit_number(latent.shape, what.unit), what.points)
    models = {
        "latent": what.classifier,
        "sound": through_sound(what.codec, what.classifier, audio.shape[0]),
    }
    found: dict[str, Any] = {"fraction": {}, "lasting": {}, "target": target}
    for place, model in models.items():
        for edit in EDITS:

            def search(relevance: Array, model=model, edit=edit):
                return smallest_set(model, latent, relevance, base, edit=edit, target=target,
                                    counts=counts, rank=what.rank, unit=what.unit)  # fmt: skip

            sets = jax.vmap(search)(relevance)
            for name in ("fraction", "lasting"):
                values = dict(zip(what.methods, getattr(sets, name), strict=True))
                found[name].setdefault(place, {})[edit] = values
    numbers = (latent, base, logits, relevance)
    return found | {"finite": jnp.all(jnp.stack([jnp.all(jnp.isfinite(a)) for a in numbers]))}


def make_rows(found: Mapping[str, Any], labels: Sequence[str], key: Array) -> list[dict[str, Any]]:
    """Medians over all clips and over those of each class that the classifier hears.

    A clip whose prediction no set keeps, or flips, has NaN: it counts as more than all
    features, so that medians and intervals need not leave it out, and may be infinite.

    Args:
      found: what `search_clip` returns, with a leading axis of clips.
      labels: names of the classes.
      key: consumed, by the bootstrap over clips.

    Returns:
      Rows with "label", "method", "edit", "place", "clips", "never" (share of NaN), "median",
      its 95 % interval "low" to "high", and "lasting", the median of that.
    """
    target = np.asarray(found["target"])
    groups = {ALL: np.arange(len(target))}
    groups |= {name: np.flatnonzero(target == index) for index, name in enumerate(labels)}
    rows = []
    for place, edits in found["fraction"].items():
        for edit, methods in edits.items():
            for method, fractions in methods.items():
                for label, clips in groups.items():
                    if not clips.size:
                        continue
                    values = _beyond(fractions)[clips]
                    low, high = median_interval(
                        jnp.asarray(values), jax.random.fold_in(key, len(rows))
                    )
                    lasting = _beyond(found["lasting"][place][edit][method])[clips]
                    rows.append({
                        "label": label, "method": method, "edit": edit, "place": place,
                        "clips": len(clips), "never": float(np.mean(np.isinf(values))),
                        "median": float(np.median(values)), "low": float(low),
                        "high": float(high), "lasting": float(np.median(lasting)),
                    })  # fmt: skip
    return rows


def _beyond(fractions: Any) -> np.ndarray:
    values = np.asarray(fractions, np.float64)
    return np.where(np.isnan(values), np.inf, values)
