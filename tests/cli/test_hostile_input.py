"""Input that breaks things: refused in one line, or processed; never something in between.

Small models with random weights; what is refused is asked of the command itself, since that
is where the line, the status and the empty folder must be right.
"""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import soundfile

from audioxai_jax import cli
from audioxai_jax.report.folder import folder_names
from audioxai_jax.weights import file_format
from tests.helpers import small_models
from tests.helpers.refusals import complaint

RATE = 16_000


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    small_models.save(folder)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)


def noise(samples=RATE, channels=None, seed=0):
    shape = samples if channels is None else (samples, channels)
    return (0.1 * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def write(path, samples=None, rate=RATE, **options) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    options = {"subtype": "PCM_16", "format": "WAV", **options}
    soundfile.write(path, noise() if samples is None else samples, rate, **options)
    return str(path)


def explain(models, *arguments, codec="small") -> int:
    command = [
        "explain",
        "--codec",
        f"{models}/{codec}",
        "--model",
        f"{models}/words",
        "--method",
        "saliency",
        "--out",
        "out",
    ]
    try:
        return cli.main([*command, *arguments])
    except SystemExit as stop:  # argparse leaves this way
        return int(stop.code or 0)


def refused(models, capsys, *arguments, **options) -> str:
    assert explain(models, *arguments, **options) != 0
    message = complaint(capsys)
    assert "Traceback" not in message and not Path("out").exists()
    return message


# Refused ---------------------------------------------------------------------------------------


def text(path):
    Path(path).write_text("this is a shopping list, not a sound\n" * 20)


def image(path):
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)


def cut(form, part):
    def make(path):
        write("whole", format=form)
        content = Path("whole").read_bytes()
        Path(path).write_bytes(content[: int(part * len(content))])

    return make


def with_value(value):
    def make(path):
        samples = noise()
        samples[100] = value
        write(path, samples, subtype="FLOAT")

    return make


CLIPS = {
    "missing": (lambda path: None, "no such file"),
    "directory": (lambda path: Path(path).mkdir(), "is a folder"),
    "empty": (lambda path: Path(path).touch(), "is empty"),
    "text": (text, "not audio"),
    "image": (image, "not audio"),
    "truncated wav": (cut("WAV", 0.6), "cut short: its header promises"),
    "truncated wav header": (cut("WAV", 0.0008), "not audio"),
    "truncated flac": (cut("FLAC", 0.6), "cut short"),
    "truncated aiff": (cut("AIFF", 0.6), "cut short"),
    "no samples": (lambda path: write(path, np.zeros(0)), "holds no samples"),
    "nan": (with_value(np.nan), "1 samples are NaN or infinite, the first at 0.006 s"),
    "infinity": (with_value(-np.inf), "NaN or infinite"),
    "pipe": (lambda path: os.mkfifo(path), "is a pipe or a device"),
    "overflow": (with_value(3e38), "samples as large as 3e+38, full scale is 1"),
}


@pytest.mark.parametrize("case", sorted(CLIPS))
def test_a_clip_that_is_none_is_refused(models, capsys, case):
    make, said = CLIPS[case]
    make("clip.wav")
    message = refused(models, capsys, "clip.wav")
    assert said in message and "clip.wav" in message


def test_a_clip_beyond_the_limit_is_refused(models, capsys):
    write("clip.wav", np.zeros(601 * 8_000, np.int16), 8_000)
    assert "lasts 601 s, at most 600 s can be explained" in refused(models, capsys, "clip.wav")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--target", "stopp"], "unknown target 'stopp'"),
        (["--codec", "encodecc"], "unknown codec 'encodecc': known are"),
        (["--model", "keyword"], "unknown classifier 'keyword'"),
        (["--method", "shap"], "unknown method 'shap'"),
        (["--set", "steps=3"], "saliency has no option 'steps'"),
        (["--stepz", "3"], "unrecognized arguments: --stepz"),
        (["--keep", "1.01"], "--keep 1.01: must be a fraction"),
        (["--keep", "-0.1"], "--keep -0.1: must be a fraction"),
        (["--method", "my.py"], "for your own write FILE.py:FUNCTION"),
        (["--keep", "much"], "argument --keep: expected a fraction or 'smallest', got 'much'"),
        (["--codec", "model.pt"], "never pickles"),
        (["--model", "model.PKL"], "never pickles"),
        (["--channel", "middle"], "--channel 'middle': expected mix, left, right or the number"),
        (["--channel", "2"], "clip.wav: has 1 channel, there is none called '2'"),
    ],
)
def test_options_that_make_no_sense_are_refused(models, capsys, arguments, said):
    assert said in refused(models, capsys, write("clip.wav"), *arguments)


def test_a_classifier_of_another_codec_is_refused(models, capsys):
    message = refused(models, capsys, write("clip.wav"), codec="bare")
    assert "reads latents of the codec 'small', not of 'bare'" in message


