"""Sounds of events, some present and some not, and their latents in the shipped codec.

Half a second holds ten stretches of 40 ms, two frames of the codec each, with an event in each
with probability a half, and faint noise throughout. Every fourth sound is a piece of the bundled
clip of speech.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.data.audio import read_clip
from audioxai_jax.data.example import example_clip
from audioxai_jax.truth.events import DISTRACTORS, KINDS
from audioxai_jax.truth.recipe import RATE, SAMPLES
from audioxai_jax.types import Codec
from audioxai_jax.weights.load import load_codec

STRETCHES, FRAMES = 10, 2
"""Stretches of a sound, and the codec's frames in each."""
SPEECH = 4
"""One of so many sounds is speech."""
LOUD, FAINT = 0.1, 0.0001
"""RMS of an event and of the noise."""
EVENTS = (*KINDS.values(), *DISTRACTORS)


@functools.cache
def shipped() -> Codec:
    """The shipped codec, 64 channels, of which the first 16 are the levels of bands."""
    return load_codec("gainshape_16khz")


def sounds(count: int, *, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sounds, float32 `[N, T]`, and which events are there, booleans `[N, STRETCHES]`.

    Speech has none of the events.
    """
    length = FRAMES * shipped().hop
    audio = FAINT * random.standard_normal((count, SAMPLES))
    present = random.random((count, STRETCHES)) < 0.5
    present[::SPEECH] = False
    for number, clip in enumerate(audio):
        if number % SPEECH == 0:
            clip += _speech(random)
        for place in np.flatnonzero(present[number]):
            event = EVENTS[random.integers(len(EVENTS))](random, length, RATE)
            clip[place * length : (place + 1) * length] += LOUD * length**0.5 * event
    return audio.astype(np.float32), present


def encoded(audio: np.ndarray) -> np.ndarray:
    """Latents of sounds, float32 `[N, F, C]`, the same bytes in double precision as in single."""
    with jax.enable_x64(False):
        key = jax.random.key(0)
        return np.asarray(map_examples(_encode, shipped(), jnp.asarray(audio), key=key, chunk=16))


def _encode(codec: Codec, clip: Array, key: Array) -> Array:
    del key
    return codec.encode(clip)


def _speech(random: np.random.Generator) -> np.ndarray:
    clip = _clip()
    start = random.integers(len(clip) - SAMPLES + 1)
    return random.uniform(0.3, 1.0) * clip[start : start + SAMPLES]


@functools.cache
def _clip() -> np.ndarray:
    return read_clip(example_clip(), RATE).samples
