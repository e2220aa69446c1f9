"""Checkpoints: what is loaded is what was saved, and nothing else is loaded."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from audioxai_jax import domains
from audioxai_jax.nets.classifiers import transformer
from audioxai_jax.nets.codecs import encodec, gainshape, seanet
from audioxai_jax.weights import file_format, load, registry, save
from audioxai_jax.weights.file_format import WeightsError
from tests.helpers.refusals import refusal
from tests.helpers.small_models import random_params

CONFIG = gainshape.GainShapeConfig(width=16, encoder_blocks=1, decoder_blocks=1)
HEAD = transformer.TransformerConfig(classes=3, width=16, layers=1, heads=2, feedforward=16)


SMALLER = {
    "encodec": encodec.EncodecConfig(
        seanet.SeanetConfig(filters=4, latent=8, strides=(4, 2), lstm=1),
        codebooks=2,
        codebook_size=16,
    ),
    "seanet": seanet.SeanetConfig(filters=4, latent=8, strides=(4, 2), lstm=1),
}
"""Configurations in place of the default ones."""


ENCODE = jax.jit(lambda codec, audio: codec.encode(audio))
DECODE = jax.jit(lambda codec, latent: codec.decode(latent))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a codec and a classifier, and the parameters they were made of."""
    folder = tmp_path_factory.mktemp("checkpoints")
    codec = random_params(lambda: gainshape.init(CONFIG, jax.random.key(0)))
    mean = np.linspace(0, 1, CONFIG.channels, dtype=np.float32)
    fields = {"kind": "codec", "network": "gainshape", "config": CONFIG}
    save.save(folder, "small", fields, {**codec, "mean": mean})
    head = random_params(lambda: transformer.init(HEAD, jax.random.key(0)))
    fields = {"kind": "classifier", "network": "transformer", "config": HEAD, "frames": 50}
    fields |= {"labels": ("_silence_", "go", "stop"), "codec": "small"}
    save.save(folder, "words", {**fields, "background": ["_silence_"]}, head)
    return folder, codec, mean, head


@pytest.fixture
def copy(made, tmp_path):
    """The same files, to damage; `edit` changes fields of a manifest."""
    for file in made[0].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())

    def edit(name, **fields):
        path = tmp_path / f"{name}.json"
        manifest = json.loads(path.read_text()) | fields
        path.write_text(json.dumps({k: v for k, v in manifest.items() if v != "DROP"}))

    return tmp_path, edit


@pytest.mark.parametrize("suffix", ["", ".json", ".safetensors"])
def test_a_codec_comes_back_bit_by_bit(made, suffix):
    folder, params, mean, _ = made
    codec = load.load_codec(folder / f"small{suffix}")
    original = gainshape.codec(CONFIG, params, name="small")
    audio = 0.1 * jax.random.normal(jax.random.key(0), (3200,))
    latent = ENCODE(original, audio)
    np.testing.assert_array_equal(ENCODE(codec, audio), latent)
    np.testing.assert_array_equal(DECODE(codec, latent), DECODE(original, latent))
    np.testing.assert_array_equal(codec.mean, mean)
    assert (codec.name, codec.sample_rate, codec.hop) == ("small", 16_000, 320)
    assert codec.manifest["sample_rate"] == 16_000
    assert jax.tree.structure(codec.encode) == jax.tree.structure(original.encode)


def test_a_classifier_comes_back_bit_by_bit(made):
    folder, _, _, params = made
    classifier = load.load_classifier(folder / "words")
    latent = jax.random.normal(jax.random.key(0), (50, 64))
    np.testing.assert_array_equal(classifier.model(latent), transformer.model(HEAD, params)(latent))
    assert classifier.labels == ("_silence_", "go", "stop")
    assert (classifier.reads.codec.name, classifier.frames) == ("small", 50)
    assert classifier.background == ("_silence_",)


def test_a_codec_may_lack_the_mean(made, tmp_path):
    fields = {"kind": "codec", "network": "gainshape", "config": CONFIG}
    save.save(tmp_path, "bare", fields, made[1])
    assert load.load_codec(tmp_path / "bare").mean is None


