"""The latent of a codec, before its quantiser or behind it."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from audioxai_jax.core.checks import as_audio, check_number
from audioxai_jax.core.contracts import check_latent, check_sound
from audioxai_jax.core.records import record
from audioxai_jax.domains.features import frame_middles, labels
from audioxai_jax.domains.protocol import Axis, Domain, Grid
from audioxai_jax.types import Codec


def latent(codec: Codec, *, quantised: float | None = None) -> Domain:
    """What a codec's encoder makes of a clip, `[F, C]`; its decoder makes sound of it again.

    Not exact: with nothing edited, the sound is the codec's reconstruction.

    Args:
      codec: an encoder and a decoder.
      quantised: a bit rate of the codec, kbit/s. The latent is then what a decoder gets that was
        sent codes at this rate; its gradient passes straight through the quantiser. None is
        the continuous latent, before the quantiser.

    Units are each "feature" (the default), each "frame" and each "channel". A codec with `cells`
    has a "cell" too: one band of one frame, its level and all that it holds. `codec.unit` says
    which of "feature" and "cell" is the default. How large a cell is, its level alone tells.

    Raises:
      ValueError: for a codec without a quantiser, or a bit rate that it does not have.
    """
    if not isinstance(codec, Codec):
        raise TypeError(f"latent: expected a Codec, got {type(codec).__name__}: load one first")
    if quantised is None:
        return Latent(codec, None)
    check_number(quantised, "quantised", "a bit rate in kbit/s")
    if codec.quantise is None:
        raise ValueError(
            f"latent: codec {codec.name} has no quantiser: leave out quantised={quantised:g}"
        )
    if quantised not in codec.bitrates:
        known = ", ".join(f"{rate:g}" for rate in codec.bitrates)
        raise ValueError(
            f"latent: codec {codec.name} has no {quantised:g} kbit/s: choose one of {known}"
        )
    return Latent(codec, float(quantised))


@record(static=("quantised",))
class Latent:
    """See `latent`."""

    codec: Codec
    quantised: float | None
    name = "latent"
    exact = False
    linear = False

    @property
    def sample_rate(self) -> int:
        return self.codec.sample_rate

    @property
    def hop(self) -> int:
        return self.codec.hop

    def analyse(self, audio: Array) -> Array:
        features = self.codec.encode(as_audio(audio))
        check_latent(features)
        if self.quantised is None or self.codec.quantise is None:
            return features
        return self.codec.quantise(features, self.quantised)

    def synthesise(self, features: Array, audio: Array) -> Array:
        sound = check_sound(self.codec.decode(features), audio.shape[0])
        return sound.astype(audio.dtype)

    def base(self, features: Array) -> Array:
        return jnp.zeros_like(features)

    def size(self, features: Array) -> Array:
        return jnp.abs(features)

    def units(self, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
        frames, channels = shape
        units = {
            "feature": labels(frames, channels),
            "frame": labels(frames, 1),
            "channel": labels(1, channels),
        }
        if self.codec.cells is None:
            return units
        bands = self._bands(channels)
        cells = {"cell": labels(frames, 1) * np.int32(bands.max() + 1) + bands}
        return cells | units if self.codec.unit == "cell" else units | cells

    def grid(self, shape: tuple[int, ...], unit: str) -> Grid | None:
        """Bands of cells have an order; a codec's channels have none, and no grid of their own."""
        if unit != "cell":
            return None
        bands = self._bands(shape[1])
        first = np.unique(bands, return_index=True)[1]
        levels = np.isin(np.arange(len(bands)), first)[None]
        return Grid((self.hop / self.sample_rate, None), ordered=(1,), counted=levels)

    def axes(self, shape: tuple[int, ...]) -> tuple[Axis, ...]:
        """Middles of frames; a codec of chunks that overlap is ahead of them by the overlaps."""
        frames, channels = shape
        times = frame_middles(frames, self.hop, self.hop / 2, self.sample_rate)
        return times, Axis("channel", "", np.arange(float(channels)))

    def _bands(self, channels: int) -> np.ndarray:
        """The band of each channel, `[C]`."""
        bands = np.asarray(self.codec.cells, np.int32)
        if len(bands) != channels:
            raise ValueError(
                f"latent: codec {self.codec.name} has cells of {len(bands)} channels, and its "
                f"latents have {channels}: give the band of each channel"
            )
        return bands
