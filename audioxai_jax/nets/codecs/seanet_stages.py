"""SEANet and EnCodec as stages: convolutions, a recurrence and convolutions; or chunks.

A layer's reach is its padding, times the samples between its input's rows. The sum of all is
rounded up to frames. A window holds more than its reach, even if its last frame has but one
sample, so that no layer adds zeros before it reflects, as layers do to the shortest sounds.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from audioxai_jax.core.records import Static, bind
from audioxai_jax.nets.codecs import encodec, seanet
from audioxai_jax.nets.codecs.encodec import EncodecConfig
from audioxai_jax.nets.codecs.seanet import SeanetConfig
from audioxai_jax.nets.layers.lstm import Lstm
from audioxai_jax.nets.stages import Carried, Local, Stage, frames_of


def seanet_encoder(c: SeanetConfig, params, frames: int) -> list[Stage]:
    _check_norm(c)
    left, right, samples = 0, 0, 1  # reach, and samples per row of the layer's input

    def add(kernel: int, stride: int = 1, dilation: int = 1):
        nonlocal left, right, samples
        sides = seanet.padding(c).sides((kernel - 1) * dilation + 1, stride)
        left, right = left + sides[0] * samples, right + sides[1] * samples
        samples *= stride

    add(c.kernel)
    for stride in reversed(c.strides):
        for unit in range(c.residual_layers):
            add(c.residual_kernel, dilation=c.dilation_growth**unit)
        add(2 * stride, stride)
    begin = Local(
        bind(_part, (c, seanet.analyse), params["encoder"]),
        takes=c.hop,
        left=frames_of(left, c.hop),
        right=frames_of(right, c.hop),
        units=frames,
    )
    end = _over_frames(c, seanet.leave_encoder, c.last_kernel, params["encoder"], frames)
    return [begin, *_recurrence(c, params["encoder"], frames), end]


def seanet_decoder(c: SeanetConfig, params, frames: int) -> list[Stage]:
    _check_norm(c)
    left, right, samples = 0, 0, c.hop

    def add(kernel: int, dilation: int = 1):
        nonlocal left, right
        sides = seanet.padding(c).sides((kernel - 1) * dilation + 1, 1)
        left, right = left + sides[0] * samples, right + sides[1] * samples

    for stride in c.strides:
        left, right = left + samples, right + (0 if c.causal else samples)
        samples //= stride
        for unit in range(c.residual_layers):
            add(c.residual_kernel, c.dilation_growth**unit)
    add(c.last_kernel)
    begin = _over_frames(c, seanet.enter_decoder, c.kernel, params["decoder"], frames)
    end = Local(
        bind(_part, (c, seanet.synthesise), params["decoder"]),
        gives=c.hop,
        left=frames_of(left, c.hop),
        right=frames_of(right, c.hop),
        units=frames,
    )
    return [begin, *_recurrence(c, params["decoder"], frames), end]


def _over_frames(c: SeanetConfig, part: Callable, kernel: int, params, frames: int) -> Local:
    """One convolution over frames."""
    left, right = seanet.padding(c).sides(kernel, 1)
    return Local(bind(_part, (c, part), params), left=left, right=right, units=frames)


def _part(settings: tuple[SeanetConfig, Callable], params, x: Array) -> Array:
    return seanet.Part(*settings).apply({"params": params}, x)  # type: ignore[return-value]


def _recurrence(c: SeanetConfig, params, frames: int) -> list[Stage]:
    if not c.lstm:
        return []
    step = Partial(_lstm, Static(c.lstm), params["lstm"])
    return [Carried(step, Partial(_lstm_start, Static(c.lstm)), rows=frames)]


def _lstm(layers: Static, params, state: Array, x: Array) -> Any:
    module = Lstm(layers.value)  # type: ignore[arg-type]
    return module.apply({"params": params}, state, x, method=Lstm.carried)


def _lstm_start(layers: Static, x: Array) -> Array:
    return jnp.zeros((layers.value, 2, x.shape[1]), x.dtype)


def _check_norm(c: SeanetConfig) -> None:
    if c.norm == "group":
        raise ValueError(
            "this network's norm is over all of a sound, so nothing can be said before its end: "
            "only one that works in chunks can be streamed"
        )


def encodec_encoder(c: EncodecConfig, params, frames: int) -> list[Stage]:
    if c.chunks is None:
        _check_loudness(c)
        several = c.seanet.audio_channels
        split = [] if several == 1 else [Local(Partial(_in_each, Static(several)), units=c.hop)]
        return [*split, *seanet_encoder(c.seanet, params, frames)]
    chunks, later = c.chunks, -(-c.chunks.length // c.chunks.step) - 1
    full = -(-chunks.length // chunks.hop)
    units = max(1, frames // full)
    return [
        Local(
            bind(_encode_full, (c, units), params),
            takes=chunks.step,
            gives=full,
            right=later,
            units=units,
            last=bind(encodec.encode_mono, c, params),
        )
    ]


def encodec_decoder(c: EncodecConfig, params, frames: int) -> list[Stage]:
    if c.chunks is None:
        _check_loudness(c)
        mean = [] if c.seanet.audio_channels == 1 else [Local(Partial(_mean), units=c.hop)]
        return [*seanet_decoder(c.seanet, params, frames), *mean]
    chunks, later = c.chunks, -(-c.chunks.length // c.chunks.step) - 1
    full = -(-chunks.length // chunks.hop)
    return [
        Local(
            bind(_decode_full, c, params),
            takes=full,
            gives=chunks.step,
            left=later,
            right=later,
            units=max(1, frames // full),
            last=bind(encodec.decode_mono, c, params),
        )
    ]


def _encode_full(settings: tuple[EncodecConfig, int], params, audio: Array) -> Array:
    """The chunks that begin in a window's units and are full."""
    c, count = settings
    layout = [(i * c.chunks.step, c.chunks.length) for i in range(count)]  # type: ignore[union-attr]
    return encodec.encode_chunks(c, params, encodec.in_each_channel(c, audio), layout)


def _decode_full(c: EncodecConfig, params, latent: Array) -> Array:
    """What the chunks make of their steps; the last one reaches beyond its own."""
    chunks = c.chunks
    full = -(-chunks.length // chunks.hop)  # type: ignore[union-attr]
    starts = [i * chunks.step for i in range(latent.shape[0] // full)]  # type: ignore[union-attr]
    layout = [(start, full * c.hop) for start in starts]
    sound = encodec.mean_channel(encodec.decode_chunks(c, params, latent, layout))
    return sound[: len(starts) * chunks.step]  # type: ignore[union-attr]


def encodec_quantised(settings: tuple[EncodecConfig, int], params, frames: int) -> list[Stage]:
    words = Local(bind(_words, settings, params), units=frames)
    return [*encodec_encoder(settings[0], params, frames), words]


def _words(settings: tuple[EncodecConfig, int], params, latent: Array) -> Array:
    config, codebooks = settings
    return encodec.quantised(config, params, latent, codebooks)


def _in_each(channels: Static, audio: Array) -> Array:
    return jnp.stack([audio] * channels.value, axis=1)  # type: ignore[operator]


def _mean(sound: Array) -> Array:
    return jnp.mean(sound, axis=1)


def _check_loudness(c: EncodecConfig) -> None:
    if c.normalise:
        raise ValueError(
            "this codec divides by the loudness of all of a sound, so nothing can be said before "
            "its end: only one that works in chunks can be streamed"
        )
