"""What is shipped does what docs say: on the bundled clip, and on real speech."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import example_clip, explain_batch, lrp, map_examples
from audioxai_jax.data import tasks
from audioxai_jax.data.audio import read_clip
from audioxai_jax.metrics.audio_quality import log_mel_distance, si_sdr
from audioxai_jax.weights import file_format, load, pair, registry


@pytest.fixture(scope="module")
def shipped():
    codec = load.load_codec("gainshape_16khz")
    classifier = load.load_classifier("keywords")
    return codec, classifier


def test_bundled_clip_is_heard_and_explained(shipped):
    _, classifier = shipped
    clip = read_clip(example_clip(), 16_000)
    audio = jnp.asarray(np.pad(clip.samples, (0, 16_000 - len(clip.samples))))
    found = explain_batch(classifier, audio[None], key=jax.random.key(0))
    heard = {name: jax.nn.softmax(logits[0]) for name, logits in found.logits.items()}
    stop = classifier.labels.index("stop")
    assert heard["original"][stop] > 0.8
    assert heard["reconstruction"][stop] > 0.8
    assert jnp.argmax(heard["explanation"]) == stop
    assert jnp.argmax(heard["removed"]) != stop
    assert found.info["completeness_gap"][0] < 0.01
    assert found.mask[0].sum() == round(0.1 * found.mask[0].size)


def test_the_commands_default_keeps_the_bundled_word():
    classifier = load.load_classifier("gainshape32_keywords")
    codec = classifier.reads.codec
    assert pair.default_classifier(codec) == "gainshape32_keywords"
    assert next(iter(classifier.reads.units((80, 72)))) == "cell"
    clip = read_clip(example_clip(), 16_000)
    audio = jnp.asarray(np.pad(clip.samples, (0, 16_000 - len(clip.samples))))
    method = lrp("latent_transformer")
    found = explain_batch(
        classifier, audio[None], method=method, rank="hearable", key=jax.random.key(0)
    )
    stop = classifier.labels.index("stop")
    for name in ("original", "reconstruction", "explanation"):
        assert jax.nn.softmax(found.logits[name][0])[stop] > 0.8, name
    assert jnp.argmax(found.logits["removed"][0]) != stop
    gains = found.mask[0][:, :32]
    assert gains.sum() == round(0.1 * gains.size)


@pytest.mark.full_size
def test_heads_of_lyra_belong_to_its_release(lyra_folder):
    """The default classifier of its latents hears the bundled clip, and so it does in its tenth."""
    codec = load.load_codec("lyra_v2", lyra_folder)
    assert pair.default_classifier(codec) == "lyra_v2_keywords"
    for name in ("lyra_v2_keywords", "lyra_v2_digits"):
        assert load.load_classifier(name, codec).reads.codec is codec
    classifier = load.load_classifier("lyra_v2_keywords", codec)
    clip = read_clip(example_clip(), 16_000)
    audio = jnp.asarray(np.pad(clip.samples, (0, 16_000 - len(clip.samples))))
    found = explain_batch(classifier, audio[None], key=jax.random.key(0))
    stop = classifier.labels.index("stop")
    assert jnp.argmax(found.logits["original"][0]) == stop
    assert jnp.argmax(found.feature_logits["explanation"][0]) == stop


def test_shipped_files_are_small_and_say_where_they_come_from():
    for kind, names in registry.available().items():
        for name in names:
            manifest = file_format.read_manifest(registry.shipped_folder() / name)
            assert manifest["kind"] == kind
            assert manifest["data"][0]["licence"] in ("CC BY 4.0", "CC BY-SA 4.0")
            assert manifest["command"].startswith(("scripts/train_", "experiments/"))
            if "Speech Commands" in json.dumps(manifest["data"]):
                assert "official test" in json.dumps(manifest)
            card = (registry.shipped_folder() / f"{name}.md").read_text()
            for heading in ("## What", "## Data", "## Measured", "## Not for", "## Made by"):
                assert heading in card, name
            for source in manifest["data"]:
                assert source["licence"] in card
            assert manifest["command"].partition(" ")[0] in card


def hear(shared, sound, key):
    codec, classifier, listener = shared
    scaled = sound * 0.7 / jnp.maximum(jnp.max(jnp.abs(sound)), 1e-4)
    decoded = codec.decode(codec.encode(scaled))
    return {
        "classifier": jnp.argmax(classifier(codec.encode(sound))),
        "listener": jnp.argmax(listener(sound)),
        "si_sdr": si_sdr(decoded, scaled),
        "log_mel": log_mel_distance(decoded, scaled, sample_rate=16_000),
    }


@pytest.mark.full_size
@pytest.mark.parametrize("name", ["keywords", "gainshape32_keywords"])
def test_on_real_speech_of_unseen_speakers(name, data_root):
    classifier = load.load_classifier(name)
    codec = classifier.reads.codec
    listener = load.load_listener("keywords_listener")
    clips = tasks.load(data_root, "keywords").part("speaker_disjoint", "test")
    audio = clips.audio.astype(np.float32) / 32768
    shared = (codec, classifier.model, listener)
    found = map_examples(hear, shared, audio, key=jax.random.key(0), chunk=20)
    yardstick = np.mean(found["listener"] == clips.target)
    assert yardstick > 0.85
    assert np.mean(found["classifier"] == clips.target) > 0.8 * yardstick
    spoken = clips.target != tasks.TASKS["keywords"].labels.index("_silence_")
    assert np.median(found["si_sdr"][spoken]) > 10
    assert np.median(found["log_mel"][spoken]) < 0.6


@pytest.mark.parametrize(
    "name, reads, frames", [("wave_keywords", "samples", 16_000), ("mel_keywords", "cells", 100)]
)
def test_networks_that_never_saw_a_codec_hear_the_bundled_clip(name, reads, frames):
    classifier = load.load_classifier(name)
    assert (classifier.reads.name, classifier.frames) == (reads, frames)
    clip = read_clip(example_clip(), 16_000)
    audio = jnp.asarray(np.pad(clip.samples, (0, 16_000 - len(clip.samples))))
    logits = jax.jit(lambda c, x: c.model(c.reads.analyse(x)))(classifier, audio)
    assert classifier.labels[jnp.argmax(logits)] == "stop"
