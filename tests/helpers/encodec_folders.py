"""Folders as EnCodec's publisher has them, tiny, with random weights, written without torch."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

LARGE = {"use_causal_conv": False, "use_conv_shortcut": False, "target_bandwidths": [2.2]}
MEMBERS: dict[str, dict[str, Any]] = {
    "encodec_24khz": {},
    "encodec_48khz": {
        "sampling_rate": 48_000,
        "audio_channels": 2,
        "use_causal_conv": False,
        "norm_type": "time_group_norm",
        "normalize": True,
        "chunk_length_s": 1.0,
        "overlap": 0.01,
    },
    "encodec_32khz": {"sampling_rate": 32_000, "upsampling_ratios": [8, 5, 4, 4], **LARGE},
    "encodec_16khz": {"sampling_rate": 16_000, **LARGE},
}
"""Where they differ from the first."""


def fields(name: str) -> dict[str, Any]:
    """Of config.json: 2 filters, latents of 4 channels, codebooks of 4 words."""
    rates = {"sampling_rate": 24_000, "audio_channels": 1, "upsampling_ratios": [8, 5, 4, 2]}
    sizes = {"num_filters": 2, "hidden_size": 4, "codebook_size": 4, "codebook_dim": 4}
    found = {"model_type": "encodec", **rates, **sizes, **MEMBERS[name]}
    frames = math.ceil(found["sampling_rate"] / math.prod(found["upsampling_ratios"]))
    return found | {"target_bandwidths": [frames * 2 * codebooks / 1000 for codebooks in (1, 2)]}


def shapes(found: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors, as PyTorch counts layers."""
    shapes: dict[str, tuple[int, ...]] = {}
    ratios, width, latent = found["upsampling_ratios"], found["num_filters"], found["hidden_size"]
    widest = width * 2 ** len(ratios)

    def conv(place: str, leaving: int, entering: int, kernel: int, turned: bool = False):
        shape = (entering, leaving, kernel) if turned else (leaving, entering, kernel)
        shapes[f"{place}.conv.bias"] = (leaving,)
        if found.get("norm_type") == "time_group_norm":
            shapes[f"{place}.conv.weight"] = shape
            shapes[f"{place}.norm.weight"] = shapes[f"{place}.norm.bias"] = (leaving,)
        else:
            shapes[f"{place}.conv.weight_g"] = (shape[0], 1, 1)
            shapes[f"{place}.conv.weight_v"] = shape

    def residual(place: str, channels: int):
        conv(f"{place}.block.1", channels // 2, channels, 3)
        conv(f"{place}.block.3", channels, channels // 2, 1)
        if found.get("use_conv_shortcut", True):
            conv(f"{place}.shortcut", channels, channels, 1)

    for half, lstm in (("encoder", 1 + 3 * len(ratios)), ("decoder", 1)):
        for name in (
            f"{kind}_{gate}_l{n}"
            for kind in ("weight", "bias")
            for gate in ("ih", "hh")
            for n in range(2)
        ):
            columns = (widest,) if name.startswith("weight") else ()
            shapes[f"{half}.layers.{lstm}.lstm.{name}"] = (4 * widest, *columns)
    conv("encoder.layers.0", width, found["audio_channels"], 7)
    conv("decoder.layers.0", widest, latent, 7)
    for block, ratio in enumerate(ratios):
        inner = widest >> block
        conv(f"decoder.layers.{3 + 3 * block}", inner // 2, inner, 2 * ratio, turned=True)
        residual(f"decoder.layers.{4 + 3 * block}", inner // 2)
        place = 3 * (len(ratios) - 1 - block)  # the encoder takes the ratios in reverse
        residual(f"encoder.layers.{1 + place}", inner // 2)
        conv(f"encoder.layers.{3 + place}", inner, inner // 2, 2 * ratio)
    conv(f"encoder.layers.{3 + 3 * len(ratios)}", latent, widest, 7)
    conv(f"decoder.layers.{3 + 3 * len(ratios)}", found["audio_channels"], width, 7)
    for stage in range(2):
        place, words = f"quantizer.layers.{stage}.codebook", found["codebook_size"]
        shapes |= {f"{place}.inited": (1,), f"{place}.cluster_size": (words,)}
        shapes |= {f"{place}.{name}": (words, latent) for name in ("embed", "embed_avg")}
    return shapes


def write(folder: Path, name: str, **changes: np.ndarray | None) -> Path:
    """The folder of one member; `changes` replace tensors, or leave them out."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0).normal
    tensors = {k: draw(size=s).astype(np.float32) for k, s in shapes(fields(name)).items()}
    tensors = {k: v for k, v in (tensors | changes).items() if v is not None}
    (folder / "config.json").write_text(json.dumps(fields(name)))
    (folder / "model.safetensors").write_bytes(safetensors.numpy.save(tensors))
    return folder
