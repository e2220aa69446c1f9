"""What the ear does not hear beside louder sound: thresholds of masking, frame by frame.

After the first psychoacoustic model of MPEG-1 audio (ISO/IEC 11172-3, annex D.1), as T. Painter,
A. Spanias, "Perceptual Coding of Digital Audio", Proceedings of the IEEE 88(4), 2000, section II.C
write it down; of its five steps the thinning of maskers within half a Bark is left out. Used to
bound inaudible changes by Y. Qin et al., ICML 2019.

1. Power of each bin, dB SPL: a sinusoid of full scale has `full_scale_db`.
2. Maskers. A tone: a local maximum 7 dB above its neighbours but the next, with the power of three
   bins. Noise: all other power of each whole Bark, at the geometric mean of its frequencies.
   Both count where they exceed the threshold in quiet.
3. Thresholds of each, at bin i of a masker at j of P dB: `P - 6.025 - 0.275 z(j) + S` of a tone,
   `P - 2.025 - 0.175 z(j) + S` of noise, z in Bark, with d = z(i) - z(j) and the spread

       S = 17 d - 0.4 P + 11      -3 <= d < -1
           (0.4 P + 6) d          -1 <= d <  0
           -17 d                   0 <= d <  1
           (0.15 P - 17) d - 0.15 P    1 <= d < 8

4. The powers of all thresholds and of the threshold in quiet are added.

Masking before and after a sound is not in the model.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.transforms.istft import analyse

FULL_SCALE_DB = 96.0
"""Level at which a sinusoid of full scale is taken to be heard, dB SPL: 16 bit."""
PROMINENCE_DB = 7.0
LEAST = 1e-12
"""Power that counts as none, of full scale: 120 dB below it."""


def masking_threshold(
    audio: Array,
    *,
    sample_rate: int,
    window: int = 512,
    hop: int = 128,
    full_scale_db: float = FULL_SCALE_DB,
) -> Array:
    """The largest inaudible magnitude of each cell of the STFT of a waveform.

    A change with `|analyse(change)| <= threshold` in all cells of
    `istft.analyse(.., window=("hann", window), hop=hop)` is masked, as far as the model knows.

    Args:
      audio: waveform `[T]`.
      sample_rate: Hz.
      window: width of the Hann window, samples.
      hop: samples from frame to frame.
      full_scale_db: level of a sinusoid of full scale, dB SPL.

    Returns:
      Magnitudes `[F, window // 2 + 1]`, in the units of that STFT. Not meant to be differentiated.

    Raises:
      ValueError: for audio that is no `[T]`, or frames that leave samples out.
    """
    audio = as_audio(audio)
    spectrum = analyse(audio, window=("hann", window), hop=hop)
    full = window / 4  # of a sinusoid of amplitude 1 the magnitude, at its bin
    power = jnp.maximum((jnp.abs(spectrum) / full) ** 2, LEAST)
    level = full_scale_db + 10 * jnp.log10(power)
    found = jax.lax.map(lambda row: frame_threshold(row, sample_rate), level)
    return full * 10 ** ((found - full_scale_db) / 20)


def frame_threshold(level: Array, sample_rate: int) -> Array:
    """Threshold of each bin of one frame, dB SPL.

    Args:
      level: levels of bins from 0 Hz to half the sample rate, dB SPL, `[B]`.
      sample_rate: Hz.
    """
    frequencies = np.linspace(0, sample_rate / 2, level.shape[0])
    places, quiet = bark(frequencies), in_quiet(frequencies)
    tones, is_tone = tonal_maskers(level)
    noises, centres = noise_maskers(jnp.where(is_tone, -jnp.inf, level), frequencies)
    tonal = tones - 6.025 - 0.275 * places
    noisy = noises - 2.025 - 0.175 * bark(centres)
    total = 10 ** (quiet / 10)
    for maskers, thresholds, at in ((tones, tonal, places), (noises, noisy, bark(centres))):
        heard = maskers > np.interp(at, places, quiet)
        spread = spreading_db(places[:, None] - at, jnp.where(heard, maskers, 0.0))
        single = 10 ** ((jnp.where(heard, thresholds, 0.0) + spread) / 10)
        total = total + jnp.sum(jnp.where(heard, single, 0.0), axis=1)
    return 10 * jnp.log10(total)


def bark(frequency: np.ndarray | float) -> np.ndarray:
    """Place of Hz on the Bark scale (E. Zwicker, E. Terhardt, JASA 68(5), 1980)."""
    f = np.asarray(frequency, float)
    return 13 * np.arctan(0.00076 * f) + 3.5 * np.arctan((f / 7500) ** 2)


def in_quiet(frequency: np.ndarray | float) -> np.ndarray:
    """Level of the faintest tones that are heard, dB SPL (E. Terhardt, Hearing Research 1, 1979).

    Of frequencies below 20 Hz it is that of 20 Hz.
    """
    f = np.maximum(np.asarray(frequency, float), 20.0) / 1000
    return 3.64 * f**-0.8 - 6.5 * np.exp(-0.6 * (f - 3.3) ** 2) + 1e-3 * f**4


def spreading_db(distance: Array | np.ndarray, level: Array | np.ndarray) -> Array:
    """Spread of a masker of a level, dB SPL, at a distance of Bark above it, dB; step 3 above."""
    d, p = jnp.asarray(distance), jnp.asarray(level)
    below = jnp.where(d < -1, 17 * d - 0.4 * p + 11, (0.4 * p + 6) * d)
    above = jnp.where(d < 1, -17 * d, (0.15 * p - 17) * d - 0.15 * p)
    return jnp.where((d < -3) | (d >= 8), -jnp.inf, jnp.where(d < 0, below, above))


def tonal_maskers(level: Array) -> tuple[Array, Array]:
    """Level of a tone at each bin, -inf where there is none; and which bins belong to a tone."""
    silent = jnp.full(3, -jnp.inf, level.dtype)
    padded = jnp.concatenate([silent, level, silent])
    at = lambda shift: padded[3 + shift : 3 + shift + level.shape[0]]
    peak = (level > at(-1)) & (level >= at(1))
    for shift in (-3, -2, 2, 3):
        peak &= level >= at(shift) + PROMINENCE_DB
    three = 10 * jnp.log10(sum(10 ** (at(shift) / 10) for shift in (-1, 0, 1)))
    marked = jnp.pad(peak, 1)
    belongs = marked[:-2] | marked[1:-1] | marked[2:]
    return jnp.where(peak, three, -jnp.inf), belongs


def noise_maskers(level: Array, frequencies: np.ndarray) -> tuple[Array, np.ndarray]:
    """Level of all power in each whole Bark, `[bands]`, and where it lies, Hz."""
    band = np.floor(bark(frequencies)).astype(int)
    member = (band[:, None] == np.unique(band)).astype(float)
    log = np.log(np.maximum(frequencies, 20.0))
    centres = np.exp(log @ member / member.sum(axis=0))
    power = jnp.matmul(10 ** (level / 10), jnp.asarray(member, level.dtype), precision="highest")
    return 10 * jnp.log10(jnp.maximum(power, 1e-30)), centres
