"""Resampling against tones, whose samples are known at any rate, and as a linear map."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.models.resampling import resample

RATES = [(16_000, 8_000), (8_000, 16_000), (44_100, 16_000), (16_000, 22_050), (48_000, 44_100)]


@pytest.mark.parametrize("source, target", RATES)
def test_tones(source, target, x64):
    """Those below 0.9 of half the lower rate stay as they are, those above all of it vanish."""
    count = source // 5
    times, edge = np.arange(count) / source, min(source, target) / 2
    tone = lambda f, t: np.cos(2 * np.pi * f * edge * t + 0.3)
    wanted = np.arange(math.ceil(count * target / source)) / target
    inner = slice(wanted.size // 3, -wanted.size // 3)
    shares = [f for f in (0.0, 0.03, 0.5, 0.9, 1.0, 1.05, 1.3) if f * edge < source / 2]
    found = jax.vmap(lambda x: resample(x, source, target))(
        jnp.stack([jnp.asarray(tone(f, times)) for f in shares])
    )
    assert found.shape == (len(shares), wanted.size)
    for share, sound in zip(shares, np.asarray(found), strict=True):
        ideal = tone(share, wanted) if share <= 0.9 else np.zeros(wanted.size)
        error = np.abs(sound - ideal)[inner].max()
        assert error < (1e-4 * np.log(10) / 2 if share <= 0.9 else 10 ** (-90 / 20)), share


@pytest.mark.parametrize("source, target", [(3, 2), (2, 3), (441, 160)])
def test_the_gradient_is_the_transpose(source, target, x64):
    """A linear map: <y, R x> = <R^T y, x>, and the columns of R are the answers to clicks."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=50))
    apply = lambda x: resample(x, source, target)
    sound, back = jax.vjp(apply, x)
    y = jnp.asarray(rng.normal(size=sound.size))
    columns = jax.vmap(apply)(jnp.eye(50))
    np.testing.assert_allclose(x @ columns, sound, atol=1e-12)
    np.testing.assert_allclose(back(y)[0], columns @ y, atol=1e-12)


def test_lengths_dtypes_and_equal_rates():
    for count in (1, 2, 3, 160, 161):
        sound = resample(jnp.ones(count, jnp.float32), 160, 63)
        assert sound.shape == (math.ceil(count * 63 / 160),) and sound.dtype == jnp.float32
    clip = jnp.ones(5)
    assert resample(clip, 8000, 8000) is clip
    with pytest.raises(ValueError, match="rates of 16000 to 15999 need too large a filter"):
        resample(clip, 16_000, 15_999)
