"""Complex values between real ones: one linear map, by rules as any other; else refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

from audioxai_jax import domains
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.dft_lrp.time_frequency import short_time_relevance
from audioxai_jax.propagation import (
    UncoveredOperation,
    anything,
    composite,
    kind,
    propagate,
    rules,
)

RANDOM = np.random.default_rng(0)
X: Any = RANDOM.normal(size=12)
P = {
    "filter": RANDOM.normal(size=7) + 1j * RANDOM.normal(size=7),
    "shift": RANDOM.normal(size=7) + 1j * RANDOM.normal(size=7),
    "in": RANDOM.normal(size=(12, 9)),
    "out": RANDOM.normal(size=(9, 3)),
}
LRP_0 = composite([(kind("activation"), rules.pass_through()), (anything(), rules.zero())], base=[])


def kinds(function):
    table = composite([(anything(), rules.zero())]).table(Partial(function, P), X)
    return [line.split()[0] for line in table.splitlines()[2:-1]]


def network(p, sound):
    return jax.nn.relu(sound @ p["in"]) @ p["out"]


MAPS = {
    "filtered": lambda p, x: jnp.fft.irfft(jnp.fft.rfft(x) * p["filter"], n=12),
    "shifted": lambda p, x: jnp.fft.irfft(jnp.fft.rfft(x) / p["filter"] + p["shift"], n=12),
    "moved": lambda p, x: (
        jnp.fft.fft(jnp.concatenate([jnp.fft.fft(x)[::-1][:5].conj(), 1j * x[3:10]])).imag
    ),
    "chosen": lambda p, x: jnp.fft.irfft(jnp.where(np.arange(7) % 2, jnp.fft.rfft(x), p["shift"])),
    "matrix": lambda p, x: (jnp.outer(p["filter"], jnp.arange(12.0)) @ (x + 2j * x[::-1])).real,
}


@pytest.mark.parametrize("name", MAPS)
def test_linear_maps_are_one_operation_each(name, x64):
    """Relevance, and what a shift takes, from the map's own matrix."""
    model = lambda x: MAPS[name](P, x)[:3]
    assert sum(one.startswith("sum:") for one in kinds(MAPS[name])) == 1
    shift = np.asarray(model(jnp.zeros(12)))
    matrix = np.asarray(jax.jacobian(model)(X))
    found = propagate(LRP_0, model, X, 1)
    np.testing.assert_allclose(found.relevance, X * matrix[1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.ledger.bias.sum(), shift[1], rtol=1e-9, atol=1e-12)


DFT_LRP = {
    "frequencies": (domains.frequencies(100), frequency_relevance),
    "time_frequency": (
        domains.time_frequency(100, window=("rectangle", 4), hop=4),
        Partial(short_time_relevance, window=("rectangle", 4), hop=4, before=0),
    ),
}


@pytest.mark.parametrize("name", DFT_LRP)
def test_a_transform_before_a_network_is_dft_lrp(name, x64):
    """LRP-0 through the inverse, both parts of a coefficient together, is its closed form."""
    domain, moved = DFT_LRP[name][0], DFT_LRP[name][1]
    model = Partial(lambda p, z: network(p, domain.synthesise(z, X)), P)
    found = propagate(LRP_0, model, domain.analyse(X), 2).relevance.sum(-1)
    samples = propagate(LRP_0, Partial(network, P), X, 2).relevance
    wanted = moved(jnp.asarray(X), samples, epsilon=0.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)


def test_squares_of_a_spectrum_keep_relevance(x64):
    """Its real and imaginary parts are two linear maps of the samples."""
    power = lambda x: (lambda z: z.real**2 + z.imag**2)(jnp.fft.rfft(x))
    model = Partial(lambda p, x: jnp.log1p(power(x)) @ p["in"][:7, :3], P)
    found = propagate(LRP_0, model, X, 0)
    np.testing.assert_allclose(found.relevance.sum(), found.logits[0], rtol=1e-9)


def test_a_part_that_feeds_the_spectrum_again(x64):
    """No cycle: each real value is an operation by itself."""

    def model(x):
        z = jnp.fft.rfft(x)
        return jnp.fft.irfft(z + 1j * jnp.exp(-jnp.abs(z.real)), n=12)[:3]

    found = propagate(LRP_0, model, X, 1)
    np.testing.assert_allclose(found.relevance.sum(), found.logits[1], rtol=1e-9)


REFUSED = {
    "modulus": lambda x: jnp.abs(jnp.fft.fft(x)),
    "power": lambda x: (lambda z: (z * z.conj()).real)(jnp.fft.fft(x)),
    "square": lambda x: (jnp.fft.fft(x) ** 2).real,
    "quotient": lambda x: (1 / (1j + jnp.fft.fft(x))).real,
    "phase": lambda x: (x * jnp.exp(1j * x)).real,
    "loop": lambda x: lax.scan(lambda z, _: (1j * z, None), jnp.fft.fft(x), None, 3)[0].real,
    "one of two": lambda x: (lambda z: z.real + jnp.abs(z))(jnp.fft.fft(x)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_linear_is_refused_with_advice(name):
    model = lambda x: REFUSED[name](x)[:3]
    known = composite([(kind("sum", "add", "route", "activation", "scale"), rules.zero())])
    with pytest.raises(UncoveredOperation, match="relevance is real.*z.real"):
        propagate(known, model, X.astype(np.float32), 0)
