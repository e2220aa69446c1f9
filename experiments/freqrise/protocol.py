"""FreqRISE's experiment on spoken digits: relevance in three domains, and deletion by it.

T. Bruesch, K. Wickstroem, M. N. Schmidt, T. S. Alstroem, R. Jenssen, "FreqRISE: Explaining time
series using frequency masking", NLDL 2025. All of it is the composition of `explain` and the engine
of `perturbation`: a method explains the network seen from a domain, whose units are then deleted.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import domains
from audioxai_jax.attribution import input_x_gradient, integrated_gradients, rise
from audioxai_jax.core.batching import map_examples
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.dft_lrp.time_frequency import short_time_relevance
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.composition import ThroughSound
from audioxai_jax.metrics.complexity import complexity
from audioxai_jax.models.outputs import probability
from audioxai_jax.perturbation.deletion import deletion_curves
from audioxai_jax.perturbation.rank import unit_scores
from audioxai_jax.propagation import lrp
from audioxai_jax.types import Method, Model, attribute

SAMPLE_RATE, BLOCK = 8000, 800
"""Hz; samples of a block of time and frequency, side by side."""
FRACTIONS = tuple(round(0.05 * step, 2) for step in range(20))
"""Of all units of a domain, that are deleted: 0 to 95 %."""
CELLS = {"samples": 100, "frequencies": 100, "time_frequency": (5, 40, None)}
"""Cells of the grids of masks: 10 ms; 40 Hz; 0.2 s by 100 Hz, both parts of a pair alike."""
MOVED = "_moved"
"""Ends the names of methods whose relevance of samples DFT-LRP moves to a domain."""
CONTROLS = ("magnitude", "random")


def make_domains() -> dict[str, Domain]:
    """The domains in which relevance is compared, by name."""
    return {
        "samples": domains.samples(SAMPLE_RATE),
        "frequencies": domains.frequencies(SAMPLE_RATE),
        "time_frequency": domains.time_frequency(
            SAMPLE_RATE, window=("rectangle", BLOCK), hop=BLOCK
        ),
    }


def make_methods(domain: str, masks: int) -> dict[str, Method]:
    """What explains the network seen from a domain; Integrated Gradients begin at silence.

    Args:
      domain: a key of CELLS.
      masks: number that `rise` tries.
    """
    return {
        "lrp": lrp("epsilon_plus"),
        "integrated_gradients": integrated_gradients(steps=32),
        "input_x_gradient": input_x_gradient(),
        "rise": rise(samples=masks, cells=CELLS[domain]),
    }


def measure_clips(
    model: Model,
    inputs: Array,
    labels: np.ndarray,
    *,
    masks: int,
    draws: int,
    key: Array,
    start: int,
) -> dict[str, Any]:
    """Curves and complexity of some clips, in every domain.

    Args:
      model: the network, from its input `[T]` to logits `[K]`.
      inputs: inputs of the network, one a clip, `[N, T]`.
      labels: true classes, `[N]`; they are explained, and asked for.
      masks: masks of `rise`.
      draws: number of random rankings.
      key: key for masks and random rankings.
      start: index of the first clip of all.

    Returns:
      By domain: "curves", by ranking the softmax of the true class `[N, M]`; "complexity", by
      ranking `[N]`.
    """
    rows = {}
    for number, (name, domain) in enumerate(make_domains().items()):
        relevance = explain_in(name, domain, model, inputs, labels, masks, key, start)
        curves = deletion_curves(
            model,
            inputs,
            labels,
            relevance,
            FRACTIONS,
            key=jax.random.fold_in(key, number),
            draws=draws,
            domain=domain,
            first_index=start,
        )
        rows[name] = {
            "curves": {ranking: curves[ranking]["probability"] for ranking in curves},
            "complexity": {ranking: spread_of(values) for ranking, values in relevance.items()},
        }
    return rows


def explain_in(
    name: str,
    domain: Domain,
    model: Model,
    inputs: Array,
    labels: np.ndarray,
    masks: int,
    key: Array,
    start: int,
) -> dict[str, Array]:
    """Relevance of the units of a domain, by ranking, `[N, ...]`.

    Methods explain the network seen from the domain; those that are the input times something
    are explained in samples, too, and moved there by DFT-LRP, as the paper does.
    """
    relevance = {
        method: _explain(function, domain, asked(method, model), inputs, labels, key, start)
        for method, function in make_methods(name, masks).items()
    }
    if name == "samples":
        return relevance
    samples = domains.samples(SAMPLE_RATE)
    for method, function in make_methods("samples", masks).items():
        if method != "rise":
            waves = _explain(function, samples, model, inputs, labels, key, start)
            relevance[method + MOVED] = move(name, inputs, waves)
    return relevance


def _explain(
    method: Method, domain: Domain, model: Model, inputs: Array, labels, key: Array, start: int
) -> Array:
    """Relevance of each unit, summed over its features, `[N, ...]`."""
    shared, examples = (method, domain, model), (inputs, jnp.asarray(labels))
    return map_examples(_explain_one, shared, examples, key=key, chunk=4, first_index=start)


def _explain_one(shared: Any, example: Any, key: Array) -> Array:
    method, domain, model = shared
    audio, label = example
    features = domain.analyse(audio)
    units = next(iter(domain.units(features.shape).values()))
    seen = ThroughSound(model, domain, audio)
    relevance = attribute(method, seen, features, label, key=key).relevance
    return unit_scores(relevance, units, rank="signed").reshape(units.shape)


def asked(method: str, model: Model) -> Model:
    """What is explained: the logit; of `rise` the probability, which weights masks in the paper."""
    return probability(model) if method == "rise" else model


def move(name: str, inputs: Array, relevance: Array) -> Array:
    """Relevance of samples, moved to the units of another domain by DFT-LRP."""
    return _move(name == "frequencies", inputs, relevance)[..., None]


@jax.jit(static_argnums=0)
def _move(whole: bool, inputs: Array, relevance: Array) -> Array:
    if whole:
        return jax.vmap(frequency_relevance)(inputs, relevance)
    return jax.vmap(_block_relevance)(inputs, relevance)


def _block_relevance(audio: Array, relevance: Array) -> Array:
    return short_time_relevance(audio, relevance, window=("rectangle", BLOCK), hop=BLOCK, before=0)


@jax.jit
def spread_of(relevance: Array) -> Array:
    """Entropy of each clip's relevance, scaled from its least to its largest, nats `[N]`."""

    def one(values: Array) -> Array:
        low, high = jnp.min(values), jnp.max(values)
        return complexity((values - low) / (high - low))

    return jax.vmap(one)(relevance)


def concatenate(parts: list[Mapping[str, Any]]) -> Any:
    """Results of several calls of `measure_clips`, all clips together."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
