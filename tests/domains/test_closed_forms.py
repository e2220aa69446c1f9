"""What single domains are by formula, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.domains import (
    bands,
    cells,
    decibels,
    frequencies,
    keep_residual,
    latent,
    logarithm,
    samples,
    time_frequency,
    wavelets,
)
from audioxai_jax.nets.classifiers import alexnet
from audioxai_jax.transforms.mel import log_mel
from tests.helpers.small_models import small_codec

RATE = 8000


def noise(count: int) -> jax.Array:
    return jnp.asarray(0.3 * np.random.default_rng(0).normal(size=count))


@pytest.mark.parametrize("build", [frequencies, wavelets, bands, samples])
@pytest.mark.parametrize("count", [1, 2, 255, 400])
def test_squares_sum_to_those_of_the_samples(build, count, x64):
    clip = noise(count)
    features = build(RATE).analyse(clip)
    np.testing.assert_allclose(jnp.sum(features**2), jnp.sum(clip**2), rtol=1e-12)


@pytest.mark.parametrize("count", [8, 9])
def test_frequencies_are_sums_of_sines(count, x64):
    clip, n = noise(count), np.arange(count)
    found = frequencies(RATE).analyse(clip)
    for k, (real, imaginary) in enumerate(np.asarray(found)):
        alone = k == 0 or 2 * k == count
        scale = np.sqrt((1 if alone else 2) / count)
        phase = 2 * np.pi * k * n / count
        np.testing.assert_allclose(real, scale * np.sum(clip * np.cos(phase)), atol=1e-14)
        np.testing.assert_allclose(imaginary, -scale * np.sum(clip * np.sin(phase)), atol=1e-14)


def test_a_deleted_frequency_is_gone(x64):
    domain, n = frequencies(RATE), np.arange(RATE // 2)
    low, high = (0.3 * jnp.cos(2 * jnp.pi * f / RATE * n) for f in (500, 2000))
    features = domain.analyse(low + high)
    kept = features.at[1000].set(0)
    np.testing.assert_allclose(domain.synthesise(kept, low), low, atol=1e-13)


def test_a_tone_is_heard_in_its_band_alone(x64):
    """At a band's centre no other band hears it; half a band gives sound within the band."""
    domain = bands(RATE, count=8)
    count = RATE // 2
    middle = round(domain.centres[4] * count / RATE)
    clip = jnp.cos(2 * np.pi * middle / count * np.arange(count))
    squares = np.sum(np.asarray(domain.analyse(clip)) ** 2, axis=0)
    assert np.argmax(squares) == 4 and squares[4] > 0.99 * squares.sum()
    assert squares[[0, 1, 2, 6, 7]].max() < 1e-20
    click = jnp.zeros((count, 8)).at[1000, 4].set(1.0)
    spectrum = np.abs(np.fft.rfft(domain.synthesise(click, clip)))
    heard = np.flatnonzero(spectrum > 1e-12) * RATE / count
    assert domain.centres[3] <= heard.min() and heard.max() <= domain.centres[5]


ALEXNET = {
    "window": ("hann", 455),
    "hop": 35,
    "before": 227,
    "bands": None,
    "cut": ((2, 1), (0, 1)),
    "frequency_first": True,
}


@pytest.mark.parametrize("silence, scale", [(0.0, 1.0), (-80.0, 20.0)])
def test_cells_are_what_alexnet_reads(silence, scale):
    config = alexnet.AlexNetConfig(silence=silence, scale=scale)
    level = decibels(gain=32768 / 227.5, silence=silence, scale=scale)
    domain, clip = cells(RATE, level=level, **ALEXNET), noise(RATE).at[:4000].set(0.0)
    features, wanted = domain.analyse(clip), alexnet.features(config, clip)
    assert features.shape == (227, 227) and features.min() == np.float32(config.floor)
    np.testing.assert_allclose(features, wanted, atol=2e-3 / scale)  # rounding near the floor
    assert domain.base(features)[0, 0] == np.float32(config.floor)
    np.testing.assert_allclose(domain.synthesise(features, clip), clip, atol=1e-6)


