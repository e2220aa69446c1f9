"""The shipped codec of 32 bands: 72 values x 80 frames a second at 16 kHz.

    python scripts/train_codec.py --config experiments/train/gainshape32_16khz.py \
        --data DIR --out runs/gainshape32_16khz

Expected: see checkpoints/README.md.
"""

from audioxai_jax.nets.codecs.gainshape import GainShapeConfig

name = "gainshape32_16khz"
network = "gainshape"
config = GainShapeConfig(hop=200, gains=32, shape=40, unit="cell")

seed = 0
batch = 16
speeds = (0.85, 0.93, 1.0, 1.08, 1.16)

# One stage: the whole codec, every second clip with gaps of whole cells, as explanations have.
gaps = 0.03  # fraction of the cells that is left at least
steps = (5000,)
peak_rate = (2e-3,)
weights = {"spectral": 1.0, "mel": 2.0, "waveform": 1.0}
