"""A checkpoint against its network: manifest, configuration and tensors are what they should be.

`audioxai_jax.weights.file_format` reads the two files and knows nothing of networks; here each
field of the manifest is checked, the configuration is made of its fields, and the tensors have to
be what the network's `init` makes of that.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.nets.network import Network
from audioxai_jax.weights import file_format
from audioxai_jax.weights.file_format import WeightsError

TEXT_FIELDS = (
    "sha256",
    "name",
    "codec",
    "codec_sha256",
    "task",
    "split",
    "source",
    "source_sha256",
    "licence",
)
LIST_FIELDS = ("labels", "background")
"""Fields of a manifest that are texts, and lists of texts."""

NEEDED_FIELDS = ("config", "sha256", "name")
NEEDED_OF_CLASSIFIERS = ("labels", "codec", "frames")
"""Fields that a manifest must have, besides those that say what it is."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What was read and fits together.

    Attributes:
      path: path of the files, without suffix.
      manifest: manifest as the file has it; its fields have the right types.
      network: network that it names.
      config: configuration of the network.
      params: JAX arrays, nested as the network's `init` makes them.
      mean: a codec's mean latent as it was stored, unchecked, or None.
    """

    path: Path
    manifest: dict[str, Any]
    network: Network
    config: Any
    params: Any
    mean: np.ndarray | None = None


def read(path: Path, kind: str, networks: Mapping[str, Network]) -> Checkpoint:
    """Reads a checkpoint of one kind.

    Args:
      path: path of the files, without suffix.
      kind: expected kind of checkpoint, see `file_format`.
      networks: known networks, by the name that a manifest gives.

    Raises:
      WeightsError: if it cannot be read, or is not what it says.
    """
    manifest = file_format.read_manifest(path)
    if manifest["kind"] != kind:
        raise WeightsError(f"{path}.json: is a {manifest['kind']}, expected a {kind}")
    network, config = check_manifest(path, manifest, networks)
    tensors = file_format.read_tensors(path, manifest["sha256"])
    mean = tensors.pop("mean", None) if kind == "codec" else None
    params = _params(path, network, config, tensors)
    return Checkpoint(path, manifest, network, config, params, mean)


def check_manifest(
    path: Path, manifest: Mapping[str, Any], networks: Mapping[str, Network]
) -> tuple[Network, Any]:
    """The network that a manifest names, and its configuration.

    Args:
      path: path of the files, without suffix.
      manifest: JSON values, with a kind.
      networks: known networks, by the name that a manifest gives.

    Raises:
      WeightsError: for a field that is missing, unknown or wrong.
    """
    kind = str(manifest["kind"])
    network = networks.get(str(manifest.get("network")))
    if network is None or network.kind != kind:
        known = ", ".join(name for name, entry in networks.items() if entry.kind == kind)
        raise WeightsError(
            f"{path}.json: unknown network {manifest.get('network')!r}, known are: {known}"
        )
    _check_fields(path, kind, manifest)
    config = _read_config(path, network, manifest["config"])
    if kind == "classifier":
        _check_labels(path, manifest, config)
    return network, config


def _check_fields(path: Path, kind: str, manifest: Mapping[str, Any]) -> None:
    needed = NEEDED_FIELDS + NEEDED_OF_CLASSIFIERS * (kind == "classifier")
    missing = [field for field in needed if field not in manifest]
    if missing:
        raise WeightsError(f"{path}.json: lacks the field {missing[0]!r}")
    for field in manifest:
        if field in TEXT_FIELDS and not isinstance(manifest[field], str):
            raise WeightsError(f"{path}.json: {field!r} is {manifest[field]!r}, expected a text")
        if field in LIST_FIELDS and not _is_texts(manifest[field]):
            raise WeightsError(f"{path}.json: {field!r} is {manifest[field]!r}, expected texts")


def _check_labels(path: Path, manifest: Mapping[str, Any], config: Any) -> None:
    labels, frames = manifest["labels"], manifest["frames"]
    if len(labels) != config.classes:
        raise WeightsError(f"{path}: {len(labels)} labels for {config.classes} classes")
    if frames not in (None, config.frames):
        raise WeightsError(f"{path}: frames is {frames}, its config says {config.frames}")
    unknown = set(manifest.get("background", ())) - set(labels)
    if unknown:
        raise WeightsError(f"{path}: background {sorted(unknown)} is not among its labels")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _read_config(path: Path, network: Network, fields: Any):
    if isinstance(fields, dict):
        known = {field.name: field.default for field in dataclasses.fields(network.config)}
        fields = {name: known[name] for name in network.added} | fields
    return _read_fields(path, network.config, fields)


def _read_fields(path: Path, kind: type, fields: Any):
    """A configuration of JSON values; fields that are configurations are nested objects."""
    known = {field.name: field for field in dataclasses.fields(kind)}
    if not isinstance(fields, dict) or set(fields) != set(known):
        found = set(fields) if isinstance(fields, dict) else set()
        differing = ", ".join(sorted(found ^ set(known)))
        raise WeightsError(f"{path}.json: config does not fit the network: {differing}")
    values = {}
    for name, value in fields.items():
        value = tuple(value) if isinstance(value, list) else value
        wanted = type(known[name].default)
        if dataclasses.is_dataclass(wanted):
            value = _read_fields(path, wanted, value)
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise WeightsError(
                f"{path}.json: config field {name!r} is {value!r}, expected {wanted.__name__}"
            )
        values[name] = value
    try:
        return kind(**values)
    except ValueError as error:
        raise WeightsError(f"{path}.json: config: {error}") from None


def _params(path: Path, network: Network, config, tensors: dict[str, Any]) -> Any:
    """The parameters as JAX arrays, if they are exactly what the network's `init` makes."""
    try:
        wanted = jax.eval_shape(lambda: network.init(config, jax.random.key(0)))
    except Exception as error:  # whatever an impossible configuration provokes
        reason = str(error).split("\n")[0]
        raise WeightsError(f"{path}.json: config makes no network: {reason}") from None
    file_format.check(path, tensors, wanted)
    return jax.tree.map(jnp.asarray, tensors)
