"""Complex values between real ones: one linear map where they are linear, else by their parts."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.tree_util import Partial

from audioxai_jax import deep_lift, domains
from audioxai_jax.dft_lrp.frequency import frequency_relevance, time_relevance
from audioxai_jax.dft_lrp.time_frequency import short_time_relevance, time_relevance_of_frames
from audioxai_jax.propagation import (
    PRESETS,
    UncoveredOperation,
    anything,
    composite,
    composites,
    kind,
    propagate,
    rules,
)
from audioxai_jax.propagation.propagate import step_by_step
from audioxai_jax.transforms.frames import place
from tests.helpers.rows import rows

RANDOM = np.random.default_rng(0)
X: Any = RANDOM.normal(size=12)
P = {
    "filter": RANDOM.normal(size=7) + 1j * RANDOM.normal(size=7),
    "shift": RANDOM.normal(size=7) + 1j * RANDOM.normal(size=7),
    "in": RANDOM.normal(size=(12, 9)),
    "out": RANDOM.normal(size=(9, 3)),
}
ZERO = PRESETS["attn_lrp"](0.0)
"""LRP-0, with a half to each factor of a product."""
DEEP_LIFT = composites.deep_lift()
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


def test_what_is_linear_in_the_parts_is_the_input_times_the_gradient(x64):
    def model(p, x):
        z = jnp.fft.rfft(x)
        return jnp.concatenate([z.real, z.imag]) @ jnp.concatenate([p["in"][:7], p["in"][2:9]])

    found = propagate(ZERO, Partial(model, P), X, 1).relevance
    slope = jax.grad(lambda x: model(P, x)[1])(X)
    np.testing.assert_allclose(found, X * slope, rtol=1e-9, atol=1e-12)


SPECTRA = {
    "magnitude": (jnp.abs, lambda z: np.abs(z)),
    "power": (lambda z: jnp.abs(z) ** 2, lambda z: np.abs(z) ** 2),
    "power by conj": (lambda z: (z * z.conj()).real, lambda z: np.abs(z) ** 2),
    "power by parts": (lambda z: z.real**2 + z.imag**2, lambda z: np.abs(z) ** 2),
    "log": (lambda z: jnp.log(z).real, lambda z: np.log(np.abs(z))),
    "angle": (jnp.angle, lambda z: np.angle(z)),
    "decibels": (lambda z: 20 * jnp.log10(jnp.abs(z)), lambda z: 20 * np.log10(np.abs(z))),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_relevance_of_a_spectrum_comes_to_time_as_dft_lrp_has_it(name, x64):
    """Each frequency's relevance belongs to its parts in proportion to their squares."""
    inside, wanted = SPECTRA[name]
    model = Partial(lambda p, x: inside(jnp.fft.rfft(x)) @ p["in"][:7, :3], P)
    found = propagate(ZERO, model, X, 1)
    each = wanted(np.fft.rfft(X)) * P["in"][:7, 1]
    np.testing.assert_allclose(found.logits[1], each.sum(), rtol=1e-12)
    brought = time_relevance(jnp.asarray(X), jnp.asarray(each), epsilon=0.0)
    np.testing.assert_allclose(found.relevance, brought, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["magnitude", "power", "angle"])
def test_so_does_that_of_a_short_time_spectrum(name, x64):
    inside, wanted = SPECTRA[name]
    sound, out = RANDOM.normal(size=64), RANDOM.normal(size=(9, 3))
    frames = {"window": ("hann", 16), "hop": 4}
    placed = place(64, before=None, **frames)
    cut = lambda x: placed.cut(x) * jnp.asarray(placed.window)
    model = lambda x: (inside(jnp.fft.rfft(cut(x))) @ out).sum(0)
    found = propagate(ZERO, model, sound, 2).relevance
    each = jnp.asarray(wanted(np.fft.rfft(np.asarray(cut(jnp.asarray(sound))))) * out[:, 2])
    brought = time_relevance_of_frames(jnp.asarray(sound), each, epsilon=0.0, **frames)
    np.testing.assert_allclose(found, brought, rtol=1e-9, atol=1e-9)


def test_a_mask_of_a_spectrum_gets_half(x64):
    """A real factor is one: it has no imaginary part that relevance could be lost to."""
    model = lambda x: jnp.fft.irfft(jnp.exp(-x[:7]) * jnp.fft.rfft(x), n=12)[:3]
    found = propagate(ZERO, model, X, 1).relevance
    mask = lambda x: (jnp.exp(-x), jnp.fft.rfft(X))
    parts = lambda m: jnp.fft.irfft(m * jnp.fft.rfft(X), n=12)[1]
    to_mask = np.zeros(12)
    to_mask[:7] = np.exp(-X[:7]) * np.asarray(jax.grad(parts)(jnp.exp(-X[:7]))) / 2
    linear = lambda x: jnp.fft.irfft(mask(X[:7])[0] * jnp.fft.rfft(x), n=12)[1]
    wanted = to_mask + X * np.asarray(jax.grad(linear)(jnp.asarray(X))) / 2
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


