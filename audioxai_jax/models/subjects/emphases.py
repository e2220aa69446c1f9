"""Emphases: which words a speaker stresses, by convolutions over mel bands and over words.

M. Morrison, P. Pawar, N. Pruyne, J. Cole, B. Pardo, "Crowdsourced and Automatic Speech
Prominence Estimation", ICASSP 2024. Its network is a stack of convolutions, written here in JAX:
between both halves stands a sum over the frames of each word, and words differ from clip to clip.
"""

import itertools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from audioxai_jax.core.records import bind
from audioxai_jax.domains.samples import samples
from audioxai_jax.models.bridges.huggingface.mel_banks import slaney_bank
from audioxai_jax.models.subjects.package_modules import checkpoint
from audioxai_jax.models.subjects.protocol import Subject
from audioxai_jax.models.subjects.spectra import power_spectra
from audioxai_jax.types import Classifier

SAMPLE_RATE, WINDOW, HOP, BANDS, LAYERS = 16_000, 1024, 160, 80, 6
EDGE = (WINDOW - HOP) // 2
"""Samples before the first frame's own 160: zeros, as the package has them."""
STAND_IN = 30
"""Frames of a piece where no words are given: 0.3 s."""
INSTALL = "emphases==0.0.2 --no-deps"
Span = tuple[float, float]


def emphases(words: Mapping[str, Span] | Sequence[Span] | None = None) -> Classifier:
    """How stressed each word of a clip is: logits `[W]`, of samples at 16 kHz.

    Args:
      words: start and end of each word, seconds, in order, by its name or without names, such as
        a forced aligner gives them; what lies between words counts as a word to the network, so
        give silences too. None for pieces of 0.3 s instead of words: a rough guide only, for the
        network sums over a word's frames, and was trained on words.

    The package's own forward pass: its frames lie 27 ms behind the words, and the clip counts up
    to the end of the last word.

    Raises:
      MissingExtra: if emphases or torch are not installed.
      ValueError: for a word that ends before it starts; when used, if the last word ends after
        the clip, or the clip is too short for a frame.
    """
    names = tuple(words) if isinstance(words, Mapping) else None
    spans = None
    if words is not None:
        given = words.values() if isinstance(words, Mapping) else words
        spans = tuple(_frames_of(start, end) for start, end in given)
    saved = checkpoint("emphases", "assets/checkpoints/checkpoint.pt", install=INSTALL)
    params = {name: jnp.asarray(tensor.numpy()) for name, tensor in saved["model"].items()}
    model = bind(_prominence, spans, params)
    return Classifier(model, samples(SAMPLE_RATE), labels=names, outputs="sigmoid")


def log_mel(audio: Array) -> Array:
    """Features of the network, `[F, 80]`: F is a frame for each 160 samples.

    Natural logarithm of magnitudes in mel bands, at least 1e-5.
    """
    power = power_spectra(jnp.pad(audio, EDGE, mode="reflect"), window=WINDOW, hop=HOP)
    bank = jnp.asarray(slaney_bank(SAMPLE_RATE, WINDOW // 2 + 1, BANDS), power.dtype)
    mel = jnp.sqrt(power + 1e-6) @ bank
    return jnp.log(jnp.maximum(mel, 1e-5))


def _prominence(spans: tuple | None, params: Mapping[str, Array], audio: Array) -> Array:
    frames = audio.shape[0] // HOP
    if frames * HOP <= EDGE:
        raise ValueError(
            f"emphases: the clip has {audio.shape[0]} samples, expected more than {EDGE}"
        )
    spans = pieces(frames) if spans is None else spans
    last = max(end for _, end in spans)
    if last > frames:
        raise ValueError(
            f"emphases: the last word ends at {last / 100} s, the clip at {frames / 100} s: give "
            "seconds from the clip's start, and a clip at 16 kHz"
        )
    delayed = jnp.pad(audio, (EDGE, 0))[: last * HOP]
    x = _layers(params, "frame_encoder", _convolution(params, "input_layer", log_mel(delayed)))
    words = jnp.stack([jnp.sum(x[start:end], axis=0) for start, end in spans])
    return _convolution(params, "output_layer", _layers(params, "word_decoder", words))[:, 0]


def pieces(frames: int) -> tuple[tuple[int, int], ...]:
    """Spans of 30 frames that take the place of words; the last may be shorter."""
    edges = [*range(0, frames, STAND_IN), frames]
    return tuple(itertools.pairwise(edges))


def _layers(params: Mapping[str, Array], name: str, x: Array) -> Array:
    for layer in range(LAYERS):
        x = jax.nn.relu(_convolution(params, f"{name}.{2 * layer}", x))
    return x


def _convolution(params: Mapping[str, Array], name: str, x: Array) -> Array:
    """Along the first axis of `[F, C]`, zeros at both ends."""
    weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
    y = lax.conv_general_dilated(
        x[None], weight, (1,), "SAME", dimension_numbers=("NWC", "OIW", "NWC")
    )
    return y[0] + bias


def _frames_of(start: float, end: float) -> tuple[int, int]:
    first, stop = (round(float(time) * SAMPLE_RATE / HOP) for time in (start, end))
    if not 0 <= first < stop:
        raise ValueError(
            f"emphases: a word from {start} to {end} s has no frame of 10 ms: give start and end "
            "in seconds, in that order"
        )
    return first, stop


SUBJECT = Subject(
    emphases,
    task="which word is stressed",
    package="emphases==0.0.2",
    install=INSTALL,
    licence="MIT",
    source="M. Morrison et al., ICASSP 2024",
    composite="epsilon_plus",
    caveat="without words it reads pieces of 0.3 s in their place",
)
