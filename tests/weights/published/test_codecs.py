"""Published codecs by name, from Python, the command and scripts; a made-up one at 24 kHz."""

import dataclasses
import hashlib
import json
import runpy
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import soundfile

from audioxai_jax import Classifier, cli, domains, integrated_gradients
from audioxai_jax.data.audio import read_clip, write_wav
from audioxai_jax.nets.classifiers import transformer
from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.runs.explain_clips import explain_clip
from audioxai_jax.runs.explained import Settings
from audioxai_jax.synthesis.bases import zero
from audioxai_jax.training import recipes
from audioxai_jax.weights import file_format, load, pair, registry, save
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import huggingface
from audioxai_jax.weights.published.table import PUBLISHED, Published, Weights
from tests.helpers import encodec_folders, made_up_data
from tests.helpers.refusals import refusal
from tests.helpers.small_models import random_params

SCRIPTS = Path(__file__).parents[3]
RATE = 24_000
CONFIG = gainshape.GainShapeConfig(
    sample_rate=RATE, gains=4, shape=8, width=8, encoder_blocks=0, decoder_blocks=0
)


def read(folder: Path) -> Weights:
    found = huggingface.read_folder(folder)
    config = dataclasses.replace(CONFIG, sample_rate=found.fields["sampling_rate"])
    params: dict = {}
    for name, tensor in found.tensors.items():
        *branches, last = name.split(".")
        branch = params
        for step in branches:
            branch = branch.setdefault(step, {})
        branch[last] = jnp.asarray(tensor)
    return Weights(config, params, gainshape.codec, {huggingface.TENSORS: found.sha256})


@pytest.fixture(autouse=True)
def made_up(monkeypatch):
    """The codec "toy_24khz" joins the published ones."""
    entry = Published("gainshape", read, "someone/toy", "to be asked for", RATE, 75, 12)
    monkeypatch.setitem(PUBLISHED, "toy_24khz", entry)
    other = dataclasses.replace(entry, sample_rate=48_000, on_hub=False)
    monkeypatch.setitem(PUBLISHED, "toy_48khz", other)
    monkeypatch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)


