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
MAINS, HARMONICS, HUM_LEVEL = (50.0, 60.0), 6, -38.0
"""Frequencies of mains, Hz, how many multiples of one are heard, RMS of all against full scale."""
CUT = 5_000.0
"""Above which the codec keeps nothing, Hz."""
HISS_LEVEL = -45.0
"""RMS of the noise of the recording that the codec gets, against full scale, dB."""
OVERDRIVEN, CEILING = 0.1, 0.5
"""Seconds that are overdriven, and where their peaks are cut, against the RMS of the clip."""
LEAD = 0.1
"""Seconds of the leading silence."""
QUIET = 30.0
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
    """Mains hum of 50 or 60 Hz and its multiples, the higher the softer."""
    count, samples = clips.shape
    numbers = np.arange(1, HARMONICS + 1)
    partials = random.choice(MAINS, (count, 1)) * numbers
    phases = random.uniform(0, 2 * np.pi, (count, HARMONICS))
    time = np.arange(samples) / rate
    waves = np.cos(2 * np.pi * partials[..., None] * time + phases[..., None])
    wave = np.einsum("nkt,k->nt", waves, 1 / numbers)
    wave *= _level(HUM_LEVEL) / np.sqrt(np.mean(wave**2, axis=1, keepdims=True))
    return clips + wave, clips, _around(partials, samples, rate)


def clipping(random: Random, clips: np.ndarray, rate: int) -> Pair:
    """A stretch whose peaks are cut off; it begins and ends with its first and last flat peak."""
    count, samples = clips.shape
    length = round(OVERDRIVEN * rate)
    start = random.integers(length, samples - 2 * length, (count, 1))
    place = np.arange(samples)
    ceiling = CEILING * np.sqrt(np.mean(clips**2, axis=1, keepdims=True))
    flat = (place >= start) & (place < start + length) & (np.abs(clips) > ceiling)
    boxes = np.full((count, 1, 4), (0.0, 0.0, -np.inf, np.inf))
    boxes[:, 0, 0] = np.argmax(flat, axis=1) / rate
    boxes[:, 0, 1] = (samples - np.argmax(flat[:, ::-1], axis=1)) / rate
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
    boxes = np.broadcast_to((-np.inf, LEAD, -np.inf, np.inf), (count, 1, 4))
    return clips, np.where(np.arange(samples) < round(LEAD * rate), 0.0, clips), boxes


def levels(random: Random, clips: np.ndarray, rate: int) -> np.ndarray:
    """Voices anywhere between full and hardly heard: that there is a voice is no reason."""
    del rate
    return clips * 10 ** (-random.uniform(0, QUIET, (len(clips), 1)) / 20)


def pauses(random: Random, clips: np.ndarray, rate: int) -> np.ndarray:
    """Voices that pause in any tenths of a second but the first: how much is said is no reason."""
    length = round(LEAD * rate)
    spoken = random.uniform(size=(len(clips), clips.shape[1] // length)) < random.uniform(
        size=(len(clips), 1)
    )
    spoken[:, 0] = True
    return clips * np.repeat(spoken, length, axis=1)


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
