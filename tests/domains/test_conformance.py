"""What every domain promises; one that is listed in DOMAINS is covered.

Each check takes a domain, so that domains which break a promise can be shown to fail it.
"""

import dataclasses
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.core.records import record
from audioxai_jax.domains import DOMAINS, Axis, Domain, keep_residual, logarithm, normalised
from audioxai_jax.domains.grid import places, unit_grid
from audioxai_jax.domains.protocol import Grid
from audioxai_jax.domains.residual import Residual
from audioxai_jax.domains.samples import Samples
from audioxai_jax.models.precision import cast
from tests.helpers.rows import rows
from tests.helpers.small_models import small_codec

RATE = 8000
LENGTHS = (1, 2, 3, 255, 640, RATE)
SHORT = 300
"""Samples where one length will do."""


def build(name: str) -> Domain:
    """A row of the table: of a codec where it takes one, else of the sample rate."""
    factory = DOMAINS[name]
    first = next(iter(inspect.signature(factory).parameters))
    return factory(codec()) if first == "codec" else factory(RATE)


def codec(quantises: bool = False):
    """In double precision where that is on."""
    return codec_in(quantises, jax.config.jax_enable_x64)


@functools.cache
def codec_in(quantises: bool, x64: bool):
    return cast(small_codec(quantises), jnp.float64) if x64 else small_codec(quantises)


def standardised(x):
    """Mean 0, deviation 1; silence is silence."""
    return (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-8)


def within_its_range(x):
    """From 0 to 1: the least sample to the largest, and samples that are equal to 0."""
    width = jnp.max(x) - jnp.min(x)
    return (x - jnp.min(x)) / jnp.where(width > 0, width, 1)


VARIANTS = {
    "normalised": lambda: normalised(RATE, standardised),
    "normalised, range": lambda: normalised(RATE, within_its_range),
    "latent, quantised": lambda: DOMAINS["latent"](codec(True), quantised=1.6),
    "latent, cells": lambda: DOMAINS["latent"](dataclasses.replace(codec(), unit="cell")),
    "cells, no bands": lambda: DOMAINS["cells"](RATE, bands=None, frequency_first=True),
    "cells, logarithm": lambda: DOMAINS["cells"](RATE, before=192, bands=40, level=logarithm()),
    "wavelets, haar": lambda: DOMAINS["wavelets"](RATE, kind="haar"),
    "time_frequency, blocks": lambda: DOMAINS["time_frequency"](
        RATE, window=("rectangle", 200), hop=200
    ),
}
"""Settings that take other paths through the code."""
BUILDERS = {name: functools.partial(build, name) for name in DOMAINS} | VARIANTS
INEXACT = [name for name, made in BUILDERS.items() if not made().exact]
BUILDERS |= {
    f"{name}, residual": lambda made=BUILDERS[name]: keep_residual(made()) for name in INEXACT
}
STRAIGHT_THROUGH = "latent, quantised"
"""Its steps are too large for one click to be seen, and its gradient knows nothing of them."""
OF_RESIDUAL = ("round_trip", "masks", "gradients", "units", "grids")
"""Checks of a domain whose residual is kept: all else is the domain's own."""

ANALYSE = jax.jit(lambda domain, audio: domain.analyse(audio))
SYNTHESISE = jax.jit(lambda domain, features, audio: domain.synthesise(features, audio))
THERE_AND_BACK = jax.jit(
    lambda domain, clips: [domain.synthesise(domain.analyse(x), x) for x in clips]
)


def noise(samples: int, seed: int = 0, dtype: type = np.float64) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).normal(size=samples)).astype(dtype)


def largest(x) -> float:
    return float(np.max(np.abs(np.asarray(x)), initial=0))


def check_round_trip(domain: Domain):
    """In the clip's own precision, of any length."""
    by_formula = domain.exact and not isinstance(domain, Residual)
    lengths = LENGTHS if by_formula else (1, 255)  # networks take long to compile
    clips = [noise(n, dtype=dtype) for n in lengths for dtype in (np.float32, np.float64)]
    for clip, sound in zip(clips, THERE_AND_BACK(domain, clips), strict=True):
        assert sound.shape == clip.shape and sound.dtype == clip.dtype
        assert np.all(np.isfinite(sound))
        if domain.exact:
            tolerance = 1e-6 if clip.dtype == np.float32 else 1e-12
            assert largest(sound - clip) <= tolerance * largest(clip), clip.shape


