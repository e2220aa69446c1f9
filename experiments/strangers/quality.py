"""Is it speech at all, and how does it sound? Two more models that nobody of this project trained.

Silero VAD says of each window of 32 ms whether somebody speaks: a sound is speech where one window
has a probability of at least 1/2. DNSMOS P.835 gives mean opinion scores from 1 to 5 of the signal
(SIG), the background (BAK) and all (OVR).

DNSMOS hears 9.01 s. Its authors' program doubles a shorter clip until it is long enough, and takes
the mean over windows that begin a second apart. Clips of the tasks last a second, so all these
windows are equal, and one is enough: the clip is repeated until it fills it.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record
from audioxai_jax.models.subjects import SUBJECTS, load_subject
from audioxai_jax.models.subjects.dnsmos import LENGTH, RATE, SCORES
from audioxai_jax.types import Model

SPEECH_LOGIT = 0.0
"""Logit of a probability of 1/2."""


@record()
class Voice:
    """Logit of speech in the window of a sound that has the highest, a scalar."""

    model: Model

    def __call__(self, sound: Array) -> Array:
        return self.model(sound)[0]


@record()
class Opinion:
    """Scores of DNSMOS `[3]`, see SCORES, of a sound of whole seconds."""

    model: Model

    def __call__(self, sound: Array) -> Array:
        times = -(-LENGTH // sound.shape[0])
        if sound.shape[0] % RATE:
            return self.model(sound)
        return self.model(jnp.tile(sound, times)[:LENGTH])


def voice() -> Voice:
    """Silero VAD; its loudest window counts.

    Raises:
      MissingExtra: if silero-vad is not installed.
    """
    return Voice(SUBJECTS["silero_vad"].build(over="maximum").model)


def opinion() -> Opinion:
    """DNSMOS P.835.

    Raises:
      MissingExtra: if speechmos is not installed.
    """
    return Opinion(load_subject("dnsmos").model)


__all__ = ["SCORES", "SPEECH_LOGIT", "Opinion", "Voice", "opinion", "voice"]
