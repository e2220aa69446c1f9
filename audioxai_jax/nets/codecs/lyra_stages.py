"""Lyra as stages: how far its layers see.

A reach is summed along the layers, in samples, and rounded up to frames.
"""

from audioxai_jax.core.records import bind
from audioxai_jax.nets.codecs import lyra
from audioxai_jax.nets.codecs.lyra import LyraConfig
from audioxai_jax.nets.stages import Local, Stage


def lyra_encoder(c: LyraConfig, params, frames: int) -> list[Stage]:
    left, samples = c.kernels[0] - c.strides[0], c.strides[0]
    for kernel, stride in zip(c.kernels[1:], c.strides[1:], strict=True):
        left += samples * ((c.kernel - 1) * sum(c.dilations) + kernel - stride)
        samples *= stride
    left += samples * (c.kernel - 1)
    encode = bind(lyra.encode, c, params)
    return [Local(encode, takes=c.hop, left=-(-left // c.hop), units=frames)]


def lyra_decoder(c: LyraConfig, params, frames: int) -> list[Stage]:
    left, samples = c.hop * (c.kernel - 1), c.hop
    for kernel, stride in zip(reversed(c.kernels[1:]), reversed(c.strides[1:]), strict=True):
        left += samples * ((kernel - 1) // stride)
        samples //= stride
        left += samples * (c.kernel - 1) * sum(c.dilations)
    left += samples * ((c.kernels[0] - 1) // c.strides[0])
    decode = bind(lyra.decode, c, params)
    return [Local(decode, gives=c.hop, left=-(-left // c.hop), units=frames)]


def lyra_quantised(settings: tuple[LyraConfig, int], params, frames: int) -> list[Stage]:
    [whole] = lyra_encoder(settings[0], params, frames)
    words = bind(lyra.encode_quantised, settings, params)
    return [Local(words, takes=whole.takes, left=whole.left, units=frames)]  # type: ignore[union-attr]
