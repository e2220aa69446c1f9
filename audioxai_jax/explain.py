"""Audio Explanation Synthesis (Akman, Sun, Schuller, arXiv 2410.07530) on one page.

    Z       = Encoder(X)
    R       = Attribution(Classifier, Z)
    Z_kept  = Z where R is among the largest, a base value elsewhere
    X_hat   = Decoder(Z_kept)                       an explanation one can listen to

and, because an explanation must be checked, X_hat is encoded and classified again,
beside two controls: the codec alone, and as many features kept at random.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from audioxai_jax.attribution import integrated_gradients, random_control
from audioxai_jax.batching import map_examples
from audioxai_jax.records import as_model
from audioxai_jax.strictness import relaxed
from audioxai_jax.synthesis.masks import kept_count, top_fraction, unit_number
from audioxai_jax.synthesis.replacement import mix, zero
from audioxai_jax.synthesis.smallest import KeepSmallest, keep_smallest, through_sound
from audioxai_jax.types import (
    Base,
    Classifier,
    Codec,
    Explanation,
    Masker,
    Method,
    Model,
    attribute,
)

SMALLEST = "smallest"


@relaxed()
def explain(
    codec: Codec,
    classifier: Classifier | Model,
    audio: Array,
    *,
    method: Method | None = None,
    keep: float | str = 0.1,
    rank: str = "signed",
    unit: str = "feature",
    base: Base | None = None,
    target: int | Array | None = None,
    key: Array | None = None,
) -> Explanation:
    """Explains a classifier's decision on one clip by a sound.

    A pure function: `jax.jit`, `jax.vmap` and `jax.grad` apply. For many clips see
    `explain_batch`.

    Args:
      codec: encoder and decoder, see `Codec`.
      classifier: a `Classifier`, or any function `latent [F, C] -> logits [K]`.
      audio: mono waveform `[T]` at `codec.sample_rate`, floating point.
      method: attribution method; `integrated_gradients()` if None.
      keep: fraction of the latent features to keep; or "smallest", the fewest of the most
        relevant ones whose sound is heard as the target (all, if none do), found for each
        clip by `synthesis.smallest.smallest_set` on a grid of counts.
      rank: "signed" or "absolute", see `top_fraction`.
      unit: "feature", "frame" or "channel", see `top_fraction`.
      base: what replaces the others; `synthesis.replacement.zero()` if None.
      target: class to explain; the classifier's own prediction if None.
      key: for everything random; `jax.random.key(0)` if None.

    Returns:
      An `Explanation`; every sound is as long as `audio`. Its `finite` is False where the
      models returned NaN or infinity, or a traced target is no class: nothing else in it
      means anything then.

    Raises:
      ValueError: for shapes or options that do not fit, when traced.
      TypeError: for integer audio, or a classifier that is no function.
    """
    masker = _selection(keep, rank, unit)
    return _explain(
        (codec, _model(classifier), method or integrated_gradients(), masker, base or zero()),
        (audio, target),
        jax.random.key(0) if key is None else key,
    )


@relaxed()
def explain_batch(
    codec: Codec,
    classifier: Classifier | Model,
    audio: Array,
    *,
    method: Method | None = None,
    keep: float | str = 0.1,
    rank: str = "signed",
    unit: str = "feature",
    base: Base | None = None,
    target: Array | None = None,
    key: Array | None = None,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> Explanation:
    """`explain` for a batch of clips `[N, T]`, jitted, in chunks, over local devices.

    Example i uses `fold_in(key, first_index + i)`, so results do not depend on how
    clips are batched, chunked or spread over devices. One compilation serves every
    batch of one clip length, all parameters and every `keep`.

    Args:
      target: one class per clip `[N]`, or None for the classifier's own predictions.
      chunk: clips per step, or "auto"; see `batching.map_examples`.
      devices: all local devices if None; see `batching.map_examples`.
      first_index: index of the first clip in a larger collection.

    The other arguments, results and errors are those of `explain`; every leaf of the
    result has a leading axis N.
    """
    codec = Codec(as_model(codec.encode), as_model(codec.decode), codec.sample_rate, codec.hop,
                  codec.mean, codec.name)  # fmt: skip
    if audio.ndim != 2:
        raise ValueError(f"audio must be a batch [N, T], got shape {audio.shape}")
    clip = jax.ShapeDtypeStruct(audio.shape[1:], audio.dtype)
    _check_audio(clip)
    masker = _selection(keep, rank, unit)
    latent = jax.eval_shape(codec.encode, clip)
    _check_latent(latent)
    if not isinstance(keep, str):
        units = unit_number(latent.shape, unit)
        exact = kept_count(keep, units) / units  # exactly a count, also in float32 under jit
        masker = top_fraction(jnp.asarray(exact, latent.dtype), rank=rank, unit=unit)
    found = map_examples(
        _explain,
        (codec, as_model(_model(classifier)), method or integrated_gradients(), masker,
         base or zero()),
        (audio, target),
        key=jax.random.key(0) if key is None else key,
        chunk=chunk,
        devices=devices,
        first_index=first_index,
    )  # fmt: skip
    _check_target(target, found.logits["original"].shape[-1])
    return found


def _explain(settings, example, key: Array) -> Explanation:
    """The paper, for one example."""
    codec, classifier, method, masker, base = settings
    audio, target = example
    _check_audio(audio)
    method_key, base_key, random_key = jax.random.split(key, 3)

    latent = codec.encode(audio)
    _check_latent(latent)
    logits = classifier(latent)
    _check_logits(logits)
    _check_target(target, logits.shape[0])
    target = jnp.argmax(logits) if target is None else jnp.asarray(target)

    attribution = attribute(method, classifier, latent, target, key=method_key)
    base_latent = base(codec, latent, base_key)
    if isinstance(masker, KeepSmallest):
        heard_as = through_sound(codec, classifier, audio.shape[0])
        masker = masker.masker(heard_as, latent, attribution.relevance, base_latent, target)
    mask = masker(attribution.relevance)
    random = masker(random_control()(classifier, latent, target, key=random_key).relevance)
    latents = {
        "reconstruction": latent,
        "explanation": mix(latent, mask, base_latent),
        "removed": mix(latent, 1 - mask, base_latent),
        "random": mix(latent, random, base_latent),
    }
    names, stacked = list(latents), jnp.stack(list(latents.values()))

    sounds = jax.vmap(lambda z: _fit(codec.decode(z), audio.shape[0]))(stacked)
    heard = jax.vmap(lambda sound: classifier(codec.encode(sound)))(sounds)
    unheard = jax.vmap(classifier)(stacked[1:])
    known = (target >= 0) & (target < logits.shape[0])
    return Explanation(
        finite=known & _all_finite(latent, logits, attribution.relevance, sounds, heard, unheard),
        target=target.astype(jnp.int32),
        latent=latent,
        relevance=attribution.relevance,
        mask=mask,
        info=attribution.info,
        sounds=dict(zip(names, sounds, strict=True)),
        logits={"original": logits, **dict(zip(names, heard, strict=True))},
        latent_logits=dict(zip(names[1:], unheard, strict=True)),
    )


def _selection(keep: float | str, rank: str, unit: str) -> Masker | KeepSmallest:
    if isinstance(keep, str):
        if keep != SMALLEST:
            raise ValueError(f"keep must be a fraction or {SMALLEST!r}, got {keep!r}")
        return keep_smallest(rank=rank, unit=unit)
    return top_fraction(keep, rank=rank, unit=unit)


def _all_finite(*arrays: Array) -> Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(array)) for array in arrays]))


def _model(classifier: Classifier | Model) -> Model:
    return classifier.model if isinstance(classifier, Classifier) else classifier


def _fit(sound: Array, length: int) -> Array:
    if sound.shape[0] < length:
        raise ValueError(
            f"the decoder returned {sound.shape[0]} samples for a clip of {length}: "
            "decode must return at least as many samples as were encoded"
        )
    return sound[:length]


def _check_audio(audio: Array | jax.ShapeDtypeStruct) -> None:
    if audio.ndim != 1:
        raise ValueError(
            f"audio must be one mono waveform [T], got shape {audio.shape}: mix channels "
            "down first, and use explain_batch for batches"
        )
    if not jnp.issubdtype(audio.dtype, jnp.floating):
        raise TypeError(
            f"audio must be floating point, got {audio.dtype}: divide 16-bit samples by 32768"
        )
    if audio.shape[0] == 0:
        raise ValueError("audio has no samples")


def _check_target(target: int | Array | None, classes: int) -> None:
    """Indexing would clamp a class that does not exist; a traced one was checked outside."""
    if target is None or isinstance(target, Tracer):
        return
    asked = np.asarray(target)  # on the host: under jit, jnp would trace even a number
    low, high = int(asked.min()), int(asked.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"target {low if low < 0 else high} is not a class: the classifier has {classes}, "
            f"0 to {classes - 1}"
        )


def _check_latent(latent: Array | jax.ShapeDtypeStruct) -> None:
    if latent.ndim != 2:
        raise ValueError(f"encode must return a latent [frames, channels], got {latent.shape}")


def _check_logits(logits: Array) -> None:
    if logits.ndim != 1:
        raise ValueError(f"the classifier must return logits [K] of one clip, got {logits.shape}")
