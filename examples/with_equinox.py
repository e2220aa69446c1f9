import equinox as eqx
import jax
from audioxai_jax.weights.pretrained import load_codec

import audioxai_jax as ax
from audioxai_jax.data.audio import read_clip, write_wav


class Net(eqx.Module):  # one latent [F, 64] -> logits [K]
    mlp: eqx.nn.MLP

    def __call__(self, latent):
        return jax.vmap(self.mlp)(latent).mean(axis=0)


model = Net(eqx.nn.MLP(64, 10, 128, 1, key=jax.random.key(0)))  # put your trained module here

codec, _ = load_codec("gainshape_16khz")
clip = read_clip("clip.wav", codec.sample_rate)
found = ax.explain(codec, model, clip.samples, keep=0.1)
write_wav("explanation.wav", found.sounds["explanation"], codec.sample_rate)
