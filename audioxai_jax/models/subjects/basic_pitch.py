"""basic-pitch: which notes are played?

R. M. Bittner, J. J. Bosch, D. Rubinstein, G. Meseguer-Brocal, S. Ewert, "A Lightweight
Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch Estimation", ICASSP
2022, arXiv 2203.09893. A constant-Q transform in the network, stacked by harmonics, and
convolutions.
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

RATE, HOP = 22_050, 256
WINDOW = 2 * RATE - HOP
"""Samples that the network reads at once."""
SHARED = 30
"""Frames that two windows share; half of them are cut from each end."""
FRAMES_PER_SECOND = RATE // HOP
NAMES = "C C# D D# E F F# G G# A A# B".split()
NOTES = tuple(f"{NAMES[key % 12]}{key // 12 - 1}" for key in range(21, 109))
"""Keys of a piano, from A0 (27.5 Hz) to C8."""
LOGITS = (
    "model_1/conv2d_3/BiasAdd;model_1/conv2d_3/BiasAdd;model_1/conv2d_5/Conv2D;"
    "model_1/conv2d_5/Conv2D;model_1/conv2d_3/Conv2D;model_1/conv2d_3/Conv2D;"
    "model_1/conv2d_3/BiasAdd/ReadVariableOp;model_1/conv2d_3/BiasAdd/ReadVariableOp"
)
"""Tensor of the notes' logits, named after the layers that were folded into it."""
PACKAGE, INSTALL = "basic_pitch", "--no-deps basic-pitch==0.4.0"
FILE = "saved_models/icassp_2022/nmp.onnx"


def basic_pitch(over: Over = "maximum") -> Classifier:
    """A logit for each note of a piano, above 0 where it sounds.

    As in the package, windows of 43,844 samples overlap by 30 frames, of which half are cut at
    each end; half of that length in zeros stands before the clip, and zeros fill the last window.

    Args:
      over: frames that count: "maximum" (does the note sound anywhere?) or "mean" of their
        logits, or the mean over a stretch (from, to) in seconds.

    Returns:
      A classifier of waveforms `[T]` at 22,050 Hz of any length, with 88 labels "A0" to "C8".

    Raises:
      MissingExtra: if basic-pitch is not installed.
      ValueError: for another `over`.
    """
    path = package_file(PACKAGE, FILE, install=INSTALL)
    model = Partial(_notes, read_onnx(path, outputs=(LOGITS,)), Static(check_over(over)))
    return Classifier(model, reads=samples(RATE), labels=NOTES, outputs="sigmoid")


def windows(audio: Array) -> Array:
    """A clip `[T]` as the windows `[N, 43844, 1]` that the network reads."""
    hop, before = WINDOW - SHARED * HOP, SHARED * HOP // 2
    count = -(-(audio.shape[0] + before) // hop)
    behind = (count - 1) * hop + WINDOW - before - audio.shape[0]
    audio = jnp.pad(audio, (before, behind))
    return jnp.stack([audio[n * hop : n * hop + WINDOW] for n in range(count)])[..., None]


def frame_logits(network: OnnxModel, audio: Array) -> Array:
    """Logits of each note in each frame of a clip, `[F, 88]`."""
    logits = network(windows(audio)).reshape(-1, WINDOW // HOP + 1, len(NOTES))
    frames = logits[:, SHARED // 2 : -(SHARED // 2)].reshape(-1, len(NOTES))
    return frames[: int(np.floor(audio.shape[0] * FRAMES_PER_SECOND / RATE))]


def _notes(network: OnnxModel, over: Static, audio: Array) -> Array:
    frames = frame_logits(network, audio)
    return pooled(frames, over.value, 1 / FRAMES_PER_SECOND)  # type: ignore[arg-type]


SUBJECT = Subject(
    build=basic_pitch,
    task="notes",
    package="basic-pitch==0.4.0",
    install=INSTALL,
    licence="Apache-2.0",
    source="Bittner et al., ICASSP 2022, arXiv 2203.09893",
    composite="epsilon_plus",
    caveat="scales the log spectrum of each window to [0, 1], so that level hardly counts",
)