def test_a_mean_of_the_wrong_length_is_refused(made, tmp_path):
    fields = {"kind": "codec", "network": "gainshape", "config": CONFIG}
    save.save(tmp_path, "odd", fields, {**made[1], "mean": np.zeros(3, np.float32)})
    assert "'mean' is float32 [3]" in refusal(WeightsError, load.load_codec, tmp_path / "odd")


def test_every_listed_network_is_loadable(tmp_path):
    for name, network in registry.NETWORKS.items():
        config = SMALLER.get(name) or network.config()
        shapes = jax.eval_shape(lambda n=network, c=config: n.init(c, jax.random.key(0)))
        zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
        fields = {"kind": network.kind, "network": name, "config": config, "frames": 50}
        if network.kind == "classifier":
            fields |= {
                "codec": "gainshape_16khz",
                "labels": [str(i) for i in range(config.classes)],
            }
        save.save(tmp_path, name, fields, zeros)
        read = getattr(load, f"load_{network.kind}")
        assert read(tmp_path / name).manifest["network"] == name


def test_older_manifests_lack_later_fields(tmp_path):
    config = seanet.SeanetConfig(latent=8, filters=4, strides=(4, 2), lstm=0)
    params = random_params(lambda: seanet.init(config, jax.random.key(0)))
    fields = {"kind": "codec", "network": "seanet", "config": config}
    save.save(tmp_path, "old", fields, params)
    manifest = json.loads((tmp_path / "old.json").read_text())
    for name in ("audio_channels", "norm", "pad", "shortcut"):
        del manifest["config"][name]
    (tmp_path / "old.json").write_text(json.dumps(manifest))
    codec = load.load_codec(tmp_path / "old")
    sound = jnp.linspace(-1, 1, 17)
    original = seanet.codec(config, params, name="old")
    np.testing.assert_array_equal(ENCODE(codec, sound), ENCODE(original, sound))
    del manifest["config"]["lstm"]
    (tmp_path / "old.json").write_text(json.dumps(manifest))
    assert "does not fit the network: lstm" in refusal(
        WeightsError, load.load_codec, tmp_path / "old"
    )


def test_a_codec_says_which_unit_comes_first_and_an_older_one_means_features(tmp_path):
    config = dataclasses.replace(CONFIG, unit="cell")
    params = random_params(lambda: gainshape.init(config, jax.random.key(0)))
    save.save(tmp_path, "new", {"kind": "codec", "network": "gainshape", "config": config}, params)
    codec = load.load_codec(tmp_path / "new")
    assert codec.unit == "cell" and codec.cells == tuple(gainshape.cells(config).tolist())
    assert next(iter(domains.latent(codec).units((5, config.channels)))) == "cell"
    manifest = json.loads((tmp_path / "new.json").read_text())
    edited = manifest | {"config": manifest["config"] | {"unit": "bands"}}
    (tmp_path / "new.json").write_text(json.dumps(edited))
    said = refusal(WeightsError, load.load_codec, tmp_path / "new")
    assert "config: unknown unit 'bands' of a codec: choose one of feature, cell" in said
    del manifest["config"]["unit"]
    (tmp_path / "new.json").write_text(json.dumps(manifest))
    older = load.load_codec(tmp_path / "new")
    assert older.unit == "feature" and older.cells == codec.cells
    assert next(iter(domains.latent(older).units((5, config.channels)))) == "feature"


def test_configurations_inside_configurations_are_checked(tmp_path):
    config = SMALLER["encodec"]
    params = random_params(lambda: encodec.init(config, jax.random.key(0)))
    fields = {"kind": "codec", "network": "encodec", "config": config}
    save.save(tmp_path, "nested", fields, params)
    whole = json.loads((tmp_path / "nested.json").read_text())
    for field, value, said in [
        ("seanet", 5, "config does not fit the network"),
        ("seanet", whole["config"]["seanet"] | {"lstm": "1"}, "'lstm' is '1', expected int"),
        ("seanet", whole["config"]["seanet"] | {"norm": "batch"}, "norm 'batch': choose one of"),
    ]:
        edited = whole | {"config": whole["config"] | {field: value}}
        (tmp_path / "nested.json").write_text(json.dumps(edited))
        assert said in refusal(WeightsError, load.load_codec, tmp_path / "nested")


