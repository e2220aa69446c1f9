import jax
from flax import nnx

import audioxai_jax as ax
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

codec = ax.load_codec("gainshape_16khz")
classifier = ax.Classifier(model, reads=ax.domains.latent(codec))
clip = ax.read_clip(ax.example_clip(), codec.sample_rate)
explanation = ax.explain(classifier, clip.samples, keep=0.1, key=jax.random.key(0))
ax.write_wav("explanation.wav", explanation.sounds["explanation"], codec.sample_rate)
