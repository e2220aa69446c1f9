"""FreqRISE's experiment: relevance of domains, and the table of made-up curves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax.attribution import input_x_gradient
from experiments.freqrise import protocol
from experiments.freqrise.table import make_rows, render

KEY = jax.random.key(0)
TONES = np.stack([np.sin(2 * np.pi * k * np.arange(1600) / 1600) for k in (100, 310)])


def loudness(tones, x):
    """Logits of two classes: energy at two frequencies."""
    return (tones @ x / 800) ** 2


@pytest.mark.parametrize("name", ["frequencies", "time_frequency"])
def test_gradient_x_input_in_a_domain_is_what_dft_lrp_moves_there(monkeypatch, name):
    """Both split a linear transform in proportion to its terms."""
    methods = {"input_x_gradient": input_x_gradient()}
    monkeypatch.setattr(protocol, "make_methods", lambda domain, masks: methods)
    inputs = jnp.asarray([[1.0, 0.3], [0.2, 0.9]], jnp.float32) @ TONES + 0.01
    model, domain = (
        Partial(loudness, jnp.asarray(TONES, jnp.float32)),
        protocol.make_domains()[name],
    )
    relevance = protocol.explain_in(name, domain, model, inputs, np.array([0, 1]), 4, KEY, 0)
    direct, moved = relevance["input_x_gradient"], relevance["input_x_gradient_moved"]
    np.testing.assert_allclose(direct, moved, atol=2e-4 * float(jnp.abs(moved).max()))
    if name == "frequencies":
        assert np.argmax(direct[0]) == 100 and np.argmax(direct[1]) == 310


def test_masks_hide_pairs_whole():
    """Real and imaginary part of a coefficient: of all domains but samples, the last axis."""
    for name, domain in protocol.make_domains().items():
        shape = jax.eval_shape(domain.analyse, jax.ShapeDtypeStruct((8000,), jnp.float32)).shape
        method = protocol.make_methods(name, 4)["rise"]
        mask = method._mask(jnp.zeros(shape), KEY)
        assert mask.shape == shape and float(mask.min()) < 0.5 < float(mask.max())
        if name != "samples":
            np.testing.assert_array_equal(mask[..., 0], mask[..., 1])


def results(clips=30):
    """The method's curve is at 0 from the first 5 % on, the controls' stays."""
    points = len(protocol.FRACTIONS)
    falls = np.zeros((clips, points))
    falls[:, 0] = 1
    stays = np.ones((clips, points))
    curves = {"rise": falls, "magnitude": stays, "random": stays, "original": np.ones(clips)}
    return {"frequencies": {"curves": curves, "complexity": {"rise": np.full(clips, 2.0)}}}


@pytest.mark.parametrize("speakers, over_speakers", [(6, False), (10, True)])
def test_areas_advantages_and_intervals(speakers, over_speakers):
    rows = make_rows(results(), np.arange(30) % speakers, KEY)
    method, magnitude, random = rows
    assert method["area"]["mean"] == pytest.approx(0.05 / 2 / 0.95)
    assert magnitude["area"]["mean"] == random["area"]["mean"] == pytest.approx(1)
    for control in protocol.CONTROLS:
        assert method[f"before_{control}"]["mean"] == pytest.approx(1 - 0.05 / 2 / 0.95)
        assert f"before_{control}" not in random
    assert ("speakers_low" in method["area"]) == over_speakers
    assert method["curve"][:2] == [1, 0] and method["complexity"]["mean"] == 2
    text = render(rows)
    assert "| frequencies | rise | 2.6 (2.6 to 2.6" in text and len(text.split("\n")) == 5


def test_complexity_of_scaled_relevance():
    """One unit of n has it all: 0; two alike: ln 2; the scale does not matter."""
    one = np.zeros((3, 8, 1), np.float32)
    one[:, 2] = 5
    one[1, 3] = 5
    one[2] -= 7
    np.testing.assert_allclose(protocol.spread_of(jnp.asarray(one)), [0, np.log(2), 0], atol=1e-6)
