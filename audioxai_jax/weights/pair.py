"""Classifiers of latents belong to the weights of one codec."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audioxai_jax.types import Codec
from audioxai_jax.weights import file_format, registry
from audioxai_jax.weights.file_format import WeightsError


def check_pair(codec: Codec, manifest: Mapping[str, Any]) -> None:
    """Refuses a classifier, by its manifest, that was made for another codec's latents.

    Raises:
      WeightsError: for another codec, or other weights of it.
    """
    if manifest["codec"] not in ("custom", codec.name):
        raise WeightsError(
            f"the classifier reads latents of the codec {manifest['codec']!r}, not of "
            f"{codec.name!r}: choose a classifier made for it, or that codec"
        )
    wanted = manifest.get("codec_sha256", "")
    if codec.fingerprint and wanted and codec.fingerprint != wanted:
        raise WeightsError(
            f"the classifier was trained with other weights of the codec {codec.name!r} (sha256 "
            f"{wanted[:12]}.., here {codec.fingerprint[:12]}..): train it on these, or choose those"
        )


def codec_beside(path: Path, manifest: Mapping[str, Any]) -> str | Path:
    """Where the codec of a classifier is: beside it, or a name that may be shipped."""
    name = str(manifest["codec"])
    beside = path.parent / name
    return beside if Path(f"{beside}.json").is_file() else name


def default_classifier(codec: Codec) -> str:
    """Name of the shipped classifier of a codec's latents: of `keywords`, if there are several.

    Raises:
      WeightsError: if none is shipped; it says how to train one.
    """
    found = []
    for name in registry.available()["classifier"]:
        manifest = file_format.read_manifest(registry.shipped_folder() / name)
        if manifest.get("codec") == codec.name:
            found.append((manifest.get("task") != "keywords", name))
    if not found:
        raise WeightsError(
            f"no classifier of latents of the codec {codec.name!r} is shipped: name one "
            "(--model), or train one with scripts/train_classifier.py, which takes that codec"
        )
    return min(found)[1]
