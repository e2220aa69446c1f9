"""The same values, and derivatives that are finite where JAX's are not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

import audioxai_jax as ax
from audioxai_jax.domains import samples
from audioxai_jax.models import safe_gradients
from audioxai_jax.propagation import PRESETS, propagate
from audioxai_jax.tracing.not_finite import first_not_finite

ZEROS = jnp.zeros(6)
SOUND = jnp.asarray(np.random.default_rng(0).normal(size=6) * [1, 0, 1, 1, 0, 0], jnp.float32)


def root(x):
    return jnp.sqrt(x)


MODELS = {
    "sqrt": lambda x: jnp.sqrt(jnp.abs(x)),
    "norm": lambda x: jnp.linalg.norm(x.reshape(2, 3), axis=1),
    "magnitude": lambda x: (lambda z: jnp.sqrt(z.real**2 + z.imag**2))(jnp.fft.rfft(x)),
    "angle": lambda x: jnp.angle(jnp.fft.rfft(x)),
    "floor of dB": lambda x: jnp.maximum(20 * jnp.log10(jnp.abs(x)), -80),
    "behind a where": lambda x: jnp.where(x > 0, x * jnp.log(x), 0),
    "power": lambda x: jnp.abs(x) ** 0.3,
    "compressed spectrum": lambda x: (jnp.fft.rfft(x) ** 0.3).real,
    "loop": lambda x: lax.scan(lambda c, v: (c + jnp.cbrt(v), jnp.sqrt(v * v)), 0.0, x)[1],
    "carry": lambda x: lax.scan(lambda c, v: (c + jnp.cbrt(v), None), 0.0, x)[0][None],
    "branch": lambda x: lax.cond(x[0] > 9, jnp.exp, lambda x: jnp.sqrt(jnp.abs(x)), x),
    "jit": lambda x: jax.jit(lambda x: jnp.arccos(1 - jnp.abs(jnp.tanh(x))))(x),
}


@pytest.mark.parametrize("name", MODELS)
def test_values_stay_and_gradients_become_finite(name):
    model, safe = MODELS[name], safe_gradients(MODELS[name])
    assert first_not_finite(model, ZEROS) is not None
    for x in (ZEROS, SOUND):
        np.testing.assert_array_equal(safe(x), model(x))
        assert first_not_finite(safe, x) is None
    busy = SOUND + 2.5
    slopes = [jax.grad(lambda x, f=f: jnp.sum(f(x)))(busy) for f in (model, safe)]
    np.testing.assert_allclose(*slopes, rtol=1e-6, atol=1e-7)


STATED = {  # derivative by x at 0, in the order of the table
    "sqrt": (jnp.sqrt, 0.0),
    "cbrt": (jnp.cbrt, 0.0),
    "rsqrt": (lax.rsqrt, 0.0),
    "log": (jnp.log, 0.0),
    "x**0.5": (lambda x: jnp.power(x, 0.5), 0.0),
    "x**2.0": (lambda x: jnp.power(x, 2.0), 0.0),
    "x**1.0": (lambda x: jnp.power(x, jnp.ones_like(x)), 1.0),
    "1/x": (lambda x: 1 / x, 0.0),
    "x/x": (lambda x: x / x, 0.0),
    "x/2": (lambda x: x / 2, 0.5),
    "atan2": (lambda x: jnp.arctan2(x, x), 0.0),
    "atan2 of x, 2": (lambda x: jnp.arctan2(x, 2.0), 0.5),
}


@pytest.mark.parametrize("name", STATED)
def test_derivatives_are_those_of_the_table(name):
    function, wanted = STATED[name]
    safe = safe_gradients(function)
    np.testing.assert_array_equal(safe(ZEROS), function(ZEROS))  # infinite ones and NaN included
    slope = jax.vmap(jax.grad(lambda x: safe(x[None])[0]))(ZEROS)
    np.testing.assert_allclose(slope, wanted)


def test_a_classifier_stays_one():
    given = ax.Classifier(
        lambda x: jnp.sqrt(jnp.abs(x)),
        samples(8000),
        labels=tuple("abcdef"),
        frames=6,
        background=("c",),
        outputs="sigmoid",
        manifest={"sha256": "0"},
    )
    safe = safe_gradients(given)
    assert isinstance(safe, ax.Classifier) and safe.manifest == given.manifest
    for name in ("reads", "labels", "frames", "background", "outputs"):
        assert getattr(safe, name) == getattr(given, name)
    np.testing.assert_array_equal(safe(SOUND), given(SOUND))
    assert first_not_finite(given.model, ZEROS) is not None
    assert first_not_finite(safe.model, ZEROS) is None
    relevance = ax.attribute(ax.saliency(), safe, SOUND, 1, key=jax.random.key(0)).relevance
    assert np.isfinite(relevance).all()


def test_second_derivatives_are_finite():
    safe = safe_gradients(lambda x: jnp.sum(jnp.sqrt(x) ** 3 + jnp.log(x + (x == 0)))[None])
    hessian = jax.hessian(lambda x: safe(x)[0])(SOUND**2)
    assert np.all(np.isfinite(hessian))


def test_a_derivative_of_its_own_stays():
    @jax.custom_jvp
    def own(x):
        return jnp.sqrt(x)

    own.defjvp(lambda x, t: (jnp.sqrt(x[0]), 7.0 * t[0]))
    slope = jax.grad(lambda x: jnp.sum(safe_gradients(own)(x)))(ZEROS)
    np.testing.assert_array_equal(slope, jnp.full(6, 7.0))


def test_it_is_a_model_as_before():
    """Leaves with their names; compiled once for fresh wrappers; batched; LRP the same."""
    traced = []

    def model(p, x):
        traced.append(x.shape)
        with jax.named_scope("front"):
            power = jnp.sqrt((x @ p["in"]) ** 2)
        return power @ p["out"]

    keys = jax.random.split(jax.random.key(0))
    p = {"in": jax.random.normal(keys[0], (6, 4)), "out": jax.random.normal(keys[1], (4, 3))}
    make = lambda: safe_gradients(Partial(model, p))
    run = jax.jit(lambda f, x: f(x))
    run(make(), SOUND), run(make(), 2 * SOUND)
    assert len(traced) == 1
    batch = jax.vmap(make())(jnp.stack([SOUND, ZEROS]))
    np.testing.assert_allclose(batch[0], model(p, SOUND), rtol=1e-6)
    plain, safe = (
        propagate(PRESETS["epsilon_plus"](), f, SOUND, 1, at=["in"])
        for f in (Partial(model, p), make())
    )
    np.testing.assert_allclose(safe.relevance, plain.relevance, rtol=1e-5, atol=1e-6)
    assert safe.ledger.names == plain.ledger.names


def test_the_place_in_the_users_code_stays():
    """Of what cannot be made finite, and in messages of LRP."""
    overflow = lambda x: jnp.exp(root(x) + 200)
    found = first_not_finite(safe_gradients(overflow), ZEROS)
    assert found is not None and found.name == "exp"
    assert "test_safe_gradients.py" in found.source and "lambda" in found.source
