"""Names to files: which networks are known, which checkpoints are shipped, where they lie."""

import difflib
import os
from pathlib import Path

from audioxai_jax.nets.classifiers import CLASSIFIERS
from audioxai_jax.nets.codecs import CODECS
from audioxai_jax.nets.network import Network
from audioxai_jax.weights import file_format
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import codecs as published

FOREIGN = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".npz", ".npy", ".h5", ".msgpack")
"""Suffixes of other people's weights."""

NETWORKS: dict[str, Network] = {**CODECS, **CLASSIFIERS}
"""All kinds of networks, by the name that manifests give."""


def available() -> dict[str, list[str]]:
    """Names of the shipped checkpoints by kind."""
    names: dict[str, list[str]] = {kind: [] for kind in ("codec", "classifier", "listener")}
    for path in sorted(shipped_folder().glob("*.json")):
        names.setdefault(file_format.read_manifest(path.with_suffix(""))["kind"], []).append(
            path.stem
        )
    return names


def shipped_folder() -> Path:
    """Where the shipped checkpoints lie: in the package, or in the clone it runs from."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "assets" / "checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def locate(name_or_path: str | Path, kind: str) -> Path:
    """The path of a checkpoint's files without suffix, of a shipped name or of a path.

    Raises:
      WeightsError: for an unknown name, with the nearest known one, and for foreign files.
    """
    if not isinstance(name_or_path, str | os.PathLike):
        raise WeightsError(f"expected the name or the path of a {kind}, got {name_or_path!r}")
    text = str(name_or_path)
    if text.lower().endswith(FOREIGN):
        raise WeightsError(
            f"{text}: only .safetensors with a manifest are read, never pickles and their like, "
            "which can run any code: convert it"
        )
    for suffix in (".safetensors", ".json"):
        if text.endswith(suffix):
            return Path(text.removesuffix(suffix))
    if os.sep in text or "/" in text:
        if Path(text).is_dir() and not Path(f"{text}.json").is_file():
            raise WeightsError(f"{text}: is a folder, expected the path of a .safetensors file")
        return Path(text)
    path = shipped_folder() / text
    if not Path(f"{path}.json").is_file():
        names = available().get(kind, [])
        if kind == "codec":
            if text in published.PUBLISHED:
                raise WeightsError(
                    f"the codec {text!r} comes without weights: with --codec-weights (in Python "
                    f"weights=) {published.how_to_get(text)}"
                )
            names = [*names, *published.PUBLISHED]
        if text in NETWORKS and NETWORKS[text].kind == kind:
            raise WeightsError(
                f"{text!r} is a kind of network, without weights: save some with "
                "weights.save.save, and give the path of its .safetensors file"
            )
        near = difflib.get_close_matches(text, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"unknown {kind} {text!r}: known are {', '.join(names) or 'none'}, or the path of "
            f"a .safetensors file{hint}"
        )
    return path
