"""A user's own codec, model or method on the command line: `my.py:build`.

`build` is a function in a user's file. For `--codec` it returns a `Codec`; for `--model` and
`--listener` a `Classifier`, which says what it reads; for `--method` a `Method`, made with the
options of `--set`. The file's folder is importable while `build` runs.
"""

import contextlib
import dataclasses
import difflib
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.cli.probing import evaluate, recognise_outputs
from audioxai_jax.cli.settings import parse_settings
from audioxai_jax.core.checks import check_audio
from audioxai_jax.core.contracts import check_latent
from audioxai_jax.core.logits import check_labels, check_logits
from audioxai_jax.core.records import as_method, as_model
from audioxai_jax.types import Classifier, Codec, Method, Model


class UserFileError(ValueError):
    """A user's file that is invalid; the message is one line."""


def is_user_file(text: str) -> bool:
    """Whether a command line value names a factory in a file, rather than something shipped."""
    return ".py:" in text


def file_digest(spec: str) -> str:
    """sha256 of the file of `path/to/file.py:name`."""
    return hashlib.sha256(_split(spec)[0].read_bytes()).hexdigest()


def load_factory(spec: str) -> Callable[..., Any]:
    """Imports the file of `path/to/file.py:name` and returns that attribute.

    A file that is named twice is run once, unless it was changed in between.

    Raises:
      UserFileError: for a missing file or attribute, or a file that raises an exception.
    """
    path, name = _split(spec)
    digest = hashlib.sha256(f"{path}\0{path.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    module_name = f"audioxai_plugin_{digest}"
    module = sys.modules.get(module_name)
    if module is None:
        loading = importlib.util.spec_from_file_location(module_name, path)
        assert loading is not None and loading.loader is not None
        module = importlib.util.module_from_spec(loading)
        sys.modules[module_name] = module
        try:
            with _users_code(path, f"cannot be imported ({path.name})"):
                loading.loader.exec_module(module)
        except UserFileError:
            del sys.modules[module_name]
            raise
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if callable(value)]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UserFileError(f"{path}: defines no {name!r}{hint}")
    factory = getattr(module, name)
    if not callable(factory):
        raise UserFileError(f"{spec}: is {_kind(factory)}, expected a function that builds")
    return factory


def load_codec(spec: str) -> Codec:
    """The `Codec` that a user's factory returns.

    Raises:
      UserFileError: for anything else, or a codec that does not turn a second of sound into a
        latent and back.
    """
    codec = build(spec)
    if not isinstance(codec, Codec):
        raise UserFileError(f"{spec}: returned {_kind(codec)}, expected an audioxai_jax.Codec")
    path, _ = _split(spec)
    second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
    with _users_code(path, f"encode fails on a second of sound {list(second.shape)}"):
        latent = jax.eval_shape(as_model(codec.encode), second)
    with _in_one_line(spec):
        check_latent(latent)
    with _users_code(path, f"decode fails on a latent {list(latent.shape)}"):
        sound = jax.eval_shape(as_model(codec.decode), latent)
    with _in_one_line(spec):
        check_audio(sound, "what decode returns")
        if codec.mean is not None and codec.mean.shape != latent.shape[1:]:
            raise ValueError(
                f"mean has {len(codec.mean)} channels, the codec's latents have {latent.shape[1]}"
            )
    return codec


def load_classifier(spec: str) -> Classifier:
    """The `Classifier` that a user's factory returns, tried with one second of silence.

    If nothing says what the outputs are, those that are probabilities are recognised, see
    `probing.recognise_outputs`.

    Raises:
      UserFileError: for anything else, such as a function that does not say what it reads, or
        outputs that are not logits or do not fit the labels.
    """
    return check_classifier(build(spec), spec, _split(spec)[0])


def check_classifier(classifier: Any, spec: str, path: Path) -> Classifier:
    """A classifier from outside, tried with one second of silence; see `load_classifier`.

    Args:
      classifier: whatever was returned.
      spec: how it was named.
      path: file that messages name.
    """
    if not isinstance(classifier, Classifier):
        raise UserFileError(
            f"{spec}: returned {_kind(classifier)}, expected a Classifier, which says what the "
            "function reads: return audioxai_jax.Classifier(function, "
            "reads=audioxai_jax.domains.samples(16000))"
        )
    model: Model = as_model(classifier.model)
    reads = classifier.reads
    second = jax.ShapeDtypeStruct((reads.sample_rate,), jnp.float32)
    with _users_code(path, f"{reads.name} fails on a second of sound {list(second.shape)}"):
        features = jax.eval_shape(reads.analyse, second)
    if classifier.frames is not None:
        shape = (classifier.frames, *features.shape[1:])
        features = jax.ShapeDtypeStruct(shape, features.dtype)
    what = f"fails on {list(features.shape)} of {reads.name}"
    with _users_code(path, what):
        logits = jax.eval_shape(model, features)
    with _in_one_line(spec):
        check_logits(logits, "the model", f"example {list(features.shape)} of {reads.name}")
        if classifier.labels is not None:
            check_labels(classifier.labels, logits.shape[0])
    if classifier.outputs not in (None, "softmax"):
        return classifier
    with _users_code(path, what):
        outputs = evaluate(model, features)
    with _in_one_line(spec):
        return dataclasses.replace(
            classifier, outputs=recognise_outputs(outputs, classifier.outputs)
        )


def load_method(spec: str, settings: Iterable[str] = ()) -> tuple[Method, dict[str, Any]]:
    """The `Method` that a user's factory returns, and the options it was made with."""
    factory = load_factory(spec)
    options = parse_settings(factory, settings, name=spec)
    method = build(spec, options)
    if not callable(method):
        raise UserFileError(
            f"{spec}: returned {_kind(method)}, expected a method (model, x, target, *, key)"
        )
    return as_method(method), options  # type: ignore[return-value]


def place(error: BaseException, spec: str) -> str:
    """Such as "my.py:12: ": the last line of a user's file that an exception went through."""
    path, _ = _split(spec)
    line = _line(error, path)
    return f"{path}:{line}: {type(error).__name__}: " if line else ""


def build(spec: str, options: Mapping[str, Any] | None = None) -> Any:
    """What a user's factory returns; errors are one line."""
    factory = load_factory(spec)
    with _users_code(_split(spec)[0], f"{spec} failed"):
        return factory(**(options or {}))


def _split(spec: str) -> tuple[Path, str]:
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not name.isidentifier():
        raise UserFileError(f"{spec}: write it as path/to/file.py:function")
    if not path.is_file():
        raise UserFileError(f"{file}: no such file")
    return path.resolve(), name


@contextlib.contextmanager
def _in_one_line(spec: str) -> Iterator[None]:
    """What a check refuses is said of the user's file."""
    try:
        yield
    except ValueError as error:
        raise UserFileError(f"{spec}: {error}") from None


@contextlib.contextmanager
def _users_code(path: Path, what: str) -> Iterator[None]:
    """The file's folder comes first on the import path; exceptions become one line."""
    is_python = path.suffix == ".py"
    if is_python:
        sys.path.insert(0, str(path.parent))
    try:
        yield
    except UserFileError:
        raise
    except (Exception, SystemExit) as error:
        message = " ".join(str(error).split("\n")[0].split())
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, path)
        place = f"{path}:{line}" if line else str(path)
        raise UserFileError(f"{place}: {what}: {type(error).__name__}: {message}") from error
    finally:
        if is_python:
            with contextlib.suppress(ValueError):
                sys.path.remove(str(path.parent))


def _line(error: BaseException, path: Path) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if Path(f.filename) == path), None)


def _kind(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
