"""One file of a package, imported without the rest of the package and of what that needs.

A network's class often stands in a file that also plots, resamples or reads sound, by packages
that the network does without. The weights and the class are all that a subject wants.
"""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from audioxai_jax.core.extras import needed_by
from audioxai_jax.models.subjects.protocol import package_file


def package_module(
    package: str, name: str, *, install: str, without: Mapping[str, Mapping[str, Any]]
) -> ModuleType:
    """A file of an installed package as a module, while the package itself stays unimported.

    Args:
      package: name of the package, such as "torchcrepe".
      name: path of the file inside of it, such as "model.py".
      install: arguments of `pip install` that bring the package, for the message.
      without: modules that the file imports and that are replaced, with the names that each then
        has. The package itself is one of them if the file imports it.

    Raises:
      MissingExtra: if the package is not installed, or lacks the file.
    """
    path = package_file(package, name, install=install)
    spec = importlib.util.spec_from_file_location(f"_{package}_{Path(name).stem}", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # has its source
    with _replaced(without):
        spec.loader.exec_module(module)
    return module


def checkpoint(package: str, name: str, *, install: str) -> dict[str, Any]:
    """What a torch checkpoint inside a package holds: tensors and numbers, no code.

    Raises:
      MissingExtra: if the package is not installed, or lacks the file.
    """
    with needed_by(f"the subject {package}"):
        import torch  # pyright: ignore[reportMissingImports]

    path = package_file(package, name, install=install)
    return torch.load(path, map_location="cpu", weights_only=True)


@contextlib.contextmanager
def _replaced(modules: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    before = {name: sys.modules.get(name) for name in modules}
    for name, values in modules.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(values)
    try:
        yield
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module
