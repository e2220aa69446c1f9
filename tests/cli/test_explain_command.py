"""The command: every clip gets a whole folder or one clear line."""

import importlib.metadata
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
import soundfile

from audioxai_jax import cli, domains
from audioxai_jax.attribution import METHODS
from audioxai_jax.cli import progress
from audioxai_jax.data.audio import write_wav
from audioxai_jax.perturbation.hearable import hearable_scores
from audioxai_jax.report.folder import folder_names
from audioxai_jax.weights import registry
from tests.helpers import small_models
from tests.helpers.refusals import complaint
from tests.helpers.small_models import LABELS

WAVES = """\
import jax.numpy as jnp
from audioxai_jax import Classifier, domains
def waves(model, **fields):
    return Classifier(model, reads=domains.samples(16_000), **fields)
"""
"""The head of a user's file with a model of waveforms."""
FILES = {
    "original.wav",
    "reconstruction.wav",
    "explanation.wav",
    "removed.wav",
    "random.wav",
    "relevance.npz",
    "explanation.json",
    "report.html",
}
RATE = 16_000


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Options that name a small codec and classifier, both with random parameters."""
    folder = tmp_path_factory.mktemp("models")
    small_models.save(folder)
    method = ["--method", "integrated_gradients", "--set", "steps=4"]
    return ["--codec", f"{folder}/small", "--model", f"{folder}/words", *method]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty current folder, and a compilation cache of the tests' own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("audioxai_jax.cli.explain._use_compilation_cache", lambda: None)


def sound(path, seconds=1.0, rate=RATE, channels=1, seed=0):
    samples = 0.1 * np.random.default_rng(seed).normal(size=(round(seconds * rate), channels))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.astype(np.float32), rate, subtype="PCM_16")
    return str(path)


def explain(models, *arguments, out="out"):
    return cli.main(["explain", *models, "--out", out, *arguments])


def refused(capsys, models, *arguments) -> str:
    assert explain(models, *arguments) == 1
    return complaint(capsys)


def facts(folder) -> dict:
    return json.loads((Path(folder) / "explanation.json").read_text())


def test_a_clip_gets_a_folder_with_everything(models, capsys):
    clip = sound("speech.wav")
    assert explain(models, clip, "--json", "rows.json") == 0
    assert {file.name for file in Path("out/speech").iterdir()} == FILES
    assert [path.name for path in Path("out").iterdir()] == ["speech"]

    said = facts("out/speech")
    for name in ("prediction", "explanation", "removed", "reconstruction", "random"):
        assert said[name]["label"] in LABELS and 0 < said[name]["probability"] <= 1
    assert said["kept"] == 60 and said["units"] == 600
    assert said["method"] == {
        "name": "integrated_gradients",
        "options": {"steps": 4, "baseline": 0.0, "rule": "gauss_legendre", "chunk": 64},
    }
    assert said["info"]["evaluations"] == 6 and said["info"]["completeness_gap"] >= 0
    assert len(said["codec"]["sha256"]) == 64 and said["versions"]["jax"] == jax.__version__

    with np.load("out/speech/relevance.npz") as arrays:
        assert arrays["relevance"].shape == arrays["features"].shape == (50, 12)
        assert arrays["mask"].sum() == 60
        kept, left = arrays["mask"] == 1, arrays["mask"] == 0
        scores = hearable_scores(arrays["relevance"], np.abs(arrays["features"]), time=1, across=0)
        scores = np.asarray(scores).reshape(50, 12)  # 20 ms are a frame, channels have no order
        assert scores[kept].min() >= scores[left].max()
        assert tuple(arrays["labels"]) == LABELS
        assert LABELS[arrays["logits_original"].argmax()] == said["prediction"]["label"]
        assert LABELS[arrays["logits_removed"].argmax()] == said["removed"]["label"]

    rows = json.loads(Path("rows.json").read_text())
    assert [row["clip"] for row in rows] == ["speech.wav"]
    assert rows[0]["explanation"] == said["explanation"]["label"]
    printed = capsys.readouterr()
    assert printed.err == "" and said["prediction"]["label"] in printed.out
    assert "open out/speech/report.html" in printed.out


@pytest.mark.parametrize(
    "seconds, rate, channels, samples, padded",
    [(3.4, 44_100, 2, 54_400, 4.0), (0.3, 8_000, 1, 4_800, 1.0), (1 / RATE, RATE, 1, 1, 1.0)],
)
def test_any_length_rate_and_channels(models, seconds, rate, channels, samples, padded):
    assert explain(models, sound("x.wav", seconds, rate, channels)) == 0
    for name in FILES:
        if name.endswith(".wav"):
            written = soundfile.info(f"out/x/{name}")
            assert (written.frames, written.samplerate, written.channels) == (samples, RATE, 1)
    clip = facts("out/x")["clip"]
    assert (clip["channels"], clip["source_rate"]) == (channels, rate)
    assert clip["padded_seconds"] == padded


def test_a_clip_of_silence_is_explained(models, capsys):
    write_wav("quiet.wav", np.zeros(RATE), RATE)
    assert explain(models, "quiet.wav") == 0
    said = facts("out/quiet")
    assert said["levels_db"]["explanation"] is None
    assert said["removed"]["label"] == said["prediction"]["label"]
    assert "silent" in capsys.readouterr().out


def test_levels_are_measured_and_matched_on_request(models):
    clip = sound("x.wav")
    bare = ("--floor", "none")
    assert explain(models, clip, *bare) == 0
    assert explain(models, clip, "--level-match", *bare, out="matched") == 0

    def level(folder, name):
        samples, _ = soundfile.read(f"{folder}/x/{name}.wav")
        original, _ = soundfile.read(f"{folder}/x/original.wav")
        return 10 * np.log10(np.mean(samples**2) / np.mean(original**2))

    for name in ("reconstruction", "explanation", "removed"):
        assert facts("out/x")["levels_db"][name] == pytest.approx(level("out", name), abs=0.1)
        assert facts("matched/x")["levels_db"][name] == facts("out/x")["levels_db"][name]
        peak = np.abs(soundfile.read(f"matched/x/{name}.wav")[0]).max()
        assert level("matched", name) == pytest.approx(0, abs=0.01) or peak > 0.99
    assert facts("matched/x")["level_match"] is True


def test_names_of_all_kinds(models):
    clips = [
        sound(f"{i}/{name}", seed=i)
        for i, name in enumerate(
            ("a.wav", "a.flac.wav", "a.wav", "A.wav", "ünï cöde \N{SPEAKER}.wav", "new\nline.wav")
        )
    ]
    clips.append(sound("-dash.wav"))
    assert explain(models, *clips[:-1], "--", clips[-1]) == 0
    written = {path.name for path in Path("out").iterdir()}
    assert written == {
        "a",
        "a.flac",
        "a-2",
        "A-3",
        "ünï cöde \N{SPEAKER}",
        "new\nline",
        "-dash",
    }
    assert facts("out/a-2")["clip"]["path"] == "2/a.wav"


def test_folder_names_never_collide_or_leave_the_folder():
    names = folder_names([Path(p) for p in ("x.wav", "x-2.wav", "x.mp3", "x", "..wav", "a/.wav")])
    assert names == ["x", "x-2", "x-3", "x-4", "clip", ".wav"]


def test_results_do_not_depend_on_the_other_clips(models):
    clips = [sound(f"{name}.wav", seed=i) for i, name in enumerate("abc")]
    assert explain(models, *clips) == 0
    assert explain(models, clips[1], out="alone") == 0
    for name in FILES - {"explanation.json", "report.html"}:
        assert Path(f"out/b/{name}").read_bytes() == Path(f"alone/b/{name}").read_bytes()


def test_options_reach_the_explanation(models):
    clip = sound("x.wav")
    models = [*models[:4], "--method", "saliency"]
    options = ["--keep", "0.5", "--unit", "frame", "--rank", "absolute", "--base", "mean"]
    assert explain(models, clip, *options, "--target", "go", "--seed", "7") == 0
    said = facts("out/x")
    assert (said["kept"], said["units"], said["rank"], said["base"]) == (25, 50, "absolute", "mean")
    assert (said["target"]["label"], said["seed"]) == ("go", 7)
    with np.load("out/x/relevance.npz") as arrays:
        assert set(arrays["mask"].sum(1)) == {0, 12} and arrays["target"] == 1


def test_the_command_ranks_by_what_is_heard_and_relevance_is_the_methods_own(models):
    clip = sound("x.wav")
    assert explain(models, clip) == 0
    assert explain(models, clip, "--rank", "signed", out="signed") == 0
    assert facts("out/x")["rank"] == "hearable" and facts("signed/x")["rank"] == "signed"
    with np.load("out/x/relevance.npz") as one, np.load("signed/x/relevance.npz") as two:
        np.testing.assert_array_equal(one["relevance"], two["relevance"])
        assert one["mask"].sum() == two["mask"].sum()
        assert not np.array_equal(one["mask"], two["mask"])
    assert explain(models, clip, "--unit", "cell", out="cells") == 0
    assert (facts("cells/x")["unit"], facts("cells/x")["units"]) == ("cell", 50 * 4)


def test_the_smallest_set_is_kept_and_said(models, capsys):
    clip = sound("x.wav")
    assert explain(models, clip, "--keep", "smallest", "--base", "silence", "--json", "r.json") == 0
    said, printed = facts("out/x"), capsys.readouterr().out
    assert said["smallest"] == "found" and said["keep"] == said["kept"] / said["units"]
    assert said["explanation"]["label"] == said["target"]["label"]
    with np.load("out/x/relevance.npz") as arrays:
        assert arrays["mask"].sum() == said["kept"] < 600
    assert "smallest set" in printed and f"{100 * said['keep']:.3g} % of features" in printed
    assert json.loads(Path("r.json").read_text())[0]["kept"] == said["kept"]
    page = Path("out/x/report.html").read_text()
    assert ", the smallest set found, alone" in page and "the smallest set that is enough" in page


def test_a_smallest_set_that_does_not_exist_is_said(models, capsys):
    """No part of the clip is heard as a class that the model never hears."""
    Path("own.py").write_text(
        WAVES + "def build(): return waves(lambda x: jnp.stack([jnp.mean(x), jnp.mean(x) - 1]))\n"
    )
    own = ["--model", "own.py:build", "--target", "1", "--keep", "smallest", "--unit", "segment"]
    assert explain([], sound("x.wav"), *own, "--method", "saliency") == 0
    said = facts("out/x")
    assert (said["smallest"], said["kept"], said["keep"]) == ("none", 50, 1)
    assert "none is enough" in capsys.readouterr().out
    assert "because no smaller set is enough" in Path("out/x/report.html").read_text()


def test_good_clips_are_done_and_bad_ones_listed_at_the_end(models, capsys):
    good = [sound("a.wav"), sound("b.wav", seed=1)]
    Path("text.wav").write_text("no sound")
    Path("cut.wav").write_bytes(Path("a.wav").read_bytes()[:20_000])
    Path("empty.wav").touch()
    bad = ["none.wav", "text.wav", "cut.wav", "empty.wav", "out"]
    Path("out").mkdir()
    assert explain(models, bad[0], good[0], *bad[1:], good[1], "--json", "rows.json") == 1
    assert {path.name for path in Path("out").iterdir()} == {"a", "b"}
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[2].strip() for line in lines] == bad
    assert [row["clip"] for row in json.loads(Path("rows.json").read_text())] == good


def test_an_existing_folder_is_kept_unless_told_otherwise(models, capsys):
    clip = sound("x.wav")
    assert explain(models, clip) == 0
    (Path("out/x") / "mine.txt").write_text("note")
    capsys.readouterr()
    assert "exists already; add --overwrite" in refused(capsys, models, clip)
    assert Path("out/x/mine.txt").exists()
    assert explain(models, clip, "--overwrite") == 0
    assert {file.name for file in Path("out/x").iterdir()} == FILES
    assert [path.name for path in Path("out").iterdir()] == ["x"]


def test_only_explanations_are_overwritten(models, capsys):
    clip = sound("music.wav")
    Path("out/music").mkdir(parents=True)
    Path("out/music/song.txt").write_text("la")
    assert "holds no explanation" in refused(capsys, models, clip, "--overwrite")
    assert Path("out/music/song.txt").exists()


def test_a_failure_while_writing_leaves_nothing(models, capsys, monkeypatch):
    clip = sound("x.wav")
    assert explain(models, clip) == 0
    before = facts("out/x")
    capsys.readouterr()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audioxai_jax.report.folder.page", full)
    assert "No space left" in refused(capsys, models, clip, "--overwrite", "--seed", "3")
    assert [path.name for path in Path("out").iterdir()] == ["x"]
    assert facts("out/x") == before


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--method", "salience"], "did you mean 'saliency'?"),
        (
            ["--base", "none"],
            "unknown base 'none': known are level_matched, mean, noise, own, silence, zero",
        ),
        (["--base", "neighbour"], "--base neighbour: needs the features of another clip"),
        (["--rank", "sign"], "unknown rank 'sign': known are signed, absolute, hearable; did you"),
        (["--unit", "row"], "unknown unit 'row': known are feature, frame, channel"),
        (["--target", "stopp"], "unknown target 'stopp': known are _silence_, go, stop; did you"),
        (["--set", "step=8"], "integrated_gradients has no option 'step'"),
        (["--set", "baseline=x"], "--set baseline=x: expected a number"),
        (["--keep", "1.5"], "--keep 1.5: must be a fraction"),
        (["--keep", "nan"], "--keep nan: must be a fraction"),
        (["--seed", "-1"], "--seed -1: must be a whole number"),
        (["--codec", "gainshap"], "unknown codec 'gainshap'"),
        (["--model", "./none"], "none.json: cannot be read"),
        (["--json", "no/where.json"], "--json no/where.json: there is no such folder"),
        (["--out", "x.wav"], "--out x.wav: is not a folder"),
        (["--method", "none.py:build"], "none.py: no such file"),
    ],
)
def test_wrong_options_are_explained_in_one_line(models, capsys, arguments, said):
    assert said in refused(capsys, models, sound("x.wav"), *arguments)
    assert not Path("out").exists()


def test_steps_below_one_are_refused_by_the_method(models, capsys):
    models = [*models[:6], "--set", "steps=0"]
    assert "steps must be a whole number from 1 up" in refused(capsys, models, sound("x.wav"))


def test_a_codec_without_a_mean_cannot_fill_in_with_it(models, capsys):
    bare = models[1].replace("small", "bare")
    Path("own.py").write_text(WAVES + "def build(): return waves(lambda x: x[:3])")
    clip, own = sound("x.wav"), ["--model", "own.py:build", "--base", "mean"]
    said = refused(capsys, [], clip, *own, "--domain", "latent", "--codec", bare)
    assert "--base mean: the codec bare has no mean latent" in said
    assert "--base mean: the domain samples has no mean latent" in refused(capsys, [], clip, *own)


def test_a_classifier_of_another_codec_is_refused(models, capsys):
    bare = models[1].replace("small", "bare")
    message = refused(capsys, models, sound("x.wav"), "--codec", bare)
    assert "reads latents of the codec 'small', not of 'bare'" in message


def test_models_and_methods_of_ones_own(models):
    Path("own.py").write_text(
        """