PASSED = {
    "modulus": lambda x: jnp.abs(jnp.fft.fft(x)),
    "real modulus": lambda x: jnp.abs(x + 0j) + jnp.abs(1j * x),
    "square": lambda x: (jnp.fft.fft(x) ** 2).real,
    "fifth power": lambda x: (jnp.fft.fft(x) ** 5).imag,
    "inverse square": lambda x: (jnp.fft.fft(x[:6] + 2) ** -2).real,
    "quotient": lambda x: (1 / (1j + jnp.fft.fft(x))).real,
    "quotient by a real one": lambda x: (jnp.fft.fft(x) / (1 + x**2)).real,
    "quotient by an imaginary one": lambda x: (jnp.fft.fft(x) / (1j * (1 + x**2))).real,
    "phase": lambda x: (x * jnp.exp(1j * x)).real,
    "phase alone": lambda x: (lambda z: jnp.fft.ifft(z / jnp.abs(z)).real)(jnp.fft.fft(x)),
    "exponential": lambda x: jnp.exp(0.1 * jnp.fft.fft(x)).imag,
    "root": lambda x: jnp.sqrt(jnp.fft.fft(x)).real,
    "inverse root": lambda x: lax.rsqrt(jnp.fft.fft(x)).imag,
    "compressed": lambda x: jnp.abs(jnp.fft.fft(x) ** 0.3),
    "complex exponent": lambda x: ((2 + 1j + jnp.fft.fft(x)) ** (0.2 + 0.1j)).real,
    "cepstrum": lambda x: jnp.fft.irfft(jnp.log(jnp.abs(jnp.fft.rfft(x)) + 1e-3), n=12),
    "mask": lambda x: jnp.fft.irfft(jax.nn.sigmoid(x[:7]) * jnp.fft.rfft(x), n=12),
    "hfft": lambda x: jnp.abs(jnp.fft.hfft(jnp.fft.rfft(x) * P["filter"])),
    "two axes": lambda x: jnp.abs(jnp.fft.fft2(x.reshape(3, 4))).reshape(-1),
    "first axis": lambda x: jnp.abs(jnp.fft.rfft(x.reshape(4, 3), axis=0)).reshape(-1),
    "chosen": lambda x: jnp.abs(jnp.where(x[:7] > 0, jnp.fft.rfft(x), P["filter"])),
    "compared": lambda x: jnp.where(jnp.fft.fft(x) == 0, 1.0, jnp.abs(jnp.fft.fft(x))),
    "covariance": lambda x: (lambda z: jnp.abs(z @ z.conj().T).reshape(-1))(
        jnp.fft.fft(x.reshape(3, 4))
    ),
    "looked up": lambda x: jnp.abs(jnp.fft.fft(x)[jnp.argsort(x)]),
    "one of two": lambda x: (lambda z: z.real + jnp.abs(z))(jnp.fft.fft(x)),
    "loop": lambda x: (
        lax.scan(lambda z, _: (1j * z * z.conj(), None), jnp.fft.fft(x), None, 3)[0].imag
    ),
    "rows of a loop": lambda x: lax.scan(
        lambda z, row: (0.5 * z + row, jnp.abs(z + row)),
        jnp.zeros(4) + 0j,
        jnp.fft.fft(x).reshape(3, 4),
    )[1].reshape(-1),
    "branch": lambda x: jnp.abs(
        lax.cond(x[0] > 0, lambda z: z * z, lambda z: 2j * z, jnp.fft.fft(x))
    ),
}


INCOMPLETE = {"branch", "looked up"}
"""For DeepLIFT: refused, as input and reference could take different ones; and by definition."""


