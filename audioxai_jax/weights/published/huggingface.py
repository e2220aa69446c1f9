"""Folders as `transformers` saves them, and repositories of such folders on the Hugging Face hub.

A folder holds `config.json` and `model.safetensors`. Nothing is trusted on reading: a file that is
missing, damaged, of other types or not finite is refused. Pickles are never read, as they run code.
The network is used only for a repository that was named, by the package `huggingface_hub`.
"""

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from audioxai_jax.core.extras import how_to_install
from audioxai_jax.weights.file_format import WeightsError

CONFIG = "config.json"
TENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Lists the files of a model that is split over several."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".th", ".pkl", ".pickle")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclasses.dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Attributes:
      fields: fields of `config.json`.
      tensors: float32, by their names.
      sha256: sha256 of `model.safetensors`.
    """

    fields: dict[str, Any]
    tensors: dict[str, np.ndarray]
    sha256: str


def read_folder(folder: str | Path) -> Folder:
    """Reads a folder.

    Raises:
      WeightsError: if a file is missing, damaged or not what it should be; one line that names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WeightsError(f"{folder}: is not a folder")
    refuse_other_forms(folder)
    if not (folder / TENSORS).exists():
        raise WeightsError(f"{folder}: holds no {TENSORS}")
    fields = read_config(folder / CONFIG)
    content = _read_bytes(folder / TENSORS)
    tensors = parse_tensors(content, folder / TENSORS)
    return Folder(fields, tensors, hashlib.sha256(content).hexdigest())


def read_config(file: Path) -> dict[str, Any]:
    """The fields of a `config.json`; raises WeightsError."""
    content = _read_bytes(file)
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        raise WeightsError(f"{file}: is not JSON") from None
    if not isinstance(fields, dict):
        raise WeightsError(f"{file}: is not a configuration: a {type(fields).__name__}, not fields")
    return fields


def parse_tensors(content: bytes, file: str | Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, all of them finite float32.

    Args:
      content: content of the file.
      file: named in errors.

    Raises:
      WeightsError: for anything else; one line that names the file, and the tensor.
    """
    try:
        found = safetensors.deserialize(content)
    except (safetensors.SafetensorError, ValueError, OverflowError) as error:
        raise WeightsError(
            f"{file}: is damaged, cut short or no safetensors file ({_line(error)}): get it again"
        ) from None
    tensors = {}
    for name, entry in found:
        if entry["dtype"] != "F32":
            raise WeightsError(
                f"{file}: {name!r} is {entry['dtype']}, expected F32: save the model as float32"
            )
        tensor = np.frombuffer(entry["data"], "<f4").reshape(entry["shape"])
        if not np.isfinite(tensor).all():
            raise WeightsError(f"{file}: {name!r} holds NaN or infinity: the file is damaged")
        tensors[name] = tensor
    return tensors


def is_repository(weights: str | Path) -> bool:
    """Whether a text names a repository, as "owner/name", rather than a folder here.

    Where a folder `owner` exists, the text is a path: a misspelt one must not be looked up.
    """
    text = str(weights)
    here = Path(text)
    return bool(REPOSITORY.fullmatch(text)) and not here.exists() and not here.parent.is_dir()


def download_command(repository: str) -> str:
    """What fetches a repository's two files into a folder of its name."""
    return f"hf download {repository} {CONFIG} {TENSORS} --local-dir {repository.partition('/')[2]}"


def fetch(repository: str) -> Path:
    """The folder of a repository's two files, downloaded if it is not in the hub's cache.

    Raises:
      WeightsError: if `huggingface_hub` is not installed, or nothing can be downloaded; it gives
        the command to run.
    """
    command = download_command(repository)
    try:
        from huggingface_hub import snapshot_download  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise WeightsError(
            how_to_install(f"{repository}: a download", "huggingface_hub", "hub")
            + f", or elsewhere {command}, and give that folder"
        ) from None
    try:
        return Path(snapshot_download(repository, allow_patterns=[CONFIG, TENSORS, INDEX]))
    except Exception as error:  # of the hub, of its network library, of the network
        raise WeightsError(
            f"{repository}: cannot be downloaded ({type(error).__name__}: {_line(error)}): where "
            f"there is a network run {command}, and give that folder"
        ) from None


def refuse_other_forms(folder: Path) -> None:
    """Raises WeightsError for a folder that holds a split model or a pickle instead of TENSORS."""
    names = sorted(file.name for file in folder.iterdir())
    if TENSORS in names:
        return
    split = [name for name in names if name == INDEX or re.match(r"model-\d+-of-\d+\.safet", name)]
    if split:
        raise WeightsError(
            f"{folder}: the model is split over several files ({split[0]}), one is read: save it "
            f"as one {TENSORS}"
        )
    pickles = [name for name in names if name.lower().endswith(PICKLES)]
    if pickles:
        raise WeightsError(
            f"{folder}: holds {pickles[0]} and no {TENSORS}: pickles are not read, since they run "
            "any code that is in them; where you trust it, load it with its own library, and save "
            "it there as safetensors"
        )


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read: {error.strerror}") from None


def _line(error: BaseException) -> str:
    """An exception's message as one short line."""
    text = " ".join(str(error).split())
    return text if len(text) <= 120 else text[:120] + ".."
