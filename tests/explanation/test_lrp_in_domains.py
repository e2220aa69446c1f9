"""Relevance rules in every domain: a small network of waveforms, 16 kHz, seen from each.

Sums are checked against what was explained, and parts against the relevance of samples. Grad-CAM,
whose map lies along the classifier's own axes, is refused in one line outside of its domain.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from audioxai_jax import Classifier, Codec, domains, explain
from audioxai_jax.attribution import deep_lift, grad_cam, guided_backprop
from audioxai_jax.explanation.composition import ThroughSound
from audioxai_jax.propagation import PRESETS, lrp, propagate
from audioxai_jax.types import attribute

RATE, KEY = 16_000, jax.random.key(0)
AUDIO = 0.5 * jax.random.normal(KEY, (800,))
TARGET = 1


def random(number, *shape):
    return 0.4 * jax.random.normal(jax.random.key(number), shape)


def convolutions(params, audio):
    """Two layers as AudioNet's, each halved by its maxima; then a matrix. No biases."""
    hidden = audio[None, :, None]
    for kernel in params[:-1]:
        names = ("NWC", "WIO", "NWC")
        hidden = jax.lax.conv_general_dilated(hidden, kernel, (4,), "SAME", dimension_numbers=names)
        hidden = jax.nn.relu(hidden)
        halves = (1, 2, 1)
        hidden = jax.lax.reduce_window(hidden, -jnp.inf, jax.lax.max, halves, halves, "VALID")
    return hidden[0].mean(0) @ params[-1]


NETWORK = Partial(convolutions, (random(1, 8, 1, 4), random(2, 4, 4, 4), random(3, 4, 3)))
WAVES = Classifier(NETWORK, domains.samples(RATE))
CODEC = Codec(
    Partial(lambda p, audio: jnp.tanh(audio.reshape(-1, 16) @ p), random(4, 16, 6)),
    Partial(lambda p, latent: (jnp.tanh(latent) @ p).ravel(), random(5, 6, 16)),
    sample_rate=RATE,
    hop=16,
)
SHORT = {"window": ("hann", 64), "hop": 32}
CASES = {
    "samples": domains.samples(RATE),
    "frequencies": domains.frequencies(RATE),
    "time_frequency": domains.time_frequency(RATE, **SHORT),
    "cells": domains.cells(RATE, **SHORT, bands=6),
    "bands": domains.bands(RATE, count=3),
    "wavelets": domains.wavelets(RATE, levels=2),
    "latent": domains.latent(CODEC),
    "residual": domains.keep_residual(domains.latent(CODEC)),
}
LINEAR = [name for name in CASES if CASES[name].linear and name != "samples"]


def cases(names, *quick):
    """All but the quick ones are tests of full size."""
    slow = pytest.mark.full_size
    return [name if name in quick else pytest.param(name, marks=slow) for name in names]


def seen(name):
    """The network seen from a domain, and the features there."""
    return ThroughSound(NETWORK, CASES[name], AUDIO), CASES[name].analyse(AUDIO)


@pytest.mark.parametrize("preset", cases(["epsilon_plus", "attn_lrp"], "epsilon_plus"))
@pytest.mark.parametrize("name", cases(CASES, "cells", "residual"))
def test_lrp_keeps_the_sum(name, preset):
    """The logit, less what shifts and stabilisers took: none, where the domain is linear."""
    model, features = seen(name)
    found = propagate(PRESETS[preset](), model, features, TARGET)
    taken = found.ledger.bias.sum() + found.ledger.stabiliser.sum()
    logit, size = found.logits[TARGET], float(jnp.abs(found.relevance).max())
    assert size > 0
    np.testing.assert_allclose(found.relevance.sum() + taken, logit, atol=2e-5 * max(1, size))
    if CASES[name].linear:
        np.testing.assert_allclose(found.relevance.sum(), logit, atol=1e-4)


@pytest.mark.parametrize("name", cases(CASES, "cells"))
def test_deep_lift_sums_to_the_change_from_its_baseline(name):
    model, features = seen(name)
    base = CASES[name].base(features)
    found = jax.jit(lambda: attribute(deep_lift(baseline=base), model, features, TARGET, key=KEY))()
    change = model(features)[TARGET] - model(base)[TARGET]
    np.testing.assert_allclose(found.relevance.sum(), change, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("name", cases(LINEAR, "frequencies"))
def test_guided_backpropagation_passes_the_transform_as_a_gradient(name):
    model, features = seen(name)
    run = jax.jit(
        lambda model, x: attribute(guided_backprop(), model, x, TARGET, key=KEY).relevance
    )
    _, back = jax.vjp(lambda z: CASES[name].synthesise(z, AUDIO), features)
    (wanted,) = back(run(NETWORK, AUDIO))
    np.testing.assert_allclose(run(model, features), wanted, atol=1e-5)


METHODS = {
    "lrp": lrp(),
    "guided_backprop": guided_backprop(),
    "deep_lift": deep_lift(),
    "grad_cam": grad_cam(),
}


@pytest.mark.parametrize("chosen", METHODS)
@pytest.mark.parametrize("name", cases(CASES, "frequencies", "cells", "residual"))
def test_explain_in_each_domain(name, chosen):
    """Traced alone."""
    method = METHODS[chosen]
    call = lambda clip: explain(WAVES, clip, domain=CASES[name], method=method, key=KEY)
    if chosen == "grad_cam" and name != "samples":
        with pytest.raises(ValueError, match="explain in the domain that the classifier reads"):
            jax.eval_shape(call, AUDIO)
        return
    found = jax.eval_shape(call, AUDIO)
    assert found.relevance.shape == found.features.shape


@pytest.mark.parametrize("name", cases([None, "samples", "frequencies"], "samples"))
def test_a_spectrogram_reader_seen_from_sound(name):
    """Relevance of its cells goes on through logarithm, squares and transform to the samples."""
    cells = CASES["cells"]
    head = Partial(
        lambda p, z: jax.nn.relu(z / 40 @ p[0]).mean(0) @ p[1], (random(6, 6, 5), random(7, 5, 3))
    )
    if name is None:
        model, features = head, cells.analyse(AUDIO)
    else:
        domain = CASES[name]
        reader = Partial(lambda p, audio: p(cells.analyse(audio)), head)
        model, features = ThroughSound(reader, domain, AUDIO), domain.analyse(AUDIO)
    found = propagate(PRESETS["epsilon_plus"](), model, features, TARGET)
    taken = found.ledger.bias.sum() + found.ledger.stabiliser.sum()
    assert jnp.abs(found.relevance).max() > 0
    np.testing.assert_allclose(
        found.relevance.sum() + taken, found.logits[TARGET], rtol=1e-3, atol=1e-4
    )
