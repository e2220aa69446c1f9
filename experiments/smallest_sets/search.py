"""Smallest sets of many clips: what is searched per clip, and medians with intervals per class."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.records import record
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.perturbation.edit import EDITS
from audioxai_jax.perturbation.rank import unit_number
from audioxai_jax.perturbation.smallest import count_grid, smallest_set
from audioxai_jax.statistics.bootstrap import median_interval
from audioxai_jax.statistics.intervals import intervals
from audioxai_jax.types import Base, Codec, Method, Model, attribute

PLACES = ("latent", "sound")
UNITS = ("feature", "frame", "channel")
"""Of a latent, that are ranked and edited as one."""
ALL = "all classes"


@record(static=("unit", "rank", "points"))
class Searches:
    """What is searched; see `search_clip`.

    Attributes:
      codec, classifier: models.
      methods: by name, the control of random features among them.
      base: what stands for absent features.
      unit: "feature", "frame" or "channel".
      rank: "signed" or "absolute".
      points: of the grid of counts, see `perturbation.smallest.count_grid`.
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
      `SmallestSet`; "finite": False if a model or a method returned NaN or infinity, for
      any edit: a NaN fraction would pass for a set that does not exist.
    """
    audio = as_audio(audio)
    latent = what.codec.encode(audio)
    base_key, method_key = jax.random.split(key)
    domain = domains.latent(what.codec)
    base = what.base(domain, latent, audio, base_key)
    logits = what.classifier(latent)
    target = jnp.argmax(logits)
    relevance = jnp.stack(
        [
            attribute(method, what.classifier, latent, target, key=method_key).relevance
            for method in what.methods.values()
        ]
    )
    units = domain.units(latent.shape)[what.unit]
    models = {"latent": what.classifier, "sound": Partial(_heard, domain, what.classifier, audio)}
    settings: dict[str, Any] = {"base": base, "rank": what.rank, "units": units}
    settings["counts"] = count_grid(unit_number(latent.shape, units), what.points)
    found: dict[str, Any] = {"fraction": {}, "lasting": {}, "target": target}
    finite = [jnp.all(jnp.isfinite(array)) for array in (latent, base, logits, relevance)]
    for place, model in models.items():
        for edit in EDITS:

            def search(relevance: Array, model=model, edit=edit):
                return smallest_set(model, latent, relevance, target, edit=edit, **settings)

            sets = jax.vmap(search)(relevance)
            for name in ("fraction", "lasting"):
                values = dict(zip(what.methods, getattr(sets, name), strict=True))
                found[name].setdefault(place, {})[edit] = values
            finite.append(jnp.all(sets.finite))
    return found | {"finite": jnp.all(jnp.stack(finite))}


def _heard(domain: Domain, classifier: Model, audio: Array, latent: Array) -> Array:
    """The classifier on the sound of a latent, encoded again."""
    return classifier(domain.analyse(domain.synthesise(latent, audio)))


def make_rows(
    found: Mapping[str, Any],
    labels: Sequence[str],
    key: Array,
    *,
    speakers: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Medians over all clips and over those of each class that the classifier hears.

    A clip whose prediction no set keeps, or flips, has NaN: it counts as more than all
    features, so that medians and intervals need not leave it out, and may be infinite. A clip
    whose prediction the codec alone flips needs no feature deleted: it is left out of "delete".

    Args:
      found: what `search_clip` returns, with a leading axis of clips.
      labels: names of the classes.
      key: consumed, by the bootstrap.
      speakers: number of each clip's speaker `[N]`, -1 for nobody.

    Returns:
      Rows with "label", "method", "edit", "place", "clips", "at_once" (share of clips that need no
      feature), "never" (share of NaN), "median", its 95 % interval over clips, "low" to "high",
      NaN for a single clip, and "lasting", the median of that; all NaN of no clips. Those over
      all clips have the interval over speakers, too,
      "speakers_low" to "speakers_high", if there are SPEAKERS or more: whole speakers are
      drawn, and nobody's clips are in every resample.
    """
    target = np.asarray(found["target"])
    groups = {ALL: np.arange(len(target))}
    groups |= {name: np.flatnonzero(target == index) for index, name in enumerate(labels)}
    rows: list[dict[str, Any]] = []
    cases = [
        (place, edit, method)
        for place, edits in found["fraction"].items()
        for edit, methods in edits.items()
        for method in methods
    ]
    for (place, edit, method), (label, clips) in itertools.product(cases, groups.items()):
        if clips.size:
            sets = {name: found[name][place][edit][method] for name in ("fraction", "lasting")}
            who = speakers if label == ALL else None
            row = _row(sets, edit, clips, who, jax.random.fold_in(key, len(rows)))
            rows.append({"label": label, "method": method, "edit": edit, "place": place} | row)
    return rows


def _row(
    sets: Mapping[str, Any],
    edit: str,
    clips: np.ndarray,
    speakers: np.ndarray | None,
    key: Array,
) -> dict[str, Any]:
    """Medians and intervals of some clips, by number."""
    at_once = np.asarray(sets["fraction"])[clips] == 0
    if edit == "delete":
        clips = clips[~at_once]
    values, lasting = (_beyond(sets[name])[clips] for name in ("fraction", "lasting"))
    who = None if speakers is None else speakers[clips]
    ends = intervals(values, key, speakers=who, interval=median_interval)
    return {
        "clips": len(clips),
        "at_once": float(np.mean(at_once)),
        "never": _of(np.mean, np.isinf(values)),
        "median": _of(np.median, values),
        **{name: float(end) for name, end in ends.items()},
        "lasting": _of(np.median, lasting),
    }


def _of(statistic: Callable[[np.ndarray], Any], values: np.ndarray) -> float:
    return float(statistic(values)) if values.size else np.nan


def _beyond(fractions: Any) -> np.ndarray:
    values = np.asarray(fractions, np.float64)
    return np.where(np.isnan(values), np.inf, values)