@pytest.mark.parametrize("name", rows(PASSED, full_size=list(PASSED)[3::2]))
def test_what_is_not_linear_is_accounted_for(name, x64):
    """Values are the model's; at each operation nothing is missing, and DeepLIFT is complete."""
    out = np.random.default_rng(3).normal(size=(12, 3))
    model = lambda x: (lambda y: y @ out[: y.size])(PASSED[name](x))
    found = step_by_step(PRESETS["epsilon_plus"](), model, jnp.asarray(X), 1)
    np.testing.assert_allclose(found.logits, model(X), rtol=1e-10, atol=1e-12)
    ledger, size = found.ledger, np.max(np.abs(found.ledger.received))
    assert np.all(np.isfinite(found.relevance)) and np.any(found.relevance)
    assert np.max(np.abs(ledger.missing)) < 1e-9 * size
    absorbed = ledger.bias.sum() + ledger.stabiliser.sum()
    np.testing.assert_allclose(found.relevance.sum() + absorbed, found.logits[1], atol=1e-9 * size)
    if name not in INCOMPLETE:
        other = np.random.default_rng(4).normal(size=12)
        there = step_by_step(DEEP_LIFT, model, jnp.asarray(X), 1, jnp.asarray(other), 1.0)
        change = (model(X) - model(other))[1]
        np.testing.assert_allclose(np.sum(there.relevance * (X - other)), change, rtol=1e-9)


def test_loops_and_branches_are_what_they_do(x64):
    step = lambda z: (0.5 + 1j) * z + 0.1 * z * z
    looped = lambda x: lax.scan(lambda z, _: (step(z), jnp.abs(z)), jnp.fft.fft(x), None, 3)
    plain = lambda x: step(step(step(jnp.fft.fft(x))))
    chosen = lambda x: lax.cond(x[0] > 9, jnp.conj, lambda z: z * z, jnp.fft.fft(x))
    pairs = [
        (lambda x: jnp.abs(looped(x)[0]), lambda x: jnp.abs(plain(x))),
        (lambda x: looped(x)[1][1], lambda x: jnp.abs(step(jnp.fft.fft(x)))),
        (lambda x: chosen(x).real, lambda x: (jnp.fft.fft(x) ** 2).real),
    ]
    for pair in pairs:
        here, there = (propagate(ZERO, model, X, 1).relevance for model in pair)
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-12)


def front_end(spectrum, p, x):
    """Frames, power, mel bands, logarithm in dB, mean and deviation over time, a network."""
    frames = x[np.arange(13)[:, None] * 8 + np.arange(32)] * np.hanning(32)
    level = 10 * jnp.log10(spectrum(frames) @ p["mel"] + 1e-3)
    level = (level - level.mean(0)) / (level.std(0) + 1e-2)
    numbers = ("NTC", "TIO", "NTC")
    h = lax.conv_general_dilated(level[None], p["conv"], (2,), "SAME", dimension_numbers=numbers)
    return jax.nn.relu(h[0] + p["bias"]).mean(0) @ p["out"]


def by_matrices(frames):
    """The same power by real matrices alone."""
    angles = 2 * np.pi * np.outer(np.arange(32), np.arange(17)) / 32
    return (frames @ np.cos(angles)) ** 2 + (frames @ -np.sin(angles)) ** 2


POWERS = {
    "modulus": lambda frames: jnp.abs(jnp.fft.rfft(frames)) ** 2,
    "by conj": lambda frames: (lambda z: (z * jnp.conj(z)).real)(jnp.fft.rfft(frames)),
}


@pytest.mark.parametrize("power", rows(POWERS, full_size=list(POWERS)[1:]))
def test_a_front_end_is_what_it_is_with_real_matrices(power, x64):
    draw = np.random.default_rng(5).normal
    sizes = {"mel": (17, 6), "conv": (3, 6, 8), "bias": (8,), "out": (8, 3)}
    p = {name: draw(size=size) for name, size in sizes.items()}
    p["mel"] = np.abs(p["mel"])
    sound = draw(size=128)
    made = [PRESETS[name]() for name in ("epsilon_plus", "attn_lrp")]
    for one in made:
        here, there = (
            propagate(one, Partial(partial(front_end, s), p), sound, 2)
            for s in (POWERS[power], by_matrices)
        )
        size = np.max(np.abs(there.relevance))
        np.testing.assert_allclose(here.relevance, there.relevance, atol=1e-9 * size)
        assert np.max(np.abs(here.ledger.missing)) < 1e-9 * np.max(np.abs(here.ledger.received))
    here, there = (
        deep_lift(baseline=0.1 * sound[::-1].copy())(
            Partial(partial(front_end, s), p), sound, 2, key=jax.random.key(0)
        )
        for s in (POWERS[power], by_matrices)
    )
    size = np.max(np.abs(there.relevance))
    np.testing.assert_allclose(here.relevance, there.relevance, atol=1e-9 * size)
    assert here.info["completeness_gap"] < 1e-9