@pytest.mark.parametrize("damage", ["flipped", "cut", "pickle", "newer", "json", "none"])
def test_damaged_weights_are_refused(models, capsys, damage):
    for name in ("small", "words"):
        for suffix in (".json", ".safetensors"):
            Path(f"w/{name}{suffix}").parent.mkdir(exist_ok=True)
            Path(f"w/{name}{suffix}").write_bytes((models / f"{name}{suffix}").read_bytes())
    weights, manifest = Path("w/small.safetensors"), Path("w/small.json")
    content, fields = weights.read_bytes(), json.loads(manifest.read_text())
    said = "sha256"
    if damage == "flipped":
        weights.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif damage == "cut":
        weights.write_bytes(content[:-1])
    elif damage == "pickle":
        evil = pickle.dumps({"weights": [1.0]})
        weights.write_bytes(evil)
        manifest.write_text(json.dumps(fields | {"sha256": hashlib.sha256(evil).hexdigest()}))
        said = "is not a safetensors file"
    elif damage == "newer":
        manifest.write_text(json.dumps(fields | {"format": 2}))
        said = "update audioxai_jax"
    elif damage == "json":
        manifest.write_text(manifest.read_text()[:100])
        said = "is not JSON"
    else:
        weights.unlink()
        said = "cannot be read: No such file"
    message = refused(Path("w").absolute(), capsys, write("clip.wav"))
    assert said in message and "small" in message


def test_output_that_is_there_stays_unless_told_otherwise(models, capsys):
    clip = write("clip.wav")
    assert explain(models, clip) == 0
    before = {file: file.read_bytes() for file in Path("out/clip").iterdir()}
    capsys.readouterr()
    assert explain(models, clip) == 1
    assert "exists already; add --overwrite" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in Path("out/clip").iterdir()} == before
    assert explain(models, clip, "--overwrite") == 0


def test_output_that_cannot_be_written(models, capsys):
    clip = write("clip.wav")
    Path("file").touch()
    assert "is not a folder" in refused(models, capsys, clip, "--out", "file")
    message = refused(models, capsys, clip, "--out", "/proc/nothing/here")
    assert "clip.wav: /proc/nothing/here/clip cannot be written" in message
    message = refused(models, capsys, clip, "--out", "file/below")
    assert "file/below/clip cannot be written" in message


def test_sound_beyond_full_scale_is_written_softer_not_clipped(models):
    """What is heard must be what was explained."""
    loud = 5 * np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    clip = write("clip.wav", loud, 16_000, subtype="FLOAT")
    assert explain(models, clip, "--floor", "none") == 0
    facts = json.loads(Path("out/clip/explanation.json").read_text())
    written = soundfile.read("out/clip/original.wav")[0]
    assert np.abs(written).max() <= 1 and facts["gain_db"] < -10
    np.testing.assert_allclose(written / 10 ** (facts["gain_db"] / 20), loud, atol=1e-3)
    softer = f"all sounds here are {-facts['gain_db']:.1f} dB softer"
    assert softer in Path("out/clip/report.html").read_text()
    assert explain(models, write("soft.wav")) == 0
    assert json.loads(Path("out/soft/explanation.json").read_text())["gain_db"] == 0


@pytest.mark.full_size
def test_a_disk_that_fills_up_leaves_nothing(models):
    """Files of the command may hold 60 kB; the report needs more."""
    clip = write("clip.wav")
    code = (
        "import resource, sys\n"
        "from audioxai_jax import cli\n"
        "cli.explain._use_compilation_cache = lambda: None\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [
        sys.executable,
        "-c",
        code,
        "explain",
        "--codec",
        f"{models}/small",
        "--model",
        f"{models}/words",
        "--method",
        "saliency",
        "--out",
        "out",
        "--json",
        "rows.json",
        clip,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "audioxai: error: clip.wav: out/clip cannot be written: File too large"
    ]
    assert list(Path("out").iterdir()) == [] and json.loads(Path("rows.json").read_text()) == []


def test_good_clips_are_done_and_bad_ones_listed(models, capsys):
    good = [write("good one.wav"), write("good two.flac", format="FLAC")]
    bad = []
    for number, case in enumerate(("missing", "empty", "text", "truncated wav", "nan")):
        bad.append(f"bad{number}.wav")
        CLIPS[case][0](bad[-1])
    assert explain(models, bad[0], good[0], *bad[1:], good[1]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[2] for line in lines] == bad
    assert {path.name for path in Path("out").iterdir()} == {"good one", "good two"}


# Processed -------------------------------------------------------------------------------------

