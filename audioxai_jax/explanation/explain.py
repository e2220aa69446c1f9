"""Audio Explanation Synthesis (Akman, Sun, Schuller, arXiv 2410.07530) on one page.

    Z       = Encoder(X)
    R       = Attribution(Classifier, Z)
    Z_kept  = Z where R is among the largest, a base value elsewhere
    X_hat   = Decoder(Z_kept)                       an explanation one can listen to

and, because an explanation must be checked, X_hat is encoded and classified again,
beside two controls: the codec alone, and as many features kept at random.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import random_control
from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.checks import as_array, check_audio, check_scale
from audioxai_jax.core.contracts import as_key, check_latent, check_sound
from audioxai_jax.core.logits import check_classes
from audioxai_jax.core.records import Static, as_model, output_shape
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.explanation.arguments import (
    Reads,
    as_base_latent,
    as_settings,
    batch_targets,
    check_outputs,
    fitting_samples,
    one_target,
    reads,
    says,
)
from audioxai_jax.perturbation.smallest import KeepSmallest, keep_smallest, through_sound
from audioxai_jax.synthesis.bases import mix
from audioxai_jax.synthesis.masks import kept_count, top_fraction, unit_number
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
    target: int | str | Array | None = None,
    key: Array | None = None,
) -> Explanation:
    """Explains a classifier's decision on one clip by a sound.

    A pure function: `jax.jit`, `jax.vmap` and `jax.grad` apply. For many clips see
    `explain_batch`.

    Args:
      codec: encoder and decoder, see `Codec`.
      classifier: a `Classifier`, or any function `latent [F, C] -> logits [K]`.
      audio: mono waveform `[T]` at `codec.sample_rate`, floating point, full scale 1. Where a
        `Classifier` reads windows, zeros fill the last one, and a longer clip is read by windows
        that overlap, see `windowed`; what is explained is the padded clip.
      method: attribution method; `integrated_gradients()` if None.
      keep: fraction of the latent features to keep; or "smallest", the fewest of the most
        relevant ones whose sound is heard as the target (all, if none do), found for each
        clip by `perturbation.smallest.smallest_set` on a grid of counts.
      rank: "signed" or "absolute", see `top_fraction`.
      unit: "feature", "frame" or "channel", see `top_fraction`.
      base: what replaces the others; `synthesis.replacement.zero()` if None.
      target: class to explain, its number or, of a `Classifier`, its label; the classifier's own
        prediction if None.
      key: for everything random; `jax.random.key(0)` if None.

    Returns:
      An `Explanation`; every sound is as long as `audio`. Its `finite` is False where the
      models returned NaN or infinity, or a traced target is no class: nothing else in it
      means anything then.

    Raises:
      ValueError: for shapes or options that do not fit, when traced, and for samples beyond 100
        times full scale.
      TypeError (also a ValueError): for integer audio, or an argument of another type, such as a
        classifier that is no function.
    """
    audio = as_array(audio, "audio")
    check_audio(audio)
    check_scale(audio)
    masker = _selection(keep, rank, unit)
    settings = as_settings(codec, classifier, method, base)
    example = jnp.asarray(audio), one_target(target, classifier)
    return _explain((*settings, masker, Static(reads(classifier))), example, as_key(key))


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
    target: int | str | Array | None = None,
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
      target: one class for all clips, one for each `[N]`, or None for the classifier's own
        predictions; numbers or labels.
      chunk: clips per step, or "auto"; see `batching.map_examples`.
      devices: all local devices if None; see `batching.map_examples`.
      first_index: index of the first clip in a larger collection.

    The other arguments, results and errors are those of `explain`; every leaf of the
    result has a leading axis N.
    """
    audio = as_array(audio, "audio")
    check_audio(audio, batch=True)
    check_scale(audio)
    masker, how = _selection(keep, rank, unit), reads(classifier)
    codec, model, method, base = as_settings(codec, classifier, method, base)
    encode, decode = as_model(codec.encode), as_model(codec.decode)
    codec = dataclasses.replace(codec, encode=encode, decode=decode)
    samples = fitting_samples(codec, how, audio.shape[1:], audio.dtype)
    latent = output_shape(encode, jax.ShapeDtypeStruct((samples,), audio.dtype))
    check_latent(latent)
    logits = output_shape(model, latent)
    check_outputs(how, logits)
    if not isinstance(keep, str):
        units = unit_number(latent.shape, unit)
        exact = kept_count(keep, units) / units  # exactly a count, also in float32 under jit
        masker = top_fraction(jnp.asarray(exact, latent.dtype), rank=rank, unit=unit)
    return map_examples(
        _explain,
        (codec, model, method, base, masker, Static(how)),
        (audio, batch_targets(target, classifier, audio.shape[0], logits.shape[0])),
        key=as_key(key),
        chunk=chunk,
        devices=devices,
        first_index=first_index,
    )


def _explain(settings, example, key: Array) -> Explanation:
    """The paper, for one example."""
    codec, classifier, method, base, masker, static = settings
    audio, target = example
    how: Reads = static.value
    method_key, base_key, random_key = jax.random.split(key, 3)

    samples = fitting_samples(codec, how, audio.shape, audio.dtype)
    padded = jnp.pad(audio, (0, samples - audio.shape[0])) if samples > audio.shape[0] else audio
    latent = codec.encode(padded)
    check_latent(latent)
    logits = classifier(latent)
    check_outputs(how, logits)
    if target is not None:
        check_classes(target, logits.shape[0], "the classifier")
    target = jnp.argmax(logits) if target is None else jnp.asarray(target)

    attribution = attribute(method, classifier, latent, target, key=method_key)
    base_latent = as_base_latent(base(codec, latent, base_key), latent)
    if isinstance(masker, KeepSmallest):
        heard_as = through_sound(codec, classifier, samples)
        heard_as, wanted = says(heard_as, target, how, logits.shape[0])
        masker = masker.masker(heard_as, latent, attribution.relevance, base_latent, wanted)
    mask = masker(attribution.relevance)
    random = masker(random_control()(classifier, latent, target, key=random_key).relevance)
    latents = {
        "reconstruction": latent,
        "explanation": mix(latent, mask, base_latent),
        "removed": mix(latent, 1 - mask, base_latent),
        "random": mix(latent, random, base_latent),
    }
    names, stacked = list(latents), jnp.stack(list(latents.values()))

    sounds = jax.vmap(lambda z: check_sound(codec.decode(z), samples))(stacked)
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
        sounds=dict(zip(names, sounds[:, : audio.shape[0]], strict=True)),
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
