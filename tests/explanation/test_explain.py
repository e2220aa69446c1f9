"""`explain` against a slow straight-line re-derivation, its refusals, and how it composes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial
from scipy.ndimage import gaussian_filter

import audioxai_jax as ax
from audioxai_jax import domains, input_x_gradient, integrated_gradients, random_control, saliency
from audioxai_jax.synthesis import masks
from audioxai_jax.synthesis.bases import mean, noise
from audioxai_jax.types import Classifier, Codec

KEY = jax.random.key(0)
explain = functools.partial(ax.explain, key=KEY)
explain_batch = functools.partial(ax.explain_batch, key=KEY)
HOP, CLASSES, SAMPLES = 8, 3, 75  # ten frames, the last one incomplete
FRAMES = 10
RANDOM = np.random.default_rng(0)
ROTATION = np.linalg.qr(RANDOM.normal(size=(HOP, HOP)))[0]
WEIGHTS = RANDOM.normal(size=(CLASSES, FRAMES, HOP))
BIAS = RANDOM.normal(size=CLASSES)
MEAN = RANDOM.normal(size=HOP)
AUDIO = RANDOM.normal(size=SAMPLES)
SOUNDS = {"reconstruction", "explanation", "removed", "random"}


def encode(rotation, audio):
    return jnp.pad(audio, (0, -audio.shape[0] % HOP)).reshape(-1, HOP) @ rotation


def decode(rotation, latent):
    return (latent @ rotation.T).ravel()


def classify(weights, bias, latent):
    return jnp.einsum("kfc,fc->k", weights, latent) + bias


def codec(dtype=jnp.float32, **changes):
    """Frames times an orthogonal matrix: lossless, so decoding and encoding change nothing."""
    rotation = jnp.asarray(ROTATION, dtype)
    fields = {
        "encode": Partial(encode, rotation),
        "decode": Partial(decode, rotation),
        "sample_rate": 400,
        "hop": HOP,
        "mean": jnp.asarray(MEAN, dtype),
    }
    return Codec(**fields | changes)


def classifier(dtype=jnp.float32, *, model=None, labels=None, **changes):
    """Of latents of the codec above, with something changed in it."""
    weights = Partial(classify, jnp.asarray(WEIGHTS, dtype), jnp.asarray(BIAS, dtype))
    model = weights if model is None else model
    return Classifier(model, domains.latent(codec(dtype, **changes)), labels)


def slow_explanation(audio, keep, rank, base, target=None):
    """The paper with numpy, for the linear codec and classifier above."""
    frames = np.zeros((FRAMES, HOP))
    frames.ravel()[: len(audio)] = audio
    latent = frames @ ROTATION
    score = lambda z: np.array([np.sum(w * z) for w in WEIGHTS]) + BIAS
    target = int(np.argmax(score(latent))) if target is None else target
    relevance = WEIGHTS[target] * (latent - 0)  # integrated gradients from zero
    ranked = np.abs(relevance) if rank == "absolute" else relevance
    mask = np.zeros(latent.size)
    mask[np.argsort(-ranked.ravel(), kind="stable")[: round(keep * latent.size)]] = 1
    mask = mask.reshape(latent.shape)
    kept, removed = np.where(mask == 1, latent, base), np.where(mask == 1, base, latent)
    cut = np.arange(FRAMES * HOP).reshape(FRAMES, HOP) < len(audio)
    heard = lambda z: (z @ ROTATION.T) * cut  # what is left after cutting to the clip's length
    return {
        "target": target,
        "features": latent,
        "relevance": relevance,
        "mask": mask,
        "explanation": heard(kept),
        "removed": heard(removed),
        "reconstruction": heard(latent),
        "feature_logits": {"explanation": score(kept), "removed": score(removed)},
        "logits": {
            "original": score(latent),
            "explanation": score(heard(kept) @ ROTATION),
            "removed": score(heard(removed) @ ROTATION),
            "reconstruction": score(heard(latent) @ ROTATION),
        },
    }


@pytest.mark.parametrize("batched", [False, True], ids=["explain", "explain_batch"])
@pytest.mark.parametrize(
    "keep, rank, base, target",
    [(0.1, "signed", None, None), (0.33, "absolute", mean(), 2), (0, "signed", None, 0)],
)
def test_the_whole_line(x64, batched, keep, rank, base, target):
    audio = jnp.asarray(AUDIO)
    options = {"keep": keep, "rank": rank, "base": base}
    if batched:
        targets = None if target is None else jnp.array([target])
        found = explain_batch(classifier(jnp.float64), audio[None], target=targets, **options)
        found = jax.tree.map(lambda leaf: leaf[0], found)
    else:
        found = explain(classifier(jnp.float64), audio, target=target, **options)
    wanted = slow_explanation(AUDIO, keep, rank, 0 if base is None else MEAN, target)

    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)
    assert found.target == wanted["target"] and found.target.dtype == jnp.int32
    assert np.array_equal(found.mask, wanted["mask"])
    for name in ("features", "relevance"):
        close(getattr(found, name), wanted[name])
    assert set(found.sounds) == SOUNDS
    assert set(found.logits) == SOUNDS | {"original"}
    assert set(found.feature_logits) == SOUNDS - {"reconstruction"}
    for name in ("explanation", "removed", "reconstruction"):
        close(found.sounds[name], wanted[name].ravel()[:SAMPLES])
        close(found.logits[name], wanted["logits"][name])
    close(found.logits["original"], wanted["logits"]["original"])
    for name in ("explanation", "removed"):
        close(found.feature_logits[name], wanted["feature_logits"][name])
    assert found.info["completeness_gap"] < 1e-12


CELLED = {"cells": (0, 1, 2, 0, 0, 1, 2, 2), "unit": "cell"}
"""Three bands: the first three channels are their levels."""


def test_the_hearable_rank_of_cells_is_that_of_numpy(x64):
    """At 400 Hz and 8 samples a frame, 20 ms are one frame."""
    found = explain(classifier(jnp.float64, **CELLED), AUDIO, keep=0.2, rank="hearable")
    signed = explain(classifier(jnp.float64, **CELLED), AUDIO, keep=0.2)
    np.testing.assert_array_equal(found.relevance, signed.relevance)
    np.testing.assert_array_equal(found.sounds["random"], signed.sounds["random"])
    bands = np.asarray(CELLED["cells"])
    evidence = np.stack([np.asarray(found.relevance)[:, bands == b].sum(1) for b in range(3)], 1)
    near = gaussian_filter(np.maximum(evidence, 0), (1, 1), mode="constant")
    score = np.asarray(found.features)[:, :3] ** 2 * near
    chosen = np.zeros(3 * FRAMES)
    chosen[np.argsort(-score.ravel(), kind="stable")[: round(0.2 * 3 * FRAMES)]] = 1
    np.testing.assert_array_equal(found.mask, chosen.reshape(FRAMES, 3)[:, bands])
    assert not np.array_equal(found.mask, signed.mask)


@pytest.mark.parametrize("changes", [{}, CELLED], ids=["features", "cells"])
def test_a_batch_keeps_what_a_clip_keeps_by_the_hearable_rank(changes):
    options = {"keep": 0.3, "rank": "hearable"}
    both = explain_batch(classifier(**changes), jnp.stack([AUDIO, -AUDIO]), **options)
    one = explain(classifier(**changes), jnp.asarray(AUDIO), **options)
    np.testing.assert_array_equal(both.mask[0], one.mask)
    fewest = explain(classifier(**changes), jnp.asarray(AUDIO), keep="smallest", rank="hearable")
    assert jnp.argmax(fewest.logits["explanation"]) == fewest.target


def test_kept_and_removed_sounds_add_up_to_the_reconstruction():
    """With base zero and a linear decoder."""
    found = explain(classifier(), jnp.asarray(AUDIO, jnp.float32), keep=0.3)
    total = found.sounds["explanation"] + found.sounds["removed"]
    np.testing.assert_allclose(total, found.sounds["reconstruction"], atol=1e-6)
    np.testing.assert_allclose(found.sounds["reconstruction"], AUDIO, atol=1e-6)


def test_the_random_control_keeps_as_many_features_elsewhere():
    audio = jnp.asarray(RANDOM.normal(size=FRAMES * HOP), jnp.float32)
    masks = []
    for seed in range(40):
        found = explain(classifier(), audio, keep=0.25, method=saliency(), key=jax.random.key(seed))
        heard = encode(jnp.asarray(ROTATION, jnp.float32), found.sounds["random"])
        kept = np.abs(heard) > 1e-5
        assert kept.sum() == 20 == found.mask.sum()
        np.testing.assert_allclose(heard, np.where(kept, found.features, 0), atol=1e-5)
        masks.append(kept)
    often = np.mean(masks, axis=0)  # of 40 draws at 0.25: 10 +- 2.7
    assert 0.02 < often.min() and often.max() < 0.6


@pytest.mark.parametrize("call", [explain, explain_batch])
def test_the_smallest_set_whose_sound_is_heard_as_the_target(call):
    """The codec is lossless but for the cut: brute force over the counts of the grid."""
    audio = jnp.asarray(AUDIO if call is explain else [AUDIO], jnp.float32)
    found = call(classifier(), audio, keep="smallest")
    found = jax.tree.map(lambda leaf: leaf if call is explain else leaf[0], found)
    cut = np.arange(FRAMES * HOP).reshape(FRAMES, HOP) < SAMPLES
    latent, relevance = np.asarray(found.features), np.asarray(found.relevance)
    target, said = int(found.target), []
    for count in range(latent.size + 1):
        mask = np.zeros(latent.size)
        mask[np.argsort(-relevance.ravel(), kind="stable")[:count]] = 1
        heard = ((mask.reshape(latent.shape) * latent) @ ROTATION.T * cut) @ ROTATION
        said.append(int(np.argmax([np.sum(w * heard) for w in WEIGHTS] + BIAS)) == target)
    count = int(found.mask.sum())
    assert 0 < count < latent.size and said[count] and not said[count - 1]
    assert jnp.argmax(found.logits["explanation"]) == target
    assert count == said.index(True)


def test_another_word_for_keep_is_refused():
    with pytest.raises(ValueError, match="keep must be a fraction or 'smallest', got 'least'"):
        explain(classifier(), jnp.asarray(AUDIO, jnp.float32), keep="least")


@pytest.mark.parametrize("keep", [masks.smallest(), masks.top_fraction(0.3)])
def test_any_masker_is_what_is_kept(keep):
    """The words and numbers for `keep` stand for two of them."""
    audio = jnp.asarray(AUDIO, jnp.float32)
    word = "smallest" if keep == masks.smallest() else 0.3
    for call, clip in ((explain, audio), (explain_batch, audio[None])):
        masked = [call(classifier(), clip, keep=k, unit="frame").mask for k in (keep, word)]
        assert np.array_equal(*masked)


def test_random_method_and_random_control_draw_differently():
    audio = jnp.asarray(AUDIO, jnp.float32)
    found = explain(classifier(), audio, method=random_control(), keep=0.5)
    assert not np.allclose(found.sounds["random"], found.sounds["explanation"])


def test_the_noise_base_is_heard_where_features_are_removed(key):
    audio = jnp.asarray(AUDIO, jnp.float32)
    found = explain(classifier(), audio, keep=0, base=noise(-20.0), key=key)
    level = 10 * np.log10(np.mean(np.square(found.sounds["explanation"])))
    assert abs(level + 20) < 2.5  # 75 samples: a standard error of 0.7 dB
    np.testing.assert_allclose(found.sounds["removed"], AUDIO, atol=1e-6)


def test_a_classifier_record_is_its_model():
    record = classifier(labels=("a", "b", "c"))
    audio = jnp.asarray(AUDIO, jnp.float32)
    for call, clip in ((explain, audio), (explain_batch, audio[None])):
        found, wanted = call(record, clip), call(classifier(), clip)
        same = functools.partial(np.array_equal, equal_nan=True)
        assert all(map(same, jax.tree.leaves(found), jax.tree.leaves(wanted)))


@pytest.mark.parametrize("samples", [1, 7, 8, 9])
def test_sounds_are_as_long_as_the_clip(samples):
    model = lambda latent: jnp.stack([latent.sum(), latent.max()])
    found = jax.jit(lambda clip: explain(classifier(model=model), clip))(jnp.ones(samples))
    assert {sound.shape for sound in found.sounds.values()} == {(samples,)}
    assert found.features.shape == (-(-samples // HOP), HOP)


def test_silence_is_explained_as_what_the_model_makes_of_it():
    found = explain(classifier(), jnp.zeros(SAMPLES))
    assert found.target == np.argmax(BIAS)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found.sounds))
    assert np.all(found.relevance == 0) and found.mask.sum() == 8


def test_jit_vmap_and_grad():
    audio = jnp.asarray(RANDOM.normal(size=(4, FRAMES * HOP)), jnp.float32)
    single = [explain(classifier(), clip) for clip in audio]
    jitted = jax.jit(explain)
    mapped = jax.jit(jax.vmap(lambda clip: explain(classifier(), clip)))(audio)
    for index, wanted in enumerate(single):
        for found in (
            jitted(classifier(), audio[index]),
            jax.tree.map(lambda leaf, i=index: leaf[i], mapped),
        ):
            assert jax.tree.structure(found) == jax.tree.structure(wanted)
            assert np.array_equal(found.mask, wanted.mask) and found.target == wanted.target
            for name in SOUNDS:
                np.testing.assert_allclose(found.logits[name], wanted.logits[name], atol=1e-4)


@pytest.mark.parametrize("name", ["reconstruction", "explanation"])
def test_gradients_pass_through_the_sounds(x64, name):
    """The logit after the trip through sound is W . (m z), and z is the rotated audio."""
    audio = jnp.asarray(RANDOM.normal(size=FRAMES * HOP))
    reader = classifier(jnp.float64)
    call = jax.jit(lambda clip: explain(reader, clip, target=1))
    gradient = jax.jit(jax.grad(lambda clip: call(clip).logits[name][1]))(audio)
    mask = call(audio).mask if name == "explanation" else 1
    wanted = (mask * WEIGHTS[1]) @ ROTATION.T
    np.testing.assert_allclose(gradient, wanted.ravel(), atol=1e-12)


def test_parameters_can_be_differentiated_too():
    audio = jnp.asarray(AUDIO, jnp.float32)
    call = lambda model: explain(classifier(model=model), audio, target=0).relevance.sum()
    gradient = jax.grad(call)(classifier().model)
    found = explain(classifier(), audio, target=0)
    np.testing.assert_allclose(gradient.args[0][0], found.features, atol=1e-5)


BATCH = jnp.ones((2, SAMPLES))


@pytest.mark.parametrize(
    "audio, error, said",
    [
        (jnp.ones((2, SAMPLES)), ValueError, r"one mono waveform \[T\], got shape \(2, 75\)"),
        (jnp.ones(SAMPLES, jnp.int16), TypeError, "floating point, got int16.*divide"),
        (jnp.ones(0), ValueError, "no samples"),
    ],
)
def test_audio_that_does_not_fit_is_refused(audio, error, said):
    with pytest.raises(error, match=said):
        explain(classifier(), audio)


@pytest.mark.parametrize(
    "audio, error, said",
    [
        (jnp.ones(SAMPLES), ValueError, r"a batch \[N, T\], got shape \(75,\)"),
        (jnp.ones((1, 2, SAMPLES)), ValueError, r"a batch \[N, T\], got shape \(1, 2, 75\)"),
        (jnp.ones((2, SAMPLES), jnp.int16), TypeError, "floating point, got int16"),
        (jnp.ones((0, SAMPLES)), ValueError, "the batch is empty"),
        (jnp.ones((2, 0)), ValueError, "no samples"),
    ],
)
def test_batches_that_do_not_fit_are_refused(audio, error, said):
    with pytest.raises(error, match=said):
        explain_batch(classifier(), audio)


@pytest.mark.parametrize("call, audio", [(explain, BATCH[0]), (explain_batch, BATCH)])
def test_models_that_do_not_fit_are_refused(call, audio):
    flat = classifier(encode=lambda audio: audio)
    with pytest.raises(ValueError, match=r"encode must return a latent \[frames, channels\]"):
        call(flat, audio)
    with pytest.raises(ValueError, match=r"must return logits \[K\] of one clip, got \(10, 8\)"):
        call(classifier(model=lambda latent: latent), audio)
    short = classifier(decode=lambda latent: latent.ravel()[:70])
    with pytest.raises(ValueError, match="decoder returned 70 samples for a clip of 75"):
        call(short, audio)
    with pytest.raises(ValueError, match="has no mean latent"):
        call(classifier(mean=None), audio, base=mean())


@pytest.mark.parametrize("call, audio", [(explain, BATCH[0]), (explain_batch, BATCH)])
@pytest.mark.parametrize(
    "options, said",
    [
        ({"keep": 1.5}, "keep must be a fraction between 0 and 1, got 1.5"),
        ({"keep": -0.1}, "keep must be a fraction"),
        ({"rank": "top"}, "unknown rank 'top'"),
        (
            {"unit": "bin"},
            "unknown unit 'bin' of the domain 'latent': choose one of feature, frame",
        ),
        ({"residual": "lose"}, "residual must be None or 'keep', got 'lose'"),
    ],
)
def test_options_that_do_not_fit_are_refused(call, audio, options, said):
    with pytest.raises(ValueError, match=said):
        call(classifier(), audio, **options)


def test_plain_numpy_arrays_will_do():
    """Also in double precision, as soundfile returns them."""
    for call, audio in ((explain, AUDIO), (explain_batch, AUDIO[None])):
        found = call(classifier(), audio)
        assert found.relevance.dtype == jnp.float32


def test_a_single_target_is_that_of_all_clips_of_a_batch():
    assert explain_batch(classifier(), BATCH, target=1).target.tolist() == [1, 1]


def test_what_is_no_classifier_is_refused():
    with pytest.raises(TypeError, match="expected a function of one example, got dict"):
        explain_batch({"weights": 1}, BATCH)
    with pytest.raises(TypeError, match="must say what it reads: write Classifier.model, reads="):
        explain_batch(lambda latent: latent[0], BATCH)


def test_as_many_features_are_kept_in_a_batch_as_of_a_single_clip():
    """The fraction travels in single precision and still means round(keep * n)."""
    for keep in (0.05, 0.1, 1 / 3, 0.29, 0.9999):
        found = explain_batch(classifier(), BATCH, keep=keep, method=input_x_gradient())
        assert found.mask.sum((1, 2)).tolist() == [round(keep * FRAMES * HOP)] * 2


def test_targets_are_explained_as_given():
    found = explain_batch(classifier(), BATCH, target=jnp.array([2, 0]))
    assert found.target.tolist() == [2, 0]
    one = explain(classifier(), BATCH[0], target=2, method=integrated_gradients())
    np.testing.assert_allclose(found.relevance[0], one.relevance, atol=1e-6)


@pytest.mark.parametrize("target", [-1, 3])
def test_a_target_that_is_no_class_is_refused(target):
    audio = jnp.asarray(AUDIO, jnp.float32)
    with pytest.raises(ValueError, match=f"target {target} is not a class: .* has 3"):
        explain(classifier(), audio, target=target)
    with pytest.raises(ValueError, match=f"target {target} is not a class"):
        explain_batch(classifier(), audio[None], target=jnp.array([target]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_flagged_and_spoils_no_other_clip(value):
    audio = np.tile(AUDIO, (3, 1)).astype(np.float32)
    audio[1, 5] = value
    found = explain_batch(classifier(), audio)
    assert found.finite.tolist() == [True, False, True]
    alone = explain_batch(classifier(), audio[2:], first_index=2)
    np.testing.assert_allclose(found.relevance[2], alone.relevance[0], atol=1e-6)


def nowhere(latent):
    """Fine on the whole latent, infinite on one with gaps."""
    return jnp.where(jnp.any(latent == 0), jnp.inf, 1.0) * jnp.sum(latent, axis=0)[:3]


def broken(model, x, target, *, key):
    return saliency()(model, x / 0.0, target, key=key)


@pytest.mark.parametrize(
    "changes, options",
    [
        ({"model": nowhere}, {}),
        ({"model": lambda latent: jnp.log(-jnp.abs(latent[0, :3]))}, {}),
        ({"decode": Partial(lambda latent: latent.ravel() / 0.0)}, {}),
        ({"model": lambda latent: jnp.sum(latent, axis=0)[:3] ** 2}, {"method": broken}),
    ],
)
def test_models_that_are_not_finite_are_flagged(changes, options):
    audio = jnp.asarray(np.tile(MEAN, 10), jnp.float32)  # no zeros from padding
    assert not bool(explain(classifier(**changes), audio, **options).finite)


@pytest.mark.parametrize("target, finite", [(-1, False), (0, True), (CLASSES, False)])
def test_a_traced_target_that_is_no_class_is_flagged(target, finite):
    one = jax.jit(lambda target: explain(classifier(), jnp.asarray(AUDIO), target=target))
    assert bool(one(target).finite) == finite


@pytest.mark.parametrize("method", [integrated_gradients, saliency, input_x_gradient])
def test_methods_refuse_what_indexing_would_hide(method):
    x, key = jnp.ones(4), jax.random.key(0)
    for target in (3, -1):
        with pytest.raises(ValueError, match=f"target {target} is not a class: the model has 3"):
            method()(lambda x: x[:3], x, target, key=key)
    with pytest.raises(ValueError, match=r"must return logits \[K\] of one example, got \(1, 3\)"):
        method()(lambda x: x[None, :3], x, 0, key=key)
