"""Published codecs by name: where their weights are, under which licence, how they are read.

The weights stay where they are: a user gives a folder of them, or names a repository. To make
another codec loadable, add its line to CODECS, and a function that reads its folder.
"""

import dataclasses
import difflib
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.published import huggingface
from audioxai_jax.types import Codec
from audioxai_jax.weights_file import WeightsError


@dataclasses.dataclass(frozen=True)
class Weights:
    """What the files of a codec hold.

    Attributes:
      config: of its network.
      params: nested dictionaries of float32 arrays.
      build: `(config, params, *, mean, name) -> Codec`.
      files: sha256 of each file that was read, by name, in the order of `Published.files`.
    """

    config: Any
    params: dict[str, Any]
    build: Callable[..., Codec]
    files: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """sha256 of the file; if there are several, that of theirs, one a line."""
        hashes = list(self.files.values())
        if len(hashes) == 1:
            return hashes[0]
        return hashlib.sha256("".join(f"{found}\n" for found in hashes).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Published:
    """A codec that others trained.

    Attributes:
      network: key of `pretrained.NETWORKS`.
      read: `folder -> Weights`; raises WeightsError.
      source: repository on the Hugging Face hub, or project, that publishes the weights.
      licence: of the weights, as the source states it.
      sample_rate: Hz.
      frames: of the latent per second, within a chunk where sound is cut into chunks.
      channels: of the latent.
      files: that a folder has to hold.
      on_hub: whether naming the repository is enough.
      as_pickle: whether the source holds nothing but a pickle, so that somebody has to convert it.
      rate: `folder -> Hz`, of a folder whose weights were not looked at yet, or None if nothing in
        it says so; raises WeightsError.
    """

    network: str
    read: Callable[[Path], Weights]
    source: str
    licence: str
    sample_rate: int
    frames: int
    channels: int
    files: tuple[str, ...] = (huggingface.CONFIG, huggingface.TENSORS)
    on_hub: bool = True
    as_pickle: bool = False
    rate: Callable[[Path], int] | None = None


def _encodec(folder: Path) -> Weights:
    from audioxai_jax.nets import encodec
    from audioxai_jax.published.encodec_config import config_from_json
    from audioxai_jax.published.encodec_tensors import params_from_tensors

    found = huggingface.read_folder(folder)
    try:
        config = config_from_json(found.fields)
        params = params_from_tensors(config, found.tensors)
    except WeightsError as error:
        raise WeightsError(f"{folder}: {error}") from None
    params = jax.tree.map(jnp.asarray, params)
    return Weights(config, params, encodec.codec, {huggingface.TENSORS: found.sha256})


def _encodec_rate(folder: Path) -> int:
    from audioxai_jax.published.encodec_config import config_from_json

    fields = huggingface.read_config(folder / huggingface.CONFIG)
    try:
        return config_from_json(fields).seanet.sample_rate
    except WeightsError as error:
        raise WeightsError(f"{folder}: {error}") from None


def _lyra(folder: Path) -> Weights:
    from audioxai_jax.nets import lyra
    from audioxai_jax.published.lyra import load_params

    params, files = load_params(folder)
    return Weights(lyra.LyraConfig(), params, lyra.codec, files)


CODECS = {
    "encodec_24khz": Published(
        "encodec",
        _encodec,
        "facebook/encodec_24khz",
        "none stated",
        24_000,
        75,
        128,
        rate=_encodec_rate,
    ),
    "encodec_48khz": Published(
        "encodec",
        _encodec,
        "facebook/encodec_48khz",
        "mit",
        48_000,
        150,
        129,
        rate=_encodec_rate,
    ),
    "encodec_32khz": Published(
        "encodec",
        _encodec,
        "facebook/encodec_32khz",
        "none stated (MusicGen, whose part it is: CC-BY-NC 4.0)",
        32_000,
        50,
        128,
        rate=_encodec_rate,
    ),
    "encodec_16khz": Published(
        "encodec",
        _encodec,
        "facebook/audiogen-medium",
        "cc-by-nc-4.0",
        16_000,
        50,
        128,
        on_hub=False,
        as_pickle=True,
        rate=_encodec_rate,
    ),
    "lyra_v2": Published(
        "lyra",
        _lyra,
        "github.com/google/lyra, lyra/model_coeffs",
        "Apache-2.0",
        16_000,
        50,
        64,
        files=("soundstream_encoder.tflite", "lyragan.tflite", "quantizer.tflite"),
        on_hub=False,
    ),
}


_CONVERTED = (
    f"give a folder that was converted to {huggingface.CONFIG} and {huggingface.TENSORS}, in "
    "transformers' names"
)


def load_published(name: str, weights: str | Path) -> tuple[Codec, dict[str, Any]]:
    """Loads a published codec and a manifest of it, see `weights_file`.

    Args:
      name: key of CODECS.
      weights: a folder that holds its files, or for those on the Hugging Face hub a repository
        such as "facebook/encodec_24khz", which is downloaded.

    Raises:
      WeightsError: if there is no such codec or folder, or the files are not what they should be.
    """
    codec, manifest, _ = read_published(name, weights)
    return codec, manifest


def read_published(
    name: str, weights: str | Path
) -> tuple[Codec, dict[str, Any], Mapping[str, Any]]:
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
    return dataclasses.replace(codec, fingerprint=found.fingerprint), manifest, found.params


def find(name: str) -> Published:
    """The line of CODECS; raises WeightsError, with the nearest name, if there is none."""
    if name in CODECS:
        return CODECS[name]
    if "/" in name or os.sep in name or name.endswith((".safetensors", ".json")):
        raise WeightsError(
            f"{name!r} is a path, whose weights are there: leave --codec-weights (in Python "
            "weights=) out"
        )
    near = difflib.get_close_matches(name, CODECS, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise WeightsError(
        f"{name!r} is no published codec, to which weights could be given: with --codec NAME say "
        f"whose they are, one of {', '.join(CODECS)}{hint}"
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
    near = [other for other, known in CODECS.items()
            if (known.network, known.sample_rate) == (entry.network, rate)]  # fmt: skip
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
        raise WeightsError(f"{weights}: no such folder, and {name} cannot be downloaded from the "
                           "Hugging Face hub: " + how_to_get(name))  # fmt: skip
    return huggingface.fetch(str(weights))
