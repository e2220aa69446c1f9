"""Checkpoints are written: a manifest and tensors."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audioxai_jax.weights import checkpoint, file_format, registry
from audioxai_jax.weights.file_format import WeightsError

REQUIRED = ("kind", "network", "config")
"""Fields that every manifest is given."""


def save(
    folder: str | Path, name: str, manifest: Mapping[str, Any], params: Mapping[str, Any]
) -> None:
    """Writes a checkpoint, whose manifest is checked first as it is when it is loaded.

    Args:
      folder: folder of both files, made if needed.
      name: name of the files, without suffix.
      manifest: kind, network (a row of `registry.NETWORKS`), config (the configuration itself), and
        others of the fields that `file_format` lists; format, name, sha256 and sample_rate are
        filled in.
      params: nested dictionaries of arrays; for a codec also "mean", if it is known.

    Raises:
      WeightsError: for a manifest that could not be loaded; nothing is written then.
    """
    path = Path(folder) / name
    missing = [field for field in REQUIRED if field not in manifest]
    if missing:
        raise WeightsError(f"{path}: the manifest lacks {missing[0]!r}: give {', '.join(REQUIRED)}")
    config = manifest["config"]
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise WeightsError(f"{path}: config is {config!r}, expected the network's configuration")
    fields = {"kind": manifest["kind"], "name": name}
    if hasattr(config, "sample_rate"):
        fields["sample_rate"] = config.sample_rate  # pyright: ignore[reportAttributeAccessIssue]
    fields |= dict(manifest) | {"config": dataclasses.asdict(config)}
    try:
        written = json.loads(json.dumps(fields))
    except TypeError as error:
        raise WeightsError(f"{path}: the manifest is not JSON: {error}") from None
    checkpoint.check_manifest(path, written | {"sha256": ""}, registry.NETWORKS)
    file_format.write(folder, name, fields, params)
