"""A filter bank: its windows, and that synthesis is the transpose of analysis."""

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.transforms import filter_bank


def test_windows_share_each_frequency():
    centres = filter_bank.centres(6, 16_000)
    found = filter_bank.windows(np.linspace(0, 8000, 999), centres)
    np.testing.assert_allclose(np.sum(found**2, axis=1), 1, atol=1e-14)
    assert np.all(np.sum(found > 0, axis=1) <= 2) and np.all(found >= 0)
    np.testing.assert_allclose(filter_bank.windows(centres, centres), np.eye(6), atol=1e-12)
    mel = 2595 * np.log10(1 + centres / 700)
    edge = 2595 * np.log10(1 + 8000 / 700)
    np.testing.assert_allclose(mel, (np.arange(6) + 0.5) * edge / 6)


def test_synthesis_is_the_transpose_of_analysis(x64):
    bank = {"sample_rate": 8000, "centres": filter_bank.centres(4, 8000)}
    for count in (7, 8):
        there = jax.jit(jax.jacobian(lambda x: filter_bank.analyse(x, **bank)))(jnp.zeros(count))
        synthesise = jax.jacobian(lambda z: filter_bank.synthesise(z, **bank))
        back = jax.jit(synthesise)(jnp.zeros((count, 4)))
        np.testing.assert_allclose(back, np.moveaxis(there, 2, 0), atol=1e-14)
