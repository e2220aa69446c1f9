"""EnCodec models of `transformers` with random weights whose outputs are of order one.

Fresh ones have codebooks of zeros and outputs of a hundredth, in which a wrong weight hides.
Here each convolution gives a white input of unit variance unit variance again: behind an ELU
its second moment is 0.645. Each codebook takes its share of the rest.
"""

import math

import numpy as np
import pytest

from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.encodec_members import MEMBERS
from audioxai_jax.weights.published.encodec_config import config_from_json
from audioxai_jax.weights.published.encodec_tensors import params_from_tensors

torch = pytest.importorskip("torch", reason="needs torch and transformers: the extra 'oracles'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'oracles'")

from transformers.models.encodec import modeling_encodec as theirs  # noqa: E402

LARGE = {
    "target_bandwidths": [2.2],
    "num_filters": 64,
    "codebook_size": 2048,
    "use_causal_conv": False,
    "use_conv_shortcut": False,
}
STEREO = {
    "target_bandwidths": [3.0, 6.0, 12.0, 24.0],
    "sampling_rate": 48_000,
    "audio_channels": 2,
    "use_causal_conv": False,
    "norm_type": "time_group_norm",
    "normalize": True,
    "chunk_length_s": 1.0,
    "overlap": 0.01,
}
FIELDS = {
    "encodec_24khz": {},
    "encodec_48khz": STEREO,
    "encodec_32khz": {"sampling_rate": 32_000, "upsampling_ratios": [8, 5, 4, 4], **LARGE},
    "encodec_16khz": {"sampling_rate": 16_000, "upsampling_ratios": [8, 5, 4, 2], **LARGE},
    "short chunks": {**STEREO, "chunk_length_s": 0.1},
    "constant": {"sampling_rate": 16_000, "pad_mode": "constant", **LARGE},
}
"""What the members' config.json say. Two are made up: for the other padding, and to compare
many chunks at little cost."""
assert set(MEMBERS) < set(FIELDS)


def fields(name: str, tiny: bool) -> dict:
    """Of a member's configuration; a tiny one has 8 codebooks of 32 and the member's hop."""
    found = dict(FIELDS[name])
    if tiny:
        rate = found.get("sampling_rate", 24_000)
        rate /= math.prod(found.get("upsampling_ratios", [8, 5, 4, 2]))
        found |= {"num_filters": 4, "hidden_size": 16, "codebook_size": 32}
        found["target_bandwidths"] = [k * rate * 5 / 1000 for k in (2, 4, 8)]
    return found


def make(name: str, tiny: bool) -> tuple[transformers.EncodecModel, EncodecConfig, dict]:
    """Their model in float32, our configuration and parameters of it."""
    config = transformers.EncodecConfig(**fields(name, tiny))
    model = transformers.EncodecModel(config).eval()
    with torch.no_grad():
        _draw(model, torch.Generator().manual_seed(0))
    ours = config_from_json(config.to_dict())
    tensors = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return model, ours, params_from_tensors(ours, tensors)


def _draw(model: transformers.EncodecModel, generator: torch.Generator) -> None:
    normal = lambda shape: torch.randn(*shape, generator=generator)
    about_one = lambda *shape: 0.75 + 0.5 * torch.rand(*shape, generator=generator)
    units = [m for m in model.modules() if isinstance(m, theirs.EncodecResnetBlock)]
    second, skips = {id(unit.block[-1]) for unit in units}, {id(unit.shortcut) for unit in units}
    first = {id(half.layers[0]) for half in (model.encoder, model.decoder)}
    for module in model.modules():
        if isinstance(module, theirs.EncodecConv1d | theirs.EncodecConvTranspose1d):
            gain = 1.0 if id(module) in first else 1.25
            gain = 0.625 if id(module) in second else gain
            gain = math.sqrt(3) / 2 if id(module) in skips else gain
            _draw_conv(module, gain, normal, about_one)
        elif isinstance(module, theirs.EncodecLSTM):
            for name, tensor in module.lstm.named_parameters():
                # two biases of few digits, so that their sum is exact
                bias = (0.1 * normal(tensor.shape) * 1024).round() / 1024
                tensor.copy_(
                    bias if "bias" in name else 2.5 / tensor.shape[1] ** 0.5 * normal(tensor.shape)
                )
    size, dimension = model.config.codebook_size, model.config.codebook_dim
    share, scale = min(0.5, 2 * math.log(size) / dimension), 1.0
    for layer in model.quantizer.layers:
        layer.codebook.embed.copy_(scale * math.sqrt(share) * normal((size, dimension)))
        scale *= math.sqrt(1 - share)


def _draw_conv(module, gain: float, normal, about_one) -> None:
    conv = module.conv
    direction = normal(conv.weight.shape)
    if isinstance(module, theirs.EncodecConvTranspose1d):  # 2 of its 2 s taps reach a sample
        gain *= math.sqrt(conv.stride[0] * conv.out_channels / conv.in_channels)
    scale = gain * about_one(conv.weight.shape[0], 1, 1)
    if hasattr(conv, "parametrizations"):
        conv.parametrizations.weight.original0.copy_(scale)
        conv.parametrizations.weight.original1.copy_(direction)
    else:
        conv.weight.copy_(scale * direction / direction.flatten(1).norm(dim=1)[:, None, None])
        module.norm.weight.copy_(about_one(conv.out_channels))
        module.norm.bias.copy_(0.1 * normal(module.norm.bias.shape))
    conv.bias.copy_(0.1 * normal(conv.bias.shape))


def sound(config: EncodecConfig, samples: int) -> np.ndarray:
    """`[T]`, or `[T, channels]` of different loudness."""
    channels = config.seanet.audio_channels
    drawn = np.random.default_rng(samples).normal(size=(samples, channels))
    return 0.3 * (drawn[:, 0] if channels == 1 else drawn * [1.0, 0.5])


def torch_sound(audio: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    """As their models take it, `[1, channels, T]`."""
    return torch.tensor(np.atleast_2d(audio.T)[None], dtype=dtype)


def relative(mine, expected) -> float:
    """Largest difference over the largest value."""
    expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
    expected = np.asarray(expected, np.float64)
    return float(np.abs(np.asarray(mine, np.float64) - expected).max() / np.abs(expected).max())


def agreeing(mine: np.ndarray, expected: np.ndarray, codebooks: np.ndarray, latent) -> bool:
    """Whether codes `[F, K]` are equal, up to where two codewords are equally near.

    At its first differing stage a frame's two nearest codewords must be equally far within 1e-5
    of the residual's square; after it, anything may follow.
    """
    residual = np.asarray(latent, np.float64)
    alike = np.ones(len(residual), bool)
    for stage, codebook in enumerate(np.asarray(codebooks, np.float64)[: mine.shape[1]]):
        differ = alike & (mine[:, stage] != expected[:, stage])
        away = lambda codes, rows: ((residual[rows] - codebook[codes[rows, stage]]) ** 2).sum(1)  # noqa: B023
        gap = np.abs(away(mine, differ) - away(expected, differ))
        if np.any(gap > 1e-5 * (residual[differ] ** 2).sum(1)):
            return False
        alike &= ~differ
        residual = residual - codebook[expected[:, stage]]
    return bool(alike.mean() > 0.9)