@pytest.fixture(scope="module")
def params():
    return random_params(lambda: gainshape.init(CONFIG, jax.random.key(0)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, params):
    """What its publisher has, and `words`, a classifier that was trained with it."""
    folder = tmp_path_factory.mktemp("toy")
    flat = {k.replace("/", "."): v for k, v in file_format.flatten(params).items()}
    content = safetensors.numpy.save(flat)
    (folder / "model.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps({"sampling_rate": RATE}))
    config = transformer.TransformerConfig(
        frames=75, channels=12, classes=2, width=8, layers=0, reach=0
    )
    head = random_params(lambda: transformer.init(config, jax.random.key(0)))
    fields = {"kind": "classifier", "network": "transformer", "config": config, "frames": 75}
    fields |= {"codec": "toy_24khz", "codec_sha256": hashlib.sha256(content).hexdigest()}
    save.save(folder, "words", {**fields, "labels": ("no", "yes")}, head)
    return folder


def test_every_codec_says_what_it_is():
    for name, entry in PUBLISHED.items():
        assert entry.licence and entry.source and entry.files and "\n" not in entry.source
        assert min(entry.sample_rate, entry.frames, entry.channels) > 0, name
        assert entry.on_hub <= bool(huggingface.REPOSITORY.fullmatch(entry.source))


def test_a_folder_becomes_a_codec(folder, params):
    codec = load.load_codec("toy_24khz", folder)
    own = gainshape.codec(CONFIG, params, name="toy_24khz")
    sound = 0.1 * jax.random.normal(jax.random.key(0), (3200,))
    np.testing.assert_array_equal(codec.encode(sound), own.encode(sound))
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (codec.name, codec.sample_rate, codec.fingerprint) == ("toy_24khz", RATE, sha256)
    manifest = codec.manifest
    assert manifest["sha256"] == manifest["source_files"]["model.safetensors"] == sha256
    assert (manifest["source"], manifest["licence"]) == ("someone/toy", "to be asked for")
    assert json.loads(json.dumps(manifest))["config"]["width"] == 8
    assert load.load_classifier(folder / "words", codec).reads.codec is codec


def test_a_repository_becomes_a_codec(folder, monkeypatch):
    monkeypatch.setattr(huggingface, "fetch", {"elsewhere/toy": folder}.__getitem__)
    manifest = load.load_codec("toy_24khz", "elsewhere/toy").manifest
    assert manifest["source"] == "elsewhere/toy"


def test_several_files_have_one_fingerprint():
    hashes = ["a" * 64, "b" * 64]
    both = Weights(CONFIG, {}, gainshape.codec, dict(zip("xy", hashes)))
    assert both.fingerprint == hashlib.sha256(f"{hashes[0]}\n{hashes[1]}\n".encode()).hexdigest()
    swapped = Weights(CONFIG, {}, gainshape.codec, dict(zip("xy", hashes[::-1])))
    assert swapped.fingerprint != both.fingerprint


def test_what_is_no_folder_is_refused_without_a_network(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface, "fetch", lambda _: pytest.fail("looked up"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    refuse = lambda weights, name="toy_24khz": refusal(WeightsError, load.load_codec, name, weights)
    assert "weights/toy: no such folder: give someone/toy" in refuse("weights/toy")
    assert "is a file: give someone/toy" in refuse(folder / "model.safetensors")
    assert "someone/toy: no such folder, and toy_48khz cannot be downloaded" in refuse(
        "someone/toy", "toy_48khz"
    )
    message = refuse("weights")
    assert "weights: holds no config.json and no model.safetensors: give someone/toy" in message
    assert "(in Python weights=) is empty: for toy_24khz give someone/toy" in refuse("")
    assert "'there/toy' is a path, whose weights are there: leave --codec-weights" in refuse(
        folder, "there/toy"
    )
    assert "did you mean 'toy_24khz'?" in refuse(folder, "toy_24kz")
    assert "'gainshape_16khz': unknown codec; --codec-weights needs" in refuse(
        folder, "gainshape_16khz"
    )
    message = refuse(folder, "toy_48khz")
    assert "a codec of 24000 Hz, toy_48khz works at 48000 Hz: is it toy_24khz?" in message


def test_a_file_that_a_folder_lacks_is_named_with_where_to_get_it(tmp_path):
    refuse = lambda name: refusal(WeightsError, load.load_codec, name, tmp_path)
    (tmp_path / "lyragan.tflite").touch()
    message = refuse("lyra_v2")
    assert "holds no soundstream_encoder.tflite and no quantizer.tflite: give a folder" in message
    (tmp_path / "config.json").write_text("{}")
    message = refuse("encodec_24khz")
    assert "holds no model.safetensors: give facebook/encodec_24khz, which is" in message
    (tmp_path / "pytorch_model.bin").touch()
    assert "pickles are not read" in refuse("encodec_24khz")


def test_a_codec_that_is_published_as_a_pickle(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface, "fetch", lambda _: pytest.fail("looked up"))
    monkeypatch.chdir(tmp_path)
    refuse = lambda weights: refusal(WeightsError, load.load_codec, "encodec_16khz", weights)
    assert refuse("facebook/audiogen-medium") == (
        "facebook/audiogen-medium: is published there as a pickle only, which is never read: give "
        "a folder that was converted to config.json and model.safetensors, in transformers' names"
    )
    assert "facebook/audiogen-medium publishes it as a pickle only" in refuse("./none")


def test_another_members_rate_is_said_before_its_tensors(tmp_path):
    encodec_folders.write(tmp_path, "encodec_48khz")
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    message = refusal(WeightsError, load.load_codec, "encodec_24khz", tmp_path)
    assert message == (
        f"{tmp_path}: holds a codec of 48000 Hz, encodec_24khz works at 24000 Hz: is it "
        "encodec_48khz?"
    )


def test_without_weights_it_is_said_where_they_are():
    message = refusal(WeightsError, load.load_codec, "encodec_24khz")
    assert "'encodec_24khz' comes without weights: with --codec-weights" in message
    assert "hf download facebook/encodec_24khz config.json model.safetensors" in message
    message = refusal(WeightsError, load.load_codec, "lyra_v2")
    assert "soundstream_encoder.tflite" in message and "github.com/google/lyra" in message
    assert "did you mean 'encodec_24khz'?" in refusal(WeightsError, load.load_codec, "encodec_24")


def test_a_codec_brings_its_classifier(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "shipped_folder", lambda: tmp_path)
    codec = load.load_codec("toy_24khz", folder)
    message = refusal(WeightsError, pair.default_classifier, codec)
    assert "of the codec 'toy_24khz' is shipped" in message and "train_classifier.py" in message
    fields = json.loads((folder / "words.json").read_text())
    for name, changes in {
        "a": {"codec": "another"},
        "b": {"task": "digits"},
        "c": {"task": "keywords"},
        "d": {},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(fields | changes))
    assert pair.default_classifier(codec) == "c"
    (tmp_path / "c.json").unlink()
    assert pair.default_classifier(codec) == "b"


def test_the_shipped_codecs_classifier_is_of_keywords():
    codec = load.load_codec("gainshape_16khz")
    assert pair.default_classifier(codec) == "keywords"


def run(monkeypatch, script, *arguments, status=0):
    monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
    assert (stop.value.code or 0) == status


def test_converted_weights_are_the_same_codec(folder, tmp_path, monkeypatch, capsys):
    command = ["--codec", "toy_24khz", "--weights", folder, "--out", tmp_path / "out"]
    run(monkeypatch, "tools/convert_weights.py", *command)
    assert "source someone/toy, licence to be asked for" in capsys.readouterr().out
    codec = load.load_codec("toy_24khz", folder)
    again = load.load_codec(tmp_path / "out" / "toy_24khz")
    assert (again.name, again.fingerprint) == (codec.name, codec.fingerprint)
    manifest = again.manifest
    assert manifest["sha256"] != manifest["source_sha256"] == codec.fingerprint
    assert manifest["licence"] == "to be asked for"
    for ours, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(codec), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert load.load_classifier(folder / "words", again).reads.codec is again
    run(
        monkeypatch,
        "tools/convert_weights.py",
        *command[:2],
        "--weights",
        tmp_path,
        *command[4:],
        status=1,
    )
    assert f"{tmp_path / 'out' / 'toy_24khz'}.safetensors: exists already; add --overwrite" in (
        capsys.readouterr().err
    )
    command = [*command[:2], "--weights", tmp_path, *command[4:], "--overwrite"]
    run(monkeypatch, "tools/convert_weights.py", *command, status=1)
    assert "no model.safetensors" in capsys.readouterr().err
    command[3] = folder
    run(monkeypatch, "tools/convert_weights.py", *command)


@pytest.mark.full_size
def test_a_classifier_is_trained_on_its_latents(folder, tmp_path, monkeypatch):
    """Clips come at the codec's rate, and the checkpoint knows whose latents it reads."""
    monkeypatch.setattr(recipes, "COPIES", 2)
    data = made_up_data.fsdd(tmp_path / "data", range(1))
    command = [
        "--codec",
        "toy_24khz",
        "--codec-weights",
        folder,
        "--data",
        data,
        "--out",
        tmp_path / "runs",
        "--steps",
        1,
        "--tasks",
        "digits",
        "--heads",
        "cnn",
    ]
    run(monkeypatch, "scripts/train_classifier.py", *command)
    (found,) = (tmp_path / "runs").rglob("digits_cnn.json")
    classifier = load.load_classifier(found, load.load_codec("toy_24khz", folder))
    codec = load.load_codec("toy_24khz", folder)
    command = classifier.manifest["command"]
    assert (classifier.frames, classifier.manifest["codec_sha256"]) == (75, codec.fingerprint)
    assert f"--codec toy_24khz --codec-weights {folder.name} --tasks" in command


def test_the_command_lists_all_codecs(capsys):
    assert cli.main(["codecs"]) == 0
    head, *lines = capsys.readouterr().out.split("\n\n")[0].splitlines()
    names = [line.split()[0] for line in lines]
    assert names == [*registry.available()["codec"], *PUBLISHED]
    assert "16000 Hz  80 frames x 72" in lines[0] and lines[0].endswith("Apache-2.0")
    for column in ("sound", "latent per second", "weights", "their licence"):
        assert all(line[head.index(column) - 1] == " " for line in lines)
        assert all(line[head.index(column)] != " " for line in lines)


def test_the_command_explains_by_a_published_codec(folder, tmp_path, monkeypatch, capsys):
    """A clip of another rate is resampled on reading; what is written has the codec's rate."""
    monkeypatch.chdir(tmp_path)
    write_wav("x.wav", 0.1 * np.random.default_rng(0).normal(size=8000), 8000)
    command = ["explain", "x.wav", "--codec", "toy_24khz"]
    command += ["--method", "integrated_gradients", "--set", "steps=2"]
    assert cli.main([*command, "--codec-weights", str(folder)]) == 1
    assert "train one with scripts/train_classifier.py" in capsys.readouterr().err
    command += ["--model", str(folder / "words")]
    assert cli.main(command) == 1
    assert "give someone/toy, which is downloaded" in capsys.readouterr().err
    assert cli.main([*command, "--codec-weights", str(folder)]) == 0
    for sound in ("original", "explanation", "reconstruction"):
        written = soundfile.info(f"explanation/x/{sound}.wav")
        assert (written.samplerate, written.frames) == (RATE, RATE)
    facts = json.loads(Path("explanation/x/explanation.json").read_text())
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert facts["codec"] == {"name": "toy_24khz", "sha256": sha256}
    assert (facts["clip"]["source_rate"], facts["clip"]["sample_rate"]) == (8000, RATE)


def test_weights_for_a_codec_of_ones_own_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_wav("x.wav", np.zeros(100), 8000)
    own = ["explain", "x.wav", "--codec", "own.py:codec", "--codec-weights", "there"]
    assert cli.main(own) == 1
    assert "--codec-weights: own.py:codec brings its own" in capsys.readouterr().err


def test_samples_at_another_rate_are_refused(folder, tmp_path):
    codec = load.load_codec("toy_24khz", folder)
    write_wav(tmp_path / "x.wav", 0.1 * np.ones(16_000), 16_000)
    clip = read_clip(tmp_path / "x.wav", 16_000)
    classifier = Classifier(lambda z: z[0, :2], reads=domains.latent(codec), labels=("a", "b"))
    with pytest.raises(ValueError, match="clip is at 16000 Hz, the domain 'latent' works at 24000"):
        explain_clip(classifier, clip, Settings(integrated_gradients(), zero()))
    assert len(read_clip(tmp_path / "x.wav", codec.sample_rate).samples) == RATE


def test_lyra_by_its_name(request):
    codec = load.load_codec("lyra_v2", request.getfixturevalue("lyra_folder"))
    entry = PUBLISHED["lyra_v2"]
    latent = jax.eval_shape(codec.encode, jax.ShapeDtypeStruct((16_000,), jnp.float32))
    assert (codec.sample_rate, *latent.shape) == (entry.sample_rate, entry.frames, entry.channels)
    assert tuple(codec.manifest["source_files"]) == entry.files
    assert codec.manifest["licence"] == "Apache-2.0"
