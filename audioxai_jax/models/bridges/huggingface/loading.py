"""Loads a model with `transformers`, quietly, and without code or pickles of a folder."""

from typing import Any

import torch
import transformers

from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.huggingface.folder import Folder
from audioxai_jax.models.bridges.torch_export import quiet

UNUSED = ("masked_spec_embed",)
"""Weights that only training uses."""


def load(folder: Folder) -> torch.nn.Module:
    """The module, in evaluation mode and single precision, with attention as plain products.

    Raises:
      BridgeError: for a class that transformers does not have, or weights that do not fit it.
    """
    kind = getattr(transformers, folder.architecture, None)
    if kind is None or not hasattr(kind, "from_pretrained"):
        raise BridgeError(
            f"{folder.path}: transformers {transformers.__version__} has no {folder.architecture}"
        )
    with quiet(), torch.random.fork_rng(devices=[]):
        try:
            module, report = kind.from_pretrained(
                folder.path,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="eager",
                dtype=torch.float32,
                output_loading_info=True,
            )
        except Exception as error:  # of a damaged folder, or of an unfitting configuration
            reason = " ".join(str(error).split())[:200]
            raise BridgeError(f"{folder.path}: transformers cannot load it: {reason}") from error
    _check(folder, report)
    return module.eval()


def _check(folder: Folder, report: dict[str, Any]) -> None:
    for key, what in (("missing_keys", "are missing"), ("mismatched_keys", "have other shapes")):
        names = [n if isinstance(n, str) else n[0] for n in report.get(key, ())]
        names = sorted(n for n in names if not n.endswith(UNUSED))
        if names:
            raise BridgeError(
                f"{folder.path}: {len(names)} weights of {folder.architecture} {what}, such as "
                f"{names[0]!r}: transformers would draw them at random; save a trained model"
            )
