"""DFT-LRP against its definition, written out; what it keeps, and what leaves it unchanged."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import propagation
from audioxai_jax.dft_lrp import frequency as dft
from audioxai_jax.dft_lrp.frequency import multiplicity
from audioxai_jax.propagation import rules

frequency_relevance = jax.jit(dft.frequency_relevance)
time_relevance = jax.jit(dft.time_relevance)
MANY = jax.jit(jax.vmap(frequency_relevance))


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def total(values):
    """The exact sum."""
    return math.fsum(np.asarray(values, np.float64).ravel())


def clips(samples, count, seed=0):
    """Like words: harmonics under an envelope, noise 1e-4 of them, zeros around, 16 bits."""
    rng, time = np.random.default_rng(seed), np.arange(samples)
    found = np.zeros((count, samples), np.float32)
    for clip in found:
        pitch, length = rng.uniform(0.01, 0.03), rng.integers(samples // 3, samples)
        waves = sum(
            np.sin(2 * np.pi * pitch * h * time + rng.uniform(0, 6)) / h for h in range(1, 9)
        )
        word = waves * np.hanning(samples) ** 4 + 1e-4 * rng.normal(size=samples)
        start = rng.integers(0, samples - length + 1)
        clip[start : start + length] = (word / np.abs(word).max())[:length]
    return np.round(found * 32767) / 32768


def slow_definition(audio, relevance):
    """LRP-0 through x_n = sum_k (a_k cos(2 pi k n / N) - b_k sin(2 pi k n / N)) / sqrt(N)."""
    count = len(audio)
    parts = np.fft.fft(audio) / np.sqrt(count)
    found = np.zeros(count // 2 + 1)
    for k in range(count):
        for n in range(count):
            angle = 2 * np.pi * k * n / count
            real = parts[k].real * np.cos(angle) / np.sqrt(count)
            imaginary = -parts[k].imag * np.sin(angle) / np.sqrt(count)
            found[min(k, count - k)] += (real + imaginary) / audio[n] * relevance[n]
    return found


def slow_inverse(audio, relevance):
    """LRP-0 through real and imaginary parts, each with its square's share of R_k."""
    count = len(audio)
    found = np.zeros(count)
    for k in range(count // 2 + 1):
        angle = 2 * np.pi * k * np.arange(count) / count
        square = abs(np.sum(audio * np.exp(-1j * angle))) ** 2
        for wave in (np.cos(angle), -np.sin(angle)):
            part = np.sum(audio * wave)
            if abs(part) > 1e-9:
                found += audio * wave / part * relevance[k] * part**2 / square
    return found


@pytest.mark.parametrize("samples", [1, 2, 63, 64])
def test_it_equals_its_definition(x64, samples):
    audio, relevance = draw(2, samples)
    found = frequency_relevance(jnp.asarray(audio), jnp.asarray(relevance), epsilon=0)
    wanted = slow_definition(audio, relevance)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("samples", [1, 2, 63, 64])
def test_definition_of_the_way_back(x64, samples):
    audio, relevance = draw(samples), draw(samples // 2 + 1, seed=1)
    found = time_relevance(jnp.asarray(audio), jnp.asarray(relevance), epsilon=0)
    np.testing.assert_allclose(found, slow_inverse(audio, relevance), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("samples", [63, 64])
def test_it_is_lrp_through_an_inverse_transform_before_the_network(x64, samples):
    """The network gets real and imaginary parts, and a first layer that inverts them."""
    half, count = samples // 2 + 1, multiplicity(samples)[:, None] / np.sqrt(samples)
    angle = 2 * np.pi * np.outer(np.arange(half), np.arange(samples)) / samples
    inverse = jnp.asarray(np.concatenate([count * np.cos(angle), -count * np.sin(angle)]))
    first, second = (jnp.asarray(draw(*shape)) for shape in ((samples, 40), (40, 3)))
    audio = jnp.asarray(draw(samples, seed=3))
    spectrum = jnp.fft.rfft(audio, norm="ortho")
    parts = jnp.concatenate([spectrum.real, spectrum.imag])

    network = lambda x: jax.nn.relu(x @ first + 0.1) @ second
    inspected = lambda parts: network(parts @ inverse)
    z_plus = (propagation.kind("dense"), rules.z_plus())
    here = propagation.base()
    plain = propagation.composite([z_plus, *here])
    with_layer = propagation.composite([(propagation.first(), rules.zero()), z_plus, *here])
    of_time = propagation.propagate(plain, network, audio, 1).relevance
    wanted = propagation.propagate(with_layer, inspected, parts, 1).relevance
    found = frequency_relevance(audio, of_time)
    np.testing.assert_allclose(found, wanted[:half] + wanted[half:], rtol=1e-6, atol=1e-9)


def test_sums_are_kept_in_single_precision():
    """Relevance x c of clips with noise floor and padding, two thirds of which cancel."""
    audio = clips(8000, 16)
    relevance = (np.abs(audio) * (0.3 + draw(*audio.shape, seed=1))).astype(np.float32)
    for r, found in zip(relevance, MANY(audio, relevance), strict=True):
        assert np.abs(r).sum() > 2 * abs(total(r)) and np.count_nonzero(r == 0) > 100
        assert abs(total(found) - total(r)) <= 1e-6 * abs(total(r))


@pytest.mark.parametrize("kind", ["cancelling", "saliency", "other baseline", "noise"])
def test_sums_are_kept_of_any_relevance(kind):
    """To 1e-10 of the largest entry, also where entries are huge and cancel."""
    audio = clips(8000, 4, seed=4)
    slope = draw(*audio.shape, seed=5)
    relevance = {
        "cancelling": audio * slope,
        "saliency": np.abs(slope),
        "other baseline": (audio - 0.1) * slope,
        "noise": draw(*audio.shape, seed=6),
    }[kind].astype(np.float32)
    if kind == "cancelling":
        relevance = relevance - relevance.sum(1, keepdims=True) / 8000 * (1 - 1e-4)
    for r, found in zip(relevance, MANY(audio, relevance.astype(np.float32)), strict=True):
        assert abs(total(found) - total(r)) <= 1.5e-10 * np.abs(found).max()


def test_of_a_single_entry_the_sum_is_rounded():
    """There is no smaller one to take what is left."""
    tone = np.cos(2 * np.pi * 7 * np.arange(8000) / 8000).astype(np.float32)
    relevance = tone * tone
    found = frequency_relevance(tone, relevance)
    assert abs(total(found) - total(relevance)) <= 6e-8 * total(relevance)


@pytest.mark.parametrize("samples", [1, 1001, 8000])
def test_sums_are_kept_in_double_precision(x64, samples):
    audio = draw(samples)
    audio[samples // 2 :] = 0
    for relevance in (audio * draw(samples, seed=1), draw(samples, seed=1)):
        found = frequency_relevance(jnp.asarray(audio), jnp.asarray(relevance))
        assert abs(total(found) - total(relevance)) <= 1e-12 * np.abs(found).max()
        back = time_relevance(jnp.asarray(audio), found)
        assert abs(total(back) - total(relevance)) <= 1e-12 * np.abs(found).sum()


def test_zeros_around_a_clip_change_nothing_of_what_is_in_it(x64):
    """LRP-0 divides by them; they have no relevance, so they get and give none."""
    audio, slope = np.zeros(256), draw(256)
    audio[50:150] = draw(100, seed=1)
    found = frequency_relevance(jnp.asarray(audio), jnp.asarray(audio * slope), epsilon=0)
    spectrum, other = np.fft.rfft(audio), np.fft.rfft(np.where(audio == 0, 0, slope))
    wanted = multiplicity(256) * np.real(spectrum * other.conj()) / 256
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_relevance_of_zeros_is_shared_out_evenly(x64):
    """As an impulse's would be, on top of what others carry; in silence nothing else is left."""
    even = multiplicity(64) / 64
    audio, relevance = draw(64), draw(64, seed=1)
    audio[10:20] = 0
    without = np.where(audio == 0, 0, relevance)
    both = [frequency_relevance(jnp.asarray(audio), jnp.asarray(r)) for r in (relevance, without)]
    np.testing.assert_allclose(both[0] - both[1], relevance[10:20].sum() * even, atol=1e-6)
    silent = frequency_relevance(jnp.zeros(64), jnp.asarray(relevance))
    np.testing.assert_allclose(silent, relevance.sum() * even, atol=1e-12)
    back = time_relevance(jnp.zeros(64), silent)
    np.testing.assert_allclose(back, relevance.sum() / 64, atol=1e-12)


def test_an_impulse_has_all_frequencies_alike(x64):
    audio = jnp.zeros(64).at[17].set(-0.3)
    found = frequency_relevance(audio, jnp.zeros(64).at[17].set(2.0))
    np.testing.assert_allclose(found, 2 * multiplicity(64) / 64, rtol=1e-9)


@pytest.mark.parametrize("samples, frequency", [(64, 0), (64, 5), (64, 32), (63, 31)])
def test_a_detector_of_one_frequency_finds_it_there(x64, samples, frequency):
    """A linear model <x, g> of white noise: <x, g> at the frequency of g, 0 elsewhere."""
    audio = draw(samples)
    detector = np.cos(2 * np.pi * frequency * np.arange(samples) / samples + 0.7)
    found = frequency_relevance(jnp.asarray(audio), jnp.asarray(audio * detector), epsilon=1e-9)
    wanted = np.zeros(samples // 2 + 1)
    wanted[frequency] = audio @ detector
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_a_tone_has_all_relevance_at_its_frequency(x64):
    tone = np.cos(2 * np.pi * 9 * np.arange(100) / 100 + 0.3)
    slope = draw(100)
    found = np.asarray(frequency_relevance(jnp.asarray(tone), jnp.asarray(tone * slope)))
    np.testing.assert_allclose(np.delete(found, 9), 0, atol=1e-8)
    assert abs(found[9] - tone @ slope) < 1e-8


def test_what_leaves_it_unchanged(x64):
    """Gain, polarity, a shift in a circle, time reversal; and it is linear in relevance."""
    audio, relevance, other = (jnp.asarray(v) for v in draw(3, 64))
    found = frequency_relevance(audio, relevance)
    near = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10 * np.abs(found).max())
    near(frequency_relevance(1e-3 * audio, relevance), found)
    near(frequency_relevance(-audio, relevance), found)
    near(frequency_relevance(jnp.roll(audio, 11), jnp.roll(relevance, 11)), found)
    near(frequency_relevance(audio[::-1], relevance[::-1]), found)
    summed = 2 * found + frequency_relevance(audio, other)
    np.testing.assert_allclose(frequency_relevance(audio, 2 * relevance + other), summed, rtol=1e-8)


def test_quiet_clips_are_like_loud_ones():
    """The stabiliser is in units of the clip."""
    audio = clips(8000, 1)[0]
    relevance = (audio * draw(8000)).astype(np.float32)
    loud, quiet = MANY(np.stack([audio, 2.0**-100 * audio]), np.stack([relevance, relevance]))
    np.testing.assert_allclose(quiet, loud, atol=1e-6 * np.abs(loud).max())


def test_a_larger_epsilon_tames_relevance_that_samples_cannot_carry():
    audio, relevance = clips(8000, 1)[0], np.ones(8000, np.float32)
    sizes = [
        float(jnp.sum(jnp.abs(frequency_relevance(audio, relevance, epsilon=epsilon)))) / 8000
        for epsilon in (1e-6, 1e-3, 0.1)
    ]
    assert sizes[0] > 5 * sizes[1] > 25 and sizes[2] < 1.5


def test_the_way_back_keeps_sums_alone(x64):
    audio, slope = draw(2, 64)
    relevance = jnp.asarray(audio * slope)
    back = time_relevance(jnp.asarray(audio), frequency_relevance(jnp.asarray(audio), relevance))
    assert abs(total(back) - total(relevance)) < 1e-12
    assert np.abs(back - relevance).max() > 0.1 * np.abs(relevance).max()


def test_gradients_are_finite():
    there_and_back = lambda x, r: jnp.sum(time_relevance(x, frequency_relevance(x, r)) ** 2)
    gradients = jax.jit(jax.grad(there_and_back, (0, 1)))
    for audio in (jnp.zeros(16), jnp.zeros(16).at[3].set(1.0)):
        for gradient in gradients(audio, jnp.ones(16)):
            assert np.all(np.isfinite(gradient))


def test_half_precision_is_computed_in_single():
    audio, relevance = (jnp.asarray(v, jnp.bfloat16) for v in draw(2, 64))
    found = frequency_relevance(audio, audio * relevance)
    assert found.dtype == jnp.float32 and np.all(np.isfinite(found))


@pytest.mark.parametrize(
    "audio, relevance, options, said",
    [
        (np.zeros((2, 8), np.float32), np.zeros((2, 8), np.float32), {}, r"\(2, 8\).*jax.vmap"),
        (np.zeros(0, np.float32), np.zeros(0, np.float32), {}, "no samples"),
        (np.zeros(8, np.float32), np.zeros(5, np.float32), {}, r"\[5\], expected \[8\]"),
        (np.zeros(8, np.int16), np.zeros(8, np.float32), {}, "audio must be .* got int16"),
        (np.zeros(8, np.float32), np.zeros(8, np.int32), {}, "relevance must be .* got int32"),
        (np.zeros(8, np.float32), np.zeros(8, np.float32), {"epsilon": -1e-6}, "epsilon is -1e-06"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(audio, relevance, options, said):
    with pytest.raises(ValueError, match=said):
        dft.frequency_relevance(audio, relevance, **options)
    with pytest.raises(ValueError, match=r"expected \[5\]"):
        dft.time_relevance(jnp.zeros(8), jnp.zeros(8))
