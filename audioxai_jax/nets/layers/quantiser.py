"""Residual vector quantisation: each codebook codes what the ones before it left over.

N. Zeghidour et al., "SoundStream: An End-to-End Neural Audio Codec", 2021 (arXiv 2107.03312),
section III-C, algorithm 1. Codebooks are `[K, N, D]`: K stages of N codewords. Each stage
refines the ones before it, so a lower bitrate is a slice, `codebooks[:k]`.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax


def quantise(codebooks: Array, latent: Array) -> Array:
    """Codes of each frame: the nearest codeword of each stage, the first of equals.

    Distances are computed in float32 at least, as `|e|^2 - 2 x e`. A frame of NaN gets code 0.
    What is left over is written `r - (r + (e - r))`, not `r - e`, which differs by rounding: so
    does Lyra's TFLite graph, whose codes come out equal to the last bit.

    Args:
      codebooks: `[K, N, D]`.
      latent: `[F, D]`.

    Returns:
      int32 `[F, K]`.

    Raises:
      ValueError: for shapes that do not fit.
    """
    _check(codebooks, latent)
    precise = jnp.promote_types(latent.dtype, jnp.float32)

    def stage(residual: Array, codebook: Array):
        products = jnp.matmul(residual, codebook.T, precision=lax.Precision.HIGHEST)
        code = jnp.argmin(jnp.sum(codebook**2, axis=1)[None] - 2 * products, axis=1)
        return residual - (residual + (codebook[code] - residual)), code.astype(jnp.int32)

    return lax.scan(stage, latent.astype(precise), codebooks.astype(precise))[1].T


def dequantise(codebooks: Array, codes: Array) -> Array:
    """Latent `[F, D]` of codes `[F, k]`, the sum of their codewords; k <= K stages.

    A negative code adds nothing: that stage was not sent. Codes beyond the codebook give NaN.

    Raises:
      ValueError: for more codes a frame than codebooks, or codes that are no integers.
    """
    _check_codes(codebooks, codes)

    def stage(total: Array, one: tuple[Array, Array]):
        codebook, code = one
        words = codebook.at[code].get(mode="fill", fill_value=jnp.nan)
        return total + jnp.where(code[:, None] < 0, 0, words), None

    zero = jnp.zeros((codes.shape[0], codebooks.shape[2]), codebooks.dtype)
    return lax.scan(stage, zero, (codebooks[: codes.shape[1]], codes.T))[0]


def stage_words(codebooks: Array, codes: Array) -> Array:
    """What each stage adds to the latent, `[k, F, D]`: its codewords for codes `[F, k]`.

    Their sum over stages is `dequantise`, which describes errors, and codes that are negative
    or too large. The stages of a codec's latent are
    `stage_words(codebooks, quantise(codebooks, latent))`.
    """
    _check_codes(codebooks, codes)

    def stage(codebook: Array, code: Array) -> Array:
        words = codebook.at[code].get(mode="fill", fill_value=jnp.nan)
        return jnp.where(code[:, None] < 0, 0, words)

    return jax.vmap(stage)(codebooks[: codes.shape[1]], codes.T)


def straight_through(codebooks: Array, latent: Array) -> Array:
    """The dequantised latent `[F, D]`, whose gradient is the latent's own.

    Y. Bengio, N. Leonard, A. Courville, arXiv 1308.3432. The value is exactly that of
    `dequantise`; NaN stays NaN. The codebooks get no gradient.

    Raises:
      ValueError: as `quantise`.
    """
    words = dequantise(codebooks, quantise(codebooks, latent)).astype(latent.dtype)
    return lax.stop_gradient(words) + (latent - lax.stop_gradient(latent))


def _check(codebooks: Array, latent: Array) -> None:
    if codebooks.ndim != 3 or 0 in codebooks.shape:
        raise ValueError(f"codebooks must be [K, N, D], none of them 0, got {codebooks.shape}")
    if latent.ndim != 2 or latent.shape[1] != codebooks.shape[2]:
        raise ValueError(
            f"the latent must be [F, {codebooks.shape[2]}] for codebooks {codebooks.shape}, "
            f"got {latent.shape}"
        )


def _check_codes(codebooks: Array, codes: Array) -> None:
    if codes.ndim != 2 or codes.shape[1] > codebooks.shape[0]:
        raise ValueError(
            f"codes must be [F, k] with k <= {codebooks.shape[0]} codebooks, got {codes.shape}"
        )
    if not jnp.issubdtype(codes.dtype, jnp.integer):
        raise ValueError(f"codes must be integers, got {codes.dtype}")
