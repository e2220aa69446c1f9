"""Whether a sound clicks where the clip that it was made of does not."""

from typing import Any

from audioxai_jax.core.checks import as_array, check_audio, whole

QUIET = 1e-3
"""30 dB below the mean of a sound nothing stands out that could be heard beside it."""


def click_level(sound: Any, reference: Any, *, span: int) -> Any:
    """How much more sudden the most sudden moment of a sound is than the clip around it, dB.

    Suddenness of a sample is the energy of the second difference, relative to its mean nearby:

        c_n(s) = d_n^2 / mean_nearby(d^2),    d_n = s_(n+1) - 2 s_n + s_(n-1)

    and the result is the largest of `c_n(sound) / max_nearby(c(reference))`. It is about 0
    for the clip itself at any level and for one that is faded slowly, and grows by 20 dB and more
    for a cut in a steady tone. What is sudden in the clip, such as a plosive or a pulse of the
    voice, is not a click where it stays, nor is a cut within noise, which hides it from ears, too.
    Nearby is the span of samples that holds n and both of its neighbours, so that one sample can
    stand out by a factor of 3 span at most.

    Args:
      sound, reference: waveforms `[T]` at one rate; NumPy or JAX arrays.
      span: samples, about 10 ms.

    Returns:
      A scalar; minus infinity for a silent sound. QUIET times its mean over the sound is added
      to the mean nearby, and a reference's suddenness counts as 1 at least.

    Raises:
      ValueError: for shapes that differ.
    """
    sound, reference = as_array(sound, "sound"), as_array(reference, "reference")
    check_audio(sound, "sound")
    check_audio(reference, "reference")
    if sound.shape != reference.shape:
        raise ValueError(
            f"a sound {list(sound.shape)} and a reference {list(reference.shape)}: expected two "
            "waveforms [T] of one length"
        )
    span = whole(span, "span")
    xp = sound.__array_namespace__()
    found, allowed = _suddenness(sound, span), _suddenness(reference, span)
    allowed = xp.maximum(xp.max(_nearby(xp.max(allowed, axis=1)), axis=1), 1)
    ratio = xp.max(xp.max(found, axis=1) / allowed)
    heard = ratio > 0
    return xp.where(heard, 10 * xp.log10(xp.where(heard, ratio, 1)), -xp.inf)


def _suddenness(sound: Any, span: int) -> Any:
    """`c_n`, in spans `[ceil(T / span), span]`."""
    xp = sound.__array_namespace__()
    peak = xp.max(xp.abs(sound))
    around = xp.pad(sound / xp.where(peak > 0, peak, 1), (1, 1 + -sound.shape[0] % span))
    energy = ((around[2:] - 2 * around[1:-1] + around[:-2]) ** 2).reshape(-1, span)
    own = xp.mean(energy, axis=1)
    mean = xp.mean(_nearby(own), axis=1) + QUIET * xp.mean(own)
    return energy / xp.where(mean > 0, mean, 1)[:, None]


def _nearby(values: Any) -> Any:
    """Each value of `[B]` between its neighbours, `[B, 3]`; zeros beyond the ends."""
    xp = values.__array_namespace__()
    around = xp.pad(values, (1, 1))
    return xp.stack([around[:-2], values, around[2:]], axis=1)
