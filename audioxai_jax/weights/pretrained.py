"""Names to models: the shipped codec and classifiers, published codecs, anybody's own checkpoints.

A checkpoint is two files, see `audioxai_jax.weights.file_format`: tensors, and a manifest that
says what they are, where they come from and what was measured; `audioxai_jax.weights.checkpoint`
checks both against their network. To make a new kind of network loadable, add its line to
NETWORKS.
"""

import dataclasses
import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.nets.classifiers import (
    alexnet,
    audionet,
    cnn,
    gru,
    listener,
    mel_cnn,
    transformer,
    wave_cnn,
)
from audioxai_jax.nets.codecs import encodec, gainshape, lyra, seanet
from audioxai_jax.types import Classifier, Codec, Model
from audioxai_jax.weights import checkpoint, file_format
from audioxai_jax.weights.checkpoint import Checkpoint, Network
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published import codecs as published

FOREIGN = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".npz", ".npy", ".h5", ".msgpack")
"""Suffixes of other people's weights."""

NETWORKS = {
    "gainshape": Network("codec", gainshape.GainShapeConfig, gainshape.init, gainshape.codec),
    "seanet": Network(
        "codec",
        seanet.SeanetConfig,
        seanet.init,
        seanet.codec,
        added=("audio_channels", "norm", "pad", "shortcut"),
    ),
    "encodec": Network("codec", encodec.EncodecConfig, encodec.init, encodec.codec),
    "lyra": Network("codec", lyra.LyraConfig, lyra.init, lyra.codec),
    "transformer": Network(
        "classifier", transformer.TransformerConfig, transformer.init, transformer.model
    ),
    "cnn": Network("classifier", cnn.CnnConfig, cnn.init, cnn.model),
    "gru": Network("classifier", gru.GruConfig, gru.init, gru.model),
    "wave_cnn": Network("classifier", wave_cnn.WaveCnnConfig, wave_cnn.init, wave_cnn.model),
    "mel_cnn": Network("classifier", mel_cnn.MelCnnConfig, mel_cnn.init, mel_cnn.model),
    "listener": Network("listener", listener.ListenerConfig, listener.init, listener.model),
    "audionet": Network(
        "network", audionet.AudioNetConfig, audionet.init, audionet.model, audionet.features
    ),
    "alexnet": Network(
        "network", alexnet.AlexNetConfig, alexnet.init, alexnet.model, alexnet.features
    ),
}


def save(
    folder: str | Path, name: str, manifest: Mapping[str, Any], params: Mapping[str, Any]
) -> None:
    """Writes a checkpoint.

    Args:
      folder: made if needed.
      name: name of the files, without suffix.
      manifest: the fields that `weights_file` lists but format, name, sha256 and sample_rate,
        which are filled in. `config` is the configuration itself.
      params: nested dictionaries of arrays; for a codec also "mean", if it is known.
    """
    config = manifest["config"]
    fields = {"kind": manifest["kind"], "name": name}
    if hasattr(config, "sample_rate"):
        fields["sample_rate"] = config.sample_rate
    fields |= dict(manifest) | {"config": dataclasses.asdict(config)}
    file_format.write(folder, name, fields, params)


@relaxed()
def load_codec(
    name_or_path: str | Path, weights: str | Path | None = None
) -> tuple[Codec, dict[str, Any]]:
    """Loads a codec and its manifest.

    A codec that was converted from published weights has their fingerprint, so that classifiers
    fit both.

    Args:
      name_or_path: a shipped codec's name (see `available`), the path of either file, or with
        `weights` the name of a published codec, see `published.codecs.load_published`.
      weights: weights of a published codec: a folder, or a repository's name.

    Raises:
      WeightsError: if there is no such checkpoint, or it is not what it says.
    """
    if weights is not None:
        return published.load_published(str(name_or_path), weights)
    found = _load(name_or_path, "codec")
    manifest, mean = found.manifest, found.mean
    codec = found.network.build(found.config, found.params, mean=None, name=manifest["name"])
    fingerprint = manifest.get("source_sha256", manifest["sha256"])
    codec = dataclasses.replace(codec, fingerprint=fingerprint)
    if mean is None:
        return codec, manifest
    second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
    channels = jax.eval_shape(codec.encode, second).shape[1:]
    if mean.shape != channels or mean.dtype != np.float32:
        raise WeightsError(
            f"{found.path}: 'mean' is {file_format.describe(mean)}, a latent of this codec has "
            f"{channels[0]} channels of float32"
        )
    return dataclasses.replace(codec, mean=jnp.asarray(mean)), manifest


