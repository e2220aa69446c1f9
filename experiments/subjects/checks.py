"""A subject beside its own runtime, frame by frame, and what each method does with it."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import Classifier, integrated_gradients, lrp, propagation
from audioxai_jax.data.audio import resample
from audioxai_jax.models.subjects import (
    SUBJECTS,
    basic_pitch,
    openwakeword,
    silero_vad,
    swift_f0,
)
from experiments.subjects import runtimes

Pair = tuple[np.ndarray, np.ndarray]
KEY = jax.random.key(0)


def built(name: str) -> Classifier:
    """A subject with the settings that are measured: those of its row."""
    return SUBJECTS[name].build()


def at_rate(name: str, clip: np.ndarray, rate: int = 16_000) -> np.ndarray:
    """A clip at the rate that a subject reads."""
    wanted = basic_pitch.RATE if name == "basic_pitch" else 16_000
    return clip if rate == wanted else resample(clip, rate, wanted)


def beside(name: str, classifier: Classifier, clip: np.ndarray) -> Pair:
    """What we and the runtime say of a clip, all frames: probabilities, scores or cents."""
    return PAIRS[name](classifier.model, clip)


def distance(pair: Pair) -> float:
    """Largest difference, relative to the largest value of the runtime."""
    ours, theirs = pair
    if ours.shape != theirs.shape:
        raise ValueError(f"{list(ours.shape)} beside {list(theirs.shape)}")
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def _silero(model: Any, clip: np.ndarray) -> Pair:
    logits = jax.jit(silero_vad.frame_logits)(model.args[0], jnp.asarray(clip))
    return np.asarray(jax.nn.sigmoid(logits[:, 0])), runtimes.silero_vad(clip)


def _swift(model: Any, clip: np.ndarray) -> Pair:
    cents = jax.jit(swift_f0.frame_values, static_argnums=1)
    ours = np.asarray(cents(model.args[0], "cents", jnp.asarray(clip))[:, 0])
    pitch, _ = runtimes.swift_f0(clip)
    return ours, 1200 * np.log2(pitch / swift_f0.CENTS_FROM)


def _dnsmos(model: Any, clip: np.ndarray) -> Pair:
    return np.asarray(jax.jit(model)(jnp.asarray(clip))), runtimes.dnsmos(clip)


def _wake(model: Any, clip: np.ndarray) -> Pair:
    span, padding, _ = model.args[1].value
    steps = jax.jit(openwakeword.step_logits, static_argnums=(1, 2))
    logits = steps(model.args[0], span, padding, jnp.asarray(clip))
    return np.asarray(jax.nn.sigmoid(logits)), runtimes.openwakeword(clip, "alexa")[5:]


def _notes(model: Any, clip: np.ndarray) -> Pair:
    logits = jax.jit(basic_pitch.frame_logits)(model.args[0], jnp.asarray(clip))
    return np.asarray(jax.nn.sigmoid(logits)), runtimes.basic_pitch(clip)


PAIRS = {
    "silero_vad": _silero,
    "swift_f0": _swift,
    "dnsmos": _dnsmos,
    "openwakeword": _wake,
    "basic_pitch": _notes,
}
"""By subject: the model of its classifier and a clip, to what we say and what the runtime says."""


def account(name: str, classifier: Classifier, clip: np.ndarray, target: int) -> dict[str, float]:
    """Completeness of Integrated Gradients, the ledger of LRP, and the seconds both took.

    "missing" is the largest entry of the ledger that nothing explains, relative to the largest
    relevance of an operation; "passed" the share of the target's output that reaches the samples.
    """
    audio, steps = jnp.asarray(clip), 64
    began = time.perf_counter()
    method = integrated_gradients(steps=steps)
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
