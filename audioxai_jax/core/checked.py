"""Functions whose arguments are checked by name: one word means one thing, here as elsewhere."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from audioxai_jax.core.checks import as_floats, as_input
from audioxai_jax.core.contracts import as_key, check_method, check_model
from audioxai_jax.core.logits import as_targets

P = ParamSpec("P")
R = TypeVar("R")


def _model(value: Any, _: Any) -> Any:
    check_model(value, "the model")
    return value


def _method(value: Any, _: Any) -> Any:
    check_method(value)
    return value


RULES: dict[str, Callable[[Any, Any], Any]] = {
    "model": _model,
    "method": _method,
    "x": lambda value, _: as_input(value),
    "target": lambda value, model: as_targets(value, getattr(model, "labels", None)),
    "key": lambda value, _: as_key(value),
    **{
        name: lambda value, _, name=name: as_floats(value, name)
        for name in ("relevance", "scores", "a", "b", "whole", "kept", "removed")
    },
}
"""What is made of an argument, by its name; the second argument is the model, or None."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A function that refuses, in one line, arguments whose name says what they are, and are not.

    Lists become arrays, labels of a `Classifier` become their numbers. None passes where it is the
    default.

    Raises:
      TypeError (also a ValueError), ValueError: when called, see `checks`, `contracts`, `logits`.
    """
    signature = inspect.signature(function)
    known = [name for name in signature.parameters if name in RULES]

    @functools.wraps(function)
    def call(*args: P.args, **keywords: P.kwargs) -> R:
        given = signature.bind(*args, **keywords)
        model = given.arguments.get("model")
        for name in known:
            optional = signature.parameters[name].default is None
            if name in given.arguments and not (optional and given.arguments[name] is None):
                given.arguments[name] = RULES[name](given.arguments[name], model)
        return function(*given.args, **given.kwargs)  # type: ignore[arg-type]

    return call
