"""Weighted least squares on samples that come in chunks, without keeping any of them.

Samples are dealt out to a few folds, and each fold keeps its normal equations
`A_b = sum w z z^T`, `a_b = sum w z y`. The coefficients solve the sum of all. Their standard
errors come from what the folds leave over, `g_b = a_b - A_b theta`, the sums of residuals:

    cov(theta) = A^-1 (sum_b g_b g_b^T) A^-1 * B / (B - 1) * N / (N - K)

which is the sandwich of K.-Y. Liang and S. L. Zeger, "Longitudinal data analysis using
generalized linear models", Biometrika 73, 1986, with folds as clusters. It holds if the model is
not linear and residuals are not equally spread, as here. The sandwich of single samples would
need the residual of each, which is known only when all have come.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.records import record

FOLDS = 16


@record()
class Equations:
    """Attributes: `matrix` `[FOLDS, K, K]`, `vector` `[FOLDS, K]`, `count` of samples."""

    matrix: Array
    vector: Array
    count: Array


def no_equations(size: int, dtype: jnp.dtype, penalty: Array | float = 0.0) -> Equations:
    """For `size` coefficients; `penalty`, for each or all, is that of ridge regression."""
    ridge = jnp.diag(jnp.broadcast_to(jnp.asarray(penalty, dtype), (size,))) / FOLDS
    matrix = jnp.broadcast_to(ridge, (FOLDS, size, size))
    return Equations(matrix, jnp.zeros((FOLDS, size), dtype), jnp.zeros((), dtype))


def add_samples(
    equations: Equations, z: Array, y: Array, weights: Array, folds: Array, valid: Array
) -> Equations:
    """With samples `z [n, K]`, `y [n]`; sample j goes to fold `folds[j] % FOLDS`."""
    z = z.astype(equations.vector.dtype)
    dealt = (folds[:, None] % FOLDS == jnp.arange(FOLDS)[None]) & valid[:, None]
    dealt = jnp.where(dealt, weights.astype(z.dtype)[:, None], 0)
    y = jnp.where(valid, y, 0)
    return Equations(
        equations.matrix + jnp.einsum("nb,ni,nj->bij", dealt, z, z),
        equations.vector + jnp.einsum("nb,ni->bi", dealt, y[:, None] * z),
        equations.count + jnp.sum(valid, dtype=z.dtype),
    )


def solve(equations: Equations, free: int) -> tuple[Array, Array]:
    """Coefficients and their standard errors, `[K]`; of least norm where they are not settled.

    Args:
      free: how many of the coefficients are free. Standard errors are NaN for so few samples.
    """
    inverse = jnp.linalg.pinv(jnp.sum(equations.matrix, axis=0), hermitian=True)
    found = inverse @ jnp.sum(equations.vector, axis=0)
    left = (equations.vector - equations.matrix @ found) @ inverse
    spare = equations.count - free
    factor = FOLDS / (FOLDS - 1) * equations.count / jnp.maximum(spare, 1)
    error = jnp.sqrt(factor * jnp.sum(left**2, axis=0))
    return found, jnp.where(spare > 0, error, jnp.nan)
