"""Models of other frameworks on the command line, by what stands before the colon."""

import jax.numpy as jnp
import pytest

from audioxai_jax import cli, domains
from audioxai_jax.cli import foreign_models, loading
from audioxai_jax.cli.options import CliError, SubjectOptions
from audioxai_jax.cli.settings import SettingError
from audioxai_jax.cli.user_files import UserFileError
from audioxai_jax.models import subjects
from audioxai_jax.models.subjects import Subject
from audioxai_jax.types import Classifier


def means(audio):
    return jnp.stack([audio.mean(), -audio.mean()])


def build(*, sample_rate: int = 16_000, labels: str = "") -> Classifier:
    """Means."""
    names = tuple(labels.split(",")) if labels else None
    return Classifier(means, reads=domains.samples(sample_rate), labels=names)


ROW = Subject(build, "means", "no-such-package==1", "no-such-package", "MIT", "nowhere", "epsilon")


@pytest.fixture
def means_subject(monkeypatch):
    monkeypatch.setitem(subjects.SUBJECTS, "means", ROW)


def test_schemes_are_told_from_paths_and_files():
    assert foreign_models.is_foreign("onnx:my.onnx") and foreign_models.is_foreign("hf:a/b")
    assert not foreign_models.is_foreign("my.py:build")
    assert not foreign_models.is_foreign("keywords") and not foreign_models.is_foreign("c:model")
    assert foreign_models.users_file("torch:my.py:build") == "my.py:build"
    assert foreign_models.users_file("my.py:build") == "my.py:build"
    assert foreign_models.users_file("onnx:my.onnx") is None
    assert set(foreign_models.FUNCTIONS) | {"subject"} == set(foreign_models.BRIDGES)


def test_a_subject_is_made_with_its_options(means_subject):
    given = ("sample_rate=8000", "labels=up,down")
    subject = loading.load_subject(SubjectOptions("subject:means", model_set=given))
    assert subject.classifier.reads.sample_rate == 8_000
    assert subject.classifier.labels == ("up", "down") and subject.name == "subject:means"


@pytest.mark.parametrize(
    "model, given, error, said",
    [
        ("subject:mean", (), CliError, "unknown subject 'mean'.*did you mean 'means'"),
        ("subject:means", ("rate=8000",), SettingError, "has no option 'rate'"),
        ("subject:means", ("sample_rate=x",), SettingError, "--model-set sample_rate=x: expected"),
        ("onnx:", (), UserFileError, "write onnx: and an ONNX file"),
        ("whole.pt", (), CliError, "builds the module .* torch:FILE.py:FUNCTION"),
        ("whole.pt", ("sample_rate=1",), CliError, "--model whole.pt: is a file of another frame"),
        ("torch:a/whole.pth", (), UserFileError, "torch:a/whole.pth: .* torch:FILE.py:FUNCTION"),
        ("torch:whole.onnx", (), UserFileError, "write --model onnx:whole.onnx"),
        ("my.onnx", (), CliError, "another framework: write --model onnx:my.onnx"),
        ("my.tflite", (), CliError, "write --model tflite:my.tflite"),
        ("my.keras", (), CliError, "keras.models.load_model.* keras:FILE.py:FUNCTION"),
        ("torch:no.py:build", (), UserFileError, "no.py: no such file"),
        ("keywords", ("a=1",), CliError, "--model-set a=1: is for models of other frameworks"),
        (None, ("a=1",), CliError, "--model-set a=1: is for models of other frameworks"),
    ],
)
def test_what_does_not_fit_is_one_line(means_subject, model, given, error, said):
    with pytest.raises(error, match=said) as refusal:
        loading.load_subject(SubjectOptions(model, model_set=given))
    assert "\n" not in str(refusal.value)


def test_a_torch_file_returns_a_module_and_an_example(tmp_path):
    (tmp_path / "my.py").write_text("def build(): return 1")
    with pytest.raises(UserFileError, match="returned int, expected a pair: the module, and an"):
        foreign_models.load_foreign(f"torch:{tmp_path / 'my.py'}:build")


def test_subjects_are_listed_with_their_licence_and_how_to_get_them(means_subject, capsys):
    assert cli.main(["subjects"]) == 0
    lines = capsys.readouterr().out
    assert "means (MIT; pip install no-such-package)" in lines
    assert "--model-set sample_rate=16000" in lines
