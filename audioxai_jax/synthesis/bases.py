"""Bases: the values that stand for absent features.

arXiv 2410.07530 replaces "less relevant parts of an embedding vector with a base
value": its text speaks of zeros, its code takes the latent of a noise recording. None of them
is neutral for every classifier, so results are best given for several.

A `Base` is `(domain, features, audio, key) -> features`: for any domain, noise and silence are
sounds that the domain analyses.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_floats, check_number, whole
from audioxai_jax.core.logits import decision
from audioxai_jax.core.records import as_model, record
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.perturbation.counterpart import adversarial_counterpart
from audioxai_jax.types import Base, Model


def own() -> Base:
    """The domain's own base: zeros, or the lowest level of a spectrogram in decibels."""
    return Own()


def zero() -> Base:
    """Zeros."""
    return Zero()


def mean() -> Base:
    """The codec's mean latent over its training data, the same in each frame.

    Of the domain `latent` alone; when used, others are refused by a ValueError.
    """
    return Mean()


def noise(level_db: float = -60.0) -> Base:
    """The features of white noise: `analyse(normal(key))`.

    Args:
      level_db: RMS of the noise in dB re full scale. The sound published with
        arXiv 2410.07530 decodes to near silence where features are replaced, so its
        noise was quiet.
    """
    check_number(level_db, "level_db", "a level in dB")
    return Noise(level_db=level_db)


def silence() -> Base:
    """The features of silence as long as the clip: `analyse(zeros)`."""
    return Silence()


def level_matched() -> Base:
    """The features of white noise as loud as the clip: at the RMS level of the sound they make.

    The noise of a silent clip is silence.
    """
    return LevelMatched()


def neighbour(other: Array) -> Base:
    """The features of another clip; along time cut to this one, or repeated until they fill it.

    The caller chooses the clip, such as by `next_of_another_class`; in a batch each has its
    own, `jax.vmap(lambda audio, other: explain(.., audio, base=neighbour(other)))`.

    Args:
      other: features of the same domain, such as a latent `[F', C]`.

    Raises:
      ValueError: for features without steps, or, when used, of a shape that does not fit.
    """
    other = as_floats(other, "base 'neighbour': other")
    if other.ndim == 0 or 0 in other.shape:
        raise ValueError(
            "base 'neighbour': other must be the features of another clip, got shape "
            f"{list(jnp.shape(other))}"
        )
    return Neighbour(other=other)


def adversarial(
    model: Model, target: int | Array | None = None, *, snr_db: float = 20.0, steps: int = 40
) -> Base:
    """The features of the clip's adversarial counterpart: nearly the same, heard as another class.

    C.-Y. Hsieh, H.-Y. Fang, C.-S. Wei, "AIM", arXiv 2605.16905, 2026; see
    `perturbation.counterpart`.

    Args:
      model: model of audio at the domain's rate, `[T]` to logits `[K]`, such as
        `explanation.composition.hearing(classifier, domain.sample_rate)`.
      target: class that is left; what the model says of the clip if None.
      snr_db: bound of the change, dB below the clip.
      steps: largest number of steps.
    """
    check_number(snr_db, "snr_db", "a ratio in dB")
    target = None if target is None else jnp.asarray(target)
    return Adversarial(as_model(model), target, snr_db, whole(steps, "steps"))


def next_of_another_class(targets: Array | np.ndarray | list[int]) -> np.ndarray:
    """For each clip of a batch, the index of the next one, around the end, of another class.

    Args:
      targets: classes, integers `[N]`.

    Returns:
      Indices `[N]`, on the host.

    Raises:
      ValueError: for no clips, or clips that are all of one class.
    """
    targets = np.asarray(targets)
    if targets.ndim != 1 or len(np.unique(targets)) < 2:
        raise ValueError("neighbours of another class need clips [N] of two classes at least")
    following = (np.arange(len(targets))[:, None] + np.arange(1, len(targets))) % len(targets)
    first = np.argmax(targets[following] != targets[:, None], axis=1)
    return following[np.arange(len(targets)), first]


@record()
class Own:
    """See `own`."""

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del audio, key
        return domain.base(features)


@record()
class Zero:
    """See `zero`."""

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del domain, audio, key
        return jnp.zeros_like(features)


@record()
class Mean:
    """See `mean`."""

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del audio, key
        codec = getattr(domain, "codec", None)
        if codec is None:
            raise ValueError(
                f"base 'mean' is of latents alone, the domain {domain.name!r} has no mean: choose "
                "base 'own' or 'silence'"
            )
        if codec.mean is None:
            raise ValueError(
                f"base 'mean': the codec {codec.name!r} has no mean latent. Give it one, "
                "Codec(..., mean=array of one value per channel), or choose base 'zero'"
            )
        if jnp.shape(codec.mean) != features.shape[1:]:
            raise ValueError(
                f"base 'mean': the codec {codec.name!r} has a mean latent of "
                f"{list(jnp.shape(codec.mean))}, its latents have {features.shape[1]} channels"
            )
        return jnp.broadcast_to(jnp.asarray(codec.mean, features.dtype), features.shape)


@record()
class Noise:
    """See `noise`."""

    level_db: float

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del features
        sound = jax.random.normal(key, audio.shape, audio.dtype)
        return domain.analyse(10 ** (self.level_db / 20) * sound)


@record()
class Silence:
    """See `silence`."""

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del features, key
        return domain.analyse(jnp.zeros_like(audio))


@record()
class LevelMatched:
    """See `level_matched`."""

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        sound = jax.random.normal(key, audio.shape, audio.dtype)
        sound /= jnp.sqrt(jnp.mean(sound**2))
        level = jnp.sqrt(jnp.mean(domain.synthesise(features, audio) ** 2))
        return domain.analyse(level * sound)


@record()
class Neighbour:
    """See `neighbour`."""

    other: Array

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del audio, key
        fits = self.other.shape == features.shape
        if not fits and self.other.ndim == features.ndim:
            in_time = domain.axes(features.shape)[0].name == "time"
            fits = in_time and self.other.shape[1:] == features.shape[1:]
        if not fits:
            raise ValueError(
                f"base 'neighbour': other has the shape {list(self.other.shape)}, the features of "
                f"the domain {domain.name!r} {list(features.shape)}: analyse both clips by one "
                "domain, and as one length if its first axis is not time"
            )
        steps = np.arange(features.shape[0]) % self.other.shape[0]
        return self.other[steps].astype(features.dtype)


@record(static=("steps",))
class Adversarial:
    """See `adversarial`."""

    model: Model
    target: Array | None
    snr_db: float
    steps: int

    def __call__(self, domain: Domain, features: Array, audio: Array, key: Array) -> Array:
        del features, key
        target = decision(self.model(audio)) if self.target is None else self.target
        bounds = {"snr_db": self.snr_db, "steps": self.steps}
        return domain.analyse(adversarial_counterpart(self.model, audio, target, **bounds).x)


BASES: dict[str, Callable[..., Base]] = {
    "level_matched": level_matched,
    "mean": mean,
    "noise": noise,
    "own": own,
    "silence": silence,
    "zero": zero,
}
"""Those that need no more than the clip and its domain.

`neighbour` needs another clip, `adversarial` the model."""
