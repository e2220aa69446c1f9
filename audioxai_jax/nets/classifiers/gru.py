"""A recurrent network that classifies a codec's latents.

AudioXLM ("Improving Audio Explanations Using Audio Language Models", IEEE Signal Processing
Letters, 2025) reads the latents of emotional speech with two layers of gated recurrent units
(K. Cho et al., EMNLP 2014). How the states become one vector is not said; here it is their
mean over time.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.contracts import as_latent
from audioxai_jax.core.records import bind
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class GruConfig:
    """Sizes of the classifier.

    Attributes:
      frames, channels: shape of the latent.
      classes: number of logits.
      hidden: units of each layer.
      layers: number of layers of gated recurrent units.
      between: units of a dense layer before the logits; none if 0.
      dropout: while training, of whole channels after each layer.
    """

    frames: int = 50
    channels: int = 64
    classes: int = 12
    hidden: int = 128
    layers: int = 2
    between: int = 0
    dropout: float = 0.2


VARIANTS = {"": {}, "code": {"hidden": 150, "between": 50}}
"""Fields that differ: the default is the paper's text, "code" what its checkpoints hold."""


def init(config: GruConfig, key: Array):
    """Fresh parameters."""
    latent = jnp.zeros((config.frames, config.channels))
    return Gru(config).init(key, latent)["params"]


def apply(config: GruConfig, params, latent: Array, dropout_key: Array | None = None) -> Array:
    """Latent `[frames, channels]` to logits `[classes]`; dropout only if a key is given."""
    latent = as_latent(latent, config.channels)
    net = Gru(config, deterministic=dropout_key is None)
    rngs = {} if dropout_key is None else {"dropout": dropout_key}
    return net.apply({"params": params}, latent, rngs=rngs)  # type: ignore[return-value]


def model(config: GruConfig, params) -> Model:
    """The trained classifier as a pure function of a latent."""
    return bind(apply, config, params)


class Gru(nn.Module):
    config: GruConfig
    deterministic: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        drop = nn.Dropout(c.dropout, broadcast_dims=(0,), deterministic=self.deterministic)
        for index in range(c.layers):
            x = drop(Layer(c.hidden, name=f"layer_{index}")(x))
        x = jnp.mean(x, axis=0)
        if c.between:
            x = nn.relu(nn.Dense(c.between, name="between")(x))
        return nn.Dense(c.classes, name="logits")(x)


class Layer(nn.Module):
    """One layer, `[F, C] -> [F, hidden]`, from a state of zeros.

    r, u = sigmoid(W x + V h), n = tanh(W' x + b' + r (V' h + c')), h <- (1 - u) n + u h: the
    reset gate acts after the product, as in PyTorch. What depends on the input alone is one
    product outside the loop.
    """

    hidden: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        inputs = nn.Dense(3 * self.hidden, name="input")(x)
        recurrent = self.param(
            "recurrent", nn.initializers.orthogonal(), (self.hidden, 3 * self.hidden)
        )
        bias = self.param("bias", nn.initializers.zeros, (self.hidden,))

        def step(state, row):
            ru, n = row[: 2 * self.hidden], row[2 * self.hidden :]
            product = state @ recurrent
            r, u = jnp.split(jax.nn.sigmoid(ru + product[: 2 * self.hidden]), 2)
            n = jnp.tanh(n + r * (product[2 * self.hidden :] + bias))
            state = (1 - u) * n + u * state
            return state, state

        return jax.lax.scan(step, jnp.zeros(self.hidden, x.dtype), inputs)[1]
