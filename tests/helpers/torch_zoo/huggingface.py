"""Audio classifiers of `transformers` with random weights: tiny for tests, base size for studies.

Each row of MODELS makes a configuration and says what its example is. They read float32
waveforms, `input_values [N, T]`, or log-mel features, `[N, M, F]` and `[N, F, M]`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.torch_zoo import torch

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TINY: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
CONVOLUTIONS: dict[str, Any] = {
    "conv_dim": (8, 8, 8),
    "conv_kernel": (10, 5, 4),
    "conv_stride": (5, 4, 4),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 8,
}
LABELS = 5


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Names of the configuration and of the classifier, what makes it tiny, its inputs' shapes."""

    config: str
    model: str
    tiny: dict[str, Any]
    shapes: Callable[[str], tuple[int, ...]]
    base: dict[str, Any] = dataclasses.field(default_factory=dict)


def wave(size):
    return (1, 1600) if size == "tiny" else (1, 16_000)


MODELS = {
    "wav2vec2": Architecture(
        "Wav2Vec2Config", "Wav2Vec2ForSequenceClassification", TINY | CONVOLUTIONS, wave
    ),
    "wav2vec2, layer norm": Architecture(
        "Wav2Vec2Config",
        "Wav2Vec2ForSequenceClassification",
        TINY | CONVOLUTIONS | {"feat_extract_norm": "layer", "do_stable_layer_norm": True},
        wave,
        {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
    ),
    "HuBERT": Architecture(
        "HubertConfig", "HubertForSequenceClassification", TINY | CONVOLUTIONS, wave
    ),
    "WavLM": Architecture(
        "WavLMConfig", "WavLMForSequenceClassification", TINY | CONVOLUTIONS, wave
    ),
    "AST": Architecture(
        "ASTConfig",
        "ASTForAudioClassification",
        TINY
        | {
            "max_length": 40,
            "num_mel_bins": 24,
            "patch_size": 8,
            "frequency_stride": 8,
            "time_stride": 8,
        },
        lambda size: (1, 40, 24) if size == "tiny" else (1, 1024, 128),
    ),
    "Whisper encoder": Architecture(
        "WhisperConfig",
        "WhisperForAudioClassification",
        {
            "d_model": 16,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 24,
            "num_mel_bins": 24,
            "max_source_positions": 20,
            "classifier_proj_size": 8,
        },
        lambda size: (1, 24, 40) if size == "tiny" else (1, 80, 3000),
        {
            "d_model": 512,
            "encoder_layers": 6,
            "encoder_attention_heads": 8,
            "encoder_ffn_dim": 2048,
        },
    ),
}


class Logits(torch.nn.Module):
    """The model as a function of one tensor that gives its logits alone."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.train(model.training)

    def forward(self, x):
        return self.model(x).logits


def build(name: str, size: str = "tiny", dtype: str = "float32", *, seed: int = 0):
    """The classifier, seeded, in eval mode. Its logits are those of `example`."""
    made = MODELS[name]
    torch.manual_seed(seed)
    options = {"num_labels": LABELS, **(made.tiny if size == "tiny" else made.base)}
    config = getattr(transformers, made.config)(**options)
    config._attn_implementation = "eager"
    model = getattr(transformers, made.model)(config)
    for parameter in model.parameters():  # default ones are so small that logits hardly differ
        if parameter.ndim > 1 and size == "tiny":
            parameter.data *= 3
    return model.to(getattr(torch, dtype)).eval()


def example(name: str, size: str = "tiny", dtype: str = "float32", *, seed: int = 1):
    """A batch of one."""
    generator = torch.Generator().manual_seed(seed)
    shape = MODELS[name].shapes(size)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(getattr(torch, dtype))
