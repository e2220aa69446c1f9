"""Checkpoint files: `<name>.safetensors` beside `<name>.json`, a manifest of what it is.

The manifest holds, as JSON:

============ ======================================================================
format       version of this layout, 1
kind         "codec", "classifier", "listener" or "network" (of AudioMNIST)
name         the checkpoint's name
network      key of `weights.registry.NETWORKS`
config       fields of the network's configuration
sha256       of the safetensors file
sample_rate  Hz, if the network has one
labels       of what classifies, in the order of the logits
codec        name of the codec whose latents a classifier reads
codec_sha256 of that codec's safetensors file
frames       latent frames that a classifier reads at once, or null
background   labels that count as background, see `audioxai_jax.core.windows`
task, split  key of `data.tasks.TASKS`, and of that data's splits: what was held out;
dataset      of a network: key of `experiments.audiomnist.clips.QUESTIONS`, with the task
metrics      what was measured, and on what
data         what it was trained on: name, licence and credit of each set
command      how it was trained
source       of converted weights: the repository or project that publishes them
source_files their files' sha256; source_sha256 is the fingerprint of these, see
             `published.table.Weights`
licence      of converted weights, as their source states it
note         anything else a user should know
============ ======================================================================

Tensors are float32; nested parameters are joined with "/". A codec's file may hold "mean",
its mean latent `[C]`. Nothing is trusted on loading: not the hash, names, shapes or types.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from audioxai_jax.core.files import make_folder, replace_file

FORMAT = 1


class WeightsError(ValueError):
    """A checkpoint that cannot be used; the message is one line and names the file."""


def write(
    folder: str | Path, name: str, fields: Mapping[str, Any], params: Mapping[str, Any]
) -> None:
    """Writes both files; `fields` of the manifest but for format and sha256, JSON values."""
    folder = make_folder(folder)
    tensors = {
        name: np.ascontiguousarray(leaf, np.float32) for name, leaf in flatten(params).items()
    }
    content = safetensors.numpy.save(tensors)
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = {"format": FORMAT, **fields, "sha256": sha256}
    replace_file(folder / f"{name}.safetensors", content)
    replace_file(folder / f"{name}.json", (json.dumps(manifest, indent=2) + "\n").encode())


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the checkpoint `path`, without suffix; its format and kind are right."""
    file = Path(f"{path}.json")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise WeightsError(f"{file}: is not JSON") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise WeightsError(f"{file}: is not a checkpoint's manifest (no format number)")
    if manifest["format"] != FORMAT:
        raise WeightsError(
            f"{file}: format {manifest['format']}, this version reads {FORMAT}: "
            + ("update audioxai_jax" if manifest["format"] > FORMAT else "convert it")
        )
    if not isinstance(manifest.get("kind"), str):
        raise WeightsError(f"{file}: lacks the field 'kind'")
    return manifest


def read_tensors(path: Path, sha256: str) -> dict[str, Any]:
    """The tensors of the checkpoint `path`, nested as they were, if the hash is right."""
    file = Path(f"{path}.safetensors")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read: {error.strerror}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"{file}: sha256 is {found[:12]}.., the manifest says {str(sha256)[:12]}..: the file "
            "is damaged, or belongs to another manifest"
        )
    try:
        return _nest(safetensors.numpy.load(content))
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"{file}: is not a safetensors file ({error})") from None


def check(path: Path, params: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises WeightsError unless names and shapes are those of `wanted`, and all is float32."""
    found, expected = flatten(params), flatten(wanted)
    for name in sorted(set(expected) - set(found)):
        raise WeightsError(f"{path}.safetensors: lacks the tensor {name!r}")
    for name in sorted(set(found) - set(expected)):
        raise WeightsError(f"{path}.safetensors: has a tensor {name!r} that the network has not")
    for name, tensor in found.items():
        shape = expected[name].shape
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise WeightsError(
                f"{path}.safetensors: {name!r} is {describe(tensor)}, expected float32 "
                f"{list(shape)}"
            )


def describe(tensor) -> str:
    """Such as "float32 [3, 4]"."""
    return f"{np.dtype(tensor.dtype).name} {list(tensor.shape)}"


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with keys joined by "/"."""
    flat = {}
    for name, value in tree.items():
        if "/" in name:
            raise ValueError(f"parameter names must not contain '/': {name!r}")
        nested = isinstance(value, Mapping)
        flat |= flatten(value, f"{prefix}{name}/") if nested else {prefix + name: value}
    return flat


def _nest(flat: Mapping[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = name.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
            if not isinstance(branch, dict):
                raise ValueError(f"tensor {name!r} lies inside another tensor")
        branch[last] = value
    return tree
