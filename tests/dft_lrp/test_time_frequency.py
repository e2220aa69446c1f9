"""Short-time DFT-LRP against its definition, written out; what it keeps, and where it puts it."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.dft_lrp import time_frequency
from audioxai_jax.dft_lrp.frequency import frequency_relevance, multiplicity
from audioxai_jax.transforms.frames import WINDOWS, place

OPTIONS = ("window", "hop", "before")
short_time_relevance, full_length_relevance, time_relevance_of_frames = (
    jax.jit(function, static_argnames=OPTIONS)
    for function in (
        time_frequency.short_time_relevance,
        time_frequency.full_length_relevance,
        time_frequency.time_relevance_of_frames,
    )
)
SHORT = [
    {"window": ("rectangle", 8), "hop": 8},
    {"window": ("rectangle", 7), "hop": 3, "before": 0},
    {"window": ("half_sine", 8), "hop": 4},
    {"window": ("hann", 9), "hop": 2, "before": 4},
]
LONG = [
    ({"window": ("hann", 455), "hop": 35}, 8000, (241, 228)),
    ({"window": ("hann", 455), "hop": 35, "before": 227}, 8000, (230, 228)),
    ({"window": ("rectangle", 800), "hop": 800}, 8000, (10, 401)),
    ({"window": ("half_sine", 200), "hop": 100}, 7777, (79, 101)),
]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def total(values):
    return math.fsum(np.asarray(values, np.float64).ravel())


def windows_over(samples, window, hop, before=None):
    """Each frame's window at its place, `[F, T]`, and the frames' first samples."""
    name, width = window
    shape = WINDOWS[name](np.arange(width), width)
    before = width - hop if before is None else before
    starts = [-before]
    while starts[-1] + width < samples + before:
        starts.append(starts[-1] + hop)
    placed = np.zeros((len(starts), samples))
    for row, start in zip(placed, starts, strict=True):
        for i in range(width):
            if 0 <= start + i < samples:
                row[start + i] = shape[i]
    return placed, starts


def slow_definition(audio, relevance, window, hop, before=None, length=None):
    """x_n = sum_fk (a_fk cos(2 pi k m / L) - b_fk sin(2 pi k m / L)) / sqrt(L) / W_n.

    m = n - start, and only within the frame; with a length, m = n and all frames know all n.
    """
    placed, starts = windows_over(len(audio), window, hop, before)
    cover = placed.sum(0)
    size = length or window[1]
    found = np.zeros((len(starts), size // 2 + 1))
    for f, start in enumerate(starts):
        reach = range(len(audio)) if length else range(start, start + size)
        inside = [n for n in reach if 0 <= n < len(audio)]
        places = np.array(inside) - (0 if length else start)
        for k in range(size):
            cos, sin = np.cos(2 * np.pi * k * places / size), np.sin(2 * np.pi * k * places / size)
            a = np.sum(placed[f, inside] * audio[inside] * cos) / np.sqrt(size)
            b = -np.sum(placed[f, inside] * audio[inside] * sin) / np.sqrt(size)
            part = (a * cos - b * sin) / np.sqrt(size) / cover[inside]
            found[f, min(k, size - k)] += np.sum(part / audio[inside] * relevance[inside])
    return found


@pytest.mark.parametrize("options, samples", [*((o, 31) for o in SHORT), (SHORT[2], 5)])
def test_it_equals_its_definition(x64, options, samples):
    audio, relevance = draw(2, samples)
    given = jnp.asarray(audio), jnp.asarray(relevance)
    found = short_time_relevance(*given, **options, epsilon=0)
    wanted = slow_definition(audio, relevance, **options)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    if samples == 31:
        found = full_length_relevance(*given, **options, epsilon=0)
        wanted = slow_definition(audio, relevance, **options, length=samples)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("options", SHORT)
def test_definition_of_the_way_back(x64, options):
    """Through y_fk = sum_n w_f(n) x_n (cos - i sin), R_fk to both parts by their squares."""
    audio = draw(31)
    placed, starts = windows_over(31, **options)
    width = options["window"][1]
    relevance = draw(len(starts), width // 2 + 1, seed=1)
    wanted = np.zeros(31)
    for f, start in enumerate(starts):
        for k in range(width // 2 + 1):
            angle = 2 * np.pi * k * (np.arange(31) - start) / width
            values = placed[f] * audio
            y = np.sum(values * np.exp(-1j * angle))
            for wave in (np.cos(angle), -np.sin(angle)):
                part = np.sum(values * wave)
                if abs(part) > 1e-9:
                    wanted += values * wave / part * relevance[f, k] * part**2 / abs(y) ** 2
    found = time_relevance_of_frames(
        jnp.asarray(audio), jnp.asarray(relevance), **options, epsilon=1e-12
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("options, samples, shape", LONG)
def test_sums_are_kept_in_single_precision(options, samples, shape):
    """Padded with zeros; two thirds of the relevance cancel. And back again."""
    audio = draw(3, samples) * 10.0 ** np.linspace(-4, 0, samples)
    audio[:, : samples // 8] = 0
    relevance = (np.abs(audio) * (0.3 + draw(3, samples, seed=1))).astype(np.float32)
    audio = audio.astype(np.float32)
    there = jax.vmap(partial(short_time_relevance, **options))(audio, relevance)
    back = jax.vmap(partial(time_relevance_of_frames, **options))(audio, there)
    assert there.shape == (3, *shape)
    for r, found, again in zip(relevance, there, back, strict=True):
        assert np.abs(r).sum() > 2 * abs(total(r))
        assert abs(total(found) - total(r)) <= 1e-6 * abs(total(r))
        assert abs(total(again) - total(r)) <= 1e-6 * abs(total(r))


@pytest.mark.parametrize("options, samples, shape", LONG[3:])
def test_sums_are_kept_of_any_relevance(x64, options, samples, shape):
    """Of zeros too."""
    audio, relevance = draw(2, samples)
    audio[100:2000] = 0
    found = short_time_relevance(jnp.asarray(audio), jnp.asarray(relevance), **options)
    assert abs(total(found) - total(relevance)) <= 1e-12 * np.abs(found).max()
    back = time_relevance_of_frames(jnp.asarray(audio), found, **options)
    assert abs(total(back) - total(relevance)) <= 1e-12 * np.abs(found).sum()


@pytest.mark.parametrize("options", SHORT)
def test_a_frame_has_its_windows_part_of_each_samples_relevance(x64, options):
    """Sums over frequencies are R w_f / W, of zeros too, and for long transforms as well."""
    audio, relevance = draw(2, 31)
    audio[12:17] = 0
    placed, _ = windows_over(31, **options)
    given = jnp.asarray(audio), jnp.asarray(relevance)
    for function in (short_time_relevance, full_length_relevance):
        found = function(*given, **options)
        np.testing.assert_allclose(found.sum(1), placed / placed.sum(0) @ relevance, atol=1e-9)


def test_a_frame_knows_nothing_of_samples_outside(x64):
    """Only transforms as long as the waveform do, and cancel it within the frame's sum."""
    audio, relevance = draw(64), np.zeros(64)
    relevance[20:24] = draw(4)
    options = {"window": ("hann", 16), "hop": 4}
    given = jnp.asarray(audio), jnp.asarray(relevance)
    _, starts = windows_over(64, **options)
    near = [f for f, start in enumerate(starts) if start + 16 > 20 and start < 24]
    found = np.delete(short_time_relevance(*given, **options), near, axis=0)
    np.testing.assert_allclose(found, 0, atol=1e-12)
    found = np.delete(full_length_relevance(*given, **options), near, axis=0)
    assert np.abs(found).max() > 1e-2
    np.testing.assert_allclose(found.sum(1), 0, atol=1e-12)


