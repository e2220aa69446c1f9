"""Published codecs by name, see `published.table`.

The weights stay where they are: a user gives a folder of them, or names a repository.
"""

import dataclasses
import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audioxai_jax.types import Codec
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import huggingface
from audioxai_jax.weights.published.table import PUBLISHED, Published

_CONVERTED = (
    f"give a folder that was converted to {huggingface.CONFIG} and {huggingface.TENSORS}, in "
    "transformers' names"
)


def load_published(name: str, weights: str | Path) -> Codec:
    """Loads a published codec, with a manifest of it.

    Args:
      name: key of PUBLISHED.
      weights: a folder that holds its files, or for those on the Hugging Face hub a repository
        such as "facebook/encodec_24khz", which is downloaded.

    Raises:
      WeightsError: if there is no such codec or folder, or the files are not what they should be.
    """
    return read_published(name, weights)[0]


def read_published(name: str, weights: str | Path) -> tuple[Codec, Mapping[str, Any]]:
    """As `load_published`, and the codec's parameters."""
    entry = find(name)
    folder = _find_folder(name, entry, weights)
    try:
        _check_files(name, entry, folder)
        if entry.rate is not None:
            _check_rate(name, entry, folder, entry.rate(folder))
        found = entry.read(folder)
        codec = found.build(found.config, found.params, mean=None, name=name)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"{folder}: cannot be read: {error.strerror or error}") from None
    _check_rate(name, entry, folder, codec.sample_rate)
    manifest = {
        "kind": "codec",
        "name": name,
        "sample_rate": codec.sample_rate,
        "network": entry.network,
        "config": dataclasses.asdict(found.config),
        "source": str(weights) if huggingface.is_repository(weights) else entry.source,
        "licence": entry.licence,
        "source_files": found.files,
        "source_sha256": found.fingerprint,
        "sha256": found.fingerprint,
    }
    codec = dataclasses.replace(codec, fingerprint=found.fingerprint, manifest=manifest)
    return codec, found.params


def find(name: str) -> Published:
    """The line of PUBLISHED; raises WeightsError, with the nearest name, if there is none."""
    if name in PUBLISHED:
        return PUBLISHED[name]
    if "/" in name or os.sep in name or name.endswith((".safetensors", ".json")):
        raise WeightsError(
            f"{name!r} is a path, whose weights are there: leave --codec-weights (in Python "
            "weights=) out"
        )
    near = difflib.get_close_matches(name, PUBLISHED, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise WeightsError(
        f"{name!r}: unknown codec; --codec-weights needs --codec to be one of "
        f"{', '.join(PUBLISHED)}{hint}"
    )


def how_to_get(name: str) -> str:
    """What a user has to give, as one line."""
    entry = find(name)
    files = ", ".join(entry.files)
    if entry.as_pickle:
        return f"{_CONVERTED}: {entry.source} publishes it as a pickle only, which is never read"
    if not entry.on_hub:
        return f"give a folder that holds {files} (of {entry.source})"
    return (
        f"give {entry.source}, which is downloaded, or a folder that holds its {files} "
        f"({huggingface.download_command(entry.source)})"
    )


def _check_files(name: str, entry: Published, folder: Path) -> None:
    missing = [file for file in entry.files if not (folder / file).exists()]
    if huggingface.TENSORS in missing:
        huggingface.refuse_other_forms(folder)
    if missing:
        raise WeightsError(f"{folder}: holds no {' and no '.join(missing)}: {how_to_get(name)}")


def _check_rate(name: str, entry: Published, folder: Path, rate: int) -> None:
    if rate == entry.sample_rate:
        return
    near = [
        other
        for other, known in PUBLISHED.items()
        if (known.network, known.sample_rate) == (entry.network, rate)
    ]
    hint = f": is it {near[0]}?" if near else ""
    raise WeightsError(
        f"{folder}: holds a codec of {rate} Hz, {name} works at {entry.sample_rate} Hz{hint}"
    )


def _find_folder(name: str, entry: Published, weights: str | Path) -> Path:
    if not str(weights).strip():
        raise WeightsError(
            f"--codec-weights (in Python weights=) is empty: for {name} {how_to_get(name)}"
        )
    folder = Path(weights)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise WeightsError(f"{folder}: is a file: {how_to_get(name)}")
    if not huggingface.is_repository(weights):
        raise WeightsError(f"{folder}: no such folder: {how_to_get(name)}")
    if entry.as_pickle and str(weights) == entry.source:
        raise WeightsError(
            f"{weights}: is published there as a pickle only, which is never read: {_CONVERTED}"
        )
    if not entry.on_hub:
        raise WeightsError(
            f"{weights}: no such folder, and {name} cannot be downloaded from the "
            "Hugging Face hub: " + how_to_get(name)
        )
    return huggingface.fetch(str(weights))
