from audioxai_jax.weights.pretrained import load_codec
from flax import nnx

import audioxai_jax as ax
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.nets.adapters import from_nnx


class Net(nnx.Module):  # one latent [F, 64] -> logits [K]
    def __init__(self, rngs):
        self.hidden, self.drop = nnx.Linear(64, 128, rngs=rngs), nnx.Dropout(0.1, rngs=rngs)
        self.out = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, latent):
        return self.out(self.drop(nnx.gelu(self.hidden(latent))).mean(axis=0))


net = Net(nnx.Rngs(0))  # put your trained module here
net.eval()
model = from_nnx(net)

codec, _ = load_codec("gainshape_16khz")
clip = read_clip("clip.wav", codec.sample_rate)
found = ax.explain(codec, model, clip.samples, keep=0.1)
write_wav("explanation.wav", found.sounds["explanation"], codec.sample_rate)
