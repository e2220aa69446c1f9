"""Audio models of `transformers`, from a folder or by name, with their front ends in JAX."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.core.extras import needed_by
from audioxai_jax.models.bridges.errors import BridgeError
from audioxai_jax.models.bridges.huggingface import folder as folders
from audioxai_jax.models.bridges.huggingface.front_ends import (
    FrontEnd,
    KaldiBands,
    Waveform,
    WhisperBands,
    front_end,
)
from audioxai_jax.models.bridges.onnx import OnnxModel, read_onnx
from audioxai_jax.models.over_time import maximum_over_time, mean_over_time
from audioxai_jax.types import Classifier

__all__ = ["FrontEnd", "KaldiBands", "Waveform", "WhisperBands", "from_huggingface", "front_end"]

OVER_TIME = {"maximum": maximum_over_time, "mean": mean_over_time, "frames": lambda model: model}
USUAL = {"classes": "frames", "tokens": "maximum", "embedding": "mean"}
"""What is done with the frames of an output, by the model's head; classes have none."""
HALVES = ("F16", "BF16")


def from_huggingface(
    source: str | Path,
    *,
    behind_front: bool = False,
    over_time: str | None = None,
    output: str | None = None,
    labels: Sequence[str] | None = None,
    outputs: str | None = None,
    cache: str | Path | None = None,
) -> Classifier:
    """An audio model of `transformers` as a classifier of waveforms, its front end included.

    Read are classifiers of clips, CTC heads and encoders whose front end is that of wav2vec 2.0
    (HuBERT, WavLM and relatives), the Audio Spectrogram Transformer or Whisper. Weights come
    from safetensors files alone: pickles and code in the folder are not run. Weights in half
    precision are computed in single precision, as CPUs round halves in other ways; the manifest of
    the classifier says so.

    Args:
      source: folder with config.json, preprocessor_config.json and model.safetensors, or the name
        "owner/name" of a repository of such files, which needs the extra "hub".
      behind_front: whether the waveform behind its normalisation is explained. A model that
        normalises each clip does not depend on its level, so that a path from silence explains
        nothing; behind the normalisation it does.
      over_time: "maximum" or "mean" over the frames of an output, or "frames" for `[F, K]` as it is
        (see `models.ctc_word`). None is the maximum for tokens, and the mean for embeddings.
      output: name of an output or of any tensor of the graph; None for "logits", or
        "last_hidden_state" of an encoder.
      labels: names of the outputs; None for those of the folder: id2label, or vocab.json.
      outputs: kind of the outputs; None goes by the configuration.
      cache: folder that keeps the exported graphs, as for `from_torch`.

    Returns:
      The classifier; it reads clips of any length that the front end takes.

    Raises:
      BridgeError: for a folder that is not of this kind, or weights that are missing; one line.
      MissingExtra: without torch, transformers, onnx and onnxscript; for a name without
        huggingface_hub.
    """
    if over_time not in (None, *OVER_TIME):
        raise BridgeError(f"over_time {over_time!r}: choose one of {', '.join(OVER_TIME)}")
    told = folders.read(folders.find(source))
    with needed_by("audioxai_jax.from_huggingface"):
        import torch  # noqa: F401  # pyright: ignore[reportMissingImports]
        import transformers  # noqa: F401  # pyright: ignore[reportMissingImports]
    from audioxai_jax.models.bridges.huggingface.loading import load

    module: Any = load(told)
    if told.head == "embedding" and hasattr(module, "get_encoder") and hasattr(module, "decoder"):
        module = module.get_encoder()
    reader = _graph(module, told, output, cache)
    front = None if behind_front else told.front
    model = OVER_TIME[over_time or USUAL[told.head]](Partial(_model, front, reader))
    return Classifier(
        model,
        _domain(told, behind_front),
        labels=tuple(labels) if labels is not None else _labels(told, module, output),
        outputs=outputs or _kind(told, module, output),
        manifest={
            "source": str(source),
            "architecture": told.architecture,
            "weights": ", ".join(told.precision)
            + (", computed in single precision" if set(told.precision) & set(HALVES) else ""),
        },
    )


def _graph(module: Any, told: folders.Folder, output: str | None, cache: Any) -> OnnxModel:
    """The module alone, as a function of a batch of one."""
    import torch  # pyright: ignore[reportMissingImports]

    from audioxai_jax.models.bridges.torch import exported

    clip = jax.ShapeDtypeStruct((told.sample_rate,), jnp.float32)
    shape = (1, *jax.eval_shape(told.front, clip).shape)
    example = {module.main_input_name: torch.zeros(shape)}
    waves = isinstance(told.front, Waveform)
    content, _ = exported(module, example, any_length=waves, cache=cache)
    usual = "last_hidden_state" if told.head == "embedding" else "logits"
    return read_onnx(content, outputs=(output or usual,))


def _model(front: FrontEnd | None, module: OnnxModel, x: Array) -> Array:
    y = module((x if front is None else front(x))[None])
    return y[0] if y.ndim > 1 and y.shape[0] == 1 else y


def _domain(told: folders.Folder, behind: bool) -> Any:
    if not behind:
        return domains.samples(told.sample_rate)
    if isinstance(told.front, Waveform):
        return domains.normalised(told.sample_rate, told.front)
    raise BridgeError(
        f"{told.path}: its front end makes bands, of which no sound can be made: leave out "
        "behind_front"
    )


def _labels(told: folders.Folder, module: Any, output: str | None) -> tuple[str, ...] | None:
    if output is not None or told.head == "embedding":
        return None
    if told.head == "tokens":
        return folders.tokens(told.path, int(module.config.vocab_size))
    names = {int(number): str(name) for number, name in module.config.id2label.items()}
    labels = tuple(names[number] for number in sorted(names))
    return labels if len(set(labels)) == len(labels) else None


def _kind(told: folders.Folder, module: Any, output: str | None) -> str | None:
    if output is not None:
        return None
    if told.head == "embedding":
        return "value"
    problem = getattr(module.config, "problem_type", None) if told.head == "classes" else None
    kinds = {"regression": "value", "multi_label_classification": "sigmoid"}
    return kinds.get(str(problem), "softmax")
