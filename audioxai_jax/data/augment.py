"""Training augmentation: speed, time shift, colour, gain and noise."""

import jax
import jax.numpy as jnp
import numpy as np
import soxr
from jax import Array

from audioxai_jax.core.checks import as_audio, check_coded

TAPS = 5
SPEEDS = (0.85, 0.93, 1.0, 1.08, 1.16)


def speed_copies(audio: np.ndarray, speeds: tuple[float, ...] = SPEEDS) -> np.ndarray:
    """Each clip at each speed, pitch moving along, centred, cut or padded to its length.

    Args:
      audio: int16 `[N, T]`.
      speeds: factors; 1.16 is faster and higher.

    Returns:
      int16 `[N, len(speeds), T]`.
    """
    check_coded(audio)
    length = audio.shape[1]
    copies = np.zeros((len(audio), len(speeds), length), np.int16)
    for number, clip in enumerate(audio):
        for place, speed in enumerate(speeds):
            sound = clip if speed == 1 else soxr.resample(clip, 1000 * speed, 1000.0)
            surplus = max(0, len(sound) - length) // 2
            sound = sound[surplus : surplus + length]
            start = (length - len(sound)) // 2
            copies[number, place, start : start + len(sound)] = sound
    return copies


def augment(key: Array, clip: Array, noises: Array, *, shift: int = 1600) -> Array:
    """One clip, moved, louder or quieter, in noise.

    Args:
      key: consumed.
      clip: int16 `[S, T]`, its copies at several speeds, of which one is drawn.
      noises: int16 `[M, T]`, background recordings.
      shift: largest shift either way, in samples; zeros move in.

    Returns:
      float32 `[T]`: coloured as by another microphone (a random filter of TAPS taps, each
      half as strong as the one before), gain -20 to +6 dB, a background at up to half its
      level in seven cases of ten, white noise between -100 and -40 dB re full scale.
    """
    check_coded(clip, "clip")
    check_coded(noises, "noises")
    keys = jax.random.split(key, 9)
    sound = clip[jax.random.randint(keys[0], (), 0, clip.shape[0])].astype(jnp.float32) / 32768
    start = jax.random.randint(keys[1], (), 0, 2 * shift + 1)
    sound = jax.lax.dynamic_slice(jnp.pad(sound, shift), (start,), sound.shape)
    taps = jax.random.normal(keys[8], (TAPS,)) * 0.5 ** jnp.arange(1, TAPS + 1)
    sound = jnp.convolve(sound, jnp.concatenate([jnp.ones(1), taps]))[: sound.shape[0]]
    sound *= 10 ** jax.random.uniform(keys[2], (), minval=-1.0, maxval=0.3)
    noise = noises[jax.random.randint(keys[3], (), 0, noises.shape[0])].astype(jnp.float32) / 32768
    level = jax.random.uniform(keys[4], (), maxval=0.5) * jax.random.bernoulli(keys[5], 0.7)
    hiss = 10 ** jax.random.uniform(keys[6], (), minval=-5.0, maxval=-2.0)
    return sound + level * noise + hiss * jax.random.normal(keys[7], sound.shape)


def other_recording(key: Array, sound: Array) -> Array:
    """A waveform `[T]` as another microphone may have it: its polarity and spectral tilt drawn.

        y_n = s (x_n - a x_(n-1)),   s = -1 or 1, a uniform in [-0.6, 0.95]

    Low frequencies are cut by up to 26 dB, or high ones by up to 8 dB. Networks of waveforms hear
    both, and data sets of few speakers have few microphones.
    """
    sound = as_audio(sound, "sound")
    sign_key, tilt_key = jax.random.split(key)
    tilt = jax.random.uniform(tilt_key, (), minval=-0.6, maxval=0.95)
    sign = jnp.where(jax.random.bernoulli(sign_key), 1.0, -1.0)
    return sign * (sound - tilt * jnp.pad(sound, (1, 0))[:-1])


def spec_augment(key: Array, features: Array, fill: Array | float = 0.0) -> Array:
    """Blanks one band of channels and one span of frames.

    D. Park et al., "SpecAugment", Interspeech 2019, one mask of each kind.

    Args:
      key: consumed.
      features: `[F, C]`, frames by channels.
      fill: value of blanked features.

    Returns:
      `[F, C]`: up to a sixth of the frames and a fifth of the channels are blank.
    """
    frames, channels = features.shape
    keys = jax.random.split(key, 4)
    first_frame = jax.random.randint(keys[0], (), 0, frames)
    first_channel = jax.random.randint(keys[1], (), 0, channels)
    frame = jnp.arange(frames) - first_frame
    channel = jnp.arange(channels) - first_channel
    blank_frame = (frame >= 0) & (frame < jax.random.randint(keys[2], (), 0, frames // 6))
    blank_channel = (channel >= 0) & (channel < jax.random.randint(keys[3], (), 0, channels // 5))
    return jnp.where(blank_frame[:, None] | blank_channel, fill, features)
