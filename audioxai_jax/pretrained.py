"""Names to models: the shipped codec and classifiers, published codecs, anybody's own checkpoints.

A checkpoint is two files, see `audioxai_jax.weights_file`: tensors, and a manifest that
says what they are, where they come from and what was measured. To make a new kind of
network loadable, add its line to NETWORKS.
"""

import dataclasses
import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax import weights_file
from audioxai_jax.nets import (
    alexnet,
    audionet,
    cnn,
    encodec,
    gainshape,
    gru,
    listener,
    lyra,
    seanet,
    transformer,
)
from audioxai_jax.published import codecs as published
from audioxai_jax.records import Static
from audioxai_jax.types import Classifier, Codec, Model
from audioxai_jax.weights_file import WeightsError

FOREIGN = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".npz", ".npy", ".h5", ".msgpack")
"""Suffixes of other people's weights."""


TEXTS = ("sha256", "name", "codec", "codec_sha256", "task", "split", "source", "source_sha256",
         "licence")  # fmt: skip
LISTS = ("labels", "background")
"""Fields of a manifest that are texts, and lists of texts."""


@dataclasses.dataclass(frozen=True)
class Network:
    """How a kind of network is made: `init(Config(..), key)` gives its parameters.

    `build(config, params)` is the model. A codec's takes `mean=` and `name=` too; a
    classifier's configuration has the fields frames, channels and classes. A "network" reads
    what `features(config, waveform)` makes of a waveform. Manifests that are older than the
    fields `added` lack them: they have their defaults there.
    """

    kind: str
    config: type
    init: Callable[..., Any]
    build: Callable[..., Any]
    features: Callable[..., Array] | None = None
    added: tuple[str, ...] = ()


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
      name: of the files, without suffix.
      manifest: the fields above but format, name, sha256 and sample_rate, which are
        filled in; see `weights_file`. `config` is the configuration itself.
      params: nested dictionaries of arrays; for a codec also "mean", if it is known.
    """
    config = manifest["config"]
    fields = {"kind": manifest["kind"], "name": name}
    if hasattr(config, "sample_rate"):
        fields["sample_rate"] = config.sample_rate
    fields |= dict(manifest) | {"config": dataclasses.asdict(config)}
    weights_file.write(folder, name, fields, params)


def load_codec(
    name_or_path: str | Path, weights: str | Path | None = None
) -> tuple[Codec, dict[str, Any]]:
    """Loads a codec and its manifest.

    A codec that was converted from published weights has their fingerprint, so that classifiers
    fit both.

    Args:
      name_or_path: a shipped codec's name (see `available`), the path of either file, or with
        `weights` the name of a published codec, see `published.codecs.load_published`.
      weights: of a published codec: a folder, or a repository's name.

    Raises:
      WeightsError: if there is no such checkpoint, or it is not what it says.
    """
    if weights is not None:
        return published.load_published(str(name_or_path), weights)
    path, manifest, network, config, params = _load(name_or_path, "codec")
    mean = params.pop("mean", None)
    params = _params(path, network, config, params)
    codec = network.build(config, params, mean=None, name=manifest["name"])
    fingerprint = manifest.get("source_sha256", manifest["sha256"])
    codec = dataclasses.replace(codec, fingerprint=fingerprint)
    if mean is None:
        return codec, manifest
    second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
    channels = jax.eval_shape(codec.encode, second).shape[1:]
    if mean.shape != channels or mean.dtype != np.float32:
        raise WeightsError(
            f"{path}: 'mean' is {weights_file.describe(mean)}, a latent of this codec has "
            f"{channels[0]} channels of float32"
        )
    return dataclasses.replace(codec, mean=jnp.asarray(mean)), manifest


def load_classifier(name_or_path: str | Path) -> tuple[Classifier, dict[str, Any]]:
    """Loads a classifier and its manifest; arguments and errors as for `load_codec`."""
    path, manifest, network, config, params = _load(name_or_path, "classifier")
    params = _params(path, network, config, params)
    labels, frames = tuple(manifest["labels"]), manifest["frames"]
    if len(labels) != config.classes:
        raise WeightsError(f"{path}: {len(labels)} labels for {config.classes} classes")
    if frames not in (None, config.frames):
        raise WeightsError(f"{path}: frames is {frames}, its config says {config.frames}")
    unknown = set(manifest.get("background", ())) - set(labels)
    if unknown:
        raise WeightsError(f"{path}: background {sorted(unknown)} is not among its labels")
    classifier = Classifier(
        model=network.build(config, params),
        labels=labels,
        codec=manifest["codec"],
        frames=frames,
        background=tuple(manifest.get("background", ())),
        codec_fingerprint=manifest.get("codec_sha256", ""),
    )
    return classifier, manifest


def load_listener(name_or_path: str | Path) -> tuple[Model, dict[str, Any]]:
    """Loads an independent listener, `audio [T] -> logits [K]`; otherwise as `load_codec`."""
    path, manifest, network, config, params = _load(name_or_path, "listener")
    params = _params(path, network, config, params)
    return network.build(config, params), manifest


def load_network(path: str | Path) -> tuple[Model, Model, dict[str, Any]]:
    """Loads a network of `scripts/reproduce_audiomnist.py`; otherwise as `load_codec`.

    Returns:
      The model, `features -> logits [K]`; what makes features of a waveform `[8000]` at 8 kHz,
      full scale 1; and the manifest.
    """
    path, manifest, network, config, params = _load(path, "network")
    params = _params(path, network, config, params)
    features = Partial(_features, Static((network.features, config)))
    return network.build(config, params), features, manifest


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
      WeightsError: if none comes along; it says how to train one.
    """
    found = []
    for name in available()["classifier"]:
        manifest = weights_file.read_manifest(shipped_folder() / name)
        if manifest.get("codec") == codec.name:
            found.append((manifest.get("task") != "keywords", name))
    if not found:
        raise WeightsError(
            f"no classifier of latents of the codec {codec.name!r} comes along: name one "
            "(--classifier), or train one with scripts/train_classifier.py, which takes that codec"
        )
    return min(found)[1]


