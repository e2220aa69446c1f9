import jax
import jax.numpy as jnp
from flax import linen as nn

import audioxai_jax as ax
from audioxai_jax.nets.adapters import from_linen


class Net(nn.Module):  # one latent [F, 64] -> logits [K]
    @nn.compact
    def __call__(self, latent):
        return nn.Dense(10)(nn.gelu(nn.Dense(128)(latent)).mean(axis=0))


variables = Net().init(jax.random.key(0), jnp.zeros((50, 64)))  # put your trained ones here
model = from_linen(Net(), variables)

codec = ax.load_codec("gainshape_16khz")
classifier = ax.Classifier(model, reads=ax.domains.latent(codec))
clip = ax.read_clip(ax.example_clip(), codec.sample_rate)
explanation = ax.explain(classifier, clip.samples, keep=0.1, key=jax.random.key(0))
ax.write_wav("explanation.wav", explanation.sounds["explanation"], codec.sample_rate)
