"""Users' own files: what they build is used, and what goes wrong is said in one line."""

import os
import sys
import textwrap

import jax
import jax.numpy as jnp
import pytest

from audioxai_jax import integrated_gradients
from audioxai_jax.cli import user_files
from audioxai_jax.cli.user_files import PluginError
from audioxai_jax.types import Codec
from tests.helpers.refusals import refusal

CODEC = Codec(
    encode=lambda audio: audio.reshape(-1, 4),
    decode=lambda latent: latent.ravel(),
    sample_rate=400,
    hop=4,
)


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


def test_a_function_becomes_a_classifier_with_numbered_labels(write):
    spec = write("""
        import jax.numpy as jnp
        def build():
            return lambda latent: jnp.stack([latent.sum(), latent.max(), latent.min()])
    """)
    classifier = user_files.load_classifier(spec, CODEC)
    assert classifier.labels == ("class_0", "class_1", "class_2")
    assert classifier.codec == CODEC.name and classifier.frames is None
    assert classifier.model(jnp.ones((2, 4))).tolist() == [8, 1, 1]


def test_classifiers_and_codecs_are_passed_on_as_they_are(write):
    spec = write("""
        import audioxai_jax as ax
        def build():
            return ax.Classifier(model=lambda z: z[0, :2], labels=("a", "b"), frames=7)
        def codec():
            return ax.Codec(encode=lambda x: x.reshape(-1, 10), decode=lambda z: z.ravel(),
                            sample_rate=8000, hop=10)
    """)
    assert user_files.load_classifier(spec, CODEC).frames == 7
    assert user_files.load_codec(spec.replace(":build", ":codec")).sample_rate == 8000


def test_the_files_folder_is_importable_while_it_runs_and_not_afterwards(write, tmp_path):
    write("SIZE = 5", "my_sibling.py")
    write("SIZE = 6", "my_late_sibling.py")
    spec = write("""
        import my_sibling
        def build():
            import my_late_sibling
            return lambda latent: latent[0][:1] * my_sibling.SIZE * my_late_sibling.SIZE
    """)
    before = list(sys.path)
    assert user_files.load_classifier(spec, CODEC).model(jnp.ones((1, 4))).tolist() == [30]
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
    assert said in refusal(PluginError, user_files.load_codec, write(text))


@pytest.mark.parametrize(
    "value, said",
    [
        ("3", "returned an int, expected an audioxai_jax.Classifier or a function"),
        ("lambda z: z", "must return logits [K] of one latent [100, 4], got (100, 4)"),
        ("lambda z: (z, z)", "must return logits [K] of one latent [100, 4], got a tuple"),
        ("lambda z: z @ z", "my.py:2: fails on a latent [100, 4]: TypeError"),
    ],
)
def test_classifiers_that_do_not_work_are_explained(write, value, said):
    assert said in refusal(
        PluginError, user_files.load_classifier, write(f"def build():\n  return {value}"), CODEC
    )


def test_a_missing_file_or_function_name_is_explained(tmp_path):
    assert "no such file" in refusal(
        PluginError, user_files.load_factory, f"{tmp_path}/none.py:build"
    )
    assert "write it as" in refusal(PluginError, user_files.load_factory, f"{tmp_path}/none.py:")
    assert user_files.is_user_file("my.py:build") and not user_files.is_user_file("saliency")


def factory(*, steps: int = 64, scale: float = 1.0, name: str = "x", fast: bool = False, w=None):
    return steps, scale, name, fast, w


def test_options_have_the_types_of_the_signature():
    texts = ["steps=8", "scale=2", "name=3", "fast=yes", "w=(1, 2)"]
    options = user_files.parse_options(factory, texts, name="it")
    assert options == {"steps": 8, "scale": 2.0, "name": "3", "fast": True, "w": (1, 2)}
    assert isinstance(options["scale"], float)
    assert user_files.parse_options(factory, [], name="it")["steps"] == 64
    known = user_files.parse_options(integrated_gradients, ["baseline=0.5"], name="it")
    assert known == {"steps": 64, "baseline": 0.5, "rule": "gauss_legendre", "chunk": 64}


@pytest.mark.parametrize(
    "texts, said",
    [
        (["step=8"], "it has no option 'step': its options are steps, scale, name, fast, w"),
        (["steps"], "write it as option=value"),
        (["steps=x"], "--set steps=x: expected a whole number"),
        (["steps=2.5"], "expected a whole number"),
        (["scale=x"], "expected a number"),
        (["fast=maybe"], "expected true or false"),
        (["w=(1"], "expected a Python literal"),
        (["steps=1", "steps=2"], "--set steps is given twice"),
    ],
)
def test_wrong_options_are_explained(texts, said):
    assert said in refusal(PluginError, lambda: user_files.parse_options(factory, texts, name="it"))


def test_a_required_option_is_asked_for():
    needy = lambda steps: steps
    assert "add --set steps=VALUE" in refusal(
        PluginError, lambda: user_files.parse_options(needy, [], name="it")
    )


def test_a_factory_that_refuses_its_options_is_explained(write):
    spec = write("def build(n: int = 1):\n  raise ValueError(f'n must not be {n}')")
    message = refusal(PluginError, user_files.load_method, spec, ["n=4"])
    assert "my.py:2" in message and "ValueError: n must not be 4" in message


def test_a_file_is_known_by_its_content(tmp_path):
    """So that results of an edited method are not taken for those of the former one."""
    (tmp_path / "my.py").write_text("def build(): return 1")
    before = user_files.file_digest(f"{tmp_path}/my.py:build")
    assert user_files.file_digest(f"{tmp_path}/my.py:build") == before
    (tmp_path / "my.py").write_text("def build(): return 2")
    assert user_files.file_digest(f"{tmp_path}/my.py:build") != before
