"""The shipped codec, 64 values x 50 frames a second at 16 kHz.

    python scripts/train_codec.py --config experiments/train/gainshape_16khz.py \
        --data DIR --out runs/gainshape_16khz

Expected: see checkpoints/README.md.
"""

from audioxai_jax.nets.codecs.gainshape import GainShapeConfig

name = "gainshape_16khz"
network = "gainshape"
config = GainShapeConfig()

seed = 0
batch = 16
speeds = (0.85, 0.93, 1.0, 1.08, 1.16)

# Stage 1: the whole codec on reconstruction; its result is shipped. Stage 2: its decoder on
# masked latents, for comparison: gains gate their bands already, and it gained nothing.
steps = (4500, 1500)
peak_rate = (2e-3, 7e-4)
weights = {"spectral": 1.0, "mel": 1.0, "waveform": 1.0, "cycle": 3.0}
