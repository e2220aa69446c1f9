"""Wavelets by hand, as rotations, and their vanishing moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audioxai_jax.transforms import wavelet


def test_haar_by_hand(x64):
    """Of 1, 2, 3, 4, 5: pairs, then the pair of what is smooth; the last sample passes."""
    found = wavelet.analyse(jnp.array([1.0, 2, 3, 4, 5]), wavelet="haar", levels=2)
    smooth = np.array([3.0, 7.0]) / np.sqrt(2)
    wanted = [smooth.sum() / np.sqrt(2), 5, (smooth[0] - smooth[1]) / np.sqrt(2)]
    wanted += [-1 / np.sqrt(2), -1 / np.sqrt(2)]
    np.testing.assert_allclose(found, wanted, atol=1e-14)
    assert wavelet.band_sizes(5, 2) == [2, 1, 2]


@pytest.mark.parametrize("kind", wavelet.FILTERS)
@pytest.mark.parametrize("count", [2, 3, 17])
def test_it_is_a_rotation(kind, count, x64):
    forwards = lambda x: wavelet.analyse(x, wavelet=kind, levels=8)
    matrix = jax.jit(jax.jacobian(forwards))(jnp.zeros(count))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(count), atol=1e-14)
    backwards = lambda z: wavelet.synthesise(z, wavelet=kind, levels=8)
    back = jax.jit(jax.jacobian(backwards))(jnp.zeros(count))
    np.testing.assert_allclose(back, matrix.T, atol=1e-14)


def test_details_of_a_line_vanish(x64):
    """But where the period ends: the longer filter has two vanishing moments, Haar's has one."""
    line = jnp.arange(32.0)
    details = {
        kind: wavelet.analyse(line, wavelet=kind, levels=1)[16:31] for kind in wavelet.FILTERS
    }
    np.testing.assert_allclose(details["daubechies_4"], 0, atol=1e-12)
    np.testing.assert_allclose(details["haar"], -1 / np.sqrt(2), atol=1e-12)
