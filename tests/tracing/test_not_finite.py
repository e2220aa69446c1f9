"""The operation that spoils a gradient is named, wherever it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

from audioxai_jax.tracing.not_finite import first_not_finite

ZEROS = jnp.zeros(6)
ONES = jnp.ones(6)


@jax.custom_jvp
def careful(x):
    return jnp.sqrt(x)


careful.defjvp(lambda x, t: (jnp.sqrt(x[0]), jnp.where(x[0] > 0, 0.5 * x[0] ** -0.5, 0) * t[0]))


@jax.custom_jvp
def careless(x):
    return x


careless.defjvp(lambda x, t: (x[0], t[0] / x[0]))


def looped(x):
    """Only the third step takes the root of a zero."""
    step = lambda carry, row: (carry + jnp.sqrt(row), carry * 2)
    return lax.scan(step, jnp.ones(()), jnp.where(jnp.arange(6) == 2, x, 1.0 + x))[0][None]


def carried(x):
    """The carry's gradient is spoilt behind the step that spoils it."""
    step = lambda c, row: (jnp.where(row < 3, c, jnp.log1p(-c)), None)
    return lax.scan(step, jnp.sum(x) + 1, jnp.arange(4.0))[0][None]


CASES = {
    "sqrt": (lambda x: jnp.sqrt(x), "sqrt", "gradient"),
    "norm": (lambda x: jnp.linalg.norm(x)[None], "sqrt", "gradient"),
    "behind a where": (lambda x: jnp.where(x > 0, jnp.log(x), 0), "log", "gradient"),
    "power": (lambda x: x**0.5, "pow", "gradient"),
    "angle": (lambda x: jnp.arctan2(x, 2 * x), "atan2", "gradient"),
    "floor of dB": (lambda x: jnp.maximum(jnp.log(x), -100), "log", "gradient"),
    "log": (lambda x: jnp.log(jnp.abs(x)) * 2, "log", "value"),
    "quotient": (lambda x: jnp.tanh(x / jnp.sum(x)), "div", "value"),
    "own": (lambda x: careless(2 * x), "careless", "gradient"),
    "loop": (looped, "sqrt", "gradient"),
    "carry": (carried, "log1p", "value"),
    "branch": (
        lambda x: lax.cond(jnp.sum(x) > 1, jnp.exp, lambda x: jnp.cbrt(x), x),
        "cbrt",
        "gradient",
    ),
    "inside a jit": (lambda x: jax.jit(lambda x: jnp.sqrt(x) + 1)(x), "sqrt", "gradient"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_culprit_is_named_with_its_place(name):
    model, culprit, what = CASES[name]
    found = first_not_finite(model, ZEROS)
    assert found is not None and (found.name, found.what) == (culprit, what)
    assert "test_not_finite.py:" in found.place


@pytest.mark.parametrize("name", CASES)
def test_it_agrees_with_the_gradient(name):
    """A finite gradient and value, and nothing else, is nothing to report."""
    model, culprit, _ = CASES[name]
    for x in (ZEROS, ONES / 8):
        value, slope = model(x), jax.grad(lambda x: jnp.sum(model(x)))(x)
        fine = bool(jnp.all(jnp.isfinite(value)) and jnp.all(jnp.isfinite(slope)))
        assert (first_not_finite(model, x) is None) == fine
    assert first_not_finite(model, ZEROS) is not None


FINE = {
    "safe": lambda x: careful(x),
    "mask": lambda x: jax.nn.softmax(jnp.where(jnp.arange(6) > 2, x, -jnp.inf)),
    "modulus": lambda x: jnp.abs(jnp.fft.rfft(x)),
    "not on the way": lambda x: x + jnp.where(jnp.isnan(jnp.log(x - 1)), 1.0, 2.0),
}


@pytest.mark.parametrize("name", FINE)
def test_what_harms_nothing_is_not_reported(name):
    assert first_not_finite(FINE[name], ZEROS) is None


def test_only_the_target_counts():
    model = lambda x: jnp.stack([jnp.sum(x), jnp.sum(jnp.sqrt(jnp.maximum(x, 1.0)))])
    both = lambda x: jnp.stack([jnp.sum(x), jnp.sum(jnp.log1p(-x))])
    assert first_not_finite(model, ZEROS, 1) is None
    assert first_not_finite(both, 1.5 * ONES, 0).what == "value"
    with pytest.raises(ValueError, match="target 2"):
        first_not_finite(both, ZEROS, 2)


def test_names_of_scopes_and_parameters():
    def model(p, x):
        with jax.named_scope("front"):
            return jnp.power(x, p["exponent"])

    found = first_not_finite(Partial(model, {"exponent": jnp.asarray(0.5)}), ZEROS)
    assert (found.scope, found.path) == ("front", "exponent")
    assert "in front with parameter exponent" in found.place


def test_an_input_that_is_not_finite():
    assert first_not_finite(jnp.tanh, ZEROS.at[1].set(np.nan)).name == "input"
