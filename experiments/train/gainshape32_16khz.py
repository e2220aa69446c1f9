"""The shipped codec of 32 bands: 72 values x 80 frames a second at 16 kHz.

    python scripts/train_codec.py --config experiments/train/gainshape32_16khz.py \
        --data DIR --out runs/gainshape32_16khz

Expected: see checkpoints/README.md.
"""

import jax.numpy as jnp

from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.training.latent_gaps import loud_mask

name = "gainshape32_16khz"
network = "gainshape"
config = gainshape.GainShapeConfig(hop=200, gains=32, shape=40)

seed = 0
batch = 16
speeds = (0.85, 0.93, 1.0, 1.08, 1.16)
steps = (5000,)
peak_rate = (2e-3,)
weights = {"spectral": 1.0, "mel": 2.0, "waveform": 1.0}


def gaps(key, latent, audio):
    """Cells of the loudest, by a random taste; and the part of the audio in them."""
    kept = loud_mask(key, latent[:, : config.gains], least=0.03)
    part = gainshape.filtered(config, audio, kept)
    return jnp.take(kept, jnp.asarray(gainshape.cells(config)), axis=1), part
