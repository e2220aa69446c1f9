"""Anybody's codec, classifier or method from the command line: `my.py:build`.

`build` is a function in a user's file. For `--codec` it returns a `Codec`; for
`--classifier` a `Classifier`, or any function `latent [F, C] -> logits [K]`; for `--method`
a `Method`, made with the options of `--set`. The file's folder is importable meanwhile.
"""

import ast
import contextlib
import dataclasses
import difflib
import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.cli.probing import evaluate, recognised
from audioxai_jax.core.checks import check_audio
from audioxai_jax.core.contracts import check_latent
from audioxai_jax.core.logits import check_labels, check_logits
from audioxai_jax.core.records import as_method, as_model
from audioxai_jax.types import Classifier, Codec, Method, Model


class PluginError(ValueError):
    """A user's file, or an option for its factory, that does not work out; one line."""


def is_plugin(text: str) -> bool:
    """Whether a command line value names a factory in a file, rather than something shipped."""
    return ".py:" in text


def digest(spec: str) -> str:
    """sha256 of the file of `path/to/file.py:name`."""
    return hashlib.sha256(_split(spec)[0].read_bytes()).hexdigest()


def load_factory(spec: str) -> Callable[..., Any]:
    """Imports the file of `path/to/file.py:name` and returns that attribute.

    A file that is named twice is run once, unless it was changed in between.

    Raises:
      PluginError: if there is no such file or attribute, or the file raises an exception.
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
        except PluginError:
            del sys.modules[module_name]
            raise
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if callable(value)]
        near = difflib.get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PluginError(f"{path}: defines no {name!r}{hint}")
    factory = getattr(module, name)
    if not callable(factory):
        raise PluginError(f"{spec}: is {_kind(factory)}, expected a function that builds")
    return factory


def load_codec(spec: str) -> Codec:
    """The `Codec` that a user's factory returns.

    Raises:
      PluginError: if it is none, or turns a second of sound into what is no latent or no sound.
    """
    codec = _build(spec)
    if not isinstance(codec, Codec):
        raise PluginError(f"{spec}: returned {_kind(codec)}, expected an audioxai_jax.Codec")
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


def load_classifier(spec: str, codec: Codec) -> Classifier:
    """The `Classifier` that a user's factory returns.

    A function becomes a classifier of latents of any length, with the labels class_0, class_1
    and so on; how many is found by tracing it with one second of latent. If nothing says what the
    outputs are, those that are probabilities are recognised, see `probing.recognised`.

    Raises:
      PluginError: if it is none, or its outputs are no logits, or other than it has labels for.
    """
    found = _build(spec)
    if not callable(found) or isinstance(found, type):
        raise PluginError(
            f"{spec}: returned {_kind(found)}, expected an audioxai_jax.Classifier or a function "
            "latent [F, C] -> logits [K]"
        )
    own = found if isinstance(found, Classifier) else None
    if own is not None and own.codec not in ("custom", codec.name):
        return own  # check_pair says it
    path, _ = _split(spec)
    model: Model = as_model(found if own is None else own.model)
    second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
    latent = jax.eval_shape(as_model(codec.encode), second)
    if own is not None and own.frames is not None:
        latent = jax.ShapeDtypeStruct((own.frames, latent.shape[1]), latent.dtype)
    with _users_code(path, f"fails on a latent {list(latent.shape)}"):
        logits = jax.eval_shape(model, latent)
    with _in_one_line(spec):
        who = "the function" if own is None else "the model"
        check_logits(logits, who, f"latent {list(latent.shape)}")
        if own is not None:
            check_labels(own.labels, logits.shape[0])
    labels = tuple(f"class_{index}" for index in range(logits.shape[0]))
    classifier = own or Classifier(model=model, labels=labels, codec=codec.name)
    with _users_code(path, f"fails on a latent {list(latent.shape)}"):
        outputs = evaluate(model, latent)
    with _in_one_line(spec):
        return dataclasses.replace(classifier, outputs=recognised(outputs, classifier.outputs))


def load_method(spec: str, settings: Iterable[str] = ()) -> tuple[Method, dict[str, Any]]:
    """The `Method` that a user's factory returns, and the options it was made with."""
    factory = load_factory(spec)
    options = parse_options(factory, settings, name=spec)
    method = _build(spec, **options)
    if not callable(method):
        raise PluginError(
            f"{spec}: returned {_kind(method)}, expected a method (model, x, target, *, key)"
        )
    return as_method(method), options  # type: ignore[return-value]


