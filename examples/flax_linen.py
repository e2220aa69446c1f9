import jax
import jax.numpy as jnp
from audioxai_jax.weights.pretrained import load_codec
from flax import linen as nn

import audioxai_jax as ax
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.nets.adapters import from_linen


class Net(nn.Module):  # one latent [F, 64] -> logits [K]
    @nn.compact
    def __call__(self, latent):
        return nn.Dense(10)(nn.gelu(nn.Dense(128)(latent)).mean(axis=0))


variables = Net().init(jax.random.key(0), jnp.zeros((50, 64)))  # put your trained ones here
model = from_linen(Net(), variables)

codec, _ = load_codec("gainshape_16khz")
clip = read_clip("clip.wav", codec.sample_rate)
found = ax.explain(codec, model, clip.samples, keep=0.1)
write_wav("explanation.wav", found.sounds["explanation"], codec.sample_rate)
