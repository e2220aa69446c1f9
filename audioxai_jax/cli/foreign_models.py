"""Models of other frameworks on the command line: `onnx:PATH`, `torch:FILE.py:build`, `hf:FOLDER`.

`build` is a function in a user's file that takes no argument. For `torch:` it returns a module and
an example of its input, a batch of one; for `keras:` a Keras model. Options of the bridge, such as
the sample rate, come by `--model-set`.
"""

import functools
import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from audioxai_jax.cli import user_files
from audioxai_jax.cli.options import choose
from audioxai_jax.cli.settings import parse_settings
from audioxai_jax.types import Classifier

OPTION = "--model-set"
BRIDGES = {
    "onnx": "an ONNX file",
    "tflite": "a TensorFlow Lite file",
    "hf": "a folder or a repository of transformers",
    "torch": "FILE.py:FUNCTION that returns a module and an example",
    "keras": "FILE.py:FUNCTION that returns a Keras model",
    "subject": "a name that `audioxai subjects` lists",
}
"""What stands behind the colon, by what stands before it."""

FUNCTIONS = {
    "onnx": ("onnx", "from_onnx"),
    "tflite": ("tflite", "from_tflite"),
    "hf": ("huggingface", "from_huggingface"),
    "torch": ("pytorch", "from_torch"),
    "keras": ("keras", "from_keras"),
}
"""Modules of `models.bridges`, imported when used, and their functions."""

UNTOLD = ("onnx", "tflite", "torch", "keras")
"""Bridges to files that do not tell the sample rate."""


HINTS = {
    **dict.fromkeys(
        (".pt", ".pth", ".ckpt"),
        (
            "write a function that builds the module and loads this file, and give --model "
            "torch:FILE.py:FUNCTION"
        ),
    ),
    **dict.fromkeys(
        (".keras", ".h5"),
        (
            "write a function that returns keras.models.load_model(..) of this file, and give "
            "--model keras:FILE.py:FUNCTION"
        ),
    ),
    ".onnx": "write --model onnx:{}",
    ".tflite": "write --model tflite:{}",
}
"""What to write for a file of another framework that is named as it is, by its suffix."""


def hint(name: str) -> str:
    """What to write instead of a file of another framework; "" for other names."""
    return HINTS.get(Path(name).suffix.lower(), "").format(name)


def is_foreign(text: str) -> bool:
    """Whether a value of `--model` begins with the name of a bridge and a colon."""
    scheme, colon, _ = text.partition(":")
    return bool(colon) and scheme in BRIDGES


def load_foreign(spec: str, settings: Iterable[str] = ()) -> Classifier:
    """The classifier of `SCHEME:NAME`, tried with one second of silence.

    Raises:
      CliError: for an unknown subject.
      SettingError: for an option that does not exist, or a value of the wrong type.
      UserFileError: for a user's file that does not work, or does not return what is asked for.
      BridgeError: for a model that cannot be read.
      MissingExtra: for a framework that is not installed.
    """
    scheme, _, name = spec.partition(":")
    if not name:
        raise user_files.UserFileError(f"{spec}: write {scheme}: and {BRIDGES[scheme]}")
    factory = _factory(scheme, name)
    options = parse_settings(factory, settings, name=spec, option=OPTION)
    if scheme in UNTOLD and options["sample_rate"] is None:
        raise user_files.UserFileError(
            f"{spec}: which sample rate it was made for, only you know: add {OPTION} "
            "sample_rate=16000, in Hz"
        )
    return user_files.check_classifier(factory(**options), spec, Path(name))


def users_file(spec: str) -> str | None:
    """The `FILE.py:FUNCTION` of a value of `--model`, or None."""
    name = spec.partition(":")[2] if is_foreign(spec) else spec
    return name if user_files.is_user_file(name) else None


def _factory(scheme: str, name: str) -> Callable[..., Classifier]:
    """A function of options alone."""
    if scheme == "subject":
        return _subject(name)
    if scheme in ("torch", "keras") and (instead := hint(name)):
        raise user_files.UserFileError(
            f"--model {scheme}:{name}: takes FILE.py:FUNCTION: {instead}"
        )
    module, function = FUNCTIONS[scheme]
    bridge = getattr(importlib.import_module(f"audioxai_jax.models.bridges.{module}"), function)
    if scheme == "torch":
        return functools.partial(bridge, *_module_and_example(name))
    if scheme == "keras":
        return functools.partial(bridge, user_files.build(name))
    return functools.partial(bridge, name if scheme == "hf" else Path(name))


def _module_and_example(spec: str) -> tuple[Any, Any]:
    built = user_files.build(spec)
    if not isinstance(built, tuple) or len(built) != 2:
        raise user_files.UserFileError(
            f"{spec}: returned {type(built).__name__}, expected a pair: the module, and an example "
            "of its input with a leading axis of 1, such as torch.zeros(1, 16000)"
        )
    return built


def _subject(name: str) -> Callable[..., Classifier]:
    from audioxai_jax.models.subjects import SUBJECTS

    return SUBJECTS[choose("subject", name, SUBJECTS)].build
