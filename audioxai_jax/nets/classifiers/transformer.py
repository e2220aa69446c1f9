"""A transformer that classifies a codec's latents.

arXiv 2410.07530 reads EnCodec latents with a linear embedding, learned positions, three
encoder layers and the mean over time. Its authors had 80,000 clips. For a few thousand,
this one is narrower, normalises before each layer (R. Xiong et al., "On Layer
Normalization in the Transformer Architecture", ICML 2020) and embeds a few neighbouring
frames together. VARIANTS has the sizes of the paper and of its follow-up.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jax import Array

from audioxai_jax.core.contracts import as_latent
from audioxai_jax.core.records import bind
from audioxai_jax.types import Model


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the classifier.

    Attributes:
      frames, channels: shape of the latent.
      classes: number of logits.
      width: channels inside.
      layers: encoder layers.
      heads: attention heads; they divide `width`.
      feedforward: channels inside each layer's perceptron.
      reach: neighbouring frames embedded together on either side; 0 as in the paper.
      dropout: while training, of whole channels: the same ones in every frame.
      norm_first: normalise before each layer, with GELU; else after it, with ReLU, as
        PyTorch's encoder layers do by default and the paper's code with them.
    """

    frames: int = 50
    channels: int = 64
    classes: int = 12
    width: int = 128
    layers: int = 3
    heads: int = 4
    feedforward: int = 384
    reach: int = 2
    dropout: float = 0.1
    norm_first: bool = True


PAPER = {"width": 256, "heads": 8, "feedforward": 512, "reach": 0, "norm_first": False}
VARIANTS = {
    "": {},
    "small": {"width": 96, "layers": 2, "feedforward": 256},
    "paper": PAPER,
    "followup": {**PAPER, "heads": 4, "dropout": 0.3},
}
"""Fields that differ. "small" is ours, for few speakers; "paper" is arXiv 2410.07530 by its
authors' code; "followup" AudioXLM (IEEE Signal Processing Letters, 2025) by its authors' code,
whose text has the former's heads and dropout."""


def init(config: TransformerConfig, key: Array):
    """Fresh parameters."""
    latent = jnp.zeros((config.frames, config.channels))
    return Transformer(config).init(key, latent)["params"]


def apply(
    config: TransformerConfig, params, latent: Array, dropout_key: Array | None = None
) -> Array:
    """Latent `[frames, channels]` to logits `[classes]`; dropout only if a key is given."""
    latent = as_latent(latent, config.channels, config.frames)
    net = Transformer(config, deterministic=dropout_key is None)
    rngs = {} if dropout_key is None else {"dropout": dropout_key}
    return net.apply({"params": params}, latent, rngs=rngs)  # type: ignore[return-value]


def model(config: TransformerConfig, params) -> Model:
    """The trained classifier as a pure function of a latent."""
    return bind(apply, config, params)


class Transformer(nn.Module):
    config: TransformerConfig
    deterministic: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        c = self.config
        act = nn.gelu if c.norm_first else nn.relu
        drop = nn.Dropout(c.dropout, broadcast_dims=(0,), deterministic=self.deterministic)
        padded = jnp.pad(x, ((c.reach, c.reach), (0, 0)))
        x = jnp.concatenate([padded[i : i + len(x)] for i in range(2 * c.reach + 1)], axis=1)
        x = nn.Dense(c.width, name="embed")(x)
        x = nn.gelu(x) if c.norm_first else x
        x += self.param("positions", nn.initializers.normal(0.02), (c.frames, c.width))
        for index in range(c.layers):
            norm_a, norm_b = (nn.LayerNorm(name=f"norm_{ab}{index}") for ab in "ab")
            y = norm_a(x) if c.norm_first else x
            y = nn.MultiHeadDotProductAttention(c.heads, name=f"attention_{index}")(y, y)
            x = x + drop(y) if c.norm_first else norm_a(x + drop(y))
            y = norm_b(x) if c.norm_first else x
            y = drop(act(nn.Dense(c.feedforward, name=f"up_{index}")(y)))
            y = drop(nn.Dense(c.width, name=f"down_{index}")(y))
            x = x + y if c.norm_first else norm_b(x + y)
        pooled = jnp.mean(nn.LayerNorm(name="norm")(x) if c.norm_first else x, axis=0)
        return nn.Dense(c.classes, name="logits")(drop(pooled))