def test_one_frame_over_everything_is_the_plain_transform(x64):
    audio, relevance = (jnp.asarray(v) for v in draw(2, 63))
    options = {"window": ("rectangle", 63), "hop": 63}
    wanted = frequency_relevance(audio, relevance)
    for function in (short_time_relevance, full_length_relevance):
        np.testing.assert_allclose(function(audio, relevance, **options)[0], wanted, rtol=1e-9)


def test_a_beat_is_found_in_its_frames_and_at_its_frequency(x64):
    """A linear detector of 5 / 40 in [80, 120): all relevance is there, and nowhere else."""
    audio, detector = draw(200), np.zeros(200)
    detector[80:120] = np.cos(2 * np.pi * 5 / 40 * np.arange(40) + 0.4)
    found = short_time_relevance(
        jnp.asarray(audio), jnp.asarray(audio * detector), window=("rectangle", 40), hop=40
    )
    wanted = np.zeros((5, 21))
    wanted[2, 5] = audio @ detector
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_silence_shares_relevance_out_by_windows_alone(x64):
    relevance = draw(64)
    options = {"window": ("half_sine", 16), "hop": 8}
    placed, _ = windows_over(64, **options)
    found = short_time_relevance(jnp.zeros(64), jnp.asarray(relevance), **options)
    wanted = np.outer(placed / placed.sum(0) @ relevance, multiplicity(16) / 16)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    back = time_relevance_of_frames(jnp.zeros(64), found, **options)
    inside = placed**2 / (placed**2).sum(1, keepdims=True)
    np.testing.assert_allclose(back, found.sum(1) @ inside, atol=1e-5)


