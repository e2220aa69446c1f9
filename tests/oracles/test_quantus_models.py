"""Metrics that ask the model, or know the truth, against Quantus on the same draws.

Quantus draws by `numpy.random` and re-initialises torch layers; what it drew is recorded and
given to ours. Where the two differ by design:

  completeness       Quantus only says whether the two sides are equal to the last digit;
  pointing game      of several largest values Quantus takes any, ours the share of them in the
                     truth; and its NaN for an empty truth becomes True, as its array is bool;
  mass accuracy      Quantus sums negative relevance, too; ours is NaN there;
  localisation       Quantus adds 1e-9 to the sum, and its `weighted` multiplies by the share of
                     the truth, where the paper divides.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import attribute_batch, input_x_gradient, signed_gradient
from audioxai_jax.metrics import localisation, randomisation
from audioxai_jax.metrics.completeness import completeness_error
from audioxai_jax.metrics.faithfulness import faithfulness_estimate, faithfulness_of
from audioxai_jax.metrics.infidelity import infidelity_of
from audioxai_jax.metrics.sensitivity import sensitivities
from tests.helpers.captum_networks import CHANNELS, CLASSES, FRAMES, convolutions, pair, torch

quantus = pytest.importorskip("quantus", reason="Quantus is not installed")
pytestmark = [
    pytest.mark.usefixtures("x64", "double_in_torch"),
    pytest.mark.filterwarnings("ignore"),
]

EXAMPLES, KEY = 3, jax.random.key(0)
PLAIN = {"abs": False, "normalise": False, "disable_warnings": True}
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


class Plane(torch.nn.Module):
    """The network of one plane, `[N, 1, F, C]`: Quantus wants channels first."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x[:, 0])


@pytest.fixture
def sides():
    return pair("convolutions")


@pytest.fixture
def batch(sides):
    draw = np.random.default_rng(3)
    x = draw.normal(size=(EXAMPLES, FRAMES, CHANNELS))
    y = np.array([2, 0, 3])
    return x, y, explain(sides.model, x, y, input_x_gradient())


def explain(model, x, y, method=None):
    method = signed_gradient() if method is None else method
    inputs, key = jnp.asarray(x), jax.random.key(0)
    return np.asarray(attribute_batch(method, model, inputs, np.asarray(y), key=key).relevance)


def run(metric, net, batch, **options):
    x, y, a = batch
    return metric(
        model=Plane(net).eval(),
        x_batch=x[:, None],
        y_batch=y,
        a_batch=a[:, None],
        channel_first=True,
        softmax=False,
        **options,
    )


def recorded(monkeypatch):
    """`numpy.random.choice` as it is, but remembered."""
    drawn, choose = [], np.random.choice

    def choice(*args, **options):
        drawn.append(choose(*args, **options))
        return drawn[-1]

    monkeypatch.setattr(np.random, "choice", choice)
    return drawn


def test_completeness(batch):
    """With small whole numbers all sums are exact."""
    x, y, _ = batch
    weights = np.random.default_rng(0).integers(-3, 4, (CLASSES, FRAMES * CHANNELS)) * 1.0
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(weights.shape[1], CLASSES))
    net.requires_grad_(False)
    net[1].weight[:], net[1].bias[:] = torch.tensor(weights), 0
    x = np.round(2 * x)
    relevance = (weights[y] * (x - 1).reshape(EXAMPLES, -1)).reshape(x.shape)
    relevance[1, 0, 0] += 0.5
    metric = quantus.Completeness(perturb_baseline=1.0, **PLAIN)
    wanted = run(metric, net, (x, y, relevance))
    model = Partial(lambda weights, x: weights @ x.ravel(), jnp.asarray(weights))
    found = [
        completeness_error(model, jnp.asarray(one), jnp.asarray(r), target, baseline=1.0)
        for one, r, target in zip(x, relevance, y, strict=True)
    ]
    np.testing.assert_array_equal(np.asarray(found) == 0, wanted)
    np.testing.assert_array_equal(found, [0, 0.5, 0])


