"""The lapped transform against its definition, summed up slowly in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms.mdct import analyse, synthesise


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(size=samples)


def slow_transform(audio, hop, wave):
    """sum_n w(n) x(n) wave(pi/H (n + 1/2 + H/2)(k + 1/2)), block f from (f - 1/2) H on."""
    frames = -(-len(audio) // hop)
    found = np.zeros((frames, hop))
    for f in range(frames):
        for k in range(hop):
            for n in range(2 * hop):
                place = f * hop - hop // 2 + n
                if 0 <= place < len(audio):
                    window = np.sin(np.pi * (n + 0.5) / (2 * hop))
                    phase = np.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5)
                    found[f, k] += np.sqrt(2 / hop) * window * audio[place] * wave(phase)
    return found


@pytest.mark.parametrize("samples, hop", [(1, 4), (7, 4), (8, 4), (9, 4), (50, 10)])
def test_it_equals_its_definition(x64, samples, hop):
    audio = noise(samples)
    cosine, sine = analyse(jnp.asarray(audio), hop)
    np.testing.assert_allclose(cosine, slow_transform(audio, hop, np.cos), atol=1e-12)
    np.testing.assert_allclose(sine, slow_transform(audio, hop, np.sin), atol=1e-12)


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 16_000])
def test_perfect_reconstruction(x64, samples):
    audio = noise(samples)
    coefficients, _ = analyse(jnp.asarray(audio), 320)
    assert coefficients.shape == (-(-samples // 320), 320)
    decoded = synthesise(coefficients)
    assert decoded.shape == (coefficients.shape[0] * 320,)
    np.testing.assert_allclose(decoded[:samples], audio, atol=1e-11)
    np.testing.assert_allclose(decoded[samples:], 0, atol=1e-11)


def test_interior_blocks_are_orthonormal(x64):
    hop, samples = 8, 8 * 6
    slope = jax.jit(jax.jacobian(lambda x: analyse(x, hop)[0]))
    atoms = slope(jnp.zeros(samples)).reshape(6, hop, samples)
    interior = atoms[1:-1].reshape(-1, samples)
    np.testing.assert_allclose(interior @ interior.T, np.eye(len(interior)), atol=1e-12)


def test_energy_is_kept_away_from_the_ends(x64):
    audio = np.zeros(3200)
    audio[640:2560] = noise(1920)
    coefficients, _ = analyse(jnp.asarray(audio), 320)
    np.testing.assert_allclose(jnp.sum(coefficients**2), np.sum(audio**2), rtol=1e-12)


def test_synthesis_of_interior_blocks_is_the_transpose(x64):
    hop, samples = 8, 48
    forward = jax.jacobian(lambda x: analyse(x, hop)[0])(jnp.zeros(samples)).reshape(-1, samples)
    backward = jax.jacobian(synthesise)(jnp.zeros((6, hop))).reshape(samples, -1)
    inside = slice(hop // 2, samples - hop // 2)
    np.testing.assert_allclose(backward[inside], forward.T[inside], atol=1e-12)


@pytest.mark.parametrize("coefficient", [0, 40, 319])
def test_a_tone_lies_where_its_frequency_says(coefficient):
    frequency = (coefficient + 0.5) / 640
    tone = jnp.sin(2 * jnp.pi * frequency * jnp.arange(6400))
    cosine, sine = analyse(tone, 320)
    power = np.sum(np.square(cosine)[2:-2] + np.square(sine)[2:-2], axis=0)
    assert np.argmax(power) == coefficient


def test_cosine_and_sine_together_do_not_flutter():
    tone = jnp.sin(2 * jnp.pi * 0.0633 * jnp.arange(16_000))
    cosine, sine = (np.square(part[2:-2, 38:44]).sum(1) for part in analyse(tone, 320))
    both = cosine + sine
    assert np.std(both) / np.mean(both) < 0.1 * np.std(cosine) / np.mean(cosine)


def test_gradients_are_finite_at_silence():
    def energy(audio):
        return jnp.sum(synthesise(analyse(audio, 320)[0]) ** 2)

    assert np.all(jax.grad(energy)(jnp.zeros(1000)) == 0)
