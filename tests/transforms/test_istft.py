"""The short-time Fourier transform inverts, and means what it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms.istft import analyse, synthesise
from audioxai_jax.transforms.stft import magnitude_spectrogram

LAYOUTS = [
    (("hann", 64), 16, None),
    (("hann", 64), 32, None),
    (("hann", 45), 7, 22),
    (("half_sine", 64), 32, 16),
    (("rectangle", 64), 40, None),
    (("rectangle", 50), 50, 0),
]


@pytest.mark.parametrize("window, hop, before", LAYOUTS)
@pytest.mark.parametrize("samples", [400, 333])
def test_the_inverse_inverts(x64, window, hop, before, samples):
    audio = jnp.asarray(np.random.default_rng(0).normal(size=samples))
    settings = {"window": window, "hop": hop, "before": before}

    def there_and_back(audio):
        spectrum = analyse(audio, **settings)
        return spectrum, synthesise(spectrum, samples, **settings)

    spectrum, back = jax.jit(there_and_back)(audio)
    assert spectrum.shape[1] == window[1] // 2 + 1
    np.testing.assert_allclose(back, audio, atol=1e-12)


def test_in_single_precision():
    audio = jax.random.normal(jax.random.key(0), (400,))
    spectrum = analyse(audio, window=("hann", 64), hop=16)
    assert spectrum.dtype == jnp.complex64
    back = synthesise(spectrum, 400, window=("hann", 64), hop=16)
    assert back.dtype == jnp.float32
    np.testing.assert_allclose(back, audio, atol=1e-6)


def test_magnitudes_are_those_of_the_spectrogram():
    audio = jax.random.normal(jax.random.key(0), (400,))
    found = jnp.abs(analyse(audio, window=("hann", 64), hop=16, before=24))
    np.testing.assert_allclose(
        found, magnitude_spectrogram(audio, window=64, hop=16), atol=1e-5, rtol=1e-5
    )


def test_blocks_side_by_side_are_fourier_transforms_of_parts():
    audio = np.random.default_rng(0).normal(size=400).astype(np.float32)
    found = analyse(jnp.asarray(audio), window=("rectangle", 50), hop=50)
    np.testing.assert_allclose(found, np.fft.rfft(audio.reshape(8, 50)), atol=1e-4)


def test_an_edited_spectrum_gives_the_nearest_sound(x64):
    """Least squares: no other sound's transform lies nearer to it."""
    settings = {"window": ("hann", 16), "hop": 4, "before": 6}
    draw = np.random.default_rng(0).normal
    wanted = jnp.asarray(draw(size=(12, 9)) + 1j * draw(size=(12, 9)))
    wanted = wanted.at[:, [0, 8]].set(wanted.real[:, [0, 8]])
    both = jnp.asarray([1.0] + [2.0] * 7 + [1.0])  # a bin stands for its mirror image too

    def distance(sound):
        return jnp.sum(both * jnp.abs(analyse(sound, **settings) - wanted) ** 2)

    sound = synthesise(wanted, 48, **settings)
    np.testing.assert_allclose(jax.jit(jax.grad(distance))(sound), 0, atol=1e-9)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"window": ("hann", 64), "hop": 64}, "put together again"),
        ({"window": ("rectangle", 64), "hop": 65}, "expected 1 to 64"),
        ({"window": ("boxcar", 64), "hop": 16}, "no window 'boxcar'"),
    ],
)
def test_what_cannot_be_inverted_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        analyse(jnp.zeros(400), **settings)


def test_a_window_whose_square_hardly_sees_a_sample_is_refused():
    """Its values at the ends are a hundredth of the largest, their squares 10,000 times less."""
    window = np.where(np.arange(8) % 7 == 0, 0.02, 1.0)
    spectrum = analyse(jnp.zeros(40), window=window, hop=8)
    with pytest.raises(ValueError, match="cannot be inverted"):
        synthesise(spectrum, 40, window=window, hop=8)


def test_shapes_that_do_not_fit_are_refused():
    settings = {"window": ("hann", 64), "hop": 16, "before": 24}
    with pytest.raises(ValueError, match=r"waveform \[T\]"):
        analyse(jnp.zeros((2, 400)), **settings)
    with pytest.raises(ValueError, match=r"\[24, 33\], expected \[25, 33\]"):
        synthesise(jnp.zeros((24, 33), jnp.complex64), 400, **settings)
