"""Residual vector quantisation of a codec's latent.

N. Zeghidour, A. Luebs, A. Omran, J. Skoglund, M. Tagliasacchi, "SoundStream: An End-to-End
Neural Audio Codec", IEEE/ACM TASLP 2022 (arXiv 2107.03312), algorithm 1: each stage takes the
codeword nearest to what the stages before it left over. Fewer stages, and with them fewer
bits, are a slice of the codebooks.
"""

import jax.numpy as jnp
from jax import Array, lax


def quantise(codebooks: Array, latent: Array) -> Array:
    """Codes of a latent, int32 `[F, K]`: per stage, the index of the nearest codeword.

    Nearest by squared distance; of equally near ones the first. What is left over is written
    `r - (r + (c - r))` and not `r - c`, which differs by rounding: so does Lyra's TFLite graph,
    and its codes come out equal to the last bit.

    Args:
      codebooks: `[K, N, D]`, of K stages with N codewords.
      latent: `[F, D]`.

    Raises:
      ValueError: for shapes that do not fit.
    """
    _check(codebooks, latent, "latent", codebooks.shape[-1])

    def stage(left: Array, codebook: Array):
        distances = jnp.sum((left[:, None] - codebook) ** 2, axis=-1)  # [F, N]
        code = jnp.argmin(distances, axis=-1).astype(jnp.int32)
        return left - (left + (codebook[code] - left)), code

    return lax.scan(stage, latent, codebooks)[1].T


def dequantise(codebooks: Array, codes: Array) -> Array:
    """Latent `[F, D]` of codes `[F, K]`: the sum of their codewords, in the order of stages.

    A negative code adds nothing: that stage was not sent. A code beyond the codebook gives NaN.

    Raises:
      ValueError: for shapes that do not fit.
    """
    _check(codebooks, codes, "codes", codebooks.shape[0])

    def stage(latent: Array, coded):
        codebook, code = coded
        words = jnp.take(codebook, code, axis=0, mode="fill", fill_value=jnp.nan)
        return latent + jnp.where(code[:, None] < 0, 0, words), None

    zero = jnp.zeros((codes.shape[0], codebooks.shape[2]), codebooks.dtype)
    return lax.scan(stage, zero, (codebooks, codes.T))[0]


def straight_through(codebooks: Array, latent: Array) -> Array:
    """The quantised latent `[F, D]`; its gradient is that of the latent itself.

    Y. Bengio, N. Leonard, A. Courville, "Estimating or Propagating Gradients Through Stochastic
    Neurons for Conditional Computation", 2013 (arXiv 1308.3432).
    """
    quantised = dequantise(codebooks, quantise(codebooks, latent))
    return latent + lax.stop_gradient(quantised - latent)


def _check(codebooks: Array, found: Array, name: str, columns: int) -> None:
    if codebooks.ndim != 3:
        raise ValueError(f"codebooks are {list(codebooks.shape)}, expected [K, N, D]")
    if found.ndim != 2 or found.shape[1] != columns:
        raise ValueError(
            f"{name} {list(found.shape)} do not fit codebooks {list(codebooks.shape)}: expected "
            f"[F, {columns}], one example without a batch axis"
        )
