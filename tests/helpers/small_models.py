"""A small codec and classifiers with random weights, as checkpoints."""

from pathlib import Path

import jax
import numpy as np

from audioxai_jax.nets.classifiers import transformer
from audioxai_jax.nets.codecs import encodec, gainshape, seanet
from audioxai_jax.types import Codec
from audioxai_jax.weights.save import save as save_checkpoint

LABELS = ("_silence_", "go", "stop")


def random_params(init):
    """Parameters of the shapes that `init` would make, without compiling it."""
    draw = np.random.default_rng(0).normal
    shapes = jax.eval_shape(init)
    return jax.tree.map(lambda leaf: 0.1 * draw(size=leaf.shape).astype(leaf.dtype), shapes)


def save(folder: Path) -> None:
    """The codecs `small` (with a mean) and `bare` (without), and `words`, made for `small`."""
    config = gainshape.GainShapeConfig(
        gains=4, shape=8, width=8, encoder_blocks=0, decoder_blocks=0
    )
    params = random_params(lambda: gainshape.init(config, jax.random.key(0)))
    mean = np.full(config.channels, 0.1, np.float32)
    fields = {"kind": "codec", "network": "gainshape", "config": config}
    save_checkpoint(folder, "small", fields, {**params, "mean": mean})
    save_checkpoint(folder, "bare", fields, params)
    config = transformer.TransformerConfig(channels=12, classes=3, width=8, layers=0, reach=0)
    params = random_params(lambda: transformer.init(config, jax.random.key(0)))
    fields = {"kind": "classifier", "network": "transformer", "config": config, "codec": "small"}
    fields |= {"labels": LABELS, "frames": 50, "background": ["_silence_"]}
    save_checkpoint(folder, "words", fields, params)


def small_codec(quantises: bool = False) -> Codec:
    """Random weights, a frame per 40 samples at 8 kHz; one of EnCodec's kind quantises."""
    if quantises:
        layers = seanet.SeanetConfig(sample_rate=8000, latent=6, filters=4, strides=(8, 5), lstm=0)
        rate = 8 * 200 / 1000  # two codebooks of 16 words, 200 frames per second
        config = encodec.EncodecConfig(layers, 3, 16, bandwidths=(rate,))
        params = random_params(lambda: encodec.init(config, jax.random.key(0)))
        return encodec.codec(config, jax.tree.map(lambda leaf: 3 * leaf, params), name="small")
    sizes = {"gains": 4, "shape": 8, "width": 8, "encoder_blocks": 0, "decoder_blocks": 0}
    config = gainshape.GainShapeConfig(sample_rate=8000, hop=40, **sizes)
    params = random_params(lambda: gainshape.init(config, jax.random.key(0)))
    return gainshape.codec(config, params, name="small")
