"""AudioNet and AlexNet on the same clips, in a common domain: where do they look?

The frames of AlexNet's spectrogram: relevance of a waveform is carried there by short-time
DFT-LRP, that of a spectrogram is there already.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax import domains
from audioxai_jax.dft_lrp.time_frequency import short_time_relevance
from audioxai_jax.metrics.correlation import rank_correlation
from audioxai_jax.metrics.relevance_shares import shares
from audioxai_jax.nets.classifiers import alexnet
from audioxai_jax.perturbation.deletion import deletion_curves
from audioxai_jax.transforms import istft
from audioxai_jax.types import Model
from experiments.audiomnist.protocol import FRACTIONS, sounding_ends

FRAMES = {"window": ("hann", alexnet.WINDOW), "hop": alexnet.HOP, "before": alexnet.WINDOW // 2}
"""Of AlexNet's spectrogram."""
BANDS = (0, 250, 500, 1000, 2000, 4000)
"""Hz."""


def in_common_cells(net: str, inputs: Array, relevance: Array) -> Array:
    """Relevance of what a network reads, in the frames of AlexNet's spectrogram, `[N, 230, 228]`.

    A waveform's is carried there by short-time DFT-LRP.
    """
    return _in_common_cells(net == "alexnet", jnp.asarray(inputs), jnp.asarray(relevance))


@jax.jit(static_argnums=0)
def _in_common_cells(spectrogram: bool, inputs: Array, relevance: Array) -> Array:
    if spectrogram:
        return jax.vmap(alexnet.in_whole_frames)(relevance)
    return jax.vmap(lambda x, r: short_time_relevance(x, r, **FRAMES))(inputs, relevance)


def compared(
    cells: Mapping[str, Array],
    models: Mapping[str, Model],
    audio: np.ndarray,
    labels: np.ndarray,
    *,
    key: Array,
    first_index: int = 0,
) -> dict[str, Any]:
    """Two networks on the same clips in a common domain.

    Args:
      cells: relevance in common cells, `[N, 230, 228]`, by network.
      models: models of waveforms: each network behind its `features`.
      audio: waveforms `[N, 8000]`, float32, full scale is 1.
      labels: `[N]`.

    Returns:
      By network, and for "energy", that of the waveform: "bands" and "times": shares of positive
      relevance, `[N, 5]` in BANDS, `[N, 4]` in quarters of the sounding part; and "blocks", its
      sums over 10 frames and 6 bins (44 ms, 105 Hz), `[N, 23, 38]`. "curves": by
      network, deletion of cells of the waveform's STFT by that network's relevance ("own"), by
      the other's ("other"), by magnitude and at random.
    """
    found: dict[str, Any] = {"curves": {}}
    first, second = cells
    for net in cells:
        rankings = {"own": cells[net], "other": cells[second if net == first else first]}
        domain = domains.time_frequency(alexnet.SAMPLE_RATE, **FRAMES)  # type: ignore[arg-type]
        rankings = {name: rows[..., None] for name, rows in rankings.items()}
        found["curves"][net] = deletion_curves(
            models[net],
            audio,
            labels,
            rankings,
            FRACTIONS,
            key=key,
            domain=domain,
            first_index=first_index,
        )
    energy = jax.jit(jax.vmap(lambda clip: jnp.abs(istft.analyse(clip, **FRAMES)) ** 2))(audio)
    for name, values in {**cells, "energy": energy}.items():
        bands, times = _shares(values, audio)
        found[name] = {"bands": bands, "times": times, "blocks": _blocks(values)}
    return found


def correlations(found: Mapping[str, Any], labels: np.ndarray) -> dict[str, Array]:
    """Rank correlation of both networks' maps of relevance, `[N]`.

    Args:
      found: result of `compared`, all clips together.
      labels: `[N]`.

    Returns:
      "same clip"; and "clips of another class": one clip's map with the other network's map of
      the next clip, in order and around, of another class. The latter is left out if there is
      one class only.
    """
    a, b = (jnp.asarray(found[net]["blocks"]) for net in found["curves"])
    number = len(labels)
    ahead = (np.arange(number)[:, None] + np.arange(1, number)) % number
    other = labels[ahead] != labels[:, None]
    correlate = jax.jit(jax.vmap(rank_correlation))
    rows = {"same clip": correlate(a, b)}
    if other.any():
        rows["clips of another class"] = correlate(a, b[ahead[np.arange(number), other.argmax(1)]])
    return rows


def _blocks(cells: Array) -> Array:
    """Sums over 10 frames and 6 bins, `[N, 23, 38]`."""
    return cells.reshape(len(cells), 23, 10, 38, 6).sum((2, 4))


@jax.jit
def _shares(cells: Array, audio: Array) -> tuple[Array, Array]:
    hertz = np.arange(228) * alexnet.SAMPLE_RATE / alexnet.WINDOW

    def one(cells: Array, clip: Array):
        first, last = sounding_ends(clip)
        place = (np.arange(230) * alexnet.HOP - first) / (last + 1 - first)
        index = jnp.floor(place * 4)
        positive = jnp.sum(jnp.maximum(cells, 0), axis=1)
        quarters = jnp.stack([jnp.sum(jnp.where(index == i, positive, 0)) for i in range(4)])
        return shares(cells, hertz, BANDS, axis=1), quarters / jnp.sum(positive)

    return jax.vmap(one)(cells, audio)
