"""Layer-wise relevance propagation against zennit, on the same weights, both in double precision.

Every preset on a 1-D network, AudioNet, AlexNet (a quarter of their widths; `--full-size`: the
whole) and a residual network with batch norms, which zennit merges by its canonizer. The largest
difference, relative to the largest relevance, must stay below 1e-9; in single precision it is
printed. Both ways of stabilising are compared.

The batch norms have an epsilon of 0: zennit's canonizer leaves that of PyTorch, 1e-5, in what
should be an identity, so that its relevance is of a slightly different network (6e-6).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.propagation import PRESETS, lrp
from tests.helpers.zennit_composites import our_composite, their_composite, torch

zennit = pytest.importorskip("zennit", reason="zennit is not installed: the extra 'oracles'")

from zennit import core  # noqa: E402
from zennit.layer import Sum  # noqa: E402

CONVOLUTIONS = [
    ("conv", 5, 12, 5, {"stride": 2, "padding": 2}),
    "relu",
    ("max", 2, 2),
    ("conv", 12, 12, 3, {"dilation": 2, "groups": 3}),
    "relu",
    ("conv", 12, 8, 3, {"padding": 1}),
    "relu",
    ("mean", 4, 3),
    "flatten",
    ("dense", 64, 20),
    "relu",
    ("dense", 20, 4),
]


def audio_net(part):
    """AudioNet with that part of its channels and samples."""
    widths = [1, *(width // part for width in (100, 64, 128, 128, 128, 128))]
    layers = []
    for i, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
        layers += [("conv", before, after, 3, {"padding": 1}), "relu", ("max", 2 if i else 3, 2)]
    length = 125 if part == 1 else 32
    units = [widths[-1] * length, 1024 // part, 512 // part, 10]
    dense = [("dense", *pair) for pair in zip(units, units[1:], strict=False)]
    return [*layers, "flatten", *dense], (1, 8000 // part)


def alex_net(part):
    """AlexNet with that part of its channels; the smaller input leaves 1 x 1 values, not 6 x 6."""
    a, b, c, d = (width // part for width in (96, 256, 384, 1024))
    grouped, side = {"padding": 1, "groups": 2}, 6 if part == 1 else 1
    layers = [
        ("conv", 1, a, 11, {"stride": 4}),
        "relu",
        ("max", 3, 2),
        ("conv", a, b, 5, {"padding": 2, "groups": 2}),
        "relu",
        ("max", 3, 2),
        ("conv", b, c, 3, {"padding": 1}),
        "relu",
        ("conv", c, c, 3, grouped),
        "relu",
        ("conv", c, b, 3, grouped),
        "relu",
        ("max", 3, 2),
        "flatten",
        ("dense", b * side**2, d),
        "relu",
        ("dense", d, d),
        "relu",
        ("dense", d, 10),
    ]
    return layers, (1, 227, 227) if part == 1 else (1, 67, 67)


NETWORKS = {
    "convolutions": lambda part: (CONVOLUTIONS, (5, 120)),
    "audionet": audio_net,
    "alexnet": alex_net,
}


def their_network(layers, rank):
    of = torch.nn
    conv, pool = (of.Conv1d, of.MaxPool1d) if rank == 1 else (of.Conv2d, of.MaxPool2d)

    def make(layer):
        if layer == "relu":
            return of.ReLU()
        if layer == "flatten":
            return of.Flatten()
        name, *sizes = layer
        if name == "conv":
            return conv(*sizes[:3], **sizes[3])
        if name == "max":
            return pool(*sizes, ceil_mode=True)
        return of.AvgPool1d(*sizes) if name == "mean" else of.Linear(*sizes)

    return of.Sequential(*map(make, layers))


def our_network(layers):
    def network(p, x):
        rank = x.ndim - 1
        for i, layer in enumerate(layers):
            name, *sizes = (layer,) if isinstance(layer, str) else layer
            weight, bias = p.get(f"{i}.weight"), p.get(f"{i}.bias")
            if name == "relu":
                x = jax.nn.relu(x)
            elif name == "flatten":
                x = x.reshape(-1)
            elif name == "conv":
                x = convolve(x, weight, **sizes[3]) + bias.reshape(-1, *[1] * rank)
            elif name == "dense":
                x = weight @ x + bias
            elif name == "mean":
                total = jax.lax.reduce_window(
                    x, 0.0, jax.lax.add, (1, sizes[0]), (1, sizes[1]), "VALID"
                )
                x = total / sizes[0]
            else:
                size, stride = sizes
                edges = [(0, -(size - n) % stride if n > size else size - n) for n in x.shape[1:]]
                window, steps = (1, *[size] * rank), (1, *[stride] * rank)
                padding = ((0, 0), *edges)
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, steps, padding)
        return x

    return network


def convolve(x, weight, stride=1, padding=0, dilation=1, groups=1):
    rank = x.ndim - 1
    return jax.lax.conv_general_dilated(
        x[None],
        weight,
        (stride,) * rank,
        [(padding, padding)] * rank,
        rhs_dilation=(dilation,) * rank,
        feature_group_count=groups,
    )[0]


class TheirResidual(torch.nn.Module):
    """A convolution with batch norm, two blocks of two around a sum, and the mean over time."""

    def __init__(self):
        super().__init__()
        conv = lambda a, b: torch.nn.Sequential(
            torch.nn.Conv1d(a, b, 3, padding=1), torch.nn.BatchNorm1d(b, eps=0)
        )
        self.stem, self.blocks = conv(5, 12), torch.nn.ModuleList()
        for _ in range(2):
            parts = {"a": conv(12, 12), "b": conv(12, 12), "sum": Sum()}
            parts |= {"inner": torch.nn.ReLU(), "outer": torch.nn.ReLU()}
            self.blocks.append(torch.nn.ModuleDict(parts))
        self.first, self.pool = torch.nn.ReLU(), torch.nn.AvgPool1d(60)
        self.out = torch.nn.Linear(12, 4)

    def forward(self, x):
        x = self.first(self.stem(x))
        for block in self.blocks:
            y = block["b"](block["inner"](block["a"](x)))
            x = block["outer"](block["sum"](torch.stack([x, y], -1)))
        return self.out(self.pool(x)[..., 0])


def our_residual(p, x):
    def block(x, name):
        x = convolve(x, p[f"{name}.0.weight"], padding=1) + p[f"{name}.0.bias"][:, None]
        mean, var = p[f"{name}.1.running_mean"], p[f"{name}.1.running_var"]
        scale = p[f"{name}.1.weight"] / jnp.sqrt(var)
        return (x - mean[:, None]) * scale[:, None] + p[f"{name}.1.bias"][:, None]

    x = jax.nn.relu(block(x, "stem"))
    for i in range(2):
        y = block(jax.nn.relu(block(x, f"blocks.{i}.a")), f"blocks.{i}.b")
        x = jax.nn.relu(x + y)
    return p["out.weight"] @ x.mean(1) + p["out.bias"]


def networks(name, part=4):
    """(theirs, ours, shape of an input)."""
    torch.manual_seed(3)
    if name == "residual":
        theirs, shape = TheirResidual(), (5, 60)
        for module in theirs.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                for part in (module.weight, module.bias, module.running_mean):
                    torch.nn.init.normal_(part)
                torch.nn.init.uniform_(module.running_var, 0.5, 2)
        return theirs, our_residual, shape
    layers, shape = NETWORKS[name](part)
    return their_network(layers, len(shape) - 1), our_network(layers), shape


def relevance(theirs, ours, shape, name, dtype, absolute=False):
    stabiliser = core.Stabilizer(epsilon=1e-6, norm_scale=not absolute)
    theirs = theirs.to(torch.float64 if dtype == "float64" else torch.float32).eval()
    params = {key: jnp.asarray(value.numpy().copy()) for key, value in theirs.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(dtype)
    targets = jnp.array([1, 3])
    merge = any(isinstance(m, torch.nn.BatchNorm1d) for m in theirs.modules())
    with their_composite(name, stabiliser, merge).context(theirs) as model:
        batch = torch.tensor(x, requires_grad=True)
        out = model(batch)
        start = torch.zeros_like(out)
        start[[0, 1], [1, 3]] = out[[0, 1], [1, 3]].detach()
        (expected,) = torch.autograd.grad(out, batch, start)
    method, key = lrp(our_composite(name, absolute)), jax.random.key(0)

    @jax.jit
    def explain(method, model, x, targets):
        one = lambda x, t: method(model, x, t, key=key).relevance
        return jax.vmap(one)(x, targets)

    return explain(method, Partial(ours, params), jnp.asarray(x), targets), expected.numpy()


def difference(ours, theirs):
    return np.max(np.abs(np.asarray(ours) - theirs)) / np.max(np.abs(theirs))


ALL = [name for name in PRESETS if name.startswith("epsilon")]


@pytest.mark.parametrize("network", [*NETWORKS, "residual"])
@pytest.mark.parametrize("name", ALL)
def test_equals_zennit(network, name, x64, request):
    part = 1 if request.config.getoption("--full-size") else 4
    double = difference(*relevance(*networks(network, part), name, "float64"))
    with jax.enable_x64(False):
        single = difference(*relevance(*networks(network, part), name, "float32"))
    print(f"{network} {name}: double {double:.1e}, single {single:.1e}")
    assert double < 1e-9


@pytest.mark.parametrize("name", [*ALL, "w_square_gamma"])
def test_equals_zennit_with_an_absolute_stabiliser(name, x64):
    assert difference(*relevance(*networks("convolutions"), name, "float64", absolute=True)) < 1e-9
