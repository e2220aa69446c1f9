"""Training of detectors of spoofed stretches: labels of frames teach them.

As detectors of PartialSpoof (L. Zhang et al., arXiv 2204.05177) they learn from labels of short
segments, and of clips; see `nets.classifiers.spoof_net`.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.extras import needed_by
from audioxai_jax.core.records import Static, bind
from audioxai_jax.domains.samples import samples
from audioxai_jax.nets.classifiers.spoof_net import SpoofNet, SpoofNetConfig, apply, features
from audioxai_jax.training.optimisers import adamw
from audioxai_jax.types import Classifier

with needed_by("audioxai_jax.truth"):
    import optax

LABELS = ("bona fide", "spoofed")


def trained_detector(
    audio: np.ndarray,
    inside: np.ndarray,
    *,
    seed: int,
    steps: int = 400,
    batch: int = 16,
    rate: float = 3e-3,
    config: SpoofNetConfig = SpoofNetConfig(),
) -> Classifier:
    """A detector, trained on clips and the samples of each that are spoofed.

    Args:
      audio: clips `[P, T]`.
      inside: whether each sample is of a spoofed stretch, `[P, T]`.
      seed: decides first weights, order and dropout.
      steps, batch, rate: settings of AdamW.
    """
    frames = inside[:, config.hop // 2 :: config.step].astype(np.float32)
    step, optimiser = _step(config, steps, rate)
    key = jax.random.key(seed)
    heard = levels(config, audio)
    variables = SpoofNet(config).init(jax.random.fold_in(key, 2**31), heard[0])
    params = variables["params"]
    state = (params, variables["batch_stats"], optimiser.init(params))
    order = np.random.default_rng(seed)
    for number in range(steps):
        rows = order.choice(len(audio), batch, replace=False)
        state = step(state, heard[rows], frames[rows], jax.random.fold_in(key, number))
    final = {"params": state[0], "batch_stats": state[1]}
    wanted = np.any(frames > 0, axis=1, keepdims=True)[:, 0]
    scores = map_examples(_score, (Static(config), final), heard, key=key, chunk=16)
    least = np.asarray(state[0]["least"]) + equal_error(np.asarray(scores), wanted)[1]
    final["params"] = {**state[0], "least": jnp.asarray(least, jnp.float32)}
    return Classifier(bind(apply, config, final), reads=samples(16_000), labels=LABELS)


def equal_error(scores: np.ndarray, spoofed: np.ndarray) -> tuple[float, float]:
    """The equal error rate, and the score from which on a clip counts as spoofed there.

    The threshold lies between two scores, where the rate of bona fide clips called spoofed and the
    rate of spoofed ones missed are nearest to each other; the error is their mean.

    Args:
      scores: one per clip, `[N]`.
      spoofed: whether each is, bool `[N]`; some are and some are not.
    """
    ordered = np.sort(np.asarray(scores, np.float64))
    between = np.concatenate(
        [[ordered[0] - 1], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1]]
    )
    called = scores[None, :] >= between[:, None]
    alarms, missed = called[:, ~spoofed].mean(axis=1), 1 - called[:, spoofed].mean(axis=1)
    best = int(np.lexsort((alarms + missed, np.abs(alarms - missed)))[0])
    return float(alarms[best] + missed[best]) / 2, float(between[best])


def _score(shared: Any, heard: Array, key: Array) -> Array:
    (config, variables), _ = shared, key
    return SpoofNet(config.value).apply(variables, heard)[0][1]


def levels(config: SpoofNetConfig, audio: np.ndarray) -> np.ndarray:
    """`features` of clips, `[P, F, bins]`."""
    made = map_examples(
        _features, Static(config), jnp.asarray(audio), key=jax.random.key(0), chunk=16
    )
    return np.asarray(made)


def _features(config: Static, clip: Array, key: Array) -> Array:
    del key
    return features(config.value, clip)  # type: ignore[arg-type]


@functools.cache
def _step(config: SpoofNetConfig, steps: int, rate: float) -> Any:
    """The compiled step and its optimiser: one for all seeds."""
    net, optimiser = SpoofNet(config, training=True), adamw(steps, rate, 1e-2)

    def one(variables, levels, key):
        outcome, updated = net.apply(
            variables, levels, rngs={"dropout": key}, mutable=["batch_stats"]
        )
        return outcome, updated["batch_stats"]

    def loss(params, statistics, levels, wanted, keys):
        variables = {"params": params, "batch_stats": statistics}
        (logits, frames), updated = jax.vmap(one, in_axes=(None, 0, 0), axis_name="batch")(
            variables, levels, keys
        )
        spoofed = jnp.max(wanted, axis=1)
        by_frame = optax.sigmoid_binary_cross_entropy(frames, wanted).mean()
        by_clip = optax.sigmoid_binary_cross_entropy(logits[:, 1], spoofed).mean()
        return by_frame + by_clip, jax.tree.map(lambda leaf: leaf[0], updated)

    @jax.jit
    def step(state, levels, wanted, key):
        params, statistics, momenta = state
        keys = jax.random.split(key, len(levels))
        gradient, statistics = jax.grad(loss, has_aux=True)(
            params, statistics, levels, wanted, keys
        )
        update, momenta = optimiser.update(gradient, momenta, params)
        return optax.apply_updates(params, update), statistics, momenta

    return step, optimiser
