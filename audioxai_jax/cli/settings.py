"""Options of a factory as text: what `--set steps=64` means to its signature."""

import ast
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from audioxai_jax.attribution.segments import Few

KINDS = {"bool": bool, "int": int, "float": float, "str": str}
"""Types that are read as such; all others are read as Python literals."""
EXPECTED = {int: "a whole number", float: "a number"}
SWITCHES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class SettingError(ValueError):
    """An option that does not exist, or a value that cannot be read; the message is one line."""


def parse_settings(
    factory: Callable[..., Any], settings: Iterable[str], *, name: str, option: str = "--set"
) -> dict[str, Any]:
    """Reads `option=value` texts by a factory's signature.

    The type is that of the option's default, else of its annotation. A text may be a bare word, and
    a sequence of texts names between commas; options of any other type than int, float, bool
    and str are read as Python literals.

    Args:
      factory: a function of options.
      settings: the texts.
      name: name of the factory, in messages.
      option: option of the command line, in messages.

    Returns:
      Every option of the factory, defaults included.

    Raises:
      SettingError: for an unknown, missing or repeated option, or a value of the wrong type.
    """
    parameters = parameters_of(factory)
    options: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        key = key.strip()
        if not separator:
            raise SettingError(f"{option} {setting}: write it as option=value")
        if key not in parameters:
            known = ", ".join(parameters) or "none"
            raise SettingError(f"{name} has no option {key!r}: its options are {known}")
        if key in options:
            raise SettingError(f"{option} {key} is given twice")
        options[key] = _parse(parameters[key], text.strip(), f"{option} {setting}")
    for key, parameter in parameters.items():
        if key not in options and parameter.default is parameter.empty:
            raise SettingError(f"{name} needs the option {key!r}: add {option} {key}=VALUE")
        options.setdefault(key, parameter.default)
    return options


def parameters_of(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options of a factory by name."""
    return {
        key: parameter
        for key, parameter in inspect.signature(factory).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }


def format_value(value: Any) -> str | None:
    """A default as `parse_settings` reads it; None for one that means "chosen automatically"."""
    if isinstance(value, Few):
        value = value.count
    if value is None or value is inspect.Parameter.empty:
        return None
    return value if isinstance(value, str) else repr(value)


def _parse(parameter: inspect.Parameter, text: str, where: str) -> Any:
    kind = type(parameter.default)
    if kind not in KINDS.values():
        annotation = parameter.annotation
        name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        kind = KINDS.get(name)
        if kind is None and (texts := _as_texts(annotation, text)) is not None:
            return texts
    if kind is bool:
        if text.lower() not in SWITCHES:
            raise SettingError(f"{where}: expected true or false")
        return SWITCHES[text.lower()]
    try:
        return ast.literal_eval(text) if kind is None else kind(text)
    except (ValueError, SyntaxError):
        kinds = (kind, *typing.get_args(parameter.annotation))
        expected = next((EXPECTED[one] for one in kinds if one in EXPECTED), "a Python literal")
        raise SettingError(f"{where}: expected {expected}") from None


def _as_texts(annotation: Any, text: str) -> Any:
    """A word, or names between commas, where a parameter takes such; quotes and None as in Python.

    None where it takes neither.
    """
    kinds = (
        typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    )
    names = any(typing.get_origin(kind) is Sequence for kind in kinds)
    words = not names and str in kinds and not {int, float, bool}.intersection(kinds)
    if not names and not words or text == "None" or text[:1] in ("'", '"', "(", "["):
        return None
    return tuple(name.strip() for name in text.split(",")) if names else text
