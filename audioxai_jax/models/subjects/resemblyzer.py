"""Resemblyzer: whose voice it is, by an LSTM over mel bands.

L. Wan, Q. Wang, A. Papir, I. Lopez Moreno, "Generalized End-to-End Loss for Speaker
Verification", ICASSP 2018; network and weights of C. Jemine, Resemble AI.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.checks import as_array, check_audio
from audioxai_jax.core.extras import needed_by
from audioxai_jax.domains.samples import samples
from audioxai_jax.models.bridges.huggingface.mel_banks import slaney_bank
from audioxai_jax.models.bridges.onnx import OnnxModel
from audioxai_jax.models.bridges.pytorch import read_torch
from audioxai_jax.models.subjects.package_modules import package_module
from audioxai_jax.models.subjects.protocol import Subject
from audioxai_jax.models.subjects.spectra import power_spectra
from audioxai_jax.types import Classifier, Model

SAMPLE_RATE, WINDOW, HOP, BANDS = 16_000, 400, 160, 40
PARTIAL = 160
"""Frames that the network reads at once: 1.6 s."""
STEP = 77
"""Frames from one reading to the next: 1.3 a second, as the package has it."""
COVER = 0.75
"""The last reading is left out if the clip has less of it than this share."""
INSTALL = "resemblyzer==0.1.4 --no-deps"


def resemblyzer(
    voices: Mapping[str, Sequence[Array]] | None = None, *, cache: str | Path | None = None
) -> Classifier:
    """How alike a clip's voice is to each of some voices: cosines `[N]`, of 16 kHz samples.

    Args:
      voices: clips `[T]` of each voice, at 16 kHz, by its name. None for the embedding itself:
        256 values, not negative, of length 1. A voice is the mean of its clips' embeddings, as
        `models.similarity` has it.
      cache: folder that keeps the exported graph, see `from_torch`.

    The clip is read as it is. The package's `preprocess_wav` raises a quiet clip to -30 dBFS and
    cuts long silences before: do the same to a recording first if it needs it.

    Raises:
      MissingExtra: if resemblyzer, torch or onnx are not installed.
      ValueError: for a voice without clips, or no voices.
    """
    embed, reads = embedding(cache=cache), samples(SAMPLE_RATE)
    if voices is None:
        return Classifier(embed, reads, outputs="value")
    if not voices:
        raise ValueError("resemblyzer: no voices: give the clips of at least one, or None")
    centroids = jnp.stack([enrolled(embed, voices[name], name) for name in voices])
    model = Partial(_cosines, embed, centroids)
    return Classifier(model, reads, labels=tuple(voices), outputs="value")


def embedding(*, cache: str | Path | None = None) -> Model:
    """Samples `[T]` at 16 kHz to a voice `[256]` of length 1, as `embed_utterance` has it."""
    return Partial(_embed, _network(cache))


def enrolled(embed: Model, clips: Sequence[Array], name: str = "voice") -> Array:
    """The mean voice of some clips, of length 1, `[256]`.

    Raises:
      ValueError: if there are no clips, or one is not a waveform.
      TypeError (also a ValueError): for whole numbers, as data sets have them.
    """
    if not len(clips):
        raise ValueError(f"{name}: has no clips: give at least one, 16 kHz samples [T]")
    for clip in clips:
        check_audio(as_array(clip, name), name)
    voices = jnp.stack([embed(jnp.asarray(clip)) for clip in clips])
    return _of_length_one(jnp.sum(voices, axis=0))


def mel_spectrogram(audio: Array) -> Array:
    """Power in 40 mel bands, `[1 + T // 160, 40]`, not logarithmic, frames centred on f * 160."""
    padded = jnp.pad(audio, WINDOW // 2)
    power = power_spectra(padded, window=WINDOW, hop=HOP)
    return power @ jnp.asarray(slaney_bank(SAMPLE_RATE, WINDOW // 2 + 1, BANDS), power.dtype)


def starts(samples: int) -> list[int]:
    """First frame of each reading of a clip."""
    frames = -(-(samples + 1) // HOP)
    found = list(range(0, max(1, frames - PARTIAL + STEP + 1), STEP))
    covered = (samples - found[-1] * HOP) / (PARTIAL * HOP)
    return found[:-1] if covered < COVER and len(found) > 1 else found


def _network(cache: str | Path | None) -> OnnxModel:
    """Mel frames `[1, 160, 40]` to embeddings `[1, 256]`."""
    with needed_by("the subject resemblyzer"):
        import torch  # pyright: ignore[reportMissingImports]

    shapes = package_module("resemblyzer", "hparams.py", install=INSTALL, without={})
    others = {"resemblyzer": {"audio": None}, "resemblyzer.hparams": vars(shapes)}
    file = package_module("resemblyzer", "voice_encoder.py", install=INSTALL, without=others)
    module = file.VoiceEncoder("cpu", verbose=False)
    example = torch.zeros(1, PARTIAL, BANDS)
    return read_torch(module.eval(), example, cache=cache)


def _cosines(embed: Model, centroids: Array, audio: Array) -> Array:
    return centroids @ embed(audio)  # all of length 1


def _embed(network: OnnxModel, audio: Array) -> Array:
    first = starts(audio.shape[0])
    audio = jnp.pad(audio, (0, max(0, (first[-1] + PARTIAL) * HOP - audio.shape[0])))
    mel = mel_spectrogram(audio)
    parts = mel[np.asarray(first)[:, None] + np.arange(PARTIAL)]
    each = jax.vmap(lambda part: network(part[None])[0])(parts)
    return _of_length_one(jnp.mean(each, axis=0))


def _of_length_one(x: Array) -> Array:
    return x / jnp.linalg.norm(x)


SUBJECT = Subject(
    resemblyzer,
    task="whose voice",
    package="resemblyzer==0.1.4",
    install=INSTALL,
    licence="Apache-2.0",
    source="L. Wan et al., ICASSP 2018",
    composite="epsilon_plus",
    caveat="reads clips as they are: long silences count as part of the voice",
)
