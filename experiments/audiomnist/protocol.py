"""A trained AudioNet or AlexNet, explained and tested: the experiments of arXiv 1807.03418.

For the test clips of one fold: relevance by several methods, deletion by it in every domain in
which that makes sense, and moves in time and frequency. All returns are plain arrays with a
leading axis of clips, of which `experiments.audiomnist.tables` makes tables over clips and folds.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.attribution import integrated_gradients, saliency
from audioxai_jax.core.batching import map_examples
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.dft_lrp.time_frequency import short_time_relevance
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.engine.batch import attribute_batch
from audioxai_jax.manipulation.pitch import shift_fundamental
from audioxai_jax.manipulation.shift import scale_frequency, shift_time
from audioxai_jax.nets.classifiers import alexnet
from audioxai_jax.perturbation.deletion import deletion_curves
from audioxai_jax.propagation import lrp
from audioxai_jax.types import Method, Model

FRACTIONS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Of all samples, frequencies or cells that are deleted."""
METHODS = ("lrp", "lrp_alpha2_beta1", "integrated_gradients", "saliency")
"""EpsilonPlus is the main one (the paper does not say which rules it takes); the other LRP shows
how much depends on that."""
CARRIED = ("lrp", "lrp_alpha2_beta1", "integrated_gradients")
"""Those that are the sample times something: DFT-LRP is not meant for saliency."""
DRAWS = 5
"""Of features at random."""
FORMAT = 3
"""Raised when what is computed here changes, so that kept results are not mixed with new ones."""
BLOCK = 800
"""Samples, a tenth of a second: blocks of time-frequency deletion, side by side."""
MOVES = {
    "up to 100 ms earlier": ("time", -800),
    "up to 100 ms later": ("time", 800),
    "fundamental x 1.001, the vocoder alone": ("fundamental", 1.001),
    "fundamental x 0.8": ("fundamental", 0.8),
    "fundamental x 1.25": ("fundamental", 1.25),
    "frequency axis x 0.66": ("axis", 0.66),
    "frequency axis x 1.5": ("axis", 1.5),
}
"""What is done to a clip; the frequency axis is that of a spectrogram. In time a clip moves only
as far as it stays whole."""


def methods(floor: float = 0.0) -> dict[str, Method]:
    """The METHODS; Integrated Gradients begin at silence.

    Args:
      floor: value of silence in the features.
    """
    return {
        "lrp": lrp("epsilon_plus"),
        "lrp_alpha2_beta1": lrp("epsilon_alpha2_beta1"),
        "integrated_gradients": integrated_gradients(steps=32, baseline=floor),
        "saliency": saliency(),
    }


def explained(
    model: Model, inputs: Array | np.ndarray, chosen: Mapping[str, Method]
) -> dict[str, Array]:
    """Relevance `[N, ..]` of the inputs for the model's own predictions, by method."""
    return {
        name: attribute_batch(method, model, jnp.asarray(inputs), key=jax.random.key(0)).relevance
        for name, method in chosen.items()
    }


