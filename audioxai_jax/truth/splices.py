"""Splices at zero crossings: a stretch of one sound in another, of the level that it replaces."""

import numpy as np

SHIFT = 80
"""Samples by which the stretch may be moved so that both sounds cross zero at its ends."""
NEAR = 320
"""Samples by which an end may be moved."""
TRIES = 200
"""Places that are tried."""


def splice(
    audio: np.ndarray, other: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, int, int] | None:
    """A sound `[T]` with a stretch of another in it.

    At both ends both sounds go up through zero, between the same two samples; for that the ends
    move by up to `NEAR` samples, and the other sound by up to `SHIFT`, as little as it can. The
    stretch has the RMS of what it replaces.

    Args:
      audio: sound.
      other: sound of the same length.
      start, stop: beginning and end of the stretch, about, samples.

    Returns:
      The spliced sound, float64, and where the stretch begins and ends; None if the two do not
      cross zero together near both places.
    """
    up, up_other = crossings(audio), crossings(other)
    for shift in sorted(range(-SHIFT, SHIFT + 1), key=abs):
        both = np.flatnonzero(up & np.roll(up_other, -shift))
        both = both[(both > SHIFT) & (both < len(audio) - SHIFT)]
        if not len(both):
            continue
        first, last = (int(both[np.argmin(np.abs(both - end))]) for end in (start, stop))
        if abs(first - start) > NEAR or abs(last - stop) > NEAR or first >= last:
            continue
        stretch = other[first + shift : last + shift].astype(np.float64)
        replaced = audio[first:last].astype(np.float64)
        level = np.sqrt(np.sum(replaced**2) / max(np.sum(stretch**2), 1e-12))
        made = audio.astype(np.float64)
        made[first:last] = level * stretch
        return made, first, last
    return None


def crossings(audio: np.ndarray) -> np.ndarray:
    """Whether a sound `[T]` goes up through zero just before each sample, bool `[T]`."""
    return np.concatenate([[False], (audio[:-1] <= 0) & (audio[1:] > 0)])


def spliced(
    audio: np.ndarray, others: np.ndarray, places: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Sounds with a stretch of others in them, see `splice`.

    Where two sounds do not cross zero together near a place, another of that length is drawn.

    Args:
      audio, others: sounds `[N, T]`.
      places: beginnings and ends of stretches, about, samples `[N, 2]`.
      random: draws other places.

    Returns:
      Sounds, float64 `[N, T]`, and where their stretches begin and end, `[N, 2]`.

    Raises:
      ValueError: if two sounds cross zero together almost nowhere.
    """
    made, spans = np.empty(audio.shape, np.float64), np.empty((len(audio), 2), int)
    for row, (clip, other, place) in enumerate(zip(audio, others, places, strict=True)):
        start, length = int(place[0]), int(place[1] - place[0])
        result = splice(clip, other, start, start + length)
        for _ in range(TRIES):
            if result is not None:
                break
            start = int(random.integers(len(clip) - length))
            result = splice(clip, other, start, start + length)
        if result is None:
            raise ValueError(
                f"sound {row} and what should be spliced into it hardly ever cross zero together: "
                "choose sounds without an offset"
            )
        made[row], spans[row] = result[0], result[1:]
    return made, spans
