"""The built wheel, installed in an environment of its own, works from an empty folder."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
import soundfile

SOUNDS = {"original", "reconstruction", "explanation", "removed", "random"}


@pytest.fixture(scope="module")
def wheel(repo, tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(repo)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new environment with the wheel, which sees the packages of this one after its own.

    A checkout that is installed here as editable stays unseen: only the environment that a
    .pth file lies in reads it.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    here = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "packages_of_the_tests.pth").write_text("\n".join(sorted(here)) + "\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def run(environment, tmp_path):
    """Runs a program of the environment in an empty folder."""
    (tmp_path / "empty").mkdir()
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "JAX_PLATFORMS": "cpu"}

    def run(program, *arguments):
        command = [str(environment / "bin" / program), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path / "empty", env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_wheel_holds_weights_clip_and_code(wheel, repo):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {path.name for path in (repo / "checkpoints").iterdir()}
    assert any(name.endswith(".safetensors") for name in shipped)
    assert {f"audioxai_jax/assets/checkpoints/{name}" for name in shipped} <= names
    assert {"audioxai_jax/assets/stop.wav", "audioxai_jax/py.typed"} <= names
    sources = {str(p.relative_to(repo)) for p in (repo / "audioxai_jax").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_the_wheel_is_what_is_imported(run, environment):
    code = "import audioxai_jax, sys; print(audioxai_jax.__file__, *sys.path, sep='\\n')"
    file, *paths = run("python", "-c", code).splitlines()
    assert Path(file).is_relative_to(environment)
    assert str(Path(__file__).parents[1]) not in paths


@pytest.mark.full_size
def test_explains_the_bundled_clip_from_an_empty_folder(run, tmp_path):
    printed = run("audioxai", "explain")
    folder = tmp_path / "empty" / "explanation" / "stop"
    assert "stop" in printed and "report.html" in printed
    files = {path.name for path in folder.iterdir()}
    assert files == {f"{name}.wav" for name in SOUNDS} | {
        "relevance.npz",
        "explanation.json",
        "report.html",
    }
    sounds = [soundfile.info(path) for path in folder.glob("*.wav")]
    assert len({(sound.frames, sound.samplerate, sound.channels) for sound in sounds}) == 1
    facts = json.loads((folder / "explanation.json").read_text())
    assert facts["prediction"]["label"] == "stop" and facts["prediction"]["probability"] > 0.5
    assert (folder / "report.html").stat().st_size > 10_000
