"""Packages that the library does without until they are wanted: the extras of its installation.

Inside `with needed_by("audioxai_jax.training")`, the import of a package that is not installed
fails in one line, which says what to install.
"""

import contextlib
from collections.abc import Iterator

EXTRAS: dict[str, tuple[str, ...]] = {
    "data": ("tensorflow_datasets", "grain", "librosa"),
    "train": ("optax", "orbax"),
    "hub": ("huggingface_hub",),
    "formats": ("av",),
    "onnx": ("onnx",),
    "torch": ("torch", "onnx", "onnxscript"),
    "keras": ("keras",),
}
"""Modules by the extra that installs them, as pyproject.toml has it."""


class MissingExtra(ImportError, ValueError):
    """A package is not installed that only a part of the library needs."""


@contextlib.contextmanager
def needed_by(user: str) -> Iterator[None]:
    """Imports of optional packages, which say in one line how to install a missing one.

    Args:
      user: user of the packages, the subject of the message, such as a module's name.

    Raises:
      MissingExtra: if one of EXTRAS is not installed; other failures pass as they are.
    """
    try:
        yield
    except ImportError as error:
        module = (error.name or "").partition(".")[0]
        extra = extra_of(module)
        if extra is None:
            raise
        raise MissingExtra(how_to_install(user, module, extra), name=module) from None


def extra_of(module: str) -> str | None:
    """The extra that installs a module; None if none does."""
    return next((extra for extra, modules in EXTRAS.items() if module in modules), None)


def how_to_install(user: str, module: str, extra: str) -> str:
    """The message, one line."""
    return f"{user} needs {module}: pip install 'audioxai_jax[{extra}]'"