import jax, jax.numpy as jnp
import audioxai_jax as ax
def codec():
    return ax.Codec(encode=lambda audio: audio.reshape(-1, 100), decode=lambda z: z.ravel(),
                    sample_rate=8000, hop=100)
def model():
    energy = lambda latent: jnp.stack([jnp.sum(latent**2), jnp.sum(jnp.abs(latent))])
    return ax.Classifier(energy, reads=ax.domains.latent(codec()))
def method(scale: float = 1.0):
    def attribute(model, x, target, *, key):
        return ax.Attribution(scale * jax.grad(lambda x: model(x)[target])(x), ax.make_info())
    return attribute
"""
    )
    own = ["--model", "own.py:model", "--method", "own.py:method", "--set", "scale=-2"]
    assert explain(own, sound("x.wav", 1.5)) == 0
    said = facts("out/x")
    assert said["labels"] == ["0", "1"] and said["domain"]["own"]
    assert said["method"] == {"name": "own.py:method", "options": {"scale": -2.0}}
    assert said["clip"]["sample_rate"] == 8000 and said["codec"]["sha256"] is None
    assert said["info"]["completeness_gap"] is None
    written = soundfile.info("out/x/explanation.wav")
    assert (written.frames, written.samplerate) == (12_000, 8000)


def test_a_model_of_ones_own_that_fails_is_explained_with_its_line(models, capsys):
    Path("own.py").write_text(WAVES + "build = lambda: waves(\n  lambda x: x.reshape(16000)[:3])")
    own = ["--model", "own.py:build", "--method", "saliency"]
    assert explain(own, sound("x.wav")) == 0
    message = refused(capsys, own, sound("long.wav", 1.5))
    assert f"own.py:{WAVES.count(chr(10)) + 2}: TypeError: " in message and "long.wav" in message


@pytest.mark.parametrize("name", ["frequencies", "bands"])
def test_a_model_of_waveforms_is_explained_in_any_domain(name):
    Path("own.py").write_text(
        WAVES + "def build(): return waves(lambda x: jnp.stack([jnp.sum(x**2), jnp.max(x)]))"
    )
    own = ["--model", "own.py:build", "--domain", name, "--method", "saliency"]
    assert explain(own, sound("x.wav", 0.5), "--listener", "own.py:build") == 0
    said, domain = facts("out/x"), domains.DOMAINS[name](RATE)
    assert said["unit"] == next(iter(domain.units(said["domain"]["shape"])))
    assert said["codec"] is None and said["domain"]["exact"] and not said["domain"]["own"]
    assert said["listener_answers"]["explanation"] == said["explanation"]
    written, _ = soundfile.read("out/x/reconstruction.wav")
    np.testing.assert_allclose(written, soundfile.read("out/x/original.wav")[0], atol=1e-4)


def test_a_sound_is_explained_in_the_latent_of_a_codec_that_the_model_does_not_know(models):
    Path("own.py").write_text(WAVES + "def build(): return waves(lambda x: x[:3])")
    own = ["--model", "own.py:build", "--domain", "latent", "--codec", models[1]]
    own += ["--method", "saliency", "--residual", "keep"]
    assert explain(own, sound("x.wav")) == 0
    said = facts("out/x")
    assert said["codec"]["name"] == models[1] and len(said["codec"]["sha256"]) == 64
    assert said["domain"] == {
        "name": "latent",
        "options": {"quantised": None},
        "exact": True,
        "residual": "keep",
        "own": False,
        "shape": [50, 12],
    }


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--domain", "frequency"], "unknown domain 'frequency': known are samples, frequencies"),
        (["--domain", "bands", "--unit", "cell"], "unknown unit 'cell': known are segment, band"),
        (["--domain", "bands", "--domain-set", "n=3"], "bands has no option 'n': its options"),
        (
            ["--domain", "bands", "--domain-set", "count=x"],
            "count=x: expected a whole",
        ),
        (["--domain-set", "count=3"], "--domain-set count=3: name the domain by --domain"),
        (["--listener", "keyword"], "unknown listener 'keyword'"),
        (["--codec", "own.py:build"], "own.py:build says itself what it reads; add --domain lat"),
    ],
)
def test_wrong_domains_are_explained_in_one_line(models, capsys, arguments, said):
    Path("own.py").write_text(WAVES + "def build(): return waves(lambda x: x[:3])")
    if arguments[0] == "--codec":
        arguments = ["--codec", models[1]]
    message = refused(capsys, ["--model", "own.py:build"], sound("x.wav"), *arguments)
    assert said in message


def test_listings(models, capsys, monkeypatch):
    assert cli.main(["methods"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in METHODS) and "--set steps=64" in printed
    monkeypatch.setattr(registry, "shipped_folder", lambda: Path(models[1]).parent)
    assert cli.main(["models"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["codec", "bare"]


def test_names_never_reach_the_terminal_raw(models, capsys):
    os.rename(sound("plain.wav"), "\x1b[31mred\nline\u202e.wav")
    models = [*models[:4], "--method", "saliency"]
    assert explain(models, "\x1b[31mred\nline\u202e.wav", "gone\n\x1b[2J.wav") == 1
    said = capsys.readouterr()
    assert said.out.count("\n") == 4
    assert all(line.isprintable() for line in (said.out + said.err).split("\n"))
    assert said.err == "audioxai: error: gone\ufffd\ufffd[2J.wav: no such file\n"
    assert "Listen: open out/\ufffd[31mred\ufffdline\ufffd/report.html" in said.out


@pytest.mark.parametrize("stop, status", [(KeyboardInterrupt, 130), (ZeroDivisionError, None)])
def test_what_is_done_is_said_when_the_command_is_stopped(
    models, capsys, monkeypatch, stop, status
):
    """The JSON is valid and whole after each clip: whatever ends the process, no row is lost."""
    from audioxai_jax.runs import explain_clips

    true, counts = explain_clips.explain_clip, []

    def until_the_third(*arguments):
        rows = Path("rows.json")
        counts.append(len(json.loads(rows.read_text())) if rows.exists() else 0)
        if len(counts) == 3:
            raise stop
        return true(*arguments)

    monkeypatch.setattr(explain_clips, "explain_clip", until_the_third)
    clips = [sound(f"{name}.wav", seed=ord(name)) for name in "abc"]
    models = [*models[:4], "--method", "saliency"]
    if status is None:
        with pytest.raises(stop):
            explain(models, *clips, "--json", "rows.json")
    else:
        assert explain(models, *clips, "--json", "rows.json") == status
        assert "audioxai: stopped" in capsys.readouterr().err
    assert counts == [0, 1, 2]
    assert [row["clip"] for row in json.loads(Path("rows.json").read_text())] == clips[:2]
    assert {path.name for path in Path("out").iterdir()} == {"a", "b"}


def test_rows_go_where_they_are_wanted(models, capfd):
    """A link stays a link; what stands on standard output is JSON alone."""
    clip = sound("x.wav")
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    models = [*models[:4], "--method", "saliency", "--overwrite"]
    assert explain(models, clip, "--json", "link.json") == 0
    assert Path("link.json").is_symlink()
    rows = json.loads(Path("real.json").read_text())
    capfd.readouterr()
    assert explain(models, clip, "--json", "-") == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out) == rows and "Listen: open out/x/report.html" in printed.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--json", "folder"], "--json folder: is a folder"),
        (["--json", "./x.wav"], "--json x.wav: is a clip to explain"),
        (["--json", "gone"], "--json gone: there is no such folder: it is a link to "),
        (["--out", "gone"], "--out gone: is a link to what does not exist (none/x)"),
        (["--out", "loop"], "--out loop: is a link to what does not exist (loop)"),
    ],
)
def test_places_are_refused_before_the_work(models, capsys, monkeypatch, arguments, said):
    Path("folder").mkdir()
    Path("gone").symlink_to("none/x")
    Path("loop").symlink_to("loop")
    monkeypatch.setattr("audioxai_jax.cli.loading.load", lambda _: pytest.fail("it works"))
    assert said in refused(capsys, models, sound("x.wav"), *arguments)


def test_without_a_clip_the_bundled_one_is_explained(models, capsys, monkeypatch):
    bundled = Path(sound("bundled/stop.wav"))
    monkeypatch.setattr("audioxai_jax.cli.options.example_clip", lambda: bundled)
    assert explain(models) == 0
    assert facts("out/stop")["clip"]["name"] == "stop.wav"


@pytest.mark.parametrize("patience, shown", [(0.05, True), (60.0, False)])
def test_progress_is_shown_only_to_those_who_wait(monkeypatch, patience, shown):
    class Terminal(io.StringIO):
        isatty = lambda self: True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.Progress(3, patience_s=patience) as bar:
        bar.step("one")
        deadline = time.monotonic() + 10
        while shown and bar.bar is None and time.monotonic() < deadline:
            time.sleep(0.01)
        bar.step("two")
    assert ("two" in sys.stderr.getvalue()) == shown


@pytest.mark.full_size
def test_the_command_in_a_process_of_its_own(models, tmp_path):
    """A home that cannot be written, a clip that is none: no traceback, no noise."""
    clip = sound("ünï.wav")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG", "JAX"))}
    environment |= {"HOME": "/dev/null", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "audioxai_jax.cli", "explain", *models[:4], clip, "none.wav"]
    command += ["--method", "saliency"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["audioxai: error: none.wav: no such file"]
    assert "Listen: open explanation/" in done.stdout
    assert {file.name for file in Path("explanation/ünï").iterdir()} == FILES


@pytest.mark.full_size
def test_compiled_programs_are_kept_in_the_users_cache_folder(models):
    clip = sound("x.wav")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX")}
    environment["XDG_CACHE_HOME"] = str(Path("cache").absolute())
    command = [sys.executable, "-m", "audioxai_jax.cli", "explain", *models[:4], clip]
    command += ["--overwrite", "--method", "random_control"]
    counts = []
    for _ in range(2):
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
        counts.append(len(list(Path("cache/audioxai_jax").glob("*-cache"))))
    assert counts[0] == counts[1] > 0


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"audioxai_jax {importlib.metadata.version('audioxai_jax')}\n"