@pytest.mark.parametrize("place", [0, 300, -1])
def test_a_flipped_byte_is_noticed(copy, place):
    folder, _ = copy
    content = bytearray((folder / "small.safetensors").read_bytes())
    content[place] ^= 1
    (folder / "small.safetensors").write_bytes(content)
    assert "sha256" in refusal(WeightsError, load.load_codec, folder / "small")


def test_tensors_that_do_not_fit_are_refused(copy):
    folder, edit = copy
    tensors = safetensors.numpy.load_file(folder / "words.safetensors")

    def put(**changes):
        changed = {k: v for k, v in (tensors | changes).items() if v is not None}
        content = safetensors.numpy.save(changed)
        (folder / "words.safetensors").write_bytes(content)
        edit("words", sha256=file_format.hashlib.sha256(content).hexdigest())
        return refusal(WeightsError, load.load_classifier, folder / "words")

    assert "lacks the tensor 'logits/bias'" in put(**{"logits/bias": None})
    assert "has a tensor 'extra'" in put(extra=np.zeros(1, np.float32))
    message = put(**{"logits/bias": np.zeros(4, np.float32)})
    assert "'logits/bias' is float32 [4], expected float32 [3]" in message
    message = put(**{"logits/bias": np.zeros(3, np.float16)})
    assert "'logits/bias' is float16 [3], expected float32 [3]" in message


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"format": 2}, "update audioxai_jax"),
        ({"format": "1"}, "no format number"),
        ({"kind": "codec"}, "is a codec, expected a classifier"),
        ({"network": "lstm"}, "unknown network 'lstm', known are: transformer"),
        ({"network": "gainshape"}, "known are: transformer"),
        ({"labels": "DROP"}, "lacks the field 'labels'"),
        ({"sha256": "DROP"}, "lacks the field 'sha256'"),
        ({"labels": ["a", "b"]}, "2 labels for 3 classes"),
        ({"labels": 5}, "'labels' is 5, expected texts"),
        ({"labels": [1, 2, 3]}, "'labels' is [1, 2, 3], expected texts"),
        ({"background": None}, "'background' is None, expected texts"),
        ({"task": 5}, "'task' is 5, expected a text"),
        ({"codec": None}, "'codec' is None, expected a text"),
        ({"network": ["x"]}, "unknown network ['x']"),
        ({"frames": 49}, "frames is 49, its config says 50"),
        ({"background": ["hush"]}, "['hush'] is not among its labels"),
        ({"config": {"width": 16}}, "config does not fit the network"),
        ({"config": dataclasses.asdict(HEAD) | {"width": "16"}}, "'width' is '16', expected int"),
        ({"config": dataclasses.asdict(HEAD) | {"heads": 3}}, "config makes no network"),
        ({"config": dataclasses.asdict(HEAD) | {"width": 32}}, "expected float32"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copy, fields, said):
    folder, edit = copy
    edit("words", **fields)
    assert said in refusal(WeightsError, load.load_classifier, folder / "words")


def test_files_that_are_missing_or_no_json_are_refused(copy):
    folder, edit = copy
    assert "cannot be read" in refusal(WeightsError, load.load_codec, folder / "none")
    (folder / "small.safetensors").unlink()
    assert "cannot be read" in refusal(WeightsError, load.load_codec, folder / "small")
    (folder / "small.json").write_text("{")
    assert "is not JSON" in refusal(WeightsError, load.load_codec, folder / "small")
    (folder / "words.safetensors").write_bytes(b"no tensors")
    edit("words", sha256=file_format.hashlib.sha256(b"no tensors").hexdigest())
    assert "not a safetensors" in refusal(WeightsError, load.load_classifier, folder / "words")


def test_shipped_names(made, monkeypatch):
    monkeypatch.setattr(registry, "shipped_folder", lambda: made[0])
    assert registry.available() == {"codec": ["small"], "classifier": ["words"], "listener": []}
    assert load.load_codec("small").name == "small"
    assert "did you mean 'small'?" in refusal(WeightsError, load.load_codec, "smal")
    assert "known are words, or" in refusal(WeightsError, load.load_classifier, "keywords")
    assert "is a codec, expected a" in refusal(WeightsError, load.load_classifier, "small")


