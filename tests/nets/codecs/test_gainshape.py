"""The gain-shape codec's promises: silence, gates, linear start, any length."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax import domains
from audioxai_jax.nets.codecs import gainshape
from audioxai_jax.nets.codecs.gainshape import GainShapeConfig
from audioxai_jax.transforms.mdct import analyse, synthesise
from tests.helpers.small_models import random_params

CONFIG = GainShapeConfig(width=32, encoder_blocks=1, decoder_blocks=1)


encode, decode = (
    jax.jit(partial(gainshape.encode, CONFIG)),
    jax.jit(partial(gainshape.decode, CONFIG)),
)


@pytest.fixture(scope="module")
def params():
    """As after training: the last layers are not zero."""
    return random_params(lambda: gainshape.init(CONFIG, jax.random.key(0)))


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 16_000])
def test_shapes(params, samples):
    latent = jax.eval_shape(encode, params, jax.ShapeDtypeStruct((samples,), jnp.float32))
    assert latent.shape == (-(-samples // 320), 64)
    assert jax.eval_shape(decode, params, latent).shape == (latent.shape[0] * 320,)


def test_zero_latent_is_silence(params):
    assert np.all(decode(params, jnp.zeros((50, 64))) == 0)


def test_silence_has_zero_gains(params):
    latent = encode(params, jnp.zeros(3200))
    assert np.all(latent[:, : CONFIG.gains] == 0)


def test_a_removed_gain_silences_its_band_whatever_the_shape_says(params):
    sound = 0.1 * jax.random.normal(jax.random.key(2), (16_000,))
    latent = encode(params, sound)
    removed = latent.at[:, 8:].set(jnp.where(jnp.arange(8, 64) < 16, 0.0, latent[:, 8:]))
    before = np.abs(analyse(decode(params, latent), 320)[0])
    after = np.abs(analyse(decode(params, removed), 320)[0])
    bands = gainshape._bands(CONFIG)
    only_removed = bands[:, :8].sum(1) == 0
    assert only_removed.sum() > 100
    assert after[1:-1, only_removed].max() < 1e-5
    assert before[1:-1, only_removed].mean() > 1e-3


def test_an_edited_cell_silences_its_band_of_its_frame_and_nothing_else():
    """Of an untrained codec, whose decoder is the inverse transform of what the latent says."""
    config = GainShapeConfig(hop=80, gains=8, shape=20, width=4, unit="cell")
    params = gainshape.init(config, jax.random.key(0))
    codec = gainshape.codec(config, params, name="fresh")
    latent = codec.encode(0.1 * jax.random.normal(jax.random.key(2), (1600,)))
    units = domains.latent(codec).units(latent.shape)
    assert list(units) == ["cell", "feature", "frame", "channel"]
    frame, band = 9, 2
    edited = jnp.where(units["cell"] == frame * config.gains + band, 0.0, latent)
    before, after = (np.abs(analyse(codec.decode(z), 80)[0]) for z in (latent, edited))
    before, after = (values[:, : config.shape] for values in (before, after))  # the rest is silent
    weights = gainshape._bands(config)[: config.shape, band]
    held = np.asarray(codec.cells[config.gains :]) == band
    shared, apart = ~held & (weights > 0), weights == 0
    assert held.any() and shared.any() and apart.any()
    assert before[frame, held].min() > 1e-4 and after[frame, held].max() < 1e-6
    np.testing.assert_array_less(after[frame, shared], before[frame, shared])
    np.testing.assert_allclose(after[frame, apart], before[frame, apart], atol=1e-6)
    others = np.arange(len(latent)) != frame
    np.testing.assert_allclose(after[others], before[others], atol=1e-6)


def test_cells_are_the_bands_whose_level_comes_first():
    codec = gainshape.codec(CONFIG, gainshape.init(CONFIG, jax.random.key(0)), name="fresh")
    assert codec.unit == "feature" and codec.cells[: CONFIG.gains] == tuple(range(CONFIG.gains))
    held = np.asarray(codec.cells[CONFIG.gains :])
    assert len(held) == CONFIG.shape and np.all(np.diff(held) >= 0)  # in order of frequency
    weights = gainshape._bands(CONFIG)[: CONFIG.shape]
    np.testing.assert_array_equal(weights[np.arange(len(held)), held], weights.max(1))


def test_another_unit_is_refused():
    with pytest.raises(
        ValueError, match="unknown unit 'band' of a codec: choose one of feature, c"
    ):
        GainShapeConfig(unit="band")


def test_untrained_codec_is_the_linear_transform():
    params = gainshape.init(CONFIG, jax.random.key(0))
    sound = 0.1 * jax.random.normal(jax.random.key(2), (16_000,))
    low = synthesise(jnp.where(jnp.arange(320) < CONFIG.shape, analyse(sound, 320)[0], 0.0))
    decoded = decode(params, encode(params, low))
    error = jnp.sum((decoded - low) ** 2) / jnp.sum(low**2)
    assert error < 0.03  # the limiter of large coefficients bends the rest


def test_gains_follow_the_level_of_a_tone():
    """A 10 dB louder tone raises its band's gain by ln(10^(1/2)) / scale."""
    params = gainshape.init(CONFIG, jax.random.key(0))
    tone = 0.05 * jnp.sin(2 * jnp.pi * 1000 * jnp.arange(16_000) / 16_000)
    soft = encode(params, tone)[5:-5, :16]
    loud = encode(params, 10**0.5 * tone)[5:-5, :16]
    band = int(jnp.argmax(soft.mean(0)))
    step = np.log(10**0.5) / CONFIG.scale
    np.testing.assert_allclose(loud[:, band] - soft[:, band], step, atol=2e-3)


def test_gradients_are_finite_at_silence(params):
    def energy(sound):
        latent = encode(params, sound)
        return jnp.sum(decode(params, latent) ** 2)

    assert np.all(np.isfinite(jax.jit(jax.grad(energy))(jnp.zeros(3200))))
    total = lambda z: jnp.sum(decode(params, z))
    assert np.all(np.isfinite(jax.grad(total)(jnp.zeros((10, 64)))))


def test_filtered_keeps_the_sound_of_the_cells_and_nothing_else():
    sound = 0.1 * jax.random.normal(jax.random.key(3), (3200,))
    whole, none = jnp.ones((10, CONFIG.gains)), jnp.zeros((10, CONFIG.gains))
    np.testing.assert_allclose(gainshape.filtered(CONFIG, sound, whole), sound, atol=1e-5)
    np.testing.assert_allclose(gainshape.filtered(CONFIG, sound, none), 0, atol=1e-8)
    band = none.at[:, 8].set(1.0)
    power = jnp.sum(analyse(gainshape.filtered(CONFIG, sound, band), CONFIG.hop)[0] ** 2, 0)
    inside = gainshape._bands(CONFIG)[:, 8] > 0
    assert jnp.sum(power[~inside]) < 0.02 * jnp.sum(power)  # blocks overlap, so some leaks
    with pytest.raises(ValueError, match=r"kept is \[10, 3\], expected \[10, 16\]"):
        gainshape.filtered(CONFIG, sound, whole[:, :3])
