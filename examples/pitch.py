"""SwiftF0, explained in frequencies: relevance for a pitch lies on its harmonics."""

import jax

import audioxai_jax as ax
from audioxai_jax.models.subjects import SUBJECTS

subject = SUBJECTS["swift_f0"]  # pip install --no-deps swift-f0==0.3.0
classifier = subject.build(over=(0.42, 0.5))  # s, the vowel of "stop"

clip = ax.read_clip(ax.example_clip(), 16_000)
method = ax.lrp(subject.composite)
domain = ax.domains.frequencies(16_000)
key = jax.random.key(0)
explanation = ax.explain(classifier, clip.samples, domain=domain, method=method, key=key)
pitch = classifier.labels[int(explanation.target)]  # "125.6 Hz"
ax.write_wav("explanation.wav", explanation.sounds["explanation"], 16_000)