def test_a_classifier_for_another_codec_is_refused(made):
    codec = load.load_codec(made[0] / "small")
    classifier = load.load_classifier(made[0] / "words", codec)
    assert classifier.reads.codec is codec
    large = dataclasses.replace(codec, name="large")
    message = refusal(WeightsError, load.load_classifier, made[0] / "words", large)
    assert "latents of the codec 'small', not of 'large'" in message


def test_a_classifier_for_other_weights_of_the_codec_is_refused(copy):
    folder, edit = copy
    codec = load.load_codec(folder / "small")
    assert codec.fingerprint == codec.manifest["sha256"]
    edit("words", codec_sha256=codec.fingerprint)
    assert load.load_classifier(folder / "words").reads.codec.fingerprint == codec.fingerprint
    edit("words", codec_sha256="0" * 64)
    message = refusal(WeightsError, load.load_classifier, folder / "words")
    assert "other weights of the codec 'small' (sha256 000000" in message


def test_a_listener_reads_samples():
    listener = load.load_listener("keywords_listener")
    assert listener.reads == domains.samples(16_000)
    assert listener.labels == tuple(listener.manifest["labels"])
    assert load.load_classifier("keywords_listener").reads == listener.reads


@pytest.mark.parametrize("name", ["audionet", "alexnet"])
def test_networks_say_what_they_read(name, tmp_path):
    """The network on what its domain makes of a sound is the network on its features."""
    network = registry.NETWORKS[name]
    smaller = {"audionet": {"widths": (2, 2, 2, 2, 2, 2)}, "alexnet": {"widths": (2, 2, 2, 2, 2)}}
    config = network.config(hidden=(3, 3), **smaller[name])
    params = random_params(lambda: network.init(config, jax.random.key(0)))
    fields = {"kind": "network", "network": name, "config": config}
    save.save(tmp_path, "net", fields, params)
    classifier = load.load_network(tmp_path / "net")
    assert classifier.reads.name == {"audionet": "samples", "alexnet": "cells"}[name]
    assert classifier.reads.sample_rate == 8000 and classifier.labels is None
    sound = 0.1 * jax.random.normal(jax.random.key(1), (8000,))
    wanted = network.build(config, params)(network.features(config, sound))
    found = classifier.model(classifier.reads.analyse(sound))
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"network": None}, "lacks 'network': give kind, network, config"),
        ({"kind": None}, "lacks 'kind'"),
        ({"config": None}, "lacks 'config'"),
        ({"config": {"width": 16}}, "expected the network's configuration"),
        ({"config": HEAD}, "config does not fit the network"),
        ({"network": "lstm"}, "unknown network 'lstm', known are: gainshape"),
        ({"kind": "classifier", "network": "transformer", "config": HEAD}, "lacks the field"),
        ({"task": 5}, "'task' is 5, expected a text"),
        ({"note": b"bytes"}, "the manifest is not JSON"),
    ],
)
def test_a_manifest_that_could_not_be_loaded_is_not_saved(made, tmp_path, fields, said):
    whole = {"kind": "codec", "network": "gainshape", "config": CONFIG} | fields
    given = {name: value for name, value in whole.items() if value is not None}
    assert said in refusal(WeightsError, lambda: save.save(tmp_path / "new", "x", given, made[1]))
    assert not (tmp_path / "new").exists()


def test_the_name_of_a_kind_of_network_is_refused_with_the_way_to_a_checkpoint():
    message = refusal(WeightsError, load.load_codec, "seanet")
    assert "'seanet' is a kind of network, without weights: save some with weights.save" in message


def test_saving_is_repeatable_and_leaves_nothing_else(made, tmp_path):
    fields = {"kind": "codec", "network": "gainshape", "config": CONFIG}
    for folder in ("a", "b"):
        save.save(tmp_path / folder, "x", fields, made[1])
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == ["x.json", "x.safetensors"]
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