def available() -> dict[str, list[str]]:
    """Names of the shipped checkpoints by kind."""
    names: dict[str, list[str]] = {kind: [] for kind in ("codec", "classifier", "listener")}
    for path in sorted(shipped_folder().glob("*.json")):
        names.setdefault(weights_file.read_manifest(path.with_suffix(""))["kind"], []).append(
            path.stem
        )
    return names


def shipped_folder() -> Path:
    """Where the shipped checkpoints lie: in the package, or in the clone it runs from."""
    package = Path(__file__).resolve().parent
    inside = package / "assets" / "checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def _load(name_or_path: str | Path, kind: str):
    """Path without suffix, manifest, network, config, and tensors nested as they were."""
    path = _locate(name_or_path, kind)
    manifest = weights_file.read_manifest(path)
    if manifest["kind"] != kind:
        raise WeightsError(f"{path}.json: is a {manifest['kind']}, expected a {kind}")
    network = NETWORKS.get(str(manifest.get("network")))
    if network is None or network.kind != kind:
        known = ", ".join(name for name, entry in NETWORKS.items() if entry.kind == kind)
        raise WeightsError(
            f"{path}.json: unknown network {manifest.get('network')!r}, known are: {known}"
        )
    needed = ("config", "sha256", "name") + (("labels", "codec", "frames") * (kind == "classifier"))
    missing = [field for field in needed if field not in manifest]
    if missing:
        raise WeightsError(f"{path}.json: lacks the field {missing[0]!r}")
    for field in manifest:
        if field in TEXTS and not isinstance(manifest[field], str):
            raise WeightsError(f"{path}.json: {field!r} is {manifest[field]!r}, expected a text")
        if field in LISTS and not _is_texts(manifest[field]):
            raise WeightsError(f"{path}.json: {field!r} is {manifest[field]!r}, expected texts")
    config = _read_config(path, network, manifest["config"])
    return path, manifest, network, config, weights_file.read_tensors(path, manifest["sha256"])


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _locate(name_or_path: str | Path, kind: str) -> Path:
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


def _params(path: Path, network: Network, config, params: dict[str, Any]) -> Any:
    """The parameters as JAX arrays, if they are exactly what the network's `init` makes."""
    try:
        wanted = jax.eval_shape(lambda: network.init(config, jax.random.key(0)))
    except Exception as error:  # whatever an impossible configuration provokes
        reason = str(error).split("\n")[0]
        raise WeightsError(f"{path}.json: config makes no network: {reason}") from None
    weights_file.check(path, params, wanted)
    return jax.tree.map(jnp.asarray, params)
