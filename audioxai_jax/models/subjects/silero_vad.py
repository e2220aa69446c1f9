"""Silero VAD: is somebody speaking?

Silero Team, "Silero VAD: pre-trained enterprise-grade Voice Activity Detector", 2021,
github.com/snakers4/silero-vad. A learned short-time Fourier transform of 576 samples, four
convolutions and an LSTM that goes from frame to frame.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static
from audioxai_jax.domains import samples
from audioxai_jax.models.bridges.onnx import OnnxModel, read_onnx
from audioxai_jax.models.subjects.over_time import Over, check_over, pooled
from audioxai_jax.models.subjects.protocol import Subject, package_file
from audioxai_jax.types import Classifier

RATE = 16_000
FRAME, CONTEXT = 512, 64
"""New samples of each frame, and those of the frame before it that it reads again."""
PACKAGE, INSTALL = "silero_vad", "--no-deps silero-vad==6.2.3"
FILE = "data/silero_vad_16k_sequence.onnx"
LOGITS = "/output/Conv_output_0"


def silero_vad(over: Over = "mean") -> Classifier:
    """The package's model of all frames at once, which equals its streaming one.

    The recurrent state begins as zeros and goes from frame to frame, as in the package. Zeros
    fill the last frame and stand before the first.

    Args:
      over: frames that count: "mean" or "maximum" of their logits, or the mean over a stretch
        (from, to) in seconds.

    Returns:
      A classifier of waveforms `[T]` at 16 kHz of any length, with one logit, "speech".

    Raises:
      MissingExtra: if silero-vad is not installed.
      ValueError: for another `over`.
    """
    start = np.zeros((1, 1, 128), np.float32)
    network = read_onnx(
        package_file(PACKAGE, FILE, install=INSTALL),
        inputs=("input",),
        outputs=(LOGITS,),
        fixed={"h": start, "c": start},
    )
    model = Partial(_speech, network, Static(check_over(over)))
    return Classifier(model, reads=samples(RATE), labels=("speech",), outputs="sigmoid")


def framed(audio: Array) -> Array:
    """A clip `[T]` as frames `[F, 576]`: 64 samples of the frame before, then 512 new ones."""
    count = -(-audio.shape[0] // FRAME)
    padded = jnp.pad(audio, (CONTEXT, count * FRAME - audio.shape[0]))
    fresh = padded[CONTEXT:].reshape(count, FRAME)
    before = padded[: count * FRAME].reshape(count, FRAME)[:, :CONTEXT]
    return jnp.concatenate([before, fresh], axis=1)


def frame_logits(network: OnnxModel, audio: Array) -> Array:
    """Logits of each frame of a clip, `[F, 1]`."""
    return network(framed(audio)).reshape(-1, 1)


def _speech(network: OnnxModel, over: Static, audio: Array) -> Array:
    return pooled(frame_logits(network, audio), over.value, FRAME / RATE)  # type: ignore[arg-type]


SUBJECT = Subject(
    build=silero_vad,
    task="speech or not",
    package="silero-vad==6.2.3",
    install=INSTALL,
    licence="MIT",
    source="Silero Team, Silero VAD, github.com/snakers4/silero-vad",
    composite="epsilon_plus",
    caveat="an LSTM carries what it heard: relevance of a frame may lie before it",
)
