"""Users' own files: what they build is used, and what goes wrong is said in one line."""

import os
import sys
import textwrap

import jax
import jax.numpy as jnp
import pytest

from audioxai_jax.cli import user_files
from audioxai_jax.cli.user_files import UserFileError
from tests.helpers.refusals import refusal

CODECS = """import audioxai_jax as ax
def build():
  given = dict(encode=lambda x: x.reshape(-1, 4), decode=lambda z: z.ravel(), hop=4)
  return ax.Codec(**given | dict({}), sample_rate=400)
"""
"""A file of a codec with something changed."""


@pytest.fixture
def write(tmp_path):
    def write(text, name="my.py"):
        (tmp_path / name).write_text(textwrap.dedent(text))
        return f"{tmp_path / name}:build"

    return write


MODELS = """import audioxai_jax as ax
def build():
  return ax.Classifier({}, reads=ax.domains.samples(400))
"""
"""A file of a model of waveforms."""


@pytest.mark.parametrize("value", ["lambda x: x[:3]", "3", "None"])
def test_what_does_not_say_what_it_reads_is_refused(write, value):
    message = refusal(UserFileError, user_files.load_classifier, write(f"build = lambda: {value}"))
    assert "expected a Classifier, which says what the function reads" in message
    assert "reads=audioxai_jax.domains.samples(16000)" in message


def test_classifiers_and_codecs_are_passed_on_as_they_are(write):
    spec = write("""
        import audioxai_jax as ax
        def build():
            return ax.Classifier(lambda z: z[0, :2], ax.domains.latent(codec()), frames=7)
        def codec():
            return ax.Codec(encode=lambda x: x.reshape(-1, 10), decode=lambda z: z.ravel(),
                            sample_rate=8000, hop=10)
    """)
    classifier = user_files.load_classifier(spec)
    assert (classifier.frames, classifier.labels, classifier.reads.hop) == (7, None, 10)
    assert user_files.load_codec(spec.replace(":build", ":codec")).sample_rate == 8000


def test_the_files_folder_is_importable_while_it_runs_and_not_afterwards(write, tmp_path):
    write("SIZE = 5", "my_sibling.py")
    write("SIZE = 6", "my_late_sibling.py")
    spec = write("""
        import my_sibling
        def build():
            import my_late_sibling
            return lambda *_, **__: my_sibling.SIZE * my_late_sibling.SIZE
    """)
    before = list(sys.path)
    method, _ = user_files.load_method(spec)
    assert method(None, None, None, key=None) == 30
    assert sys.path == before


def test_a_file_runs_once_until_it_changes(write, tmp_path):
    spec = write("def build(): pass")
    first = user_files.load_factory(spec)
    assert user_files.load_factory(spec) is first
    os.utime(tmp_path / "my.py", ns=(1, 1))
    assert user_files.load_factory(spec) is not first


def test_two_files_of_one_name_do_not_meet(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "my.py").write_text(f"def build(): return {folder!r}")
    built = [user_files.load_factory(f"{tmp_path / f / 'my.py'}:build")() for f in ("a", "b")]
    assert built == ["a", "b"]


def test_a_users_method_gets_its_options_and_runs_jitted(write):
    spec = write("""
        import jax
        from audioxai_jax import Attribution, make_info
        def build(*, power: int = 1):
            def method(model, x, target, *, key):
                return Attribution(jax.grad(lambda x: model(x)[target])(x) ** power, make_info())
            return method
    """)
    method, options = user_files.load_method(spec, ["power=2"])
    assert options == {"power": 2}
    found = jax.jit(lambda m, x: m(lambda z: 3 * z, x, 0, key=jax.random.key(0)))(
        method, jnp.ones(2)
    )
    assert found.relevance.tolist() == [9, 0]


@pytest.mark.parametrize(
    "text, said",
    [
        ("def build(:", "my.py:1: cannot be imported (my.py): SyntaxError"),
        ("import nowhere_to_be_found", "my.py:1: cannot be imported (my.py): ModuleNotFoundError"),
        ("x = 1\ny = x / 0", "my.py:2: cannot be imported (my.py): ZeroDivisionError: division"),
        ("raise SystemExit(3)", "my.py:1: cannot be imported"),
        ("x = 1", "defines no 'build'"),
        ("def built(): pass", "defines no 'build'; did you mean 'built'?"),
        ("build = 3", "is an int, expected a function that builds"),
        ("def build():\n  raise KeyError('k')", "my.py:2: "),
        ("def build(): return None", "returned None, expected an audioxai_jax.Codec"),
        (
            CODECS.format("encode=lambda x: (x,)"),
            "must return a latent [frames, channels], got a tuple",
        ),
        (
            CODECS.format("encode=lambda x: x"),
            "must return a latent [frames, channels], got (400,)",
        ),
        (CODECS.format("encode=lambda x: x @ x.T.T @ x"), "my.py:4: encode fails on a second"),
        (CODECS.format("decode=lambda z: z"), "what decode returns must be one mono waveform"),
        (CODECS.format("decode=lambda z: z[0] @ z"), "my.py:4: decode fails on a latent [100, 4]"),
        (CODECS.format("mean=[0.0, 0.0]"), "mean has 2 channels, the codec's latents have 4"),
    ],
)
def test_files_that_do_not_work_are_explained(write, text, said):
    assert said in refusal(UserFileError, user_files.load_codec, write(text))


@pytest.mark.parametrize(
    "model, said",
    [
        (
            "lambda x: x[:, None]",
            "must return logits [K] of one example [400] of samples, got (400, 1)",
        ),
        ("lambda x: (x, x)", "of one example [400] of samples, got a tuple"),
        ("lambda x: x @ x @ x", "my.py:3: fails on [400] of samples: ValueError"),
        (
            "lambda x: x[:3], labels=('a', 'b')",
            "has 2 labels ('a', 'b'), but its model has 3 outputs",
        ),
    ],
)
def test_classifiers_that_do_not_work_are_explained(write, model, said):
    text = MODELS.replace("{}", model)
    assert said in refusal(UserFileError, user_files.load_classifier, write(text))


def test_a_missing_file_or_function_name_is_explained(tmp_path):
    assert "no such file" in refusal(
        UserFileError, user_files.load_factory, f"{tmp_path}/none.py:build"
    )
    assert "write it as" in refusal(UserFileError, user_files.load_factory, f"{tmp_path}/none.py:")
    assert user_files.is_user_file("my.py:build") and not user_files.is_user_file("saliency")


def test_a_factory_that_refuses_its_options_is_explained(write):
    spec = write("def build(n: int = 1):\n  raise ValueError(f'n must not be {n}')")
    message = refusal(UserFileError, user_files.load_method, spec, ["n=4"])
    assert "my.py:2" in message and "ValueError: n must not be 4" in message


def test_a_file_is_known_by_its_content(tmp_path):
    """So that results of an edited method are not taken for those of the former one."""
    (tmp_path / "my.py").write_text("def build(): return 1")
    before = user_files.file_digest(f"{tmp_path}/my.py:build")
    assert user_files.file_digest(f"{tmp_path}/my.py:build") == before
    (tmp_path / "my.py").write_text("def build(): return 2")
    assert user_files.file_digest(f"{tmp_path}/my.py:build") != before
