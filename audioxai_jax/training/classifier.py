"""One training step of a classifier on features: codec latents or spectrograms."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.extras import needed_by

with needed_by("audioxai_jax.training"):
    import optax

Forward = Callable[[Any, Array, Array], tuple[Array, Any]]
Prepare = Callable[[Array, Array], Array]


def make_step(
    forward: Forward,
    prepare: Prepare,
    optimiser: optax.GradientTransformation,
    *,
    classes: int,
    smoothing: float = 0.1,
):
    """A jitted step `(state, clips [B, ..], target, key) -> (state, metrics)`.

    The targets are classes, integers `[B]`, or probabilities of all classes, `[B, classes]`.

    Args:
      forward: `(variables, features, key) -> (logits [classes], other)` of one example,
        inside `vmap(axis_name="batch")`; `variables` is `{"params": .., **other}`.
      prepare: `(key, clip) -> features`, augmentation included; no gradient flows there.
      smoothing: smoothing of the labels.

    `state` is `{"params": .., "other": .., "optimiser": ..}`.
    """

    def loss(params, other, features: Array, target: Array, key: Array):
        keys = jax.random.split(key, len(features))
        variables = {"params": params, **other}
        logits, updated = jax.vmap(forward, in_axes=(None, 0, 0), axis_name="batch")(
            variables, features, keys
        )
        sure = jax.nn.one_hot(target, classes) if target.ndim == 1 else target
        wanted = optax.smooth_labels(sure, smoothing)
        value = jnp.mean(optax.softmax_cross_entropy(logits, wanted))
        accuracy = jnp.mean(jnp.argmax(logits, axis=-1) == jnp.argmax(wanted, axis=-1))
        return value, (accuracy, jax.tree.map(lambda leaf: leaf[0], updated))

    @jax.jit
    def step(state, clips: Array, target: Array, key: Array):
        prepare_key, dropout_key = jax.random.split(key)
        keys = jax.random.split(prepare_key, len(clips))
        features = jax.vmap(prepare)(keys, clips)
        (value, (accuracy, other)), gradient = jax.value_and_grad(loss, has_aux=True)(
            state["params"], state["other"], features, target, dropout_key
        )
        update, optimiser_state = optimiser.update(gradient, state["optimiser"], state["params"])
        params = optax.apply_updates(state["params"], update)
        state = {"params": params, "other": other, "optimiser": optimiser_state}
        return state, {"loss": value, "accuracy": accuracy}

    return step
