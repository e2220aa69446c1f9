"""Five traces of how a clip was recorded, each with the same clip without it.

Relevance can only lie on what a clip has. So each trace is described from the side of the clips
that have something: the tone, the hum, the flat peaks; and of a codec that removes a band, and of
a leading silence, the clips that were spared, which still have the band, and begin at once.
"""

from collections.abc import Callable

import numpy as np

Random = np.random.Generator
Pair = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Clips with the trace and without it, `[N, T]`, and boxes of the trace, `[N, K, 4]`."""
TONE, TONE_LEVEL = 7_000.0, -45.0
"""Frequency of the tone, Hz, and its RMS against full scale, dB."""
MAINS, HARMONICS, HUM_LEVEL = (50.0, 60.0), 4, -45.0
"""Frequencies of mains, Hz, how many multiples of one are heard, RMS of all against full scale."""
TELEPHONE = 300.0
"""Below which a telephone lets no voice through, Hz; the hum is behind it."""
CUT = 5_000.0
"""Above which the codec keeps nothing, Hz."""
HISS_LEVEL = -45.0
"""RMS of the noise of the recording that the codec gets, against full scale, dB."""
STRETCH, EDGE = 0.1, 40
"""Seconds that are overdriven, or silent, and samples over which pauses begin and end."""
CEILING, MARGIN = 0.3, 0.008
"""Where peaks are cut, against the RMS of the clip; seconds beside flat peaks that their cells,
half a window wide, still hear."""
QUIET = 40.0
"""By how much voices are softer at most, dB."""
BINS = 2
"""Bins of the Fourier transform on both sides of a steady tone that count as the tone."""


def tone(random: Random, clips: np.ndarray, rate: int) -> Pair:
    """A steady tone of 7 kHz, far below the voice."""
    count, samples = clips.shape
    phase = random.uniform(0, 2 * np.pi, (count, 1))
    wave = np.sin(2 * np.pi * TONE * np.arange(samples) / rate + phase)
    boxes = np.broadcast_to(_around(TONE, samples, rate), (count, 1, 4))
    return clips + _level(TONE_LEVEL) * 2**0.5 * wave, clips, boxes


def hum(random: Random, clips: np.ndarray, rate: int) -> Pair:
    """Mains hum of 50 or 60 Hz and its multiples, the higher the softer, on a telephone's voice."""
    count, samples = clips.shape
    spectra = np.fft.rfft(clips)
    spectra[:, np.fft.rfftfreq(samples, 1 / rate) < TELEPHONE] = 0
    voice = np.fft.irfft(spectra, samples)
    clips = voice * np.sqrt(np.sum(clips**2, 1, keepdims=True) / np.sum(voice**2, 1, keepdims=True))
    numbers = np.arange(1, HARMONICS + 1)
    partials = random.choice(MAINS, (count, 1)) * numbers
    phases = random.uniform(0, 2 * np.pi, (count, HARMONICS))
    time = np.arange(samples) / rate
    waves = np.cos(2 * np.pi * partials[..., None] * time + phases[..., None])
    wave = np.einsum("nkt,k->nt", waves, 1 / numbers)
    wave *= _level(HUM_LEVEL) / np.sqrt(np.mean(wave**2, axis=1, keepdims=True))
    return clips + wave, clips, _around(partials, samples, rate)


def clipping(random: Random, clips: np.ndarray, rate: int) -> Pair:
    """A tenth of a second whose peaks are cut off; it ends with its first and last flat peak."""
    count, samples = clips.shape
    length = round(STRETCH * rate)
    ceiling = CEILING * np.sqrt(np.mean(clips**2, axis=1, keepdims=True))
    which = random.integers(1, samples // length - 1, count)
    clips = pauses(random, clips, rate, spared=which)
    here = np.arange(samples) // length == which[:, None]
    flat = here & (np.abs(clips) > ceiling)
    boxes = np.full((count, 1, 4), (0.0, 0.0, -np.inf, np.inf))
    boxes[:, 0, 0] = np.argmax(flat, axis=1) / rate - MARGIN
    boxes[:, 0, 1] = (samples - np.argmax(flat[:, ::-1], axis=1)) / rate + MARGIN
    return np.where(flat, np.sign(clips) * ceiling, clips), clips, boxes


def codec(random: Random, clips: np.ndarray, rate: int) -> Pair:
    """The hiss above a limit, which clips that went through a codec have lost."""
    count, samples = clips.shape
    kept = clips + _level(HISS_LEVEL) * random.standard_normal(clips.shape)
    spectra = np.fft.rfft(kept)
    spectra[:, np.fft.rfftfreq(samples, 1 / rate) >= CUT] = 0
    boxes = np.broadcast_to((-np.inf, np.inf, CUT, np.inf), (count, 1, 4))
    return kept, np.fft.irfft(spectra, samples), boxes


def silence(random: Random, clips: np.ndarray, rate: int) -> Pair:
    """The first tenth of a second, which clips with a leading silence lack."""
    del random
    count, samples = clips.shape
    boxes = np.broadcast_to((-np.inf, STRETCH, -np.inf, np.inf), (count, 1, 4))
    return clips, np.where(np.arange(samples) < round(STRETCH * rate), 0.0, clips), boxes


def levels(random: Random, clips: np.ndarray, rate: int) -> np.ndarray:
    """Voices anywhere between full and hardly heard: a voice alone tells nothing."""
    del rate
    return clips * 10 ** (-random.uniform(0, QUIET, (len(clips), 1)) / 20)


def pauses(
    random: Random, clips: np.ndarray, rate: int, *, spared: np.ndarray | int = 0
) -> np.ndarray:
    """Voices that pause in any tenths of a second but one: how much is said tells nothing."""
    count, samples = clips.shape
    length = round(STRETCH * rate)
    spoken = random.uniform(size=(count, samples // length)) < random.uniform(0.6, 1, (count, 1))
    spoken[np.arange(count), spared] = True
    gate = np.repeat(spoken.astype(np.float64), length, axis=1)
    ends = np.pad(gate, ((0, 0), (EDGE, EDGE)), mode="edge")
    total = np.cumsum(np.pad(ends, ((0, 0), (1, 0))), axis=1)
    return clips * (total[:, 2 * EDGE + 1 :] - total[:, :samples]) / (2 * EDGE + 1)


CUES: dict[str, Callable[[Random, np.ndarray, int], Pair]] = {
    "tone": tone,
    "hum": hum,
    "clipping": clipping,
    "codec": codec,
    "silence": silence,
}
"""Traces by name."""
VARIED = {"tone": levels, "hum": levels, "codec": levels, "clipping": None, "silence": pauses}
"""What else varies beside the voice, so that the trace alone tells; None for no more."""


def _level(decibels: float) -> float:
    return 10 ** (decibels / 20)


def _around(frequencies: np.ndarray | float, samples: int, rate: int) -> np.ndarray:
    """Boxes `BINS` bins on both sides of frequencies `[..]`, `[.., 4]`, or one `[1, 4]`."""
    frequencies = np.atleast_1d(np.asarray(frequencies, np.float64))
    half = (BINS + 0.5) * rate / samples
    boxes = np.full((*frequencies.shape, 4), np.inf)
    boxes[..., 0], boxes[..., 2], boxes[..., 3] = -np.inf, frequencies - half, frequencies + half
    return boxes