def check_masks(domain: Domain):
    """Kept in full the features are the clip's own; deleted in full they are the base."""
    clip = jnp.asarray(noise(SHORT))
    features = ANALYSE(domain, clip)
    base = domain.base(features)
    assert base.shape == features.shape and base.dtype == features.dtype
    np.testing.assert_array_equal(domain.base(base), base)
    nothing = SYNTHESISE(domain, base, clip)
    for mask, sound in ((1.0, SYNTHESISE(domain, features, clip)), (0.0, nothing)):
        mixed = base + mask * (features - base)
        error = largest(SYNTHESISE(domain, mixed, clip) - sound)
        assert error <= 1e-12 * max(largest(sound), 1), mask
    if domain.linear:
        assert largest(nothing) == 0
    assert np.all(domain.size(base) <= domain.size(features))


def check_gradients(domain: Domain):
    """Right against a difference along a direction, and finite at the base and of silence."""
    clip, silence = jnp.asarray(noise(SHORT)), jnp.zeros(SHORT)
    features = ANALYSE(domain, clip)
    base, weights = domain.base(features), jnp.asarray(noise(SHORT, 1))
    heard = lambda z, x: jnp.sum(jnp.sin(weights * domain.synthesise(z, x)) + weights)
    slope = jax.jit(jax.value_and_grad(heard))
    inside = base + 0.7 * (features - base) + 0.01  # off the kink at a floor
    check_directional(slope, inside, clip)
    for z, x in ((base, clip), (ANALYSE(domain, silence), silence), (domain.base(base), silence)):
        assert np.all(np.isfinite(slope(z, x)[1]))


def check_gradient_of_analysis(domain: Domain):
    clip = jnp.asarray(noise(SHORT))
    heard = lambda x: jnp.sum(jnp.sin(domain.analyse(x)))
    slope = jax.jit(jax.value_and_grad(heard))
    check_directional(slope, clip)
    assert np.all(np.isfinite(slope(jnp.zeros(SHORT))[1]))


def check_directional(slope, z, *others):
    """Of five points, to the fourth order."""
    direction = jnp.asarray(np.random.default_rng(2).normal(size=z.shape))
    step = 1e-4
    at = lambda steps: slope(z + steps * step * direction, *others)[0]
    difference = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
    gradient = slope(z, *others)[1]
    scale = jnp.linalg.norm(gradient.ravel()) * jnp.linalg.norm(direction.ravel())
    assert float(scale) > 0
    told = float(jnp.sum(gradient * direction))
    assert abs(told - float(difference)) < 1e-7 * float(scale)


def check_linearity(domain: Domain):
    if not domain.linear:
        return
    clip = jnp.asarray(noise(SHORT))
    features = ANALYSE(domain, clip)
    one, two = (jnp.asarray(noise(features.size, k)).reshape(features.shape) for k in (1, 2))
    parts = [SYNTHESISE(domain, z, clip) for z in (one, two, 2 * one - 3 * two)]
    assert largest(2 * parts[0] - 3 * parts[1] - parts[2]) < 1e-12 * largest(parts[2])


def check_jit_and_vmap(domain: Domain):
    clips = jnp.stack([jnp.asarray(noise(SHORT, k)) for k in range(2)])
    features = jax.jit(jax.vmap(domain.analyse))(clips)
    half = jax.vmap(domain.base)(features) * 0.5 + features * 0.5
    sounds = jax.jit(jax.vmap(domain.synthesise))(half, clips)
    alone = domain.analyse(clips[1]) if domain.exact else ANALYSE(domain, clips[1])
    again = SYNTHESISE(domain, half[1], clips[1])
    assert largest(features[1] - alone) <= 1e-11 * largest(alone)
    assert largest(sounds[1] - again) <= 1e-11 * largest(again)


def check_units(domain: Domain):
    """They partition the features; in pairs, both parts have one label."""
    for shape in feature_shapes(domain):
        units = domain.units(shape)
        assert units
        for name, found in units.items():
            assert isinstance(name, str) and np.issubdtype(found.dtype, np.integer)
            assert len(found.shape) == len(shape)
            spread = np.broadcast_to(found, shape)
            np.testing.assert_array_equal(np.unique(spread), np.arange(found.max() + 1))
            if is_paired(domain, shape):
                np.testing.assert_array_equal(spread[..., 0], spread[..., 1])


