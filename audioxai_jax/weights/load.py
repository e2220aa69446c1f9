"""Names to models: shipped checkpoints, published codecs, and checkpoints of one's own.

A checkpoint is two files, see `audioxai_jax.weights.file_format`: tensors, and a manifest that
says what they are, where they come from and what was measured; `audioxai_jax.weights.checkpoint`
checks both against their network. Each loader returns the thing itself; its `manifest` is a field.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import domains
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.types import Classifier, Codec
from audioxai_jax.weights import checkpoint, file_format, registry
from audioxai_jax.weights.checkpoint import Checkpoint
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.pair import check_pair, codec_beside
from audioxai_jax.weights.published import codecs as published


@relaxed()
def load_codec(name_or_path: str | Path, weights: str | Path | None = None) -> Codec:
    """Loads a codec.

    One that was converted from published weights has their fingerprint, so that classifiers fit
    both.

    Args:
      name_or_path: a shipped codec's name (see `registry.available`), the path of either file, or
        with `weights` the name of a published codec, see `published.codecs.load_published`.
      weights: weights of a published codec: a folder, or a repository's name.

    Raises:
      WeightsError: if the checkpoint is missing, or not what it says.
    """
    if weights is not None:
        return published.load_published(str(name_or_path), weights)
    read = read_checkpoint(name_or_path, "codec")
    manifest = read.manifest
    codec = read.network.build(read.config, read.params, mean=None, name=manifest["name"])
    fingerprint = manifest.get("source_sha256", manifest["sha256"])
    codec = dataclasses.replace(codec, fingerprint=fingerprint, manifest=manifest)
    return codec if read.mean is None else _with_mean(codec, read.path, read.mean)


@relaxed()
def load_classifier(name_or_path: str | Path, codec: Codec | None = None) -> Classifier:
    """Loads a classifier, which reads the latent of its codec, or what its network reads.

    Args:
      name_or_path: a shipped classifier's name (see `registry.available`), or the path of either
        file. A listener, or a network of waveforms, is a classifier too.
      codec: codec whose latents it reads; None loads the one that its manifest names, which lies
        beside it or is shipped. Give it for a codec whose weights were published by others.

    Raises:
      WeightsError: if the checkpoint is missing, not what it says, or it was made for
        other weights of the codec.
    """
    path = registry.locate(name_or_path, "classifier")
    kind = file_format.read_manifest(path)["kind"]
    if kind in ("listener", "network"):
        return _of_network(read_checkpoint(path, kind))
    read = read_checkpoint(path, "classifier")
    manifest = read.manifest
    if codec is None:
        codec = load_codec(codec_beside(path, manifest))
    check_pair(codec, manifest)
    return _classifier(
        read.network.build(read.config, read.params),
        domains.latent(codec),
        manifest,
        manifest["frames"],
    )


@relaxed()
def load_listener(name_or_path: str | Path) -> Classifier:
    """Loads an independent listener, which reads samples; otherwise as `load_classifier`."""
    return _of_network(read_checkpoint(name_or_path, "listener"))


@relaxed()
def load_network(path: str | Path) -> Classifier:
    """Loads a network that reads samples, or cells, such as AudioNet and AlexNet.

    Otherwise as `load_classifier`.
    """
    return _of_network(read_checkpoint(path, "network"))


def read_checkpoint(name_or_path: str | Path, kind: str) -> Checkpoint:
    """What a checkpoint of one kind holds, before a model is made of it; errors as `load_codec`."""
    return checkpoint.read(registry.locate(name_or_path, kind), kind, registry.NETWORKS)


def _of_network(read: Checkpoint) -> Classifier:
    """A network that says itself what it reads."""
    network, config = read.network, read.config
    assert network.reads is not None, "a row of CLASSIFIERS that says what it reads"
    model = (network.hears or network.build)(config, read.params)
    frames = getattr(config, network.frames) if network.frames else None
    return _classifier(model, network.reads(config), read.manifest, frames)


def _classifier(
    model: Any, reads: domains.Domain, manifest: Mapping[str, Any], frames: int | None
) -> Classifier:
    return Classifier(
        model=model,
        reads=reads,
        labels=tuple(manifest["labels"]) if manifest.get("labels") else None,
        frames=frames,
        background=tuple(manifest.get("background", ())),
        manifest=manifest,
    )


def _with_mean(codec: Codec, path: Path, mean: np.ndarray) -> Codec:
    second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
    channels = jax.eval_shape(codec.encode, second).shape[1:]
    if mean.shape != channels or mean.dtype != np.float32:
        raise WeightsError(
            f"{path}: 'mean' is {file_format.describe(mean)}, a latent of this codec has "
            f"{channels[0]} channels of float32"
        )
    return dataclasses.replace(codec, mean=jnp.asarray(mean))
