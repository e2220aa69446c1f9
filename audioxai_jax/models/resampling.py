"""Another sample rate, as a linear map that gradients pass."""

import functools
import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, whole
from audioxai_jax.core.strictness import relaxed

ZEROS = 64
"""Zero crossings of the filter on each side, at the lower of both rates."""
CUTOFF = 0.95
"""Half amplitude, relative to half the lower rate."""
STOP_DB = 90.0
"""Of Kaiser's window, 8.5 for its shape."""
LARGEST = 2**22
"""Numbers in the table of the filter: 16 MiB in float32."""


@relaxed()
def resample(audio: Array, source: int, target: int) -> Array:
    """A waveform `[T]` at another rate, `[ceil(T target / source)]`: sample n is at n / target.

    y_m = sum_n h(m / target - n / source) x_n, h a sinc under Kaiser's window (J. Kaiser,
    "Nonrecursive Digital Filter Design Using the I0-sinh Window Function", IEEE ISCAS 1974) of
    64 zero crossings on each side. With N half the lower rate: what is below 0.9 N passes within
    0.001 dB, what is above N is at least 90 dB down. Zeros are taken before and behind the clip.

    Linear, so that its gradient is its transpose; at equal rates the clip itself.

    Args:
      source, target: rates, Hz.

    Raises:
      ValueError: for audio that is no `[T]`, or rates with too large a ratio of whole numbers.

    >>> resample(jnp.zeros(441), 44_100, 16_000).shape
    (160,)
    """
    audio = as_audio(audio)
    down, up = whole(source, "source"), whole(target, "target")
    shared = math.gcd(down, up)
    down, up = down // shared, up // shared
    if down == up:
        return audio
    table, before = _table(down, up)
    blocks, columns, rows = table.shape
    count = -(-audio.shape[0] * up // down)
    frames = -(-count // rows)
    wanted = (frames + blocks - 1) * columns
    padded = jnp.pad(audio, (before, max(0, wanted - before - audio.shape[0])))[:wanted]
    pieces = padded.reshape(-1, columns)
    parts = [
        jnp.matmul(pieces[j : j + frames], jnp.asarray(part, audio.dtype), precision="highest")
        for j, part in enumerate(table)
    ]
    return sum(parts[1:], parts[0]).ravel()[:count]


@functools.lru_cache(maxsize=16)
def _table(down: int, up: int) -> tuple[np.ndarray, int]:
    """The filter for pieces of a clip: `[J, R, P]`, and zeros before the clip.

    Outputs q P .. (q + 1) P - 1 are `sum_j piece_(q + j) @ table_j`, with pieces of R samples
    side by side: dense products, forwards and backwards.
    """
    lower = min(1.0, up / down)  # of both rates, relative to the source's
    half = ZEROS / lower
    before = math.ceil(half)
    repeats = math.ceil(2 * before / down)
    columns, rows = repeats * down, repeats * up
    if 2 * columns * rows > LARGEST:
        raise ValueError(
            f"resample: rates of {down} to {up} need too large a filter: go by a rate that shares "
            "a larger divisor with both"
        )
    times = np.arange(rows) * (down / up)
    distance = times - (np.arange(2 * columns)[:, None] - before)
    shape = 0.1102 * (STOP_DB - 8.7)
    window = np.i0(shape * np.sqrt(np.maximum(0, 1 - (distance / half) ** 2))) / np.i0(shape)
    taps = np.sinc(CUTOFF * lower * distance) * window * (np.abs(distance) < half)
    return (taps / taps.sum(axis=0)).reshape(2, columns, rows), before