def check_grids(domain: Domain):
    """Time is in seconds, what has an order several units, and each unit has a size of its own."""
    for shape in feature_shapes(domain):
        for name, labels in domain.units(shape).items():
            grid = unit_grid(domain, shape, name)
            along = places(labels)
            assert len(grid.seconds) == len(shape)
            assert sum(step is not None for step in grid.seconds) <= 1
            for k, step in enumerate(grid.seconds):
                if step is not None and shape[k] > 1:
                    axis = domain.axes(shape)[k]
                    assert axis.name == "time" and along is not None and along[k].max() > 0
                    assert step >= 0.999 * (axis.values[1] - axis.values[0])
            for k in grid.ordered:
                assert grid.seconds[k] is None and along is not None
            spread = np.broadcast_to(labels, shape)
            counted = np.ones(shape) if grid.counted is None else grid.counted
            counts = np.bincount(spread.ravel(), np.broadcast_to(counted, shape).ravel())
            assert len(counts) == labels.max() + 1 and counts.min() >= 1


def check_axes(domain: Domain):
    for shape in feature_shapes(domain):
        axes = domain.axes(shape)
        assert [axis.values.shape for axis in axes] == [(n,) for n in shape]
        for axis in axes:
            assert axis.name and axis.values.dtype == np.float64
            assert np.all(np.isfinite(axis.values)) and np.all(np.diff(axis.values) > 0)
            assert axis.unit == {"time": "s", "frequency": "Hz"}.get(axis.name, "")
        times = [axis for axis in axes if axis.name == "time"]
        if domain.hop > 1:
            assert axes[0].name == "time"
            np.testing.assert_allclose(np.diff(axes[0].values), domain.hop / domain.sample_rate)
        assert len(times) <= 1


def check_places(domain: Domain):
    """A click is largest at its time, a tone at its frequency."""
    n = np.arange(RATE // 2)
    sounds = {"time": (n == 2345) * 0.5, "frequency": 0.5 * np.cos(2 * np.pi * 1234.5 / RATE * n)}
    wanted = {"time": 2345 / RATE, "frequency": 1234.5}
    shape = feature_shapes(domain)[0]
    for name in {axis.name for axis in domain.axes(shape)} & set(sounds):
        features = ANALYSE(domain, jnp.asarray(sounds[name]))
        change = features if domain.exact else features - ANALYSE(domain, jnp.zeros(n.size))
        axes = domain.axes(features.shape)
        for place, axis in enumerate(axes):
            if axis.name != name:
                continue
            others = tuple(k for k in range(len(axes)) if k != place)
            loud = np.asarray(jnp.sum(domain.size(change) ** 2, axis=others))
            most = int(np.argmax(loud))
            near = axis.values[max(0, most - 1) : most + 2]
            assert near[0] <= wanted[name] <= near[-1], (name, axis.values[most])


def check_size(domain: Domain):
    for clip in (noise(SHORT), np.zeros(SHORT)):
        features = ANALYSE(domain, jnp.asarray(clip))
        size = domain.size(features)
        assert size.shape == features.shape and np.all(size >= 0)
        if is_paired(domain, features.shape):
            np.testing.assert_array_equal(size[..., 0], size[..., 1])
            np.testing.assert_allclose(size[..., 0], np.hypot(features[..., 0], features[..., 1]))


CHECKS = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_round_trip,
        check_masks,
        check_gradients,
        check_gradient_of_analysis,
        check_linearity,
        check_jit_and_vmap,
        check_units,
        check_grids,
        check_axes,
        check_places,
        check_size,
    )
}
PROMISES = [
    (name, check)
    for name in BUILDERS
    for check in (OF_RESIDUAL if name.endswith("residual") else CHECKS)
    if name != STRAIGHT_THROUGH or check not in ("gradient_of_analysis", "places")
]


def feature_shapes(domain: Domain):
    shape = lambda n: jax.eval_shape(domain.analyse, jax.ShapeDtypeStruct((n,), jnp.float32)).shape
    return [shape(n) for n in LENGTHS]


