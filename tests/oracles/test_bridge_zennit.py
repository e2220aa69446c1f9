"""Layer-wise relevance propagation against zennit, each library on the torch module itself.

zennit sees modules alone. It is compared where all that has a rule is one: convolutions, grouped
and depthwise ones, batch norms (merged by its canonizer), residual sums (a canonizer of the test
makes them modules), ReLU, SiLU, max-pools and means. Networks of the zoo whose gates, attention or
means are functions get other rules in zennit, the plain gradient, and are left out. Parametrised
weights (weight norm) are hidden from zennit: they are removed for it, which leaves the weights.

Batch norms have an epsilon of 0, see `test_zennit`. The largest difference, relative to the
largest relevance, must stay below 1e-9 in double precision; in single precision it is printed.
"""

import jax
import numpy as np
import pytest

from audioxai_jax import lrp
from audioxai_jax.propagation import PRESETS
from tests.helpers import torch_zoo
from tests.helpers.bridge_pairs import TARGET, sides_of
from tests.helpers.captum_networks import difference
from tests.helpers.torch_zoo.convolutions import ResidualBlock
from tests.helpers.zennit_composites import our_composite, their_composite, torch

zennit = pytest.importorskip("zennit", reason="zennit is not installed: the extra 'oracles'")

from zennit import canonizers, core  # noqa: E402
from zennit.layer import Sum  # noqa: E402

NETWORKS = (
    *("raw conv1d", "batch norm", "grouped", "weight norm"),
    *("depthwise separable", "ResNet"),
)
NORMS = torch.nn.modules.batchnorm._BatchNorm
ALL = [name for name in PRESETS if name.startswith("epsilon")]


class SumOfBlock(canonizers.AttributeCanonizer):
    """Makes the sum of a residual block a module."""

    def __init__(self):
        super().__init__(self.attributes)

    @staticmethod
    def attributes(name, module):
        if not isinstance(module, ResidualBlock):
            return None
        return {"forward": SumOfBlock.forward.__get__(module), "sum": Sum()}

    @staticmethod
    def forward(self, x):
        y = self.second_norm(self.second(self.first_act(self.first_norm(self.first(x)))))
        return self.second_act(self.sum(torch.stack([y, self.shortcut(x)], -1)))


def network(name, dtype):
    """The network with batch norms whose epsilon is 0."""
    net = torch_zoo.build(name, dtype)
    for module in net.modules():
        if isinstance(module, NORMS):
            module.eps = 0.0
    return net


def without_parametrisations(net):
    for module in list(net.modules()):
        if torch.nn.utils.parametrize.is_parametrized(module):
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
    return net


def their_relevance(net, rows, name):
    stabiliser = core.Stabilizer(epsilon=1e-6, norm_scale=True)
    merge = any(isinstance(module, NORMS) for module in net.modules())
    composite = their_composite(name, stabiliser, merge, [SumOfBlock()])
    with composite.context(net) as model:
        out = model(rows)
        start = torch.zeros_like(out)
        start[0, TARGET] = out[0, TARGET].detach()
        return torch.autograd.grad(out, rows, start)[0]


def differences(name, dtype):
    sides = sides_of(network(name, dtype), torch_zoo.example(name, dtype))
    plain = without_parametrisations(network(name, dtype))
    return {
        preset: difference(
            sides.run(lrp(our_composite(preset, absolute=False))),
            their_relevance(plain, sides.rows, preset),
        )
        for preset in ALL
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_zennit(name, x64):
    double = differences(name, "float64")
    if name == "raw conv1d":
        with jax.enable_x64(False):
            single = differences(name, "float32")
        print(name, "float32:", ", ".join(f"{p} {value:.1e}" for p, value in single.items()))
    print(name, "float64:", ", ".join(f"{p} {value:.1e}" for p, value in double.items()))
    assert np.max(list(double.values())) < 1e-9
