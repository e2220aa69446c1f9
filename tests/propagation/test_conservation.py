"""What relevance is conserved, and where the rest went.

Each rule states its precondition. Without biases, and with it, relevance sums to the logit;
otherwise the ledger accounts for the difference. Single precision, 1e-5 of the logit.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

from audioxai_jax.nets.classifiers import audionet, cnn, gru, transformer
from audioxai_jax.propagation import PRESETS, composite, kind, propagate, rules
from tests.helpers.rows import rows
from tests.helpers.small_models import random_params

KEY = jax.random.key(0)


def network(p, x):
    """Convolutions with ReLUs, a max-pool, a residual sum, a mean, two dense layers."""
    for i in range(2):
        y = lax.conv_general_dilated(
            x[None], p[f"conv_{i}"], (1,), "SAME", dimension_numbers=("NTC", "TIO", "NTC")
        )[0]
        y = jax.nn.relu(y + p.get(f"bias_{i}", 0))
        x = jnp.maximum(y[::2], y[1::2]) if i == 0 else x + y
    y = jax.nn.relu(x.mean(0) @ p["hidden"])
    return y @ p["logits"] + p.get("bias", 0)


def params(seed=0, biased=False):
    draw = np.random.default_rng(seed).normal
    sizes = {"conv_0": (3, 4, 8), "conv_1": (3, 8, 8), "hidden": (8, 16), "logits": (16, 3)}
    if biased:
        sizes |= {"bias_0": (8,), "bias_1": (8,), "bias": (3,)}
    return {name: draw(size=size).astype(np.float32) / 2 for name, size in sizes.items()}


X = np.random.default_rng(9).normal(size=(16, 4)).astype(np.float32)

CONSERVATIVE = {
    # all but the stabiliser, which is 1e-6 of the typical output
    "epsilon": rules.epsilon(),
    "zero": rules.zero(),
    "w_square": rules.w_square(),
    "flat": rules.flat(),
    "z_box": rules.z_box(-4.0, 4.0),
    # the weighted total is zero nowhere (with these weights)
    "generalised_gamma": rules.generalised_gamma(),
    # every output with relevance has a positive contribution: here all come after a ReLU
    "z_plus": rules.z_plus(),
}


@pytest.fixture(scope="module")
def explain():
    return jax.jit(lambda made, model, x, target: propagate(made, model, x, target))


@pytest.mark.parametrize("name", CONSERVATIVE)
def test_rules_conserve_without_biases(explain, name):
    made = composite([(kind("conv", "dense"), CONSERVATIVE[name])])
    for target in range(3):
        found = explain(made, Partial(network, params()), X, target)
        logit = found.logits[target]
        lost = abs(float(found.relevance.sum() - logit))
        assert lost < 1e-5 * abs(logit) + 1e-5 * float(jnp.max(jnp.abs(found.ledger.received)))


def test_the_sum_of_alpha_beta_is_the_logit_only_with_both_signs(explain):
    """A unit without negative contributions loses its beta; the ledger knows."""
    positive = {name: np.abs(value) for name, value in params().items()}
    made = composite([(kind("conv", "dense"), rules.alpha_beta())])
    found = explain(made, Partial(network, positive), np.abs(X), 0)
    assert found.relevance.sum() > 2 * found.logits[0]
    gap = found.logits[0] - found.relevance.sum() - found.ledger.stabiliser.sum()
    assert abs(gap) < 1e-5 * found.relevance.sum()


@pytest.mark.parametrize("name", PRESETS)
def test_the_ledger_accounts_for_what_biases_take(explain, name):
    """Per operation and in all; biases and stabilisers are computed, not what remains."""
    found = explain(PRESETS[name](), Partial(network, params(1, biased=True)), X, 1)
    ledger, logit = found.ledger, found.logits[1]
    size = float(jnp.max(jnp.abs(ledger.received)))
    assert np.max(np.abs(ledger.missing)) < 1e-5 * size
    absorbed = ledger.bias.sum() + ledger.stabiliser.sum()
    assert abs(found.relevance.sum() + absorbed - logit) < 1e-5 * size
    assert name == "epsilon_gamma_box" or abs(ledger.bias.sum()) > 0.01 * abs(logit)


HEADS = {
    "cnn": (cnn, cnn.CnnConfig()),
    "gru": (gru, gru.GruConfig()),
    "transformer": (transformer, transformer.TransformerConfig()),
    "paper": (transformer, transformer.TransformerConfig(**transformer.PAPER)),
    "audionet": (audionet, audionet.AudioNetConfig(samples=1000, widths=(8, 8, 8))),
}


@pytest.mark.full_size
@pytest.mark.parametrize("head", rows(HEADS, full_size=("audionet", "cnn", "gru", "transformer")))
def test_the_ledger_of_real_networks(head, x64):
    """Logit = relevance + what biases, expansions and stabilisers took, 1e-10 in double."""
    module, config = HEADS[head]
    made = random_params(lambda: module.init(config, KEY))
    model = module.model(config, jax.tree.map(lambda v: jnp.asarray(v, jnp.float64), made))
    shape = (config.samples,) if head == "audionet" else (50, 64)
    x = jnp.asarray(np.random.default_rng(2).normal(size=shape))
    preset = PRESETS["latent_transformer" if module is transformer else "epsilon_plus"]()
    found = jax.jit(lambda m, x: propagate(preset, m, x, 1))(model, x)
    ledger = found.ledger
    absorbed = ledger.bias.sum() + ledger.stabiliser.sum()
    size = jnp.max(jnp.abs(ledger.received))
    assert np.max(np.abs(ledger.missing)) < 1e-10 * size
    assert abs(found.relevance.sum() + absorbed - found.logits[1]) < 1e-10 * size


def test_attention_weights_as_constants_conserve(x64):
    """Bias-free transformer, norms affine, attention by `values`: nothing is lost."""
    config = transformer.TransformerConfig(
        frames=7, channels=6, width=8, heads=2, layers=2, feedforward=12, classes=3
    )
    made = random_params(lambda: transformer.init(config, KEY))
    quiet = jax.tree_util.tree_map_with_path(
        lambda path, v: 0 * v if path[-1].key in ("bias", "positions") else 5 * v, made
    )
    model = transformer.model(config, jax.tree.map(lambda v: jnp.asarray(v, jnp.float64), quiet))
    x = jnp.asarray(np.random.default_rng(3).normal(size=(7, 6)))
    rest = [(kind("attention"), rules.values()), (kind("softmax"), rules.constant())]
    preset = composite([(kind("dense"), rules.epsilon(1e-12)), *rest])
    found = jax.jit(lambda m, x: propagate(preset, m, x, 2))(model, x)
    lost = abs(found.relevance.sum() - found.logits[2])
    assert lost < 1e-4 * abs(found.logits[2])
