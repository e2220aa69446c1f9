"""Round trips: speech through a codec or a vocoder and back, said again by a machine.

Five generators of spoofed speech, as of SONAR (arXiv 2410.04324), which the library has:

================ ===========================================================================
gainshape        the shipped codec of 16 kHz, encoded and decoded
gainshape32      the shipped codec of 32 bands
griffin_lim      80 mel bands, their pseudo-inverse, phases of Griffin and Lim, 1984
lpc              noise through filters of linear prediction: a whisper
transform        an MDCT, rounded to three times the RMS of 16 coefficients side by side
================ ===========================================================================
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.batching import map_examples
from audioxai_jax.transforms import istft, mdct
from audioxai_jax.transforms.mel import mel_bands
from audioxai_jax.weights.load import load_codec

RATE = 16_000
FRAMES = {"window": ("hann", 512), "hop": 128}
ROUNDS = 4
"""Of Griffin and Lim's iteration: few, so that its phases do not fit together."""
BANDS, ORDER = 80, 18
"""Mel bands, and order of linear prediction."""
WIDTH, TOGETHER, STEP = 256, 16, 3.0
"""Of the transform codec: coefficients of a frame and of a band, step in RMS of a band."""
SPOKEN_AGAIN = ("gainshape", "gainshape32", "griffin_lim", "lpc", "transform")
"""Names of the generators."""


def spoken_again(generator: str, audio: np.ndarray, *, seed: int) -> np.ndarray:
    """Clips `[N, T]` at 16 kHz after a round trip, float32.

    Args:
      generator: one of `SPOKEN_AGAIN`.
      audio: speech.
      seed: seed of the phases and the noise that a generator draws.

    Raises:
      ValueError: for a generator that is not known.
    """
    if generator not in GENERATORS:
        raise ValueError(f"unknown generator {generator!r}: known are {', '.join(SPOKEN_AGAIN)}")
    function, shared = GENERATORS[generator]()
    clips = jnp.asarray(audio, jnp.float32)
    made = map_examples(function, shared, clips, key=jax.random.key(seed), chunk=8)
    return np.asarray(made, np.float32)


def through_codec(codec, audio: Array, key: Array) -> Array:
    """A clip `[T]`, encoded and decoded."""
    del key
    return codec.decode(codec.encode(audio))[: len(audio)]


def griffin_lim(shared: None, audio: Array, key: Array) -> Array:
    """The sound whose STFT is near the magnitudes that 80 mel bands leave of a clip's `[T]`."""
    del shared
    weights = mel_bands(np.arange(257) * RATE / 512, BANDS, highest=RATE / 2)
    inverse = jnp.asarray(np.linalg.pinv(weights), jnp.float32)
    mel = jnp.abs(istft.analyse(audio, **FRAMES)) @ jnp.asarray(weights, jnp.float32)
    magnitude = jnp.maximum(mel @ inverse, 0)
    phase = jax.random.uniform(key, magnitude.shape, maxval=2 * np.pi)

    def again(_, phase: Array) -> Array:
        sound = istft.synthesise(magnitude * jnp.exp(1j * phase), len(audio), **FRAMES)
        return jnp.angle(istft.analyse(sound, **FRAMES))

    phase = jax.lax.fori_loop(0, ROUNDS, again, phase)
    return istft.synthesise(magnitude * jnp.exp(1j * phase), len(audio), **FRAMES)


def linear_prediction(shared: None, audio: Array, key: Array) -> Array:
    """A clip `[T]` as a whisper: white noise through filters of linear prediction."""
    del shared
    power = jnp.abs(istft.analyse(audio, **FRAMES)) ** 2
    correlation = jnp.fft.irfft(power)
    lags = np.abs(np.arange(ORDER)[:, None] - np.arange(ORDER))
    matrix = (
        correlation[:, lags]
        + 1e-4 * correlation[:, :1, None] * np.eye(ORDER)
        + 1e-9 * np.eye(ORDER)
    )
    wanted = correlation[:, 1 : ORDER + 1]
    weights = jnp.linalg.solve(matrix, wanted[..., None])[..., 0]
    rest = jnp.maximum(correlation[:, 0] - jnp.sum(weights * wanted, axis=1), 0)
    ones = jnp.ones((len(weights), 1))
    response = jnp.fft.rfft(jnp.concatenate([ones, -weights], axis=1), n=512)
    source = jax.random.normal(key, (len(audio),))
    spectrum = istft.analyse(source, **FRAMES)
    # A source of unit power has the window's energy in each bin.
    gain = jnp.sqrt(512 * rest / np.sum(np.hanning(513)[:512] ** 2) / 512)
    return istft.synthesise(spectrum * gain[:, None] / response, len(audio), **FRAMES)


def transform_codec(shared: None, audio: Array, key: Array) -> Array:
    """A clip `[T]` whose MDCT is rounded to steps of its level in bands: few of them are not 0."""
    del shared, key
    coefficients, _ = mdct.analyse(audio, WIDTH)
    bands = coefficients.reshape(len(coefficients), -1, TOGETHER)
    step = STEP * jnp.sqrt(jnp.mean(bands**2, axis=2, keepdims=True)) + 1e-9
    rounded = step * jnp.round(bands / step)
    return mdct.synthesise(rounded.reshape(coefficients.shape))[: len(audio)]


GENERATORS: dict[str, Callable] = {
    "gainshape": lambda: (through_codec, load_codec("gainshape_16khz")),
    "gainshape32": lambda: (through_codec, load_codec("gainshape32_16khz")),
    "griffin_lim": lambda: (griffin_lim, None),
    "lpc": lambda: (linear_prediction, None),
    "transform": lambda: (transform_codec, None),
}
"""Of each name what `map_examples` maps, and what all clips share."""