def test_cells_are_a_log_mel_spectrogram(x64):
    domain = cells(RATE, bands=40, before=192, level=logarithm())
    for count in (1, 100, 1000):
        clip = noise(count)
        wanted = log_mel(clip, sample_rate=RATE, bands=40)
        np.testing.assert_allclose(domain.analyse(clip), wanted, atol=1e-10)


@pytest.mark.parametrize("level", [decibels(), logarithm()])
def test_cells_at_the_base_are_silent_and_their_neighbours_are_not(level, x64):
    """A tone goes with the bands that hear it; the other tone stays."""
    n = np.arange(RATE // 2)
    low, high = (0.3 * jnp.cos(2 * jnp.pi * f / RATE * n) for f in (500, 2000))
    domain = cells(RATE, level=level)
    features = domain.analyse(low + high)
    above = domain.axes(features.shape)[1].values > 1000
    sound = domain.synthesise(jnp.where(above, domain.base(features), features), low + high)
    inner = slice(600, -600)
    np.testing.assert_allclose(sound[inner], low[inner], atol=2e-4)
    nothing = domain.synthesise(domain.base(features), low + high)
    assert jnp.abs(nothing).max() < 1e-4


def test_cells_of_a_short_clip_are_refused():
    with pytest.raises(ValueError, match=r"2 \+ 1 frames are cut off, and the clip has 2"):
        cells(RATE, **ALEXNET).analyse(jnp.ones(2))


def test_quantised_latents_are_codewords_with_a_gradient():
    codec = small_codec(quantises=True)
    clip = noise(400).astype(jnp.float32)
    told = jax.jit(jax.value_and_grad(lambda x, d: (jnp.sum(z := d.analyse(x)), z), has_aux=True))
    (_, continuous), slope = told(clip, latent(codec))
    (_, words), slope_of_words = told(clip, latent(codec, quantised=1.6))
    assert jnp.abs(words - continuous).max() > 0.1
    rows = codec.quantise.args[1][:2]  # type: ignore[union-attr]
    sums = (rows[0][:, None] + rows[1][None]).reshape(-1, 6)
    nearest = np.abs(np.asarray(words)[:, None] - sums).max(axis=2).min(axis=1)
    np.testing.assert_allclose(nearest, 0, atol=1e-5)
    np.testing.assert_allclose(slope_of_words, slope, rtol=1e-5, atol=1e-6)
    assert jnp.abs(slope).max() > 0


def test_a_residual_is_what_the_codec_lost():
    """Unedited, the sound is the clip; edited, it moves as the codec's own sound does."""
    domain = latent(small_codec())
    kept, clip = keep_residual(domain), noise(400).astype(jnp.float32)
    features = domain.analyse(clip)
    np.testing.assert_array_equal(kept.synthesise(features, clip), clip)
    edited = features.at[3].set(0.0)
    moved = domain.synthesise(edited, clip) - domain.synthesise(features, clip)
    assert jnp.abs(moved).max() > 0.01
    np.testing.assert_allclose(kept.synthesise(edited, clip) - clip, moved, atol=1e-6)
    assert keep_residual(samples(RATE)) == samples(RATE)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: latent(small_codec(), quantised=3), "small has no quantiser: leave out"),
        (lambda: latent(small_codec(True), quantised=3), "no 3 kbit/s: choose one of 1.6"),
        (lambda: latent("encodec"), "expected a Codec, got str"),  # type: ignore[arg-type]
        (lambda: wavelets(RATE, kind="db20"), "no wavelet 'db20': there are haar"),
        (lambda: time_frequency(RATE, hop=600), "hop is 600, expected 1 to 512"),
        (lambda: samples(0), "sample_rate must be a whole number from 1 up, got 0"),
        (
            lambda: frequencies(RATE).synthesise(jnp.ones((4, 2)), jnp.ones(9)),
            r"domain frequencies: features of 9 samples are \[5, 2\], got \[4, 2\]",
        ),
    ],
)
def test_refusals(build, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build()
