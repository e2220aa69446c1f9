"""Sounds of any length through a codec, piece by piece, in constant memory.

    for latent in streaming.encode(codec, blocks): ...
    for sound in streaming.decode(codec, latents): ...

Joined, the pieces are what the codec makes of the whole: convolutions see overlapping windows, an
LSTM's state is carried from one to the next, chunks lie where they always do.
`audioxai_jax.streaming.stages` says how.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from audioxai_jax.core.checks import WrongType, kind, whole
from audioxai_jax.streaming.codecs import stages_of
from audioxai_jax.streaming.stages import Carried, Local, Stage, run
from audioxai_jax.types import Codec, Model

WINDOW_SECONDS = 8
"""Sound that one window gives, unless another number of frames is asked for."""


def encode(
    codec: Codec,
    blocks: Iterable[Any],
    *,
    frames: int | None = None,
    stages: Sequence[Stage] | None = None,
) -> Iterator[np.ndarray]:
    """Yields pieces `[f, C]` that, joined, are `codec.encode` of the whole sound.

    A latent frame comes when its window is full, which includes what the codec sees ahead, and
    the first window also what it sees behind. The end of the sound is the end of the blocks.

    Args:
      codec: one of this library; of another, give the `stages` of its encoder.
      blocks: pieces of one waveform, `[n]`, floating point, of any sizes.
      frames: latent frames of a window: few for a short wait, many for speed, 8 s by default.
      stages: stages of the encoder, see `audioxai_jax.streaming.stages`; their `units` are the
        windows.

    Yields:
      Arrays of any number of frames but 0. Float32 rounds sums of other shapes otherwise, by
      about 1e-6 of the largest value, by which a quantiser's nearest codeword may change.

    Raises:
      ValueError: for blocks that are not as above, no samples at all, windows of less than a
        frame, a codec that needs the whole sound or does not say how far it sees, or stages
        that are not `Stage`s, do not fit their functions, or are given with `frames`.
    """
    _check_codec(codec)
    return run(_stages(codec, codec.encode, frames, stages), _waveform(blocks))


def decode(
    codec: Codec,
    latents: Iterable[Any],
    *,
    frames: int | None = None,
    stages: Sequence[Stage] | None = None,
) -> Iterator[np.ndarray]:
    """Yields pieces `[n]` that, joined, are `codec.decode` of the whole latent.

    They end with its last frame, up to a frame later than the sound that was encoded. A codec of
    chunks cannot tell the last ones, which are shorter, before the latents end: what they reach
    comes then.

    Args:
      codec, frames: codec and latent frames of a window, see `encode`.
      latents: pieces `[f, C]` of one latent, of any numbers of frames.
      stages: stages of the decoder.

    Raises:
      ValueError: as `encode`, and for frames of chunks that no sound makes.
    """
    _check_codec(codec)
    return run(_stages(codec, codec.decode, frames, stages), _frames(latents))


def _check_codec(codec: object) -> None:
    if not isinstance(codec, Codec):
        do = "load it first, by audioxai_jax.load_codec"
        raise WrongType(f"codec: expected a Codec, got {kind(codec)}: {do}")


def _stages(
    codec: Codec, model: Model, frames: int | None, stages: Sequence[Stage] | None
) -> Sequence[Stage]:
    if stages is not None:
        if frames is not None:
            raise ValueError(
                "windows are the stages' own `units` (of Carried, `rows`): give frames or stages, "
                "not both"
            )
        if not isinstance(stages, list | tuple) or not stages:
            got = "none" if isinstance(stages, list | tuple) else type(stages).__name__
            raise ValueError(f"stages must be a list of Local and Carried stages, got {got}")
        for index, stage in enumerate(stages):
            if not isinstance(stage, Local | Carried):
                raise ValueError(
                    f"stage {index} is a {type(stage).__name__}, expected Local or Carried of "
                    "audioxai_jax.streaming.stages"
                )
        return stages
    frames = math.ceil(WINDOW_SECONDS * codec.sample_rate / codec.hop) if frames is None else frames
    return stages_of(model, whole(frames, "the frames of a window"))


def _waveform(blocks: Iterable[Any]) -> Iterator[np.ndarray]:
    for index, block in enumerate(blocks):
        if np.ndim(block) != 1:
            raise ValueError(
                f"block {index} is {list(np.shape(block))}, expected a piece of one waveform [n]: "
                "give mono sound, one array as [sound]"
            )
        yield block


def _frames(latents: Iterable[Any]) -> Iterator[np.ndarray]:
    for index, latent in enumerate(latents):
        if np.ndim(latent) != 2:
            raise ValueError(
                f"latent {index} is {list(np.shape(latent))}, expected a piece [f, C] of one "
                "latent: give one array as [latent]"
            )
        yield latent