def test_faithfulness_correlation(sides, batch, monkeypatch):
    drawn = recorded(monkeypatch)
    metric = quantus.FaithfulnessCorrelation(
        nr_runs=20, subset_size=13, perturb_baseline=0.3, return_aggregate=False, **PLAIN
    )
    wanted = run(metric, sides.net, batch)
    sets = np.zeros((EXAMPLES, 20, FRAMES * CHANNELS), bool)
    for number, chosen in enumerate(drawn):
        sets[number % EXAMPLES, number // EXAMPLES, chosen] = True
    for one, (x, y, relevance) in enumerate(zip(*batch, strict=True)):
        chosen = jnp.asarray(sets[one].reshape(20, FRAMES, CHANNELS))
        found = faithfulness_of(
            sides.model, jnp.asarray(x), jnp.asarray(relevance), y, chosen, base=0.3
        )
        np.testing.assert_allclose(found, wanted[one], **CLOSE)


@pytest.mark.parametrize("step", [2, 6])
def test_faithfulness_estimate(sides, batch, step):
    metric = quantus.FaithfulnessEstimate(features_in_step=step, perturb_baseline=0.3, **PLAIN)
    wanted = run(metric, sides.net, batch)
    for one, (x, y, relevance) in enumerate(zip(*batch, strict=True)):
        found = faithfulness_estimate(
            sides.model, jnp.asarray(x), jnp.asarray(relevance), y, base=0.3, step=step
        )
        np.testing.assert_allclose(found, wanted[one], **CLOSE)


def test_infidelity(sides, batch):
    """Quantus' blocks are replaced one after the other, and stay replaced."""
    seen = []

    def perturb(arr, **_):
        edited = arr.copy()
        edited[:, 4 * len(seen) : 4 * len(seen) + 4] = 0.2
        seen.append(edited.reshape(EXAMPLES, FRAMES, CHANNELS))
        return edited

    metric = quantus.Infidelity(
        perturb_func=perturb, perturb_patch_sizes=[2], n_perturb_samples=1, **PLAIN
    )
    wanted = run(metric, sides.net, batch)
    assert len(seen) > 20
    changed = np.stack(seen, axis=1)
    for one, (x, y, relevance) in enumerate(zip(*batch, strict=True)):
        found = infidelity_of(
            sides.model, jnp.asarray(x), jnp.asarray(relevance), y, jnp.asarray(changed[one])
        )
        np.testing.assert_allclose(found, wanted[one], **CLOSE)


@pytest.mark.parametrize("name", ["MaxSensitivity", "AvgSensitivity"])
def test_sensitivity(sides, batch, name):
    x, y, relevance = batch
    seen = []

    def perturb(arr, **_):
        seen.append(arr + np.random.default_rng(len(seen)).uniform(-0.2, 0.2, arr.shape))
        return seen[-1]

    def explained(model, inputs, targets, **_):
        return explain(sides.model, inputs[:, 0], targets, input_x_gradient())[:, None]

    metric = getattr(quantus, name)(nr_samples=6, perturb_func=perturb, **PLAIN)
    wanted = run(metric, sides.net, batch, explain_func=explained)
    changed = np.stack(seen, axis=1).reshape(EXAMPLES, 6, FRAMES, CHANNELS)
    reduce = {"MaxSensitivity": np.max, "AvgSensitivity": np.mean}[name]
    for one in range(EXAMPLES):
        found = sensitivities(
            input_x_gradient(),
            sides.model,
            jnp.asarray(x[one]),
            y[one],
            jnp.asarray(changed[one]),
            key=KEY,
        )
        np.testing.assert_allclose(reduce(np.asarray(found)), wanted[one], **CLOSE)


ORDERS = {"top_down": "cascading", "bottom_up": "bottom_up", "independent": "independent"}


@pytest.mark.parametrize("order", ORDERS)
def test_parameter_randomisation(sides, batch, order, monkeypatch):
    """Torch's re-initialised layers, in Quantus' order and in ours."""
    x, y, _ = batch
    relevance = explain(sides.model, x, y)

    def in_jax(net):
        named = {n.removeprefix("net."): p.detach().numpy() for n, p in net.named_parameters()}
        return Partial(convolutions, jax.tree.map(jnp.array, named))

    stages = []

    def explained(model, inputs, targets, **_):
        stages.append(in_jax(model))
        return explain(stages[-1], inputs[:, 0], targets)[:, None]

    metric = quantus.MPRT(layer_order=order, **PLAIN)
    wanted = run(metric, sides.net, (x, y, relevance), explain_func=explained)
    assert wanted.pop("original") == pytest.approx([1] * EXAMPLES)
    redrawn = sides.model
    for model, row in zip(stages[-3:], np.eye(3, dtype=bool), strict=True):
        names = [*wanted]
        layer = names[int(np.argmax(row))].removeprefix("net.")
        own = np.array([name.startswith(layer) for name in sorted(sides.model.args[0])])
        redrawn = randomisation.choose(redrawn, model, own)
    monkeypatch.setattr(randomisation, "redraw", lambda *_, **__: redrawn)
    for one in range(EXAMPLES):
        found = randomisation.parameter_randomisation(
            signed_gradient(),
            sides.model,
            jnp.asarray(x[one]),
            y[one],
            key=KEY,
            order=ORDERS[order],
        )
        theirs = {layer.removeprefix("net."): scores[one] for layer, scores in wanted.items()}
        if order == "independent":
            assert set(found.layers) == set(theirs)
        else:
            assert found.layers == tuple(theirs)
        np.testing.assert_allclose(found.signed, [theirs[n] for n in found.layers], **CLOSE)


def test_random_logit(sides, batch, monkeypatch):
    x, y, _ = batch
    relevance, others = explain(sides.model, x, y), []

    def explained(model, inputs, targets, **_):
        others.append(targets)
        return explain(sides.model, inputs[:, 0], targets)[:, None]

    spearman = quantus.similarity_func.correlation_spearman  # its default is structural similarity
    metric = quantus.RandomLogit(num_classes=CLASSES, seed=1, similarity_func=spearman, **PLAIN)
    wanted = run(metric, sides.net, (x, y, relevance), explain_func=explained)
    assert np.all(others[-1] != y)
    for one in range(EXAMPLES):
        other = jnp.int32(others[-1][one])
        monkeypatch.setattr(randomisation, "other_class", lambda *_, other=other: other)
        found = randomisation.random_logit(
            signed_gradient(), sides.model, jnp.asarray(x[one]), y[one], key=KEY
        )
        np.testing.assert_allclose(found, wanted[one], **CLOSE)


LOCALISATION = {
    "PointingGame": "pointing_game",
    "RelevanceRankAccuracy": "relevance_rank_accuracy",
    "RelevanceMassAccuracy": "relevance_mass_accuracy",
    "AttributionLocalisation": "attribution_localisation",
}


@pytest.mark.parametrize("name", LOCALISATION)
def test_localisation(sides, batch, name):
    x, y, relevance = batch
    truth = np.random.default_rng(0).random(x.shape) < 0.4
    if name == "RelevanceMassAccuracy":
        relevance = np.abs(relevance)
    positive = {"positive_attributions": True} if name == "AttributionLocalisation" else {}
    metric = getattr(quantus, name)(**PLAIN, **positive)
    wanted = run(metric, sides.net, (x, y, relevance), s_batch=truth[:, None])
    measure = getattr(localisation, LOCALISATION[name])
    found = [measure(jnp.asarray(r), jnp.asarray(t)) for r, t in zip(relevance, truth, strict=True)]
    tolerance = {"rtol": 1e-5} if name == "AttributionLocalisation" else CLOSE
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), **tolerance)
