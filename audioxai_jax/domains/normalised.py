"""Samples behind a model's own normalisation, so that a model can begin behind it."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import WrongType, as_array, as_audio, whole
from audioxai_jax.core.records import as_model, record
from audioxai_jax.domains.features import check_shape, labels, stretches
from audioxai_jax.domains.protocol import Axis, Domain
from audioxai_jax.types import Model


def normalised(sample_rate: int, front: Model) -> Domain:
    """What a front end makes of a waveform before the model proper reads it, `[T]`.

    Many models begin with z = a x + b, of which a and b are statistics of the clip x: its mean and
    standard deviation, its least and largest sample, its peak. Such a model ignores level, so that
    a path from silence explains nothing. Here the features are z, and a path to z from 0 explains
    what the model hears behind the normalisation.

    Back to sound, x' = x + (z' - z) / a, with a fitted to the clip by least squares: the slope of
    the line from its samples to its features. Unedited features give the clip, whatever the front
    end. Edited ones are exact where it is a x + b: x' = (z' - b) / a, and z' = 0 sounds as the
    constant -b / a. Of a front end that also filters, an edit is heard as if it only scaled. Of a
    clip of equal samples, such as silence, or one that the front end makes constant, a is 1.

    Args:
      sample_rate: rate of the waveform, Hz.
      front: a pure function, waveform `[T]` to features `[T]`, finite on silence; parameters are
        leaves if it is a pytree.

    Units are each "sample" (the default), each "millisecond", and each "segment" of 20 ms.

    Raises:
      WrongType (a TypeError and a ValueError): if `front` is not callable; when used, if it does
        not return floating point.
      ValueError: when used, if `front` does not return `[T]` for `[T]`.

    >>> domain = normalised(16_000, lambda x: x / jnp.max(jnp.abs(x)))
    >>> domain.analyse(jnp.array([0.25, -0.5])).tolist()
    [0.5, -1.0]
    """
    if not callable(front):
        raise WrongType(
            f"normalised: the front end must be a function of a waveform [T], got "
            f"{type(front).__name__}: pass e.g. lambda x: x / jnp.max(jnp.abs(x))"
        )
    return Normalised(whole(sample_rate, "sample_rate"), as_model(front))


@record(static=("sample_rate",))
class Normalised:
    """See `normalised`."""

    sample_rate: int
    front: Model
    name = "normalised"
    hop = 1
    exact = True
    linear = False

    def analyse(self, audio: Array) -> Array:
        audio = as_audio(audio)
        features = as_array(self.front(audio), "normalised: what the front end returned")
        if tuple(features.shape) != audio.shape:
            raise ValueError(
                f"normalised: the front end made {list(features.shape)} of a waveform "
                f"{list(audio.shape)}, expected [T] for [T]: give the part of the model that "
                "scales and shifts samples, and nothing behind it"
            )
        if not jnp.issubdtype(features.dtype, jnp.floating):
            raise WrongType(
                f"normalised: the front end returned {features.dtype}, expected floating point"
            )
        return jnp.asarray(features)

    def synthesise(self, features: Array, audio: Array) -> Array:
        check_shape(features, audio.shape, self.name, audio.shape[0])
        own = self.analyse(audio)
        slope = _slope(audio, own)
        return (features / slope + (audio - own / slope)).astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        return {
            "sample": labels(*shape),
            "millisecond": stretches(shape[0], 1e-3, self.sample_rate),
            "segment": stretches(shape[0], 20e-3, self.sample_rate),
        }

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        return (Axis("time", "s", np.arange(shape[0]) / self.sample_rate),)


def _slope(audio: Array, features: Array) -> Array:
    """a of the line features = a audio + b, least squares; 1 where that is 0 or unknown.

    Samples are scaled by their largest, so that squares of quiet ones do not vanish.
    """
    distance = audio - jnp.mean(audio)
    largest = jnp.max(jnp.abs(distance))
    unit = distance / jnp.where(largest > 0, largest, 1)
    power = jnp.sum(unit**2)
    change = jnp.sum(unit * (features - jnp.mean(features)))
    slope = change / jnp.where(largest > 0, power * largest, 1)
    return jnp.where((slope != 0) & jnp.isfinite(slope), slope, 1)
