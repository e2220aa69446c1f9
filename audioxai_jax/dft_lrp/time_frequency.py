"""Relevance over time and frequency: LRP through the short-time Fourier transform.

J. Vielhaben et al., arXiv 2303.06365, see `dft`. The waveform is put together from its
spectra, x_n = sum over frames of irfft(y_f)_n / W_n, where y_f = rfft(w_f x) and W_n is the
sum of all windows over sample n, and relevance goes through that by LRP-0. A model is the
same behind it, whatever the window and the hop.
"""

import jax.numpy as jnp
from jax import Array

from audioxai_jax.core.checks import as_audio
from audioxai_jax.core.strictness import relaxed
from audioxai_jax.dft_lrp.frequency import multiplicity, product
from audioxai_jax.dft_lrp.redistribute import check, largest, quotient, settle
from audioxai_jax.transforms.frames import Window, place


@relaxed()
def short_time_relevance(
    audio: Array,
    relevance: Array,
    *,
    window: Window,
    hop: int,
    before: int | None = None,
    epsilon: float = 1e-8,
) -> Array:
    """Relevance of each frequency in each frame, from that of the samples.

        R_fk = c_k Re(rfft(w_f x)_k conj(rfft(q)_k)),   q_n = R_n / (x_n W_n) within frame f

    The transform is as long as the window. A frame's relevance, summed over frequencies, is
    sum_n R_n w_f(n) / W_n: each sample's in proportion to the windows over it. So it is for
    samples that cannot carry theirs, which is then shared evenly over frequencies. Sums are
    kept, and `epsilon` is what it is, as in `dft.frequency_relevance`.

    Args:
      audio: waveform `[T]`.
      relevance: relevance of its samples, `[T]`.
      window, hop, before: see `frames.place`, such as `window=("hann", 455), hop=35`.
      epsilon: stabiliser in units of the largest sample.

    Returns:
      `[F, L // 2 + 1]` for windows `[L]`; frame f starts at sample f * hop - before, entry k is
      at k / L of the sample rate.

    Raises:
      ValueError: if shapes, types, frames or epsilon are wrong.
    """
    audio, relevance = check(audio, relevance, audio.shape)
    frames = place(audio.size, window=window, hop=hop, before=before)
    shape, cover = (jnp.asarray(v, audio.dtype) for v in (frames.window, frames.cover()))
    scaled = audio / largest(audio)
    carried, left = (part / cover for part in quotient(scaled, relevance, epsilon))
    spectra = jnp.fft.rfft(shape * frames.cut(scaled), norm="ortho")
    of_quotient = jnp.fft.rfft(frames.cut(carried), norm="ortho")
    over = jnp.sum(shape * frames.cut(left), axis=1, keepdims=True) / shape.size
    count = jnp.asarray(multiplicity(shape.size), audio.dtype)
    return settle(count * (product(spectra, of_quotient) + over), relevance)


@relaxed()
def full_length_relevance(
    audio: Array,
    relevance: Array,
    *,
    window: Window,
    hop: int,
    before: int | None = None,
    epsilon: float = 1e-8,
) -> Array:
    """The same with transforms as long as the waveform, as in the paper: `[F, T // 2 + 1]`.

    All frames have the waveform's own frequencies, and its quotient R / (x W) as a whole: what
    a frame hands to each frequency depends on samples outside of it too. Their parts cancel in
    the frame's sum, which is that of `short_time_relevance`. Takes O(F T log T).

    Args:
      audio, relevance, window, hop, before, epsilon: sound, its relevance and the frames, see
        `short_time_relevance`.

    Raises:
      ValueError: as `short_time_relevance`.
    """
    audio, relevance = check(audio, relevance, audio.shape)
    frames = place(audio.size, window=window, hop=hop, before=before)
    placed, cover = (jnp.asarray(v, audio.dtype) for v in (frames.placed(), frames.cover()))
    scaled = audio / largest(audio)
    carried, left = (part / cover for part in quotient(scaled, relevance, epsilon))
    spectra = jnp.fft.rfft(placed * scaled, norm="ortho")
    over = jnp.sum(placed * left, axis=1, keepdims=True) / audio.size
    count = jnp.asarray(multiplicity(audio.size), audio.dtype)
    found = product(spectra, jnp.fft.rfft(carried, norm="ortho")) + over
    return settle(count * found, relevance)


@relaxed()
def time_relevance_of_frames(
    audio: Array,
    relevance: Array,
    *,
    window: Window,
    hop: int,
    before: int | None = None,
    epsilon: float = 1e-6,
) -> Array:
    """Relevance of each sample, from that of each frequency in each frame.

    LRP-0 through y_f = rfft(w_f x), as `dft.time_relevance` in each frame. Sums are kept; what
    frequencies without magnitude cannot carry goes to their frame's samples in proportion to
    the squared window (the w^2 rule). It does not undo `short_time_relevance`, see there.

    Args:
      audio: waveform `[T]`.
      relevance: `[F, L // 2 + 1]`, of the frames that `window`, `hop` and `before` make.
      window, hop, before: see `frames.place`.
      epsilon: stabiliser in units of the largest magnitude in any frame.

    Returns:
      `[T]`.

    Raises:
      ValueError: if shapes, types, frames or epsilon are wrong.
    """
    audio = as_audio(audio)
    frames = place(audio.size, window=window, hop=hop, before=before)
    width = frames.window.size
    audio, relevance = check(audio, relevance, (frames.count, width // 2 + 1))
    shape, count = (jnp.asarray(v, audio.dtype) for v in (frames.window, multiplicity(width)))
    pieces = shape * frames.cut(audio)
    spectra = jnp.fft.rfft(pieces, norm="ortho")
    scale = largest(spectra)
    carried, left = quotient(spectra / scale, relevance, epsilon)
    slopes = jnp.fft.irfft(carried / count, n=width, norm="ortho")
    weights = (shape / largest(shape)) ** 2 + 1e-6  # a frame may hold but a window's first zero
    inside = weights * frames.cut(jnp.ones_like(audio))
    even = jnp.sum(left, axis=1, keepdims=True) / jnp.sum(inside, axis=1, keepdims=True)
    return settle(frames.add(pieces / scale * slopes + even * inside), relevance)
