"""Where frames lie: by hand, as scipy has them, and as the magnitude spectrogram has them."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from audioxai_jax.transforms.frames import WINDOWS, place
from audioxai_jax.transforms.stft import magnitude_spectrogram

BY_HAND = [
    (5, {"window": ("rectangle", 8), "hop": 8}, [0]),
    (16, {"window": ("rectangle", 8), "hop": 8}, [0, 8]),
    (17, {"window": ("half_sine", 8), "hop": 8 // 2}, [-4, 0, 4, 8, 12, 16]),
    (20, {"window": ("rectangle", 7), "hop": 3, "before": 0}, [0, 3, 6, 9, 12, 15]),
    (13, {"window": ("hann", 9), "hop": 2, "before": 4}, [-4, -2, 0, 2, 4, 6, 8]),
]


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("samples, options, starts", BY_HAND)
def test_cut_add_and_cover(x64, samples, options, starts):
    frames = place(samples, **options)
    assert frames.count == len(starts)
    name, width = options["window"]
    audio, other = draw(samples), draw(len(starts), width)
    cut, placed = np.zeros((len(starts), width)), np.zeros((len(starts), samples))
    for f, start in enumerate(starts):
        for i in range(width):
            if 0 <= start + i < samples:
                cut[f, i] = audio[start + i]
                placed[f, start + i] = WINDOWS[name](np.arange(width), width)[i]
    np.testing.assert_allclose(frames.placed(), placed)
    np.testing.assert_allclose(frames.cover(), placed.sum(0))
    np.testing.assert_array_equal(jax.jit(frames.cut)(jnp.asarray(audio)), cut)
    added = jax.jit(frames.add)(jnp.asarray(other))
    np.testing.assert_allclose(np.vdot(other, cut), np.vdot(added, audio))


@pytest.mark.parametrize("samples", [1000, 1025])
def test_frames_of_the_magnitude_spectrogram(x64, samples):
    audio = jnp.asarray(draw(samples))
    wanted = jax.jit(partial(magnitude_spectrogram, window=64, hop=16))(audio)
    frames = place(samples, window=("hann", 64), hop=16, before=24)
    found = np.abs(np.fft.rfft(frames.window * jax.jit(frames.cut)(audio)))
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_frames_of_scipy(x64):
    audio = draw(8000)
    _, _, wanted = scipy.signal.stft(audio, window="hann", nperseg=455, noverlap=420)
    frames = place(8000, window=("hann", 455), hop=35, before=227)
    cut = np.asarray(jax.jit(frames.cut)(jnp.asarray(audio)))
    found = np.fft.rfft(frames.window * cut) / frames.window.sum()
    np.testing.assert_allclose(found, wanted.T, atol=1e-12)


def test_by_default_all_samples_are_covered_alike():
    for window, hop in ((("hann", 455), 35), (("half_sine", 512), 64), (("rectangle", 90), 45)):
        cover = place(1234, window=window, hop=hop).cover()
        assert cover.min() > (0.999 if window[0] != "half_sine" else 0.98) * cover.max()


@pytest.mark.parametrize(
    "options, said",
    [
        ({"window": ("kaiser", 8), "hop": 4}, "no window 'kaiser': there are rectangle, half_sine"),
        ({"window": ("hann", 0), "hop": 1}, "width is 0"),
        ({"window": np.array([1.0, -1.0]), "hop": 1}, "not negative"),
        ({"window": np.array([1.0, np.nan]), "hop": 1}, "finite"),
        ({"window": np.zeros(4), "hop": 1}, "not all 0"),
        ({"window": ("hann", 8), "hop": 0}, "hop is 0, expected 1 to 8"),
        ({"window": ("hann", 8), "hop": 9}, "hop is 9"),
        ({"window": ("hann", 8), "hop": 2, "before": 7}, "before is 7, expected 0 to 6"),
        ({"window": ("hann", 8), "hop": 8}, "the windows over sample 0 sum to 0, elsewhere"),
        ({"window": ("hann", 8), "hop": 2, "before": 0}, "hardly seen"),
    ],
)
def test_frames_that_do_not_fit_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        place(32, **options)
