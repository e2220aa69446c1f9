"""Folders as `transformers` saves its audio models: what they say, and what is refused of them."""

import dataclasses
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audioxai_jax.core.extras import needed_by
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.huggingface.front_ends import FrontEnd, front_end
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published.huggingface import CONFIG, is_repository, read_config

PREPROCESSOR, PROCESSOR, VOCABULARY = (
    "preprocessor_config.json",
    "processor_config.json",
    "vocab.json",
)
PATTERNS = (
    CONFIG,
    PREPROCESSOR,
    PROCESSOR,
    VOCABULARY,
    "*.safetensors",
    "*.safetensors.index.json",
)
HEADS = {
    "ForSequenceClassification": "classes",
    "ForAudioClassification": "classes",
    "ForCTC": "tokens",
    "Model": "embedding",
}
"""What the outputs are, by the end of the architecture's name."""
LARGEST_HEADER = 100_000_000


@dataclasses.dataclass(frozen=True)
class Folder:
    """What a folder says.

    Attributes:
      path: the folder.
      architecture: class of transformers, such as "Wav2Vec2ForCTC".
      head: "classes", "tokens" or "embedding".
      front: front end.
      sample_rate: rate of the front end, Hz.
      precision: types of the stored weights, such as "F16".
    """

    path: Path
    architecture: str
    head: str
    front: FrontEnd
    sample_rate: int
    precision: tuple[str, ...]


def find(source: str | Path) -> Path:
    """The folder, downloaded if it is the name of a repository.

    Raises:
      BridgeError: if there is none, or nothing can be downloaded.
      MissingExtra: for a name, without the package huggingface_hub.
    """
    if Path(source).is_dir():
        return Path(source)
    if not is_repository(source):
        raise BridgeError(f"{source}: is not a folder, nor a repository's name as 'owner/name'")
    with needed_by(f"{source}: a download"):
        from huggingface_hub import snapshot_download  # pyright: ignore[reportMissingImports]
    try:
        return Path(snapshot_download(str(source), allow_patterns=list(PATTERNS)))
    except Exception as error:  # of the hub, of its network library, of the network
        reason = " ".join(str(error).split())[:120]
        raise BridgeError(
            f"{source}: cannot be downloaded ({type(error).__name__}: {reason}): where there is a "
            "network run hf download, and give that folder"
        ) from None


def read(path: Path) -> Folder:
    """What a folder says, without running anything in it.

    Raises:
      BridgeError: for a missing or damaged file, weights in pickles, code of the model's own, or
        an architecture or front end that is not known.
    """
    try:
        fields = read_config(path / CONFIG)
    except WeightsError as error:
        raise BridgeError(str(error)) from None
    architecture, head = _architecture(path, fields)
    precision = _precision(path)
    preprocessor = _preprocessor(path)
    front = front_end(preprocessor, str(path / PREPROCESSOR))
    rate = int(preprocessor.get("sampling_rate", 16_000))
    return Folder(path, architecture, head, front, rate, precision)


def _architecture(path: Path, fields: Mapping[str, Any]) -> tuple[str, str]:
    if fields.get("auto_map"):
        raise BridgeError(
            f"{path}: the model needs code of its own (auto_map), which is not run: where you "
            "trust it, load it with transformers and give the module to from_torch"
        )
    names = fields.get("architectures") or ["none"]
    name = str(names[0])
    head = next((head for end, head in HEADS.items() if name.endswith(end)), None)
    if head is None:
        raise BridgeError(
            f"{path / CONFIG}: the architecture {name!r} is not read: read are names that end in "
            f"{', '.join(HEADS)}; for others load the module and give it to from_torch"
        )
    return name, head


def _preprocessor(path: Path) -> Mapping[str, Any]:
    try:
        if (path / PREPROCESSOR).exists():
            return read_config(path / PREPROCESSOR)
        if (path / PROCESSOR).exists():
            return read_config(path / PROCESSOR).get("feature_extractor") or {}
    except WeightsError as error:
        raise BridgeError(str(error)) from None
    raise BridgeError(
        f"{path}: holds no {PREPROCESSOR}, which says what the model reads: save the feature "
        "extractor there as well"
    )


def _precision(path: Path) -> tuple[str, ...]:
    """Types of the weights, of the headers of their files.

    Raises:
      BridgeError: for a folder without such files, or a damaged one.
    """
    files = sorted(path.glob("*.safetensors"))
    if not files:
        others = sorted(
            p.name for p in path.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".h5")
        )
        if others:
            raise BridgeError(
                f"{path}: holds {others[0]} and no safetensors: pickles are not read, since they "
                "run any code that is in them; where you trust it, load it with transformers, and "
                "save it again"
            )
        raise BridgeError(f"{path}: holds no safetensors file")
    kinds: set[str] = set()
    for file in files:
        try:
            with file.open("rb") as stream:
                (size,) = struct.unpack("<Q", stream.read(8))
                header = json.loads(stream.read(min(size, LARGEST_HEADER)))
            kinds |= {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
        except (OSError, ValueError, struct.error, TypeError, KeyError, AttributeError):
            raise BridgeError(f"{file}: is damaged, or no safetensors file: get it again") from None
    return tuple(sorted(kinds))


def tokens(path: Path, count: int) -> tuple[str, ...]:
    """The tokens of a vocabulary by number; those that it leaves out are "<number>".

    Raises:
      BridgeError: if the vocabulary is missing, or does not fit.
    """
    try:
        numbers = read_config(path / VOCABULARY)
    except WeightsError as error:
        raise BridgeError(f"{error}: give labels=") from None
    names = {number: str(token) for token, number in numbers.items() if isinstance(number, int)}
    if not names or max(names) >= count:
        raise BridgeError(
            f"{path / VOCABULARY}: has numbers up to {max(names, default=-1)}, the model has "
            f"{count} outputs: give labels="
        )
    return tuple(names.get(number, f"<{number}>") for number in range(count))