@relaxed()
def load_classifier(name_or_path: str | Path) -> tuple[Classifier, dict[str, Any]]:
    """Loads a classifier and its manifest; arguments and errors as for `load_codec`."""
    found = _load(name_or_path, "classifier")
    manifest = found.manifest
    classifier = Classifier(
        model=found.network.build(found.config, found.params),
        labels=tuple(manifest["labels"]),
        codec=manifest["codec"],
        frames=manifest["frames"],
        background=tuple(manifest.get("background", ())),
        codec_fingerprint=manifest.get("codec_sha256", ""),
    )
    return classifier, manifest


@relaxed()
def load_listener(name_or_path: str | Path) -> tuple[Model, dict[str, Any]]:
    """Loads an independent listener, `audio [T] -> logits [K]`; otherwise as `load_codec`."""
    found = _load(name_or_path, "listener")
    return found.network.build(found.config, found.params), found.manifest


@relaxed()
def load_network(path: str | Path) -> tuple[Model, Model, dict[str, Any]]:
    """Loads a network of `experiments/audiomnist/reproduce.py`; otherwise as `load_codec`.

    Returns:
      The model, `features -> logits [K]`; what makes features of a waveform `[8000]` at 8 kHz,
      full scale 1; and the manifest.
    """
    found = _load(path, "network")
    features = Partial(_features, Static((found.network.features, found.config)))
    return found.network.build(found.config, found.params), features, found.manifest


@relaxed()
def _features(settled: Static, audio: Array) -> Array:
    features, config = settled.value  # type: ignore[misc]
    return features(config, audio)


def check_pair(codec: Codec, classifier: Classifier) -> None:
    """Raises WeightsError if the classifier was made for another codec's latents."""
    if classifier.codec not in ("custom", codec.name):
        raise WeightsError(
            f"the classifier reads latents of the codec {classifier.codec!r}, not of "
            f"{codec.name!r}: choose a classifier made for it, or that codec"
        )
    known = codec.fingerprint and classifier.codec_fingerprint
    if known and codec.fingerprint != classifier.codec_fingerprint:
        raise WeightsError(
            f"the classifier was trained with other weights of the codec {codec.name!r} (sha256 "
            f"{classifier.codec_fingerprint[:12]}.., here {codec.fingerprint[:12]}..): train it "
            "on these, or choose those"
        )


def default_classifier(codec: Codec) -> str:
    """Name of the shipped classifier of a codec's latents: of `keywords`, if there are several.

    Raises:
      WeightsError: if none is shipped; it says how to train one.
    """
    found = []
    for name in available()["classifier"]:
        manifest = file_format.read_manifest(shipped_folder() / name)
        if manifest.get("codec") == codec.name:
            found.append((manifest.get("task") != "keywords", name))
    if not found:
        raise WeightsError(
            f"no classifier of latents of the codec {codec.name!r} is shipped: name one "
            "(--classifier), or train one with scripts/train_classifier.py, which takes that codec"
        )
    return min(found)[1]


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


def _load(name_or_path: str | Path, kind: str) -> Checkpoint:
    return checkpoint.read(_locate(name_or_path, kind), kind, NETWORKS)


def _locate(name_or_path: str | Path, kind: str) -> Path:
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
            if text in published.CODECS:
                raise WeightsError(
                    f"the codec {text!r} comes without weights: with --codec-weights (in Python "
                    f"weights=) {published.how_to_get(text)}"
                )
            names = [*names, *published.CODECS]
        near = difflib.get_close_matches(text, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise WeightsError(
            f"unknown {kind} {text!r}: known are {', '.join(names) or 'none'}, or the path of "
            f"a .safetensors file{hint}"
        )
    return path