ODD = {
    "one sample": {"samples": np.full(1, 0.5, np.float32)},
    "silence": {"samples": np.zeros(RATE, np.float32)},
    "clipping": {"samples": np.sign(noise()), "subtype": "FLOAT"},
    "beyond full scale": {"samples": 30 * noise(), "subtype": "FLOAT"},
    "DC offset": {"samples": 0.5 + noise()},
    "only DC": {"samples": np.full(RATE, 0.7, np.float32)},
    "8 bit": {"subtype": "PCM_U8"},
    "24 bit": {"subtype": "PCM_24"},
    "32 bit": {"subtype": "PCM_32"},
    "float": {"subtype": "FLOAT"},
    "double": {"subtype": "DOUBLE"},
    "mu-law": {"subtype": "ULAW"},
    "stereo": {"samples": noise(RATE, 2)},
    "six channels": {"samples": noise(RATE, 6)},
    "8 kHz": {"rate": 8_000},
    "44.1 kHz": {"rate": 44_100},
    "192 kHz": {"samples": noise(192_000), "rate": 192_000},
    "flac": {"format": "FLAC"},
    "aiff": {"format": "AIFF"},
    "vorbis": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III"},
}


def test_channels_that_cancel_are_refused_one_of_them_is_explained(models, capsys):
    clip = write("clip.wav", np.stack([noise(), -noise()], 1))
    said = refused(models, capsys, clip)
    assert "its channels cancel" in said and "--channel left" in said
    assert explain(models, clip, "--channel", "right") == 0
    facts = json.loads(Path("out/clip/explanation.json").read_text())
    assert (facts["clip"]["channels"], facts["clip"]["channel"]) == (2, "right")
    assert "2 channels, the right one explained" in Path("out/clip/report.html").read_text()


@pytest.mark.full_size
@pytest.mark.parametrize("case", sorted(ODD))
def test_a_clip_that_is_valid_but_odd_is_explained(models, capsys, case):
    options = {"samples": noise(), "rate": RATE, **ODD[case]}
    samples, rate = options["samples"], options["rate"]
    clip = write("clip.wav", **options)
    assert explain(models, clip) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and "Listen: open out/clip/report.html" in printed.out
    said = json.loads(Path("out/clip/explanation.json").read_text())
    assert said["clip"]["source_rate"] == rate
    assert said["clip"]["channels"] == (1 if samples.ndim == 1 else samples.shape[1])
    for sound in ("original", "explanation", "removed", "reconstruction", "random"):
        written, _ = soundfile.read(f"out/clip/{sound}.wav")
        # mp3 adds up to a frame or two of its own
        assert abs(len(written) - max(1, round(len(samples) * RATE / rate))) <= 2 * 1152
        assert np.isfinite(written).all()


NAMES = (
    "with spaces.wav",
    'it\'s "quoted".wav',
    "\N{SNOWMAN}\N{GRINNING FACE}.wav",
    "x" * 196 + ".wav",
    "tab\there.wav",
    "two.dots.wav",
    "UPPER.WAV",
    "no suffix",
    "semi;colon&and$dollar.wav",
    "%s{}.wav",
    "ünï.wav",
    ".hidden.wav",
    "<script>.wav",
    "\x1b]0;title\x07\r\u202e\u200b.wav",
    "caf\udce9.wav",
)


def test_odd_file_names(models, capsys):
    clips = []
    for number, name in enumerate(NAMES):
        plain = write("clips/plain", noise(100, seed=number))
        clips.append(f"clips/{name}")
        os.rename(plain, clips[-1])
    clips.append(write("elsewhere/two.dots.wav", noise(100, seed=99)))
    assert explain(models, *clips) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and all(line.isprintable() for line in printed.out.split("\n"))
    assert printed.out.count("\n") == 1 + len(clips) + 2
    stems = [Path(name).stem.replace("\udce9", "") for name in NAMES]
    assert {path.name for path in Path("out").iterdir()} == {*stems, "two.dots-2"}
    said = json.loads(Path("out/two.dots-2/explanation.json").read_text())
    assert said["clip"]["path"] == "elsewhere/two.dots.wav"
    assert "<script>.wav" not in Path("out/<script>/report.html").read_text()


def test_a_leading_dash(models, capsys, monkeypatch):
    clip = write("-dash.wav")
    monkeypatch.setattr(sys, "argv", ["audioxai", "explain", clip])
    assert "write ./-dash.wav" in refused(models, capsys, clip)
    assert explain(models, "./-dash.wav") == 0 and Path("out/-dash").is_dir()


def test_folder_names_fit_every_file_system():
    longest = "\N{GRINNING FACE}" * 63  # 252 bytes
    names = folder_names([Path(f"{place}/{longest}") for place in "ab"])
    assert names[0] != names[1] and all(len(name.encode()) <= 255 for name in names)
    assert names[0].startswith("\N{GRINNING FACE}" * 50)


# Python ----------------------------------------------------------------------------------------


def test_safetensors_with_a_lie_in_the_header_is_refused(tmp_path):
    content = safetensors.numpy.save({"x": np.zeros(4, np.float32)})
    lie = content.replace(b"[0,16]", b"[0,99]")
    (tmp_path / "lie.safetensors").write_bytes(lie)
    with pytest.raises(file_format.WeightsError, match="is not a safetensors file"):
        file_format.read_tensors(tmp_path / "lie", hashlib.sha256(lie).hexdigest())
