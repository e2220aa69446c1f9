import jax
import jax.numpy as jnp

import audioxai_jax as ax


def classify(params, latent):  # one latent [F, 64] -> logits [K]
    return jnp.tanh(latent @ params["hidden"]).mean(axis=0) @ params["out"]


params = {"hidden": jax.random.normal(jax.random.key(0), (64, 128)), "out": jnp.eye(128, 10)}
model = jax.tree_util.Partial(classify, params)  # put your trained parameters here

codec = ax.load_codec("gainshape_16khz")
classifier = ax.Classifier(model, reads=ax.domains.latent(codec))
clip = ax.read_clip(ax.example_clip(), codec.sample_rate)
explanation = ax.explain(classifier, clip.samples, keep=0.1, key=jax.random.key(0))
ax.write_wav("explanation.wav", explanation.sounds["explanation"], codec.sample_rate)
