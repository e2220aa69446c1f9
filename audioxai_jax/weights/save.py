"""Checkpoints are written: a manifest and tensors."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audioxai_jax.weights import file_format


def save(
    folder: str | Path, name: str, manifest: Mapping[str, Any], params: Mapping[str, Any]
) -> None:
    """Writes a checkpoint.

    Args:
      folder: made if needed.
      name: name of the files, without suffix.
      manifest: the fields that `file_format` lists but format, name, sha256 and sample_rate,
        which are filled in. `config` is the configuration itself.
      params: nested dictionaries of arrays; for a codec also "mean", if it is known.
    """
    config = manifest["config"]
    fields = {"kind": manifest["kind"], "name": name}
    if hasattr(config, "sample_rate"):
        fields["sample_rate"] = config.sample_rate
    fields |= dict(manifest) | {"config": dataclasses.asdict(config)}
    file_format.write(folder, name, fields, params)
