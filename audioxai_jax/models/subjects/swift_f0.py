"""SwiftF0: how high is the voice?

L. Nieradzik, "SwiftF0: Fast and Accurate Monophonic Pitch Detection", 2025, arXiv 2508.18440. A
spectrogram by matrices, its logarithm, and convolutions along frequency.
"""

import jax
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

RATE, HOP = 16_000, 256
LOWEST, HIGHEST, BINS = 46.875, 2093.75, 95
"""Pitches that it tells, Hz, and their number; evenly spaced on a logarithmic scale."""
PITCHES = LOWEST * (HIGHEST / LOWEST) ** (np.arange(BINS) / (BINS - 1))
CENTS_FROM = 10.0
"""Hz of 0 cents, as CREPE counts them."""
SCORES, VOICED = "v429", "v437"
"""Tensors: a score for each pitch `[1, F, 95]`, a logit of voicing `[1, F]`."""
OUTPUTS = ("pitch", "cents", "voiced")
PACKAGE, INSTALL = "swift_f0", "--no-deps swift-f0==0.3.0"
FILE = "model.onnx"


def swift_f0(output: str = "pitch", *, over: Over = "mean") -> Classifier:
    """The package's network for frames of 16 ms.

    Its rule for silence (frames below 0.001 of full scale count as unvoiced) is left out.

    Args:
      output: "pitch", a score for each of 95 pitches from 46.9 to 2,094 Hz, which exclude each
        other; "cents", the pitch as a value, 1200 log2(f / 10 Hz), from the three scores around
        the best; "voiced", one logit.
      over: frames that count: "mean" or "maximum", or the mean over a stretch (from, to) in
        seconds. Frames without a voice have some pitch too: give a voiced stretch.

    Returns:
      A classifier of waveforms `[T]` at 16 kHz of any length.

    Raises:
      MissingExtra: if swift-f0 is not installed.
      ValueError: for another output or `over`.
    """
    if output not in OUTPUTS:
        raise ValueError(f"output {output!r}: choose one of {', '.join(OUTPUTS)}")
    network = read_onnx(
        package_file(PACKAGE, FILE, install=INSTALL),
        inputs=("audio",),
        outputs=(VOICED if output == "voiced" else SCORES,),
        fixed={"fmin": np.float32(LOWEST), "fmax": np.float32(HIGHEST)},
    )
    model = Partial(_clip, network, Static((output, check_over(over))))
    labels = {"cents": ("cents",), "voiced": ("voiced",)}.get(output) or tuple(
        f"{pitch:.1f} Hz" for pitch in PITCHES
    )
    kind = {"pitch": "softmax", "cents": "value", "voiced": "sigmoid"}[output]
    return Classifier(model, reads=samples(RATE), labels=labels, outputs=kind)


def frame_values(network: OnnxModel, output: str, audio: Array) -> Array:
    """What is asked for in each frame of a clip, `[F, K]`."""
    frames = network(audio[None])[0]  # [F, 95] or [F]
    if output == "cents":
        frames = _cents(frames)
    return frames.reshape(frames.shape[0], -1)


def _clip(network: OnnxModel, settings: Static, audio: Array) -> Array:
    output, over = settings.value  # type: ignore[misc]
    return pooled(frame_values(network, output, audio), over, HOP / RATE)


def _cents(scores: Array) -> Array:
    """The pitch of each frame, `[F, 95]` to `[F]`: the mean of three, weighted by a softmax."""
    near = jnp.argmax(scores, axis=-1)[:, None] + jnp.arange(-1, 2)
    inside = (near >= 0) & (near < BINS)
    near = jnp.clip(near, 0, BINS - 1)
    chosen = jnp.where(inside, jnp.take_along_axis(scores, near, axis=-1), -1e9)
    cents = jnp.asarray(1200 * np.log2(PITCHES / CENTS_FROM), scores.dtype)
    return jnp.sum(jax.nn.softmax(chosen, axis=-1) * cents[near], axis=-1)


SUBJECT = Subject(
    build=swift_f0,
    task="pitch",
    package="swift-f0==0.3.0",
    install=INSTALL,
    licence="MIT",
    source="Nieradzik, arXiv 2508.18440",
    composite="epsilon_plus",
    caveat="a logarithm of the spectrum inside: Integrated Gradients from silence needs many steps",
)