def test_gradients_are_finite():
    options = {"window": ("hann", 8), "hop": 2}

    def there_and_back(audio, relevance):
        found = short_time_relevance(audio, relevance, **options)
        return jnp.sum(time_relevance_of_frames(audio, found, **options) ** 2)

    gradients = jax.jit(jax.grad(there_and_back, (0, 1)))
    for audio in (jnp.zeros(16), jnp.zeros(16).at[3].set(1.0)):
        for gradient in gradients(audio, jnp.ones(16)):
            assert np.all(np.isfinite(gradient))


def test_a_window_of_ones_own():
    audio, relevance = draw(2, 100).astype(np.float32)
    own = WINDOWS["hann"](np.arange(20), 20)
    mine = partial(time_frequency.short_time_relevance, window=3 * own, hop=5)
    found = jax.jit(mine)(audio, relevance)
    wanted = short_time_relevance(audio, relevance, window=("hann", 20), hop=5)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_shapes_that_do_not_fit_are_refused():
    options = {"window": ("hann", 8), "hop": 2}
    with pytest.raises(ValueError, match=r"relevance is \[31\], expected \[32\]"):
        time_frequency.short_time_relevance(jnp.ones(32), jnp.ones(31), **options)
    with pytest.raises(ValueError, match=r"expected \[19, 5\]"):
        time_frequency.time_relevance_of_frames(jnp.ones(32), jnp.ones((18, 5)), **options)
    with pytest.raises(ValueError, match="audio has no samples"):
        time_frequency.short_time_relevance(jnp.ones(0), jnp.ones(0), **options)
    with pytest.raises(ValueError, match=r"one mono waveform \[T\], got shape \(2, 32\)"):
        time_frequency.time_relevance_of_frames(jnp.ones((2, 32)), jnp.ones((19, 5)), **options)
    with pytest.raises(ValueError, match="0 samples"):
        place(0, **options)
    options = {"window": ("hann", 8), "hop": 8}
    for function in (time_frequency.short_time_relevance, time_frequency.full_length_relevance):
        with pytest.raises(ValueError, match="hardly seen"):
            function(jnp.ones(32), jnp.ones(32), **options)