def deletions(
    net: str,
    model: Model,
    inputs: Array,
    labels: np.ndarray,
    relevance: Mapping[str, Array],
    *,
    floor: float,
    key: Array,
    first_index: int = 0,
) -> dict[str, dict[str, dict[str, Array]]]:
    """Deletion curves, by domain and ranking; see `perturbation.deletion.deletion_curves`.

    Args:
      net: "audionet": samples (a fraction of all, as in the paper, and of those that are not
        zero), frequencies, and blocks of time and frequency are zeroed; "alexnet": cells above
        the floor fall to it.
      model: model of the inputs.
      inputs: inputs of the network, `[N, ..]`.
      labels: `[N]`.
      relevance: relevance of the inputs, by method. The CARRIED ones are carried to the other
        domains by DFT-LRP, which ranks pairs of real and imaginary part.
      floor: value of silence in the features.
      key, first_index: key and first index of the random rankings.
    """

    def curves(domain: Domain | None, rows: Mapping[str, Array], **among: Any):
        options: dict[str, Any] = {"key": key, "first_index": first_index, "draws": DRAWS}
        return deletion_curves(
            model, inputs, labels, rows, FRACTIONS, domain=domain, **options, **among
        )

    if net == "alexnet":  # in its own domain: a louder cell has a higher level
        own = {"among": inputs > floor, "base": floor, "magnitude": inputs}
        return {"cells": curves(None, relevance, **own)}
    carried = {name: r for name, r in relevance.items() if name in CARRIED}
    over_frequency = {name: _over_frequency(inputs, r) for name, r in carried.items()}
    in_blocks = {name: _in_blocks(inputs, r) for name, r in carried.items()}
    rate, window = alexnet.SAMPLE_RATE, ("rectangle", BLOCK)
    samples, blocks = domains.samples(rate), domains.time_frequency(rate, window=window, hop=BLOCK)
    return {
        "samples": curves(samples, relevance),
        "sounding": curves(samples, relevance, among=inputs != 0),
        "frequencies": curves(domains.frequencies(rate), over_frequency),
        "time_frequency": curves(blocks, in_blocks),
    }


def moved(
    net: str,
    model: Model,
    features: Model,
    audio: np.ndarray,
    labels: np.ndarray,
    *,
    floor: float,
) -> dict[str, dict[str, Array]]:
    """What the model says of moved clips, by the names of MOVES, and "original".

    "label": whether that is right, "prediction": whether it is what it says of the original,
    each `[N]`.

    Args:
      net: "audionet" or "alexnet"; only the latter has a frequency axis.
      model, features: model and features of the network.
      audio: waveforms `[N, 8000]`, float32, full scale is 1.
      labels: `[N]`.
      floor: value of silence in the features.
    """
    known = {"original": ("time", 0), **MOVES}
    if net != "alexnet":
        known = {name: move for name, move in known.items() if move[0] != "axis"}
    found, original = {}, jnp.asarray(labels)
    for name, (kind, amount) in known.items():
        function = Partial(_said_of_moved[kind], model, features)
        shared = (function, jnp.asarray(amount), jnp.asarray(floor))
        said = map_examples(_plain, shared, audio, key=jax.random.key(0))
        original = said if name == "original" else original
        found[name] = {"label": (said == labels) * 1.0, "prediction": (said == original) * 1.0}
    return found


def _plain(shared: Any, clip: Array, key: Array) -> Array:
    del key
    function, amount, floor = shared
    return function(clip, amount, floor)


def _time(model: Model, features: Model, clip: Array, amount: Array, floor: Array) -> Array:
    del floor
    first, last = sounding_ends(clip)
    amount = jnp.clip(amount, -first, len(clip) - 1 - last)
    return jnp.argmax(model(features(shift_time(clip, amount))))


def _fundamental(model: Model, features: Model, clip: Array, amount: Array, floor: Array) -> Array:
    del floor
    return jnp.argmax(model(features(shift_fundamental(clip, amount, alexnet.SAMPLE_RATE))))


def _axis(model: Model, features: Model, clip: Array, amount: Array, floor: Array) -> Array:
    return jnp.argmax(model(scale_frequency(features(clip), amount, floor)))


def sounding_ends(clip: Array) -> tuple[Array, Array]:
    """The first and the last sample that is not zero."""
    sounding = clip != 0
    return jnp.argmax(sounding), len(clip) - 1 - jnp.argmax(sounding[::-1])


_said_of_moved = {"time": _time, "fundamental": _fundamental, "axis": _axis}


@jax.jit
def _over_frequency(inputs: Array, relevance: Array) -> Array:
    return jax.vmap(frequency_relevance)(inputs, relevance)[..., None]


@jax.jit
def _in_blocks(inputs: Array, relevance: Array) -> Array:
    options = {"window": ("rectangle", BLOCK), "hop": BLOCK, "before": 0}
    cells = jax.vmap(lambda x, r: short_time_relevance(x, r, **options))(inputs, relevance)
    return cells[..., None]
