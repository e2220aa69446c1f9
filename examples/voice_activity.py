"""Silero VAD, explained: what in this clip sounds like speech?"""

import jax

import audioxai_jax as ax
from audioxai_jax.models.subjects import SUBJECTS

subject = SUBJECTS["silero_vad"]  # pip install --no-deps silero-vad==6.2.3
classifier = subject.build(over="maximum")

clip = ax.read_clip(ax.example_clip(), 16_000)
method = ax.lrp(subject.composite)
domain = ax.domains.latent(ax.load_codec("gainshape_16khz"))  # or None: its own samples
key = jax.random.key(0)
explanation = ax.explain(classifier, clip.samples, domain=domain, method=method, key=key)
ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
