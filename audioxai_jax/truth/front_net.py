"""A small network behind a fixed front end: trained in a second or two, as nothing is convolved.

    logits = W_n relu(.. relu(W_1 (front(x) - mean) / scale + b_1) ..) + b_n

The front end is a function of a module, so equal networks share a compiled program.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.records import Static, bind
from audioxai_jax.domains.samples import samples
from audioxai_jax.training.optimisers import adamw
from audioxai_jax.types import Classifier


@dataclasses.dataclass(frozen=True)
class FrontConfig:
    """A network.

    Attributes:
      front: sound `[T]` to features `[D]`, a function of a module.
      classes: number of logits.
      widths: units of the hidden layers.
      sample_rate: rate of the sounds, Hz.
      centred: whether the mean of the training clips is taken from the features.
      first: scale of the first weights.
      sparsity: weight of the group lasso on the features, see `_shrunk`.
    """

    front: Callable[[Array], Array]
    classes: int
    widths: tuple[int, ...] = (64, 64)
    sample_rate: int = 16_000
    centred: bool = True
    first: float = 1.0
    sparsity: float = 0.0


def trained_behind(
    config: FrontConfig,
    audio: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    steps: int = 2000,
    batch: int = 128,
    rate: float = 3e-3,
    decay: float = 1e-2,
    names: tuple[str, ...] | None = None,
) -> Classifier:
    """A classifier of sounds.

    Args:
      config: network to train.
      audio: clips `[P, T]`.
      labels: class of each, integers `[P]`, or probability of each class, `[P, K]`.
      seed: decides first weights and order.
      steps, batch, rate, decay: settings of AdamW; `decay` is the weight decay.
      names: labels of the classes.
    """
    shared, clips = Static(config.front), jnp.asarray(audio)
    features = map_examples(_features, shared, clips, key=jax.random.key(0), chunk=32)
    mean, scale = jnp.mean(features, axis=0), jnp.std(features, axis=0) + 1e-6
    if not config.centred:
        mean = jnp.zeros_like(mean)
    wanted = np.eye(config.classes)[labels] if labels.ndim == 1 else labels
    wanted = jnp.asarray(wanted, features.dtype)
    inputs = (features - mean) / scale
    layers = _fit(config, (steps, batch, rate, decay), inputs, wanted, jax.random.key(seed))
    params = {"layers": layers, "mean": mean, "scale": scale}
    return Classifier(bind(apply, config, params), reads=samples(config.sample_rate), labels=names)


def apply(config: FrontConfig, params: Any, audio: Array) -> Array:
    """Sound `[T]` to logits."""
    return _layers(params["layers"], (config.front(audio) - params["mean"]) / params["scale"])


def _layers(layers: Any, x: Array) -> Array:
    for layer in layers[:-1]:
        x = jax.nn.relu(x @ layer["kernel"] + layer["bias"])
    return x @ layers[-1]["kernel"] + layers[-1]["bias"]


def _first(config: FrontConfig, inputs: int, key: Array) -> Any:
    """Weights of He's variance, the last layer's 0."""
    sizes = (inputs, *config.widths, config.classes)
    layers = []
    for index, (before, after) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        scale = (2 / before) ** 0.5 * (config.first if index == 0 else 1.0)
        scale = 0.0 if index == len(config.widths) else scale
        drawn = jax.random.normal(jax.random.fold_in(key, index), (before, after))
        layers.append({"kernel": scale * drawn, "bias": jnp.zeros(after)})
    return layers


@functools.partial(jax.jit, static_argnums=(0, 1))
def _fit(config: FrontConfig, options: Any, inputs: Array, wanted: Array, key: Array) -> Any:
    steps, batch, rate, decay = options
    optimiser = adamw(steps, rate, decay)

    def loss(layers: Any, rows: Array) -> Array:
        logits = jax.vmap(lambda x: _layers(layers, x))(inputs[rows])
        return -jnp.mean(jnp.sum(wanted[rows] * jax.nn.log_softmax(logits), axis=-1))

    def step(state: Any, number: Array):
        layers, moments = state
        drawn = jax.random.fold_in(key, number)
        rows = jax.random.randint(drawn, (batch,), 0, inputs.shape[0])
        update, moments = optimiser.update(jax.grad(loss)(layers, rows), moments, layers)
        layers = jax.tree.map(jnp.add, layers, update)
        return (_shrunk(layers, config.sparsity * rate), moments), None

    layers = _first(config, inputs.shape[1], jax.random.fold_in(key, 2**31))
    return jax.lax.scan(step, (layers, optimiser.init(layers)), jnp.arange(steps))[0][0]


def _shrunk(layers: Any, amount: float) -> Any:
    """The proximal step of the group lasso: weights of each feature shortened by an amount.

    M. Yuan, Y. Lin, "Model selection and estimation in regression with grouped variables", 2006.
    A feature that does not help gets weights of exactly 0.
    """
    kernel = layers[0]["kernel"]
    length = jnp.linalg.norm(kernel, axis=1, keepdims=True)
    kept = jnp.maximum(1 - amount / jnp.maximum(length, 1e-12), 0)
    return [{**layers[0], "kernel": kept * kernel}, *layers[1:]]


def _features(shared: Static, clip: Array, key: Array) -> Array:
    del key
    front: Any = shared.value
    return front(clip)