def place(error: BaseException, spec: str) -> str:
    """Such as "my.py:12: ": the last line of a user's file that an exception went through."""
    path, _ = _split(spec)
    line = _line(error, path)
    return f"{path}:{line}: {type(error).__name__}: " if line else ""


def parse_options(
    factory: Callable[..., Any], settings: Iterable[str], *, name: str
) -> dict[str, Any]:
    """Reads `option=value` texts as a factory's signature wants them.

    The type is that of the option's default, else of its annotation; options of any other
    type than int, float, bool and str are read as Python literals.

    Returns:
      Every option of the factory, defaults included.

    Raises:
      PluginError: for an unknown, missing or repeated option, or a value of the wrong type.
    """
    parameters = {
        key: parameter
        for key, parameter in inspect.signature(factory).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    options: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        key = key.strip()
        if not separator:
            raise PluginError(f"--set {setting}: write it as option=value")
        if key not in parameters:
            known = ", ".join(parameters) or "none"
            raise PluginError(f"{name} has no option {key!r}: its options are {known}")
        if key in options:
            raise PluginError(f"--set {key} is given twice")
        options[key] = _parse(parameters[key], text.strip(), f"--set {setting}")
    for key, parameter in parameters.items():
        if key not in options and parameter.default is parameter.empty:
            raise PluginError(f"{name} needs the option {key!r}: add --set {key}=VALUE")
        options.setdefault(key, parameter.default)
    return options


def _parse(parameter: inspect.Parameter, text: str, where: str) -> Any:
    known = {"bool": bool, "int": int, "float": float, "str": str}
    wanted = type(parameter.default)
    if wanted not in known.values():
        annotation = parameter.annotation
        wanted = known.get(
            annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        )
    if wanted is bool:
        values = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in values:
            raise PluginError(f"{where}: expected true or false")
        return values[text.lower()]
    try:
        return ast.literal_eval(text) if wanted is None else wanted(text)
    except (ValueError, SyntaxError):
        kinds = {int: "a whole number", float: "a number"}
        raise PluginError(f"{where}: expected {kinds.get(wanted, 'a Python literal')}") from None


def _build(spec: str, **options: Any) -> Any:
    factory = load_factory(spec)
    with _users_code(_split(spec)[0], f"{spec} failed"):
        return factory(**options)


def _split(spec: str) -> tuple[Path, str]:
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not name.isidentifier():
        raise PluginError(f"{spec}: write it as path/to/file.py:function")
    if not path.is_file():
        raise PluginError(f"{file}: no such file")
    return path.resolve(), name


@contextlib.contextmanager
def _in_one_line(spec: str) -> Iterator[None]:
    """What a check refuses is said of the user's file."""
    try:
        yield
    except ValueError as error:
        raise PluginError(f"{spec}: {error}") from None


@contextlib.contextmanager
def _users_code(path: Path, what: str) -> Iterator[None]:
    """The file's folder comes first on the import path; exceptions become one line."""
    sys.path.insert(0, str(path.parent))
    try:
        yield
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        message = " ".join(str(error).split("\n")[0].split())
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, path)
        place = f"{path}:{line}" if line else str(path)
        raise PluginError(f"{place}: {what}: {type(error).__name__}: {message}") from error
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(path.parent))


def _line(error: BaseException, path: Path) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if Path(f.filename) == path), None)


def _kind(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
