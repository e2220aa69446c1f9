"""Methods by name, with options as text: what `--method NAME --set option=value` means.

Combinators take a method as an option: `--method smoothgrad --set method=lrp`, and options of
that method with a dot: `--set method.composite=epsilon_plus`.
"""

from collections.abc import Iterable
from typing import Any

from audioxai_jax.attribution import METHODS
from audioxai_jax.cli import user_files
from audioxai_jax.cli.settings import SettingError, parse_settings
from audioxai_jax.types import Classifier, Method

INNER = "method"
DEFAULT = "integrated_gradients"
"""Method of any model."""
DEFAULT_OF = {"transformer": ("lrp", ("composite=latent_transformer",))}
"""Methods of networks of latents, with their options: what others hear in most, see
`experiments/strangers`."""


def default_method(
    classifier: Classifier, settings: Iterable[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """The method where none is named, by the network of a checkpoint, and its options.

    Args:
      settings: options that the user gave, which come before the default's own.
    """
    name, own = DEFAULT_OF.get((classifier.manifest or {}).get("network", ""), (DEFAULT, ()))
    given = [text.split("=")[0].strip() for text in settings]
    return name, (*(text for text in own if text.split("=")[0] not in given), *settings)


def named_method(name: str, settings: Iterable[str] = ()) -> tuple[Method, dict[str, Any]]:
    """The method of a name in `METHODS`, or of a user's `FILE.py:FUNCTION`.

    Returns:
      The method, and all options that it was made with, defaults included; those of a method
      inside as a dictionary with its "name" and "options".

    Raises:
      SettingError: for a name or an option that does not exist, or a value of the wrong type.
      UserFileError: for a file that does not work.
    """
    settings = list(settings)
    if user_files.is_user_file(name):
        return user_files.load_method(name, settings)
    if name not in METHODS:
        raise SettingError(f"unknown method {name!r}: known are {', '.join(METHODS)}")
    factory = METHODS[name]
    inner = [text for text in settings if text.split("=")[0].strip().startswith(f"{INNER}.")]
    chosen = [text for text in settings if text.split("=")[0].strip() == INNER]
    others = [text for text in settings if text not in inner + chosen]
    options = parse_settings(factory, others, name=name)
    if INNER not in options and inner + chosen:
        raise SettingError(f"{name} has no option {INNER!r}: it does not combine methods")
    if len(chosen) > 1:
        raise SettingError(f"--set {INNER} is given twice")
    if inner and not chosen:
        raise SettingError(f"--set {inner[0]}: say which method by --set {INNER}=NAME")
    named = dict(options)
    if chosen:
        inner_name = chosen[0].partition("=")[2].strip()
        below = [text.strip().removeprefix(f"{INNER}.") for text in inner]
        options[INNER], inner_options = named_method(inner_name, below)
        named[INNER] = {"name": inner_name, "options": inner_options}
    return factory(**options), named