@pytest.mark.parametrize("name", ["magnitude", "power by parts", "angle"])
def test_silence_harms_nothing(name):
    """Digital silence, in part of the sound or all of it, input or reference: numbers all over."""
    out = np.random.default_rng(3).normal(size=(9, 3)).astype(np.float32)
    inside = SPECTRA[name][0]
    model = lambda x: (jnp.sqrt(jnp.abs(inside(jnp.fft.rfft(x.reshape(4, 16))))) @ out).sum(0)
    sound = np.zeros(64, np.float32)
    sound[20:40] = np.random.default_rng(4).normal(size=20)
    for x in (sound, 0 * sound):
        found = propagate(PRESETS["epsilon_plus"](), model, x, 1)
        assert np.all(np.isfinite(found.relevance))
        given = deep_lift(baseline=0.0)(model, x, 1, key=jax.random.key(0))
        assert np.all(np.isfinite(given.relevance)) and given.info["completeness_gap"] < 1e-5


def test_batched_and_compiled(x64):
    model = Partial(lambda p, x: jnp.abs(jnp.fft.rfft(x) * p["filter"]) @ p["in"][:7, :3], P)
    batch = jnp.stack([X, X[::-1], 0 * X])
    one = lambda x: propagate(ZERO, model, x, 1).relevance
    found = jax.jit(jax.vmap(one))(batch)
    np.testing.assert_allclose(found, [one(x) for x in batch], rtol=1e-9, atol=1e-12)


STEPS = {
    "filter": lambda z, w: z * w,
    "shift": lambda z, w: z + w,
    "conj": lambda z, w: z.conj(),
    "transform": lambda z, w: jnp.fft.fft(z, norm="ortho"),
    "turn": lambda z, w: z[::-1],
    "square": lambda z, w: z * z,
    "correlate": lambda z, w: z * jnp.fft.ifft(z, norm="ortho").conj(),
    "modulus": lambda z, w: w * jnp.abs(z),
    "weigh": lambda z, w: z * z.real,
    "divide": lambda z, w: z / (2 + jnp.abs(z)),
    "spin": lambda z, w: jnp.exp(1j * z.imag) * w.real,
    "exponential": lambda z, w: jnp.exp(0.1 * z),
    "cube": lambda z, w: z**3,
}


@pytest.mark.full_size
@settings(max_examples=5)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4), st.integers(0, 99))
def test_random_complex_graphs_conserve(names, seed):
    """The ledger explains all relevance, and DeepLIFT's contributions are complete."""
    draw = np.random.default_rng(seed).normal
    with jax.enable_x64(True):
        x, w, out = draw(size=5), draw(size=5) + 1j * draw(size=5), draw(size=(10, 3))

        def model(x):
            z = jnp.fft.fft(x, norm="ortho")
            for name in names:
                z = z + STEPS[name](z, w)
            return jnp.concatenate([jnp.abs(z), z.imag]) @ out

        found = step_by_step(PRESETS["epsilon_plus"](), model, jnp.asarray(x), 1)
        ledger, size = found.ledger, np.max(np.abs(found.ledger.received))
        np.testing.assert_allclose(found.logits, model(x), rtol=1e-9, atol=1e-9)
        assert np.max(np.abs(ledger.missing)) < 1e-9 * size
        absorbed = ledger.bias.sum() + ledger.stabiliser.sum()
        left = found.relevance.sum() + absorbed - found.logits[1]
        assert abs(left) < 1e-9 * size
        reference = jnp.asarray(draw(size=5))
        there = step_by_step(DEEP_LIFT, model, jnp.asarray(x), 1, reference, 1.0)
        change = np.sum(there.relevance * (x - reference)) - (model(x) - model(reference))[1]
        assert abs(change) < 1e-8 * max(1.0, np.max(np.abs(model(x))))


REFUSED = {
    "sin": lambda x: jnp.sin(jnp.fft.fft(x)).real,
    "tanh": lambda x: lax.scan(lambda z, _: (jnp.tanh(z), None), jnp.fft.fft(x), None, 3)[0].real,
    "cumprod": lambda x: jnp.cumprod(jnp.fft.fft(x)).real,
}


@pytest.mark.parametrize("name", REFUSED)
def test_functions_without_parts_are_refused_by_name(name):
    model = lambda x: REFUSED[name](x)[:3]
    with pytest.raises(
        UncoveredOperation, match=rf"{name} of complex values at .*test_complex_.*z.real"
    ):
        propagate(PRESETS["epsilon_plus"](), model, X.astype(np.float32), 0)


def test_a_loop_of_unknown_length_is_refused_as_such():
    twice = lambda x: lax.while_loop(lambda z: jnp.abs(z[0]) < 9, lambda z: 2 * z, jnp.fft.fft(x))
    with pytest.raises(UncoveredOperation, match="while of complex values.*lax.scan"):
        propagate(PRESETS["epsilon_plus"](), lambda x: twice(x).real, X.astype(np.float32), 0)