def is_paired(domain: Domain, shape) -> bool:
    return domain.axes(shape)[-1].name == "part"


@pytest.mark.parametrize(
    "name, check", rows(PROMISES, [promise for promise in PROMISES if "," in promise[0]])
)
def test_it_is_as_it_says(name, check, x64):
    CHECKS[check](BUILDERS[name]())


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_a_domain_of_one_structure(name):
    """Fields are there, and equal factories make one program."""
    one, two = BUILDERS[name](), BUILDERS[name]()
    assert isinstance(one, Domain)
    assert one.sample_rate == RATE and one.hop >= 1 and name.startswith(one.name.split(",")[0])
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert hash(jax.tree.structure(one)) == hash(jax.tree.structure(two))


@pytest.mark.full_size
@pytest.mark.parametrize("samples", [60 * 16_000, 60 * 16_000 + 1])
@pytest.mark.parametrize("name", BUILDERS)
def test_a_minute(name, samples):
    domain, clip = BUILDERS[name](), noise(samples, dtype=np.float32)
    sound = jax.jit(lambda x: domain.synthesise(domain.analyse(x), x))(clip)
    assert sound.shape == clip.shape and np.all(np.isfinite(sound))
    assert not domain.exact or largest(sound - clip) <= 1e-6 * largest(clip)


@record(static=("sample_rate",))
class Toy(Samples):
    """Honest, but for what its subclasses break."""


@record(static=("sample_rate",))
class Lossy(Toy):
    """Exact, it says."""

    def synthesise(self, features, audio):
        return jnp.asarray(features, jnp.float32).astype(audio.dtype)


@record(static=("sample_rate",))
class Bent(Toy):
    """Linear, it says."""

    def analyse(self, audio):
        return jnp.arcsinh(audio)

    def synthesise(self, features, audio):
        return jnp.sinh(features)


@record(static=("sample_rate",))
class Stopped(Toy):
    """Its gradient is that of something else."""

    def synthesise(self, features, audio):
        return 2 * features - jax.lax.stop_gradient(features)


@record(static=("sample_rate",))
class Abrupt(Toy):
    """Not a number in the gradient of silence."""

    def synthesise(self, features, audio):
        return jnp.sign(features) * jnp.sqrt(features**2)


@record(static=("sample_rate",))
class Gapped(Toy):
    """A unit without features."""

    def units(self, shape):
        return {"sample": 2 * np.arange(shape[0])}


@record(static=("sample_rate",))
class Sideways(Toy):
    """Neighbours in time, of units that have none."""

    def units(self, shape):
        return {"clip": np.zeros((1,), int)}

    def grid(self, shape, unit):
        return Grid((1 / self.sample_rate,))


@record(static=("sample_rate",))
class Unsized(Toy):
    """Units of which nothing tells how large they are."""

    def grid(self, shape, unit):
        return Grid((None,), counted=np.arange(shape[0]) > 0)


@record(static=("sample_rate",))
class Backwards(Toy):
    def axes(self, shape):
        return (Axis("time", "s", -np.arange(shape[0]) / self.sample_rate),)


@record(static=("sample_rate",))
class Late(Toy):
    """A time axis of another sample rate."""

    def axes(self, shape):
        return (Axis("time", "s", np.arange(shape[0]) / (2.0 * self.sample_rate)),)


@record(static=("sample_rate",))
class Signed(Toy):
    def size(self, features):
        return features


@record(static=("sample_rate",))
class Loud(Toy):
    """A base that is heard, of a domain that is linear."""

    def base(self, features):
        return jnp.ones_like(features)


@record(static=("sample_rate",))
class Whole(Toy):
    """Looks at the other examples of a batch, if they are in one array."""

    def analyse(self, audio):
        return audio + jnp.asarray(isinstance(audio, jax.core.Tracer), audio.dtype)


WRONG = {
    Lossy: "round_trip",
    Bent: "linearity",
    Stopped: "gradients",
    Abrupt: "gradients",
    Gapped: "units",
    Sideways: "grids",
    Unsized: "grids",
    Backwards: "axes",
    Late: "places",
    Signed: "size",
    Loud: "masks",
    Whole: "jit_and_vmap",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_domain_that_claims_too_much_fails(wrong, x64):
    with pytest.raises(AssertionError):
        CHECKS[WRONG[wrong]](wrong(RATE))
