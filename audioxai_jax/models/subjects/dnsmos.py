"""DNSMOS P.835: how good does speech sound, how bad is the background?

C. K. A. Reddy, V. Gopal, R. Cutler, "DNSMOS P.835: A Non-Intrusive Perceptual Objective Speech
Quality Metric to Evaluate Noise Suppressors", ICASSP 2022, arXiv 2110.01763. A log-power
spectrogram inside the network, convolutions, and a maximum over time and frequency.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.domains import samples
from audioxai_jax.models.bridges.onnx import OnnxModel, read_onnx
from audioxai_jax.models.subjects.protocol import Subject, package_file
from audioxai_jax.types import Classifier

RATE = 16_000
SECONDS = 9.01
LENGTH = int(SECONDS * RATE)
"""Samples that the network reads at once."""
SCORES = ("SIG", "BAK", "OVR")
PARABOLAS = np.array(
    [
        [0.0052439, -0.39604546, 0.04602535],
        [1.22083953, 1.60915514, 1.11546468],
        [-0.08397278, -0.13166888, -0.06766283],
    ],
    np.float32,
)
"""From the network's outputs to opinion scores, `[power, score]`, as the package has them."""
PACKAGE, INSTALL = "speechmos", "--no-deps speechmos==0.0.1.1"
FILE = "dnsmos_models/sig_bak_ovr.onnx"


def dnsmos() -> Classifier:
    """Mean opinion scores from 1 to 5: speech signal, background noise, overall.

    As in the package, a clip is doubled until it has 9.01 s, windows of 9.01 s begin a second
    apart, and scores are means over them.

    Returns:
      A classifier of waveforms `[T]` at 16 kHz of any length; its outputs are values, SIG, BAK
      and OVR, the higher the better.

    Raises:
      MissingExtra: if speechmos is not installed.
    """
    network = read_onnx(package_file(PACKAGE, FILE, install=INSTALL))
    model = Partial(_scores, network)
    return Classifier(model, reads=samples(RATE), labels=SCORES, outputs="value")


def windows(audio: Array) -> Array:
    """A clip `[T]` as the windows `[N, 144160]` whose scores are averaged."""
    doublings = 0
    while audio.shape[0] << doublings < LENGTH:
        doublings += 1
    audio = jnp.tile(audio, 1 << doublings)
    hops = int(audio.shape[0] // RATE - SECONDS) + 1
    # The package's end of a window is rounded down, and leaves out those one sample short.
    starts = [
        RATE * hop for hop in range(hops) if int((hop + SECONDS) * RATE) - RATE * hop == LENGTH
    ]
    return jnp.stack([audio[start : start + LENGTH] for start in starts])


def _scores(network: OnnxModel, audio: Array) -> Array:
    raw = network(windows(audio))  # [N, 3]
    constant, slope, bend = jnp.asarray(PARABOLAS, raw.dtype)
    return jnp.mean(constant + slope * raw + bend * raw**2, axis=0)


SUBJECT = Subject(
    build=dnsmos,
    task="speech quality (SIG, BAK, OVR)",
    package="speechmos==0.0.1.1",
    install=INSTALL,
    licence="MIT",
    source="Reddy et al., ICASSP 2022, arXiv 2110.01763",
    composite="epsilon_plus",
    caveat="a logarithm of power inside: Integrated Gradients from silence needs many steps",
)
