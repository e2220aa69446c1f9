"""What a subject is: a real model of other people, in a package of theirs, ready to be explained.

No weights are copied: each subject reads them from its package, which is found and not imported.
"""

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path

from audioxai_jax.core.extras import MissingExtra
from audioxai_jax.types import Classifier


@dataclasses.dataclass(frozen=True)
class Subject:
    """A row of `SUBJECTS`.

    Attributes:
      build: factory of the classifier; its options have defaults where a sensible one exists.
      task: decision of the model, in a few words, such as "speech or not".
      package: name and version of the package that has its weights, as pip reads it.
      install: arguments of `pip install` that bring it.
      licence: licence of the weights, as their authors state it.
      source: paper or page that describes the model.
      composite: LRP preset that suits its layers, see `propagation.PRESETS`.
      caveat: limit to know before its explanations are read, or "".
    """

    build: Callable[..., Classifier]
    task: str
    package: str
    install: str
    licence: str
    source: str
    composite: str
    caveat: str = ""

    @property
    def installed(self) -> bool:
        """Whether its package is there."""
        return package_folder(module_of(self.package)) is not None


def package_file(package: str, name: str, *, install: str) -> Path:
    """A file inside an installed package, which is not imported.

    Args:
      package: name of the module, such as "silero_vad".
      name: path of the file inside of it.
      install: arguments of `pip install` that bring it, for the message.

    Raises:
      MissingExtra: if the package is not installed, or lacks the file.
    """
    folder = package_folder(package)
    if folder is None:
        raise MissingExtra(f"this subject needs {package}: pip install {install}", name=package)
    path = folder / name
    if not path.is_file():
        raise MissingExtra(
            f"{package} in {folder} has no {name}: pip install {install}", name=package
        )
    return path


def package_folder(package: str) -> Path | None:
    """Folder of an installed module, or None."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def module_of(package: str) -> str:
    """Name of the module that a package installs: "silero-vad==6.2.3" has `silero_vad`."""
    return package.partition("==")[0].replace("-", "_").lower()
