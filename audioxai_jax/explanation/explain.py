"""Audio Explanation Synthesis (Akman, Sun, Schuller, arXiv 2410.07530) on one page.

    Z       = Encoder(X)
    R       = Attribution(Classifier, Z)
    Z_kept  = Z where R is among the largest, a base value elsewhere
    X_hat   = Decoder(Z_kept)                       an explanation one can listen to

Encoder and decoder are those of a domain: of what the classifier reads, or of any other, and then
the classifier is seen from there (`explanation.composition`). Because an explanation must be
checked, the classifier hears X_hat, beside two controls: the domain alone, and the same number
of features kept at random.
"""

import jax
import jax.numpy as jnp
from jax import Array

from audioxai_jax.attribution import random_control
from audioxai_jax.core.batching import map_examples
from audioxai_jax.core.checks import as_array, check_audio, check_scale
from audioxai_jax.core.contracts import as_key
from audioxai_jax.core.logits import check_classes
from audioxai_jax.core.records import output_shape
from audioxai_jax.core.sharing import Distinct, distinct
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.domains.protocol import Domain
from audioxai_jax.explanation.arguments import (
    Request,
    as_request,
    as_shaped,
    batch_targets,
    check_outputs,
    one_target,
)
from audioxai_jax.explanation.record import Explanation
from audioxai_jax.perturbation.ask import check_one_value
from audioxai_jax.perturbation.edit import mix
from audioxai_jax.perturbation.rank import drawn_scores
from audioxai_jax.synthesis.masks import rearrange
from audioxai_jax.types import Base, Classifier, Masker, Method, attribute


@relaxed()
def explain(
    classifier: Classifier,
    audio: Array,
    *,
    domain: Domain | None = None,
    method: Method | None = None,
    keep: float | str | Masker = 0.1,
    rank: str = "signed",
    unit: str | None = None,
    base: Base | None = None,
    target: int | str | Array | None = None,
    residual: str | None = None,
    listener: Classifier | None = None,
    key: Array,
) -> Explanation:
    """Explains a classifier's decision on one clip by a sound.

    A pure function: `jax.jit`, `jax.vmap` and `jax.grad` apply. For many clips see
    `explain_batch`.

    Args:
      classifier: a `Classifier`, which says what it reads.
      audio: mono waveform `[T]` at the domain's sample rate, floating point, full scale 1. Where
        the classifier reads windows, zeros fill the last one, and a longer clip is read by
        windows that overlap, see `windowed`; in the classifier's own domain, features are those
        of the padded clip.
      domain: view that is ranked and edited, see `audioxai_jax.domains`; `classifier.reads` if
        None, and then nothing is decoded before attribution. From any other, relevance passes
        through `domain.synthesise`, `resample` and `classifier.reads.analyse`.
      method: attribution method; `integrated_gradients()` if None.
      keep: fraction of the units to keep; or "smallest", the fewest of the most relevant ones whose
        sound is heard as the target, see `masks.smallest`; or any `Masker`.
      rank: "signed", "absolute" or "hearable", see `masks.top_fraction`; a `Masker` brings its own.
        Relevance is the method's own whatever the rank.
      unit: name of the unit that is kept as one, see `domain.units`; the domain's first if None.
      base: values that stand for the others; the domain's own if None, see `bases`.
      target: class to explain, its number or its label; the classifier's own prediction if None.
      residual: "keep" gives back to every sound what the domain loses of the clip, such as the
        error of a codec, so that sounds differ from the clip by the edit alone.
      listener: an independent `Classifier` that hears all sounds, too; it may read another domain
        at another rate.
      key: key of `jax.random`, for everything random.

    Returns:
      An `Explanation`; every sound is as long as `audio`. Its `finite` is False where the
      models returned NaN or infinity, or a traced target is not a class: nothing else in it
      means anything then.

    Raises:
      ValueError: for shapes or options that do not fit, when traced, and for samples beyond 100
        times full scale.
      TypeError (also a ValueError): for integer audio, or an argument of another type, such as a
        classifier that does not say what it reads.
    """
    audio = as_array(audio, "audio")
    check_audio(audio)
    check_scale(audio)
    audio = jnp.asarray(audio)
    request = as_request(
        classifier,
        audio,
        domain=domain,
        method=method,
        keep=keep,
        rank=rank,
        unit=unit,
        base=base,
        residual=residual,
        listener=listener,
    )
    return _explain(request, (audio, one_target(target, classifier)), as_key(key))


