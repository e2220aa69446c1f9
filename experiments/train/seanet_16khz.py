"""A small member of EnCodec's family at 16 kHz with 64 values x 50 frames a second.

    python scripts/train_codec.py --config experiments/train/seanet_16khz.py \
        --data DIR --out runs/seanet_16khz

Convolutions at the rate of the samples cost a CPU about four times the gain-shape codec's
step, so this is for accelerators; no weights of it are shipped.
"""

from audioxai_jax.nets.codecs.seanet import SeanetConfig

name = "seanet_16khz"
network = "seanet"
config = SeanetConfig(
    sample_rate=16_000, latent=64, filters=16, strides=(8, 5, 4, 2), lstm=0, residual_layers=1
)

seed = 0
batch = 16
speeds = (0.85, 0.93, 1.0, 1.08, 1.16)

steps = (60_000, 20_000)
peak_rate = (1e-3, 3e-4)
weights = {"spectral": 1.0, "mel": 1.0, "waveform": 0.5, "cycle": 3.0}
