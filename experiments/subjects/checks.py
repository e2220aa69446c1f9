"""A subject beside its own runtime, frame by frame, and what each method does with it."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import Classifier, integrated_gradients, lrp, propagation
from audioxai_jax.core.records import Static
from audioxai_jax.data.audio import resample
from audioxai_jax.models import maximum_over_time, mean_over_time, safe_gradients
from audioxai_jax.models.subjects import SUBJECTS, basic_pitch, swift_f0
from experiments.subjects import runtimes
from experiments.subjects.truths import STEPS

Pair = tuple[np.ndarray, np.ndarray]
KEY = jax.random.key(0)


def built(name: str) -> Classifier:
    """A subject with the settings that are measured: those of its row."""
    return SUBJECTS[name].build()


def at_rate(name: str, clip: np.ndarray, rate: int = 16_000) -> np.ndarray:
    """A clip at the rate that a subject reads."""
    wanted = basic_pitch.RATE if name == "basic_pitch" else 16_000
    clip = clip if rate == wanted else resample(clip, rate, wanted)
    return (np.round(clip * 32_768) / 32_768).astype(np.float32)  # as in a file of 16 bits


def beside(name: str, classifier: Classifier, clip: np.ndarray) -> Pair:
    """What we and the runtime say of a clip, all frames: logits, scores or cents."""
    ours, theirs = PAIRS[name]
    return np.asarray(jax.jit(ours)(inner(classifier.model), jnp.asarray(clip))), theirs(clip)


def inner(model: Any) -> Any:
    """The model of frames inside of a subject's: without safe derivatives, and over no time."""
    if model.func is safe_gradients(model).func:  # type: ignore[attr-defined]
        (model,) = model.args
    over_time = (mean_over_time(model).func, maximum_over_time(model).func)  # type: ignore[attr-defined]
    return model.args[0] if model.func in over_time else model


def in_double(classifier: Classifier, clip: np.ndarray) -> np.ndarray:
    """The model of frames in double precision."""
    with jax.enable_x64(True):
        model = jax.tree.map(_doubled, inner(classifier.model))
        return np.asarray(jax.jit(lambda m, x: m(x))(model, jnp.asarray(clip, jnp.float64)))


def _doubled(leaf: Array) -> Array:
    return leaf.astype(jnp.float64) if leaf.dtype == jnp.float32 else leaf


def distance(pair: Pair) -> float:
    """Largest difference, relative to the largest value of the runtime."""
    ours, theirs = pair
    if ours.shape != theirs.shape:
        raise ValueError(f"{list(ours.shape)} beside {list(theirs.shape)}")
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def _cents(model: Any, clip: Array) -> Array:
    (network, _) = model.args
    return swift_f0.frame_values(network, Static("cents"), clip)[:, 0]


PAIRS: dict[str, tuple[Callable[[Any, Array], Array], Callable[[np.ndarray], np.ndarray]]] = {
    "silero_vad": (lambda m, x: m(x)[:, 0], runtimes.silero_logits),
    "swift_f0": (_cents, lambda x: 1200 * np.log2(runtimes.swift_f0(x)[0] / swift_f0.CENTS_FROM)),
    "dnsmos": (lambda m, x: m(x), runtimes.dnsmos),
    "openwakeword": (lambda m, x: m(x), lambda x: runtimes.openwakeword(x, "alexa")[5:]),
    "basic_pitch": (lambda m, x: m(x), runtimes.basic_pitch),
}
"""By subject: its model of frames and a clip to what we say of each, and the runtime's answer."""


def account(name: str, classifier: Classifier, clip: np.ndarray, target: int) -> dict[str, float]:
    """Completeness of Integrated Gradients, the ledger of LRP, and the seconds both took.

    "missing" is the largest entry of the ledger that nothing explains, relative to the largest
    relevance of an operation; "passed" the share of the target's output that reaches the samples.
    """
    audio = jnp.asarray(clip)
    began = time.perf_counter()
    method = integrated_gradients(steps=STEPS[name], chunk=4)
    found = jax.jit(lambda model, x: method(model, x, target, key=KEY))(classifier, audio)
    jax.block_until_ready(found.relevance)
    middle = time.perf_counter()
    rules = lrp(SUBJECTS[name].composite).composite  # type: ignore[attr-defined]
    told = propagation.propagate(rules, classifier, audio, target)
    jax.block_until_ready(told.relevance)
    ended = time.perf_counter()
    book = told.ledger
    size = np.max(np.abs(np.asarray(book.received)))
    return {
        "ig_gap": float(found.info["completeness_gap"]),
        "ig_sum": float(jnp.sum(found.relevance)),
        "output": float(told.logits[target]),
        "lrp_sum": float(jnp.sum(told.relevance)),
        "missing": float(np.max(np.abs(np.asarray(book.missing))) / size),
        "bias": float(jnp.sum(book.bias)),
        "stabiliser": float(jnp.sum(book.stabiliser)),
        "ig_seconds": middle - began,
        "lrp_seconds": ended - middle,
    }
