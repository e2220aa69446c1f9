import jax
import jax.numpy as jnp
from audioxai_jax.weights.pretrained import load_codec

import audioxai_jax as ax
from audioxai_jax.data.audio import read_clip, write_wav


def classify(params, latent):  # one latent [F, 64] -> logits [K]
    return jnp.tanh(latent @ params["hidden"]).mean(axis=0) @ params["out"]


params = {"hidden": jax.random.normal(jax.random.key(0), (64, 128)), "out": jnp.eye(128, 10)}
model = jax.tree_util.Partial(classify, params)  # put your trained parameters here

codec, _ = load_codec("gainshape_16khz")
clip = read_clip("clip.wav", codec.sample_rate)
found = ax.explain(codec, model, clip.samples, keep=0.1)
write_wav("explanation.wav", found.sounds["explanation"], codec.sample_rate)
