"""The table of metrics: none is left out, and each keeps its promises on random inputs."""

import importlib
import inspect
import math
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import metrics, saliency
from audioxai_jax.metrics.table import DIRECTIONS, KINDS, METRICS

NO_METRICS = {
    # parts that metrics are made of
    "area",
    "mean_drop",
    "ranks",
    "segment_sums",
    "roc_auc",
    "pearson",
    "gap",
    "relative_gap",
    "shares",
    # several numbers, given draws, parts of the robustness metrics
    "parameter_randomisation",
    "sensitivities",
    "infidelity_of",
    "faithfulness_of",
    "layers",
    "parent",
    "stages",
    "redraw",
    "choose",
    "other_class",
}
"""Public functions that are no metric. Any other has to be in the table."""

SETTLED = {"target", "length", "k", "size", "sample_rate", "span"}
"""Arguments that are no arrays: a metric is compiled for these."""

MODEL = Partial(lambda w, x: jnp.tanh(x @ w).sum(0), jnp.asarray(np.eye(4, 3), jnp.float32))


def supply(name, key):
    """A random argument, by its name; see `Metric.function`."""
    keys = jax.random.split(key, 8)
    shape, sound = (6, 4), (2048,)
    makers = {
        "model": lambda: MODEL,
        "method": saliency,
        "x": lambda: jax.random.normal(keys[0], shape),
        "relevance": lambda: jax.random.normal(keys[1], shape),
        "target": lambda: 1,
        "key": lambda: keys[2],
        "whole": lambda: jax.nn.softmax(3 * jax.random.normal(keys[3], (5,))),
        "kept": lambda: jax.nn.softmax(3 * jax.random.normal(keys[4], (5,))),
        "removed": lambda: jax.nn.softmax(3 * jax.random.normal(keys[4], (5,))),
        "a": lambda: jax.random.normal(keys[5], shape),
        "b": lambda: jax.random.normal(keys[6], shape),
        "sound": lambda: jax.random.normal(keys[5], sound),
        "estimate": lambda: jax.random.normal(keys[5], sound),
        "reference": lambda: jax.random.normal(keys[6], sound),
        "truth": lambda: jax.random.uniform(keys[7], shape) > 0.5,
        "labels": lambda: jnp.asarray([0, 1, -1]),
        "length": lambda: 2,
        "k": lambda: 5,
        "size": lambda: 5,
        "sample_rate": lambda: 16000,
        "span": lambda: 160,
    }
    assert name in makers, f"a metric's argument has a new name, {name!r}: say here what it is"
    return makers[name]()


def arguments(function, key):
    """Random values of all arguments that must be given."""
    needed = [
        (name, parameter.kind)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    return {name: supply(name, key) for name, _ in needed}


def public_functions():
    for module in pkgutil.iter_modules(metrics.__path__):
        found = importlib.import_module(f"{metrics.__name__}.{module.name}")
        for name, function in vars(found).items():
            own = inspect.isfunction(function) and function.__module__ == found.__name__
            if own and not name.startswith("_"):
                yield name, function


def test_every_public_metric_is_in_the_table():
    known = {metric.function for metric in METRICS.values()}
    found = dict(public_functions())
    missing = {name for name, function in found.items() if function not in known} - NO_METRICS
    assert not missing, f"not in METRICS: {sorted(missing)}"
    assert NO_METRICS <= set(found), f"no such functions: {sorted(NO_METRICS - set(found))}"
    assert not NO_METRICS & {metric.function.__name__ for metric in METRICS.values()}


@pytest.mark.parametrize("name", METRICS)
def test_entries(name):
    metric = METRICS[name]
    assert metric.function.__name__ == name
    assert metric.of in KINDS and metric.better in DIRECTIONS
    assert metric.low < metric.high and len(metric.reference) > 5
    said = " ".join((metric.function.__doc__ or "").split())
    if metric.better in ("higher", "lower"):
        other = {"higher": "lower", "lower": "higher"}[metric.better]
        short = said.lower().partition("args:")[0]
        if "better" in short:
            assert f"{metric.better} is better" in short and f"{other} is better" not in short


@pytest.mark.parametrize("name", METRICS)
def test_values_are_in_their_range(name):
    """Where they are defined: NaN is not a value, but not all can be NaN."""
    metric = METRICS[name]
    ends = [abs(end) for end in (metric.low, metric.high) if math.isfinite(end)]
    slack = 1e-5 * max([1.0, *ends])
    settled = sorted(SETTLED & set(inspect.signature(metric.function).parameters))
    run, found = jax.jit(metric.function, static_argnames=settled), []
    for seed in range(4):
        given = arguments(metric.function, jax.random.key(seed))
        if name == "relevance_mass_accuracy":  # undefined for negative relevance
            given["relevance"] = jnp.abs(given["relevance"])
        value = run(**given)
        assert jnp.shape(value) == (), f"{name} is not a scalar"
        found.append(float(value))
    numbers = [value for value in found if not math.isnan(value)]
    assert numbers
    assert all(metric.low - slack <= value <= metric.high + slack for value in numbers), found
