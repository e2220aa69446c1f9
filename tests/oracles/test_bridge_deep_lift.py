"""DeepLIFT against captum on the torch module itself, and why they differ where they do.

Both follow the rescale rule. captum (0.9) works by hooks of modules, which has four consequences;
each is shown here by mending it, upon which both agree to 1e-9:

- A function that is not a hooked module (`torch.tanh`, GELU, SiLU, PReLU, GroupNorm, a product)
  gets its plain gradient. Contributions then do not sum to the difference of the logit.
- Of two hooked modules in a row the first gets the plain gradient of the second: its hook on
  their common tensor was registered first, and runs first.
- Windows of a max-pool that overlap: `max_unpool` writes each place once, and loses the rest.
- A module that is used twice is refused.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import deep_lift
from tests.helpers.bridge_pairs import TARGET, sides_of, torch, zoo_sides
from tests.helpers.captum_networks import difference

attr = pytest.importorskip("captum.attr", reason="captum is not installed: the extra 'oracles'")
nn = torch.nn
pytestmark = pytest.mark.filterwarnings("ignore")  # captum warns of its own hooks


class Apart(nn.Module):
    """Nothing, but as a new tensor: hooked modules on both sides of it do not share one."""

    def forward(self, x):
        return x * 1.0


def network(*middle):
    """A waveform of 64 samples, a convolution, these modules, and a dense layer."""
    torch.manual_seed(4)
    layers = nn.Sequential(
        nn.Unflatten(1, (1, 64)), nn.Conv1d(1, 6, 5), *middle, nn.Flatten(), nn.LazyLinear(4)
    )
    example = torch.randn(1, 64, dtype=torch.float64)
    layers.double()(example)
    return sides_of(layers.eval(), example)


def both(sides):
    """Our contributions and captum's."""
    ours = sides.run(deep_lift(baseline=sides.base))
    theirs = attr.DeepLift(sides.net).attribute(sides.rows, sides.base_rows, target=TARGET)
    return ours, theirs.detach().numpy()


def change(sides):
    """Difference of the logit from that of the baseline."""
    return float((sides.net(sides.rows) - sides.net(sides.base_rows))[0, TARGET].detach())


COMPARABLE = {
    "ReLU": lambda: [nn.ReLU()],
    "LeakyReLU": lambda: [nn.LeakyReLU(0.125)],
    "ELU": lambda: [nn.ELU()],
    "sigmoid": lambda: [nn.Sigmoid()],
    "tanh": lambda: [nn.Tanh()],
    "softplus": lambda: [nn.Softplus()],
    "max-pool": lambda: [nn.MaxPool1d(2)],
    "mean": lambda: [nn.ReLU(), nn.AvgPool1d(2)],
    "deep": lambda: [
        *(nn.LeakyReLU(0.125), nn.Conv1d(6, 6, 3, dilation=2), nn.MaxPool1d(2)),
        *(nn.Conv1d(6, 6, 3, groups=2), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.5)),
    ],
}


@pytest.mark.parametrize("name", COMPARABLE)
def test_parity_with_captum(name, x64, double_in_torch):
    ours, theirs = both(network(*COMPARABLE[name]()))
    assert difference(ours, theirs) < 1e-9


@pytest.mark.parametrize("name", ["batch norm", "weight norm"])
def test_parity_on_networks_of_the_zoo(name, x64, double_in_torch):
    ours, theirs = both(zoo_sides(name, "float64"))
    assert difference(ours, theirs) < 1e-9


FUNCTIONS = {
    "GELU": lambda: nn.GELU(),
    "SiLU": lambda: nn.SiLU(),
    "ReLU6": lambda: nn.ReLU6(),
    "PReLU": lambda: nn.PReLU(),
    "GroupNorm": lambda: nn.GroupNorm(2, 6),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_without_a_hook_gets_its_gradient_by_captum(name, x64, double_in_torch):
    sides = network(FUNCTIONS[name]())
    ours, theirs = both(sides)
    x = sides.rows
    (gradient,) = torch.autograd.grad(sides.net(x)[0, TARGET], x)
    assert difference(theirs, (gradient * (x - sides.base_rows)).detach().numpy()) < 1e-9
    assert abs(theirs.sum() - change(sides)) > 1e-4
    assert abs(ours.sum() - change(sides)) < 1e-9


ADJACENT = {
    "max-pool, ReLU": lambda: [nn.MaxPool1d(2), nn.ReLU()],
    "ReLU, max-pool": lambda: [nn.ReLU(), nn.MaxPool1d(2)],
    "tanh, ELU": lambda: [nn.Tanh(), nn.ELU()],
}


@pytest.mark.parametrize("name", ADJACENT)
def test_hooked_modules_in_a_row_agree_once_a_tensor_lies_between(name, x64, double_in_torch):
    first, second = ADJACENT[name]()
    ours, theirs = both(network(first, second))
    assert difference(ours, theirs) > 1e-3
    sides = network(first, Apart(), second)
    again, repaired = both(sides)
    assert difference(again, ours) < 1e-9 and difference(ours, repaired) < 1e-9
    assert abs(ours.sum() - change(sides)) < 1e-9


def test_windows_that_overlap_lose_contributions_in_captum(x64, double_in_torch):
    """max-pool of 3 every 2, and the same as a maximum of two max-pools whose windows do not."""
    sides = network(nn.MaxPool1d(3, 2))
    ours, theirs = both(sides)
    assert abs(ours.sum() - change(sides)) < 1e-9 < abs(theirs.sum() - change(sides))


def test_a_module_used_twice_is_refused_by_captum_and_read_by_us(x64, double_in_torch):
    act = nn.ReLU()
    sides = network(act, nn.Conv1d(6, 6, 3), act)
    with pytest.raises(RuntimeError, match="more than once"):
        attr.DeepLift(sides.net).attribute(sides.rows, sides.base_rows, target=TARGET)
    model, x = sides.model, jnp.asarray(sides.x)
    ours = deep_lift(baseline=sides.base)(model, x, TARGET, key=jax.random.key(0)).relevance
    assert abs(float(np.sum(ours)) - change(sides)) < 1e-9
