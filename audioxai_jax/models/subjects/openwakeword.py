"""openWakeWord: was a wake word said?

D. Scripka, openWakeWord, 2022, github.com/dscripka/openWakeWord, on the embedding of J. Lin et
al., "Training Keyword Spotters with Limited and Synthesized Speech Data", ICASSP 2020, arXiv
2002.01322. Three networks, one after the other: log-mel spectrogram, embedding, head.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static
from audioxai_jax.domains import samples
from audioxai_jax.models.bridges.onnx import OnnxModel, read_onnx
from audioxai_jax.models.subjects.over_time import Over, check_over, pooled
from audioxai_jax.models.subjects.protocol import Subject, package_file
from audioxai_jax.types import Classifier

RATE = 16_000
CHUNK, BEFORE = 1_280, 480
"""Samples of each step, and those before it that its spectrogram reads again."""
ROWS, MELS, ROWS_OF_A_STEP = 76, 32, 8
"""Size of the spectrogram that an embedding reads, and rows that a step adds."""
UNHEARD = 5
"""First steps, which the package never reports."""
FULL_SCALE = 32_768
"""The networks read samples of 16 bits; they are scaled here and not rounded."""
HEADS: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "alexa": ("onnx::Sigmoid_12", 16, ("alexa",)),
    "hey_marvin": ("onnx::Sigmoid_38", 16, ("hey_marvin",)),
    "hey_mycroft": ("model/dense/BiasAdd:0", 16, ("hey_mycroft",)),
    "hey_jarvis": ("input.19", 16, ("hey_jarvis",)),
    "weather": ("onnx::Sigmoid_12", 22, ("weather",)),
    "timer": (
        "onnx::Softmax_13",
        34,
        ("no_timer", *(f"{time}_timer" for time in "1_minute 5_minute 10_minute".split()))
        + ("20_minute_timer", "30_minute_timer", "1_hour_timer"),
    ),
}
"""Tensor of the logits, embeddings that the head reads, and labels of each head."""
PACKAGE, INSTALL = "openwakeword", "--no-deps openwakeword==0.4.0"
FOLDER = "resources/models"


def openwakeword(
    word: str = "alexa", *, over: Over = "maximum", padding: float = 1.0
) -> Classifier:
    """The three networks as the package streams them through a clip, 80 ms a step.

    As `Model.predict_clip` does: silence stands before and behind the clip, the decibels of each
    step reach 80 dB below its loudest, and what no step has filled yet is the embedding of
    silence. The first five steps do not count.

    `hey_jarvis` has a second network that hears again where the first says yes; which one
    answers depends on the sound, so this is the first alone. "timer" has seven classes.

    Args:
      word: "alexa", "hey_marvin", "hey_mycroft", "hey_jarvis", "weather" or "timer".
      over: steps that count: "maximum" (what raises an alarm) or "mean" of their logits, or the
        mean over a stretch (from, to) in seconds, silence before the clip and the five first
        steps not counted.
      padding: seconds of silence on both sides.

    Returns:
      A classifier of waveforms `[T]` at 16 kHz of any length.

    Raises:
      MissingExtra: if openwakeword 0.4 is not installed; later ones bring no files.
      ValueError: for another word or `over`, or a padding below zero.
    """
    if word not in HEADS:
        raise ValueError(f"word {word!r}: choose one of {', '.join(HEADS)}")
    if padding < 0:
        raise ValueError(f"padding must be 0 or more seconds, got {padding}")
    tensor, span, labels = HEADS[word]
    names = ("melspectrogram", "embedding_model", f"{word}_v0.1")
    files = [package_file(PACKAGE, f"{FOLDER}/{name}.onnx", install=INSTALL) for name in names]
    networks = (read_onnx(files[0]), read_onnx(files[1]), read_onnx(files[2], outputs=(tensor,)))
    settings = Static((span, round(padding * RATE), check_over(over)))
    outputs = "softmax" if len(labels) > 1 else "sigmoid"
    return Classifier(
        Partial(_clip, networks, settings), reads=samples(RATE), labels=labels, outputs=outputs
    )


Networks = tuple[OnnxModel, OnnxModel, OnnxModel]


def _clip(networks: Networks, settings: Static, audio: Array) -> Array:
    span, padding, over = settings.value  # type: ignore[misc]
    return pooled(step_logits(networks, span, padding, audio), over, CHUNK / RATE)


def step_logits(networks: Networks, span: int, padding: int, audio: Array) -> Array:
    """Logits of each step of 80 ms of a padded clip, but the first five, `[steps - 5, K]`.

    Args:
      networks: spectrogram, embedding and head.
      span: embeddings that the head reads.
      padding: samples of silence on both sides.
    """
    mel, embedding, head = networks
    rows = _rows(mel, jnp.pad(audio, (padding, padding)) * FULL_SCALE)
    places = jnp.arange(0, rows.shape[0] - ROWS + 1, ROWS_OF_A_STEP)[:, None] + jnp.arange(ROWS)
    silence = _decibels(mel, jnp.zeros(CHUNK + BEFORE, audio.dtype))[:1]
    silent = jnp.tile(silence, (ROWS, 1))
    embedded = embedding(jnp.concatenate([silent[None], rows[places]])[..., None])
    embedded = embedded.reshape(-1, embedded.shape[-1])  # silence first
    embedded = jnp.concatenate([jnp.tile(embedded[:1], (span - 1, 1)), embedded[1:]])
    steps = embedded.shape[0] - span + 1
    if steps <= UNHEARD:
        raise ValueError(f"openwakeword: {steps} steps of 80 ms are too few, more than 5 are heard")
    heard = embedded[jnp.arange(UNHEARD, steps)[:, None] + jnp.arange(span)]
    return jax.vmap(lambda given: head(given[None])[0])(heard)


def _rows(mel: OnnxModel, sound: Array) -> Array:
    """Rows of the spectrogram at the end of each step, 76 before the first; step by step."""
    steps = len(range(0, sound.shape[0] - CHUNK, CHUNK))
    start = _decibels(mel, sound[:CHUNK])
    starts = CHUNK * jnp.arange(1, steps) - BEFORE
    later = jax.vmap(lambda part: _decibels(mel, part))(
        sound[starts[:, None] + jnp.arange(CHUNK + BEFORE)]
    )
    before = jnp.ones((ROWS, MELS), sound.dtype)
    rows = jnp.concatenate([before, start, later.reshape(-1, MELS)])
    return rows[start.shape[0] :]  # so that each step ends 8 rows behind the one before


def _decibels(mel: OnnxModel, samples: Array) -> Array:
    return mel(samples[None]).reshape(-1, MELS) / 10 + 2


SUBJECT = Subject(
    build=openwakeword,
    task="wake words",
    package="openwakeword==0.4.0",
    install=INSTALL,
    licence="CC BY-NC-SA 4.0 (weights), Apache-2.0 (code)",
    source="Scripka, github.com/dscripka/openWakeWord; Lin et al., arXiv 2002.01322",
    composite="epsilon_plus",
    caveat="not for commercial use; decibels inside, Integrated Gradients from silence has a gap",
)
