"""Windows, Fourier transforms and mel filters as real linear maps, so that LRP passes.

A transform of up to `LARGEST_MATRIX` values is a product with cosines and sines, computed in
double precision; a longer one is a fast Fourier transform.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, dtype_of

LARGEST_MATRIX = 4096
COSINES = {
    "HannWindow": (0.5, 0.5, 0.0),
    "HammingWindow": (25 / 46, 21 / 46, 0.0),
    "BlackmanWindow": (0.42, 0.5, 0.08),
}
"""Weights of the constant, the first and the second cosine."""


def _window(weights: tuple[float, float, float]) -> Operator:
    def compute(call: Call, size: Any) -> Any:
        count = int(call.static(size, "the size").item())
        period = count if call.get("periodic", 1) else count - 1
        angle = 2 * np.pi * np.arange(count) / max(period, 1)
        a, b, c = weights
        window = a - b * np.cos(angle) + c * np.cos(2 * angle)
        return window.astype(dtype_of(call.get("output_datatype", 1), call))

    return Operator(compute, static=(0,))


def _mel(call: Call, *given: Any) -> Any:
    """Triangles on the mel scale (HTK's), `[bins, mels]`, spaced as ONNX's specification has it."""
    mels, width, rate, low, high = (call.static(v, "the filters").item() for v in given)
    bins = width // 2 + 1
    to_mel = lambda f: 2595 * np.log10(1 + f / 700)
    step = (to_mel(high) - to_mel(low)) / (int(mels) + 2)  # not + 1: the last edge is below `high`
    edges = to_mel(low) + np.arange(int(mels) + 2) * step
    hertz = 700 * (10 ** (edges / 2595) - 1)
    places = np.floor((width + 1) * hertz / rate).astype(int)
    matrix = np.zeros((bins, int(mels)))
    for mel in range(int(mels)):
        first, centre, last = places[mel : mel + 3]
        if centre == first:
            matrix[centre, mel] = 1
        else:
            rising = np.arange(first, centre + 1)
            matrix[rising, mel] = (rising - first) / (centre - first)
        falling = np.arange(centre, last)
        if last > centre:
            matrix[falling, mel] = (last - falling) / (last - centre)
    return matrix.astype(dtype_of(call.get("output_datatype", 1), call))


def waves(size: int, bins: int, sign: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and signed sines `[size, bins]`, float64."""
    turns = (np.arange(size)[:, None] * np.arange(bins)) % size
    angle = 2 * np.pi * turns / size
    return np.cos(angle), sign * np.sin(angle)


def _transform(x: Any, size: int, bins: int, inverse: bool) -> Any:
    """The DFT of the last axis but one, of real `[.., L, 1]` or complex `[.., L, 2]` values."""
    if size > LARGEST_MATRIX:
        value = x[..., 0] if x.shape[-1] == 1 else jax.lax.complex(x[..., 0], x[..., 1])
        fft = jnp.fft.ifft if inverse else jnp.fft.fft
        found = fft(value, axis=-1)[..., :bins]
        return jnp.stack([found.real, found.imag], axis=-1)
    cos, sin = (part.astype(x.dtype) for part in waves(size, bins, 1 if inverse else -1))
    real, imaginary = x[..., 0] @ cos, x[..., 0] @ sin
    if x.shape[-1] == 2:
        real, imaginary = real - x[..., 1] @ sin, imaginary + x[..., 1] @ cos
    found = jnp.stack([real, imaginary], axis=-1)
    return found / size if inverse else found


def _resized(x: Any, size: int) -> Any:
    """The axis before the last cut, or filled with zeros, to a size."""
    if x.shape[-2] >= size:
        return x[..., :size, :]
    return jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, size - x.shape[-2]), (0, 0)])


def _dft(call: Call, x: Any, length: Any = None, axis: Any = None) -> Any:
    """The axis is an attribute in opset 17, an input since 20."""
    x = jnp.asarray(x)
    place = call.get("axis", 1) if call.version < 20 else -2
    place = int(call.static(axis, "the axis").item()) if axis is not None else place
    place, inverse = place % x.ndim, bool(call.get("inverse", 0))
    one_sided = bool(call.get("onesided", 0))
    moved = jnp.moveaxis(x, place, -2)
    if inverse and one_sided:
        size = 2 * (x.shape[place] - 1)
        size = size if length is None else int(call.static(length, "the length").item())
        found = _from_half(moved, size)
    else:
        size = x.shape[place] if length is None else int(call.static(length, "length").item())
        bins = size // 2 + 1 if one_sided else size
        found = _transform(_resized(moved, size), size, bins, inverse)
    return jnp.moveaxis(found, -2, place)


def _from_half(x: Any, size: int) -> Any:
    """Real values `[.., size, 1]` of half a spectrum."""
    bins = size // 2 + 1
    x = _resized(x, bins)
    cos, sin = waves(size, bins, -1)
    twice = np.full(bins, 2.0)
    twice[0] = 1
    if size % 2 == 0:
        twice[-1] = 1
    cos, sin = (((part * twice) / size).T.astype(x.dtype) for part in (cos, sin))
    return (x[..., 0] @ cos + x[..., 1] @ sin)[..., None]


def _stft(call: Call, x: Any, step: Any, window: Any = None, length: Any = None) -> Any:
    """Frames `[N, frames, bins, 2]` of signals `[N, T]`, `[N, T, 1]` or complex `[N, T, 2]`."""
    x = jnp.asarray(x)
    x = x[..., None] if x.ndim == 2 else x
    hop = int(call.static(step, "the step").item())
    if length is None:
        size = window.shape[0]
    else:
        size = int(call.static(length, "the frame's length").item())
    window = np.ones(size) if window is None else call.static(window, "the window")
    bins = size // 2 + 1 if call.get("onesided", 1) else size
    count = (x.shape[1] - size) // hop + 1
    index = np.arange(count)[:, None] * hop + np.arange(size)
    if size > LARGEST_MATRIX:
        frames = x[:, index] * jnp.asarray(window, x.dtype)[:, None]
        return _transform(frames, size, bins, False)
    frames = jax.lax.optimization_barrier(x)[:, index]
    cos, sin = (part * np.asarray(window, np.float64)[:, None] for part in waves(size, bins))
    both = np.concatenate([cos, sin], axis=1).astype(x.dtype)
    found = frames[..., 0] @ both
    real, imaginary = found[..., :bins], found[..., bins:]
    if x.shape[-1] == 2:
        other = frames[..., 1] @ both
        real, imaginary = real - other[..., bins:], imaginary + other[..., :bins]
    return jnp.stack([real, imaginary], axis=-1)


TABLE = {
    **{name: _window(weights) for name, weights in COSINES.items()},
    "MelWeightMatrix": Operator(_mel, static=(-1,)),
    "DFT": Operator(_dft, static=(1, 2)),
    "STFT": Operator(_stft, static=(1, 2, 3)),
}
