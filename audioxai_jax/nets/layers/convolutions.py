"""Convolutions of the neural codecs, of one example: how they pad and how they normalise.

Members of these families differ in both, so each is a value: a `Padding`, and the name of a
norm. A stride s makes ceil(T / s) frames of T samples, and a transposed one T * s samples.
"""

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import Array, lax

NORMS = ("weight", "group", "none")
"""How a convolution is normalised.

"weight": its weight is `scale * direction / |direction|`, one scale per output channel, or per
input channel of a transposed one, as in PyTorch. T. Salimans, D. Kingma, "Weight
Normalization", NeurIPS 2016.

"group": what comes out has mean 0 and variance 1 over time and channels, then a scale and a
bias per channel. Y. Wu, K. He, "Group Normalization", ECCV 2018, with one group.
"""
MODES = ("reflect", "constant")
EPSILON = 1e-5
"""Added to the variance of a group, which is biased, as in PyTorch."""

FEW, BLOCK = 2, 8
"""Channels of a sound, at most, and samples of it that a convolution of few channels takes at
once: matrix products with one row or column are slow."""


@dataclasses.dataclass(frozen=True)
class Padding:
    """Where a convolution pads, and with what.

    Attributes:
      causal: whether to pad on the left only, so that no output looks ahead; else on both sides,
        the larger half on the left.
      mode: "reflect" at the edge, which is not repeated, or "constant", zeros.

    Raises:
      ValueError: for another mode.
    """

    causal: bool = True
    mode: str = "reflect"

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(f"padding mode {self.mode!r}: choose one of {', '.join(MODES)}")

    def __call__(self, x: Array, reach: int, stride: int) -> Array:
        """`[T, C]` padded for a kernel that reaches over `reach` samples; the last frame is full.

        A reflection needs more samples than it makes. A shorter input is followed by zeros
        first, which are dropped after it.
        """
        left, right = self.sides(reach, stride)
        right += -x.shape[0] % stride
        if self.mode == "constant":
            return jnp.pad(x, ((left, right), (0, 0)))
        short = max(left, right) - x.shape[0] + 1
        if short <= 0:
            return jnp.pad(x, ((left, right), (0, 0)), mode="reflect")
        padded = jnp.pad(jnp.pad(x, ((0, short), (0, 0))), ((left, right), (0, 0)), mode="reflect")
        return padded[: padded.shape[0] - short]

    def sides(self, reach: int, stride: int) -> tuple[int, int]:
        """Samples padded on the left and on the right, but for those that fill the last frame."""
        total = reach - stride
        right = 0 if self.causal else total // 2
        return total - right, right

    def trim(self, y: Array, stride: int) -> Array:
        """What a transposed convolution keeps of its `[(T + 1) * stride, C]`: T * stride."""
        start = 0 if self.causal else stride - stride // 2
        return y[start : start + y.shape[0] - stride]


class Conv(nn.Module):
    """Convolution `[T, in] -> [ceil(T / stride), out]`."""

    features: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: Padding = Padding()
    norm: str = "weight"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        weight = _weight(self, (self.kernel, x.shape[1], self.features), norm_axis=2)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        reach = (self.kernel - 1) * self.dilation + 1
        padded, dense = self.padding(x, reach, self.stride), self.stride == self.dilation == 1
        if dense and x.shape[1] <= FEW:
            y = _of_few(padded, weight)
        elif dense and self.features <= FEW:
            y = _to_few(padded, weight)
        else:
            y = convolve(padded, weight, self.stride, self.dilation)
        return _over_time(self, y + bias[None])


class ConvTranspose(nn.Module):
    """Transposed convolution, kernel twice the stride: `[T, in] -> [T * stride, out]`.

    Output sample t * s + r sees only input frames t and t - 1, which is an ordinary
    convolution of two frames with `stride * out` channels:
    `y[t s + r] = x[t] W[r] + x[t - 1] W[r + s]`.

    A norm over time sees what the padding trims, too.
    """

    features: int
    stride: int
    padding: Padding = Padding()
    norm: str = "weight"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        weight = _weight(self, (2 * self.stride, x.shape[1], self.features), norm_axis=1)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        phases = weight.reshape(2, self.stride, -1, self.features)[::-1]  # [t - 1, t]
        pairs = phases.swapaxes(1, 2).reshape(2, x.shape[1], -1)
        y = convolve(jnp.pad(x, ((1, 1), (0, 0))), pairs)
        y = y.reshape(y.shape[0] * self.stride, self.features)
        return self.padding.trim(_over_time(self, y + bias[None]), self.stride)