@relaxed()
def explain_batch(
    classifier: Classifier,
    audio: Array,
    *,
    domain: Domain | None = None,
    method: Method | None = None,
    keep: float | str | Masker = 0.1,
    rank: str = "signed",
    unit: str | None = None,
    base: Base | None = None,
    target: int | str | Array | None = None,
    residual: str | None = None,
    listener: Classifier | None = None,
    key: Array,
    chunk: int | str = "auto",
    devices: list[jax.Device] | None = None,  # type: ignore[valid-type]
    first_index: int = 0,
) -> Explanation:
    """`explain` for a batch of clips `[N, T]`, jitted, in chunks, over local devices.

    Example i uses `fold_in(key, first_index + i)`, so results do not depend on how
    clips are batched, chunked or spread over devices. One compilation serves every
    batch of one clip length, all parameters and every fraction that is kept.

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
    clip = jax.ShapeDtypeStruct(audio.shape[1:], jax.dtypes.canonicalize_dtype(audio.dtype))
    request = as_request(
        classifier,
        clip,
        domain=domain,
        method=method,
        keep=keep,
        rank=rank,
        unit=unit,
        base=base,
        residual=residual,
        listener=listener,
    )
    logits = output_shape(request.hears, clip)
    check_outputs(request.labels, logits)
    return map_examples(
        _explain_one,
        distinct(request),
        (audio, batch_targets(target, classifier, audio.shape[0], logits.shape[0])),
        key=as_key(key),
        chunk=chunk,
        devices=devices,
        first_index=first_index,
    )


def _explain_one(shared: Distinct, example, key: Array) -> Explanation:
    return _explain(shared.tree, example, key)


def _explain(request: Request, example, key: Array) -> Explanation:
    """The paper, for one example."""
    (clip, target), domain = example, request.domain
    method_key, base_key, random_key = jax.random.split(key, 3)

    audio = request.pad(clip)
    features = domain.analyse(audio)
    model = request.model(audio)
    logits = model(features) if request.own else request.hears(audio)
    check_outputs(request.labels, logits)
    if target is not None:
        check_classes(target, logits.shape[0], "the classifier")
    else:
        check_one_value(request.outputs, logits.shape[0])
    target = jnp.argmax(logits) if target is None else jnp.asarray(target)

    attribution = attribute(request.method, model, features, target, key=method_key)
    base = as_shaped(request.base(domain, features, audio, base_key), features, "the base")
    context = request.context(features, base, audio, target, logits.shape[0])
    mask = as_shaped(request.masker(attribution.relevance, context), features, "the masker")
    drawn = random_control()(model, features, target, key=random_key).relevance
    random = rearrange(mask, drawn_scores(drawn, context.units, rank=request.rank), context)
    edited = {
        "reconstruction": features,
        "explanation": mix(features, mask, base),
        "removed": mix(features, 1 - mask, base),
        "random": mix(features, random, base),
    }
    names, stacked = list(edited), jnp.stack(list(edited.values()))

    sounds = jax.vmap(lambda z: request.decoder.synthesise(z, audio))(stacked)
    heard = jax.vmap(request.hears)(sounds)
    unheard = jax.vmap(model)(stacked[1:]) if request.own else heard[1:]
    sounds = sounds[:, : clip.shape[0]]
    listened = {}
    if request.listens is not None:
        answers = jax.vmap(request.listens)(jnp.concatenate([clip[None], sounds]))
        listened = dict(zip(["original", *names], answers, strict=True))
    known = (target >= 0) & (target < logits.shape[0])
    numbers = (features, logits, attribution.relevance, sounds, heard, unheard)
    return Explanation(
        target=target.astype(jnp.int32),
        features=features,
        relevance=attribution.relevance,
        mask=mask,
        info=attribution.info,
        sounds=dict(zip(names, sounds, strict=True)),
        logits={"original": logits, **dict(zip(names, heard, strict=True))},
        feature_logits=dict(zip(names[1:], unheard, strict=True)),
        listener_logits=listened,
        finite=known & _all_finite(*numbers, *listened.values()),
    )


def _all_finite(*arrays: Array) -> Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(array)) for array in arrays]))
