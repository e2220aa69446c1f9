"""Overlapping chunks of a long sound, and their sum with weights that rise and fall.

EnCodec's 48 kHz model codes one second at a time (arXiv 2210.13438, section 3.1). Chunk i
starts `step` samples after the one before it and is `length` long, or as long as the sound is
there. The number of samples decides all of it, so a layout is of plain numbers.
"""

import dataclasses
import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

AT_ONCE = 8
"""Chunks of a long sound that run at once, which bounds memory."""


@dataclasses.dataclass(frozen=True)
class Chunks:
    """Chunks of `length` samples every `step`, of frames of `hop` samples; 0 < step <= length."""

    length: int
    step: int
    hop: int

    def __post_init__(self):
        if not 0 < self.step <= self.length or self.hop < 1:
            raise ValueError(f"chunks need 0 < step <= length and a hop, got {self}")

    def samples(self, total: int) -> list[tuple[int, int]]:
        """(start, samples) of each chunk of a sound of `total` samples."""
        starts = range(0, total, self.step)
        return [(start, min(self.length, total - start)) for start in starts]

    def frames(self, total: int) -> list[int]:
        """Frames of each chunk of a sound of `total` samples."""
        return [-(-samples // self.hop) for _, samples in self.samples(total)]

    def of_frames(self, count: int) -> list[tuple[int, int]]:
        """(start, samples) of the decoded chunks of a latent of `count` frames in all.

        Raises:
          ValueError: if no sound has this number of frames.
        """
        low, high = 1, max(1, count) * self.hop  # the shortest sound of `count` frames or more
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if sum(self.frames(middle)) >= count else (middle + 1, high)
        frames = self.frames(low)
        if sum(frames) != count:
            raise ValueError(
                f"no sound makes {count} latent frames with chunks of {self.length} samples every "
                f"{self.step}: decode the whole latent of one sound"
            )
        return [(i * self.step, n * self.hop) for i, n in enumerate(frames)]


def runs(layout: list[tuple[int, int]]) -> list[tuple[np.ndarray, int]]:
    """(starts, samples) of neighbouring chunks that are equally long."""
    groups = itertools.groupby(layout, key=lambda chunk: chunk[1])
    return [(np.array([start for start, _ in group]), samples) for samples, group in groups]


def cut(audio: Array, starts: np.ndarray, samples: int) -> Array:
    """Chunks `[n, samples, ..]` of a sound `[T, ..]`."""
    return audio[starts[:, None] + np.arange(samples)]


def each(function: Callable[[Array], Array], chunks: Array) -> Array:
    """`function` of each chunk, AT_ONCE of them at a time."""
    if chunks.shape[0] <= AT_ONCE:
        return jax.vmap(function)(chunks)
    return jax.lax.map(function, chunks, batch_size=AT_ONCE)


def overlap_add(parts: list[tuple[np.ndarray, Array]]) -> Array:
    """The sound `[T, ..]` of chunks `[n, samples, ..]` and their starts.

    Where chunks overlap, their weighted mean: weights rise from the first sample of a chunk and
    fall to the last of one as long as the first, `min(i + 1, n - i) / (n + 1)`; shorter chunks
    use the beginning of these.
    """
    first = parts[0][1].shape[1]
    ramp = np.minimum(np.arange(1, first + 1), np.arange(first, 0, -1)) / (first + 1)
    total = max(int(starts[-1]) + sounds.shape[1] for starts, sounds in parts)
    weights = np.zeros(total)
    indices = [starts[:, None] + np.arange(sounds.shape[1]) for starts, sounds in parts]
    for index in indices:
        np.add.at(weights, index, np.broadcast_to(ramp[: index.shape[1]], index.shape))
    sound = jnp.zeros((total, *parts[0][1].shape[2:]), parts[0][1].dtype)
    for index, (_, sounds) in zip(indices, parts, strict=True):
        share = (ramp[: index.shape[1]] / weights[index]).astype(sounds.dtype)
        sound = sound.at[index].add(share.reshape(share.shape + (1,) * (sounds.ndim - 2)) * sounds)
    return sound