def convolve(x: Array, weight: Array, stride: int = 1, dilation: int = 1) -> Array:
    """`[T, in]` with a kernel `[K, in, out]`, where the kernel fits in whole."""
    return lax.conv_general_dilated(
        x[None],
        weight,
        (stride,),
        "VALID",
        rhs_dilation=(dilation,),
        dimension_numbers=("NWC", "WIO", "NWC"),
    )[0]


def _of_few(x: Array, weight: Array) -> Array:
    """`convolve` of one channel or two: BLOCK samples become one frame of BLOCK channels each.

    Half of the wider kernel is zeros; yet a CPU needs a third of the time.
    """
    kernel, few, features = weight.shape
    length, reach = x.shape[0] - kernel + 1, BLOCK * -(-(kernel + BLOCK - 1) // BLOCK)
    shifts = ((shift, reach - kernel - shift) for shift in range(BLOCK))
    wide = jnp.stack([jnp.pad(weight, (by, (0, 0), (0, 0))) for by in shifts], axis=2)
    wide = wide.reshape(-1, BLOCK * few, BLOCK * features)
    samples = length + -length % BLOCK + reach - BLOCK
    frames = jnp.pad(x, ((0, samples - x.shape[0]), (0, 0))).reshape(-1, BLOCK * few)
    return convolve(frames, wide).reshape(-1, features)[:length]


def _to_few(x: Array, weight: Array) -> Array:
    """`convolve` to one channel or two: one product for all taps, then their sum, shifted."""
    kernel, channels, few = weight.shape
    length = x.shape[0] - kernel + 1
    taps = convolve(x, weight.swapaxes(0, 1).reshape(1, channels, kernel * few))
    shifted = (taps[tap:][:length, tap * few :][:, :few] for tap in range(kernel))
    return sum(shifted, jnp.zeros((), x.dtype))


def _weight(module: Conv | ConvTranspose, shape: tuple[int, int, int], norm_axis: int) -> Array:
    """The convolution's weight `[kernel, in, out]`, of its parameters."""
    if module.norm not in NORMS:
        raise ValueError(f"norm {module.norm!r}: choose one of {', '.join(NORMS)}")
    initial = nn.initializers.variance_scaling(1.0, "fan_in", "uniform")
    if module.norm != "weight":
        return module.param("weight", initial, shape)
    direction = module.param("direction", initial, shape)
    others = tuple(axis for axis in range(3) if axis != norm_axis)
    scale = module.param("scale", lambda _: _length(direction, others))
    return _of_scale(scale, direction)


def folded(params):
    """Parameters of weight norm, however nested, as those of the norm "none"."""
    if not isinstance(params, Mapping):
        return params
    if "direction" not in params:
        return {name: folded(part) for name, part in params.items()}
    rest = {name: part for name, part in params.items() if name not in ("scale", "direction")}
    return {"weight": _of_scale(params["scale"], params["direction"]), **rest}


def _of_scale(scale: Array, direction: Array) -> Array:
    return scale * direction / _length(direction, np.flatnonzero(np.array(scale.shape) == 1))


def _length(v: Array, axes) -> Array:
    """Euclidean norm over axes, which stay."""
    return jnp.sqrt(jnp.sum(v**2, axis=tuple(axes), keepdims=True))


def _over_time(module: Conv | ConvTranspose, y: Array) -> Array:
    """The norm over time and channels of `[T, C]`, if the module has one."""
    if module.norm != "group":
        return y
    scale = module.param("norm_scale", nn.initializers.ones, (module.features,))
    bias = module.param("norm_bias", nn.initializers.zeros, (module.features,))
    precise = y.astype(jnp.promote_types(y.dtype, jnp.float32))
    centred = precise - jnp.mean(precise)
    spread = jnp.sqrt(jnp.mean(centred**2) + EPSILON)
    return (centred / spread).astype(y.dtype) * scale[None] + bias[None]


def elu(x: Array) -> Array:
    """ELU by `exp`: `expm1` takes twice as long on CPU and the inputs are of order one.

    So does a second `where` in place of `minimum`. The slope at 0 is 1, by `>=`.
    """
    return jnp.where(x >= 0, x, jnp.exp(jnp.minimum(x, 0)) - 1)
