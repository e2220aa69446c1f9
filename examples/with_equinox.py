import equinox as eqx
import jax

import audioxai_jax as ax


class Net(eqx.Module):  # one latent [F, 64] -> logits [K]
    mlp: eqx.nn.MLP

    def __call__(self, latent):
        return jax.vmap(self.mlp)(latent).mean(axis=0)


model = Net(eqx.nn.MLP(64, 10, 128, 1, key=jax.random.key(0)))  # put your trained module here

codec = ax.load_codec("gainshape_16khz")
classifier = ax.Classifier(model, reads=ax.domains.latent(codec))
clip = ax.read_clip(ax.example_clip(), codec.sample_rate)
explanation = ax.explain(classifier, clip.samples, keep=0.1, key=jax.random.key(0))
ax.write_wav("explanation.wav", explanation.sounds["explanation"], codec.sample_rate)
