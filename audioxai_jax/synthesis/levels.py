"""Levels of sounds, and one sound at the level of another.

For JAX arrays, also under `jit` and `vmap`, and for NumPy arrays on the host, where clips of
all lengths go by without compiling: each function returns the kind that it is given. Sounds are
floating point, and refused (TypeError, also a ValueError) if they are not.
"""

from typing import Any

from audioxai_jax.core.checks import as_samples

BLOCK = 1024
MOST_DB = 40.0
"""Amplification at most, dB: what is nearly silent is not to be blown up to noise."""


def rms(sound: Any) -> Any:
    """Root mean square of all samples, a scalar.

    Samples are scaled by the largest and summed in blocks, so that neither faint sounds nor
    long ones lose digits in float32.
    """
    sound = _checked(sound, "sound")
    xp = sound.__array_namespace__()
    flat = sound.reshape(-1)
    peak = xp.max(xp.abs(flat))
    scale = xp.where((peak > 0) & xp.isfinite(peak), peak, 1)
    squares = xp.pad((flat / scale) ** 2, (0, -flat.shape[0] % BLOCK)).reshape(-1, BLOCK)
    return scale * xp.sqrt(xp.sum(xp.sum(squares, axis=1)) / flat.shape[0])


def matching_gain(sound: Any, reference: Any, *, most_db: float = MOST_DB) -> Any:
    """The factor by which `match_level` multiplies, a scalar above 0."""
    sound, reference = _checked(sound, "sound"), _checked(reference, "reference")
    xp = sound.__array_namespace__()
    level, wanted = rms(sound), rms(reference)
    heard = (level > 0) & (wanted > 0)
    ratio = xp.where(heard, wanted / xp.where(level > 0, level, 1), 1)
    short_of_clipping = 1 / xp.maximum(xp.max(xp.abs(sound)), 1e-9)
    return xp.minimum(xp.minimum(ratio, 10 ** (most_db / 20)), short_of_clipping)


def match_level(sound: Any, reference: Any, *, most_db: float = MOST_DB) -> Any:
    """A sound `[T]` at the RMS level of another of any length and rate.

    It is amplified by `most_db` at most, and never beyond full scale: no sample of the result
    is outside [-1, 1], whatever the peak of the reference. Where this leaves it below the
    reference it stays so. Silence stays silence, and beside a silent reference nothing is
    matched. A sound that is matched already is returned as it is, but for rounding.
    """
    sound = _checked(sound, "sound")
    return sound * matching_gain(sound, reference, most_db=most_db)


def _checked(sound: Any, name: str) -> Any:
    sound = as_samples(sound, name)
    if sound.size == 0:
        raise ValueError(f"{name} has no samples")
    return sound
