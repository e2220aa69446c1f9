"""The table of published codecs: where their weights are, under which licence, how they are read.

To make another codec loadable, add its line to PUBLISHED, and a function that reads its folder.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from audioxai_jax.types import Codec
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import huggingface


@dataclasses.dataclass(frozen=True)
class Weights:
    """What the files of a codec hold.

    Attributes:
      config: configuration of its network.
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
      network: key of `nets.codecs.CODECS`.
      read: `folder -> Weights`; raises WeightsError.
      source: repository on the Hugging Face hub, or project, that publishes the weights.
      licence: licence of the weights, as the source states it.
      sample_rate: Hz.
      frames: frames of the latent per second, within a chunk where sound is cut into chunks.
      channels: number of channels of the latent.
      files: files that a folder has to hold.
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
    from audioxai_jax.nets.codecs import encodec
    from audioxai_jax.weights.published.encodec_config import config_from_json
    from audioxai_jax.weights.published.encodec_tensors import params_from_tensors

    found = huggingface.read_folder(folder)
    try:
        config = config_from_json(found.fields)
        params = params_from_tensors(config, found.tensors)
    except WeightsError as error:
        raise WeightsError(f"{folder}: {error}") from None
    params = jax.tree.map(jnp.asarray, params)
    return Weights(config, params, encodec.codec, {huggingface.TENSORS: found.sha256})


def _encodec_rate(folder: Path) -> int:
    from audioxai_jax.weights.published.encodec_config import config_from_json

    fields = huggingface.read_config(folder / huggingface.CONFIG)
    try:
        return config_from_json(fields).seanet.sample_rate
    except WeightsError as error:
        raise WeightsError(f"{folder}: {error}") from None


def _lyra(folder: Path) -> Weights:
    from audioxai_jax.nets.codecs import lyra
    from audioxai_jax.weights.published.lyra import load_params

    params, files = load_params(folder)
    return Weights(lyra.LyraConfig(), params, lyra.codec, files)


PUBLISHED: dict[str, Published] = {
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
