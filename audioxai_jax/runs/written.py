"""Sounds of an explanation as they are written and played: for people, not for models.

Models and figures get the bare sounds. What people hear may carry a noise floor, which is equal
in all sounds of a clip, and is soft enough that nothing is clipped.
"""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np

from audioxai_jax.synthesis.floor import LEAST_RATE, floor
from audioxai_jax.synthesis.levels import matching_gain

FLOOR_STREAM = 2**32 - 1
"""What the run's key is folded with for the floor: larger than any number of an example."""


@dataclasses.dataclass(frozen=True, eq=False)
class Written:
    """The sounds of one clip for people, see `for_people`.

    Attributes:
      bare: sounds `[T]` by name, see `results.SOUNDS`, with the gain and without the floor.
      floor: noise floor `[T]` with the gain, or None.
      gain: factor of all that is written: 1, unless something is beyond full scale.
    """

    bare: Mapping[str, np.ndarray]
    floor: np.ndarray | None
    gain: float

    def sound(self, name: str, loudness: float = 1.0) -> np.ndarray:
        """One sound as it is written, `[T]`.

        Args:
          name: name of the sound.
          loudness: factor of the sound, not of the floor, see `loudness_gain`.
        """
        bare = self.bare[name] * np.float32(loudness)
        return bare if self.floor is None else bare + self.floor

    def loudness_gain(self, name: str) -> float:
        """Factor that brings a bare sound to the level of the original, see `match_level`.

        With the floor nothing goes beyond full scale, either.
        """
        bare = self.bare[name]
        gain = float(matching_gain(bare, self.bare["original"]))
        if self.floor is None or gain <= 1:
            return gain
        heard = bare != 0
        room = (1 - np.sign(bare) * self.floor)[heard] / np.abs(bare)[heard]
        return max(1.0, min(gain, float(room.min(initial=gain))))


def for_people(sounds: Mapping[str, np.ndarray], floor: np.ndarray | None = None) -> Written:
    """Sounds as they are written, all softer by one factor if one of them would be clipped.

    Args:
      sounds: bare sounds `[T]` by name, "original" among them.
      floor: noise floor `[T]`, see `noise_floor`, or None.
    """
    heard = [*sounds.values()]
    if floor is not None:
        heard = [floor, *(sound + floor for sound in heard)]
    gain = 1 / max(1.0, *(float(np.abs(sound).max()) for sound in heard))
    scaled = lambda sound: sound * np.float32(gain)
    bare = {name: scaled(sound) for name, sound in sounds.items()}
    return Written(bare, None if floor is None else scaled(floor), gain)


def noise_floor(
    samples: np.ndarray, sample_rate: int, floor_db: float | None, seed: int
) -> np.ndarray | None:
    """The floor of a clip in a run; it depends on the clip and the run's seed alone.

    Args:
      samples: original clip `[T]`, without padding.
      sample_rate: rate of the clip, Hz.
      floor_db: RMS relative to the clip, dB, at most 0; None for no floor.
      seed: seed of the run.

    Returns:
      Noise `[T]`, see `synthesis.floor`; None without a floor.

    Raises:
      ValueError: for a rate too low for this noise.
    """
    if floor_db is None:
        return None
    if sample_rate < LEAST_RATE:
        raise ValueError(
            f"sounds of {sample_rate} Hz have no noise floor, it needs {LEAST_RATE} Hz: add "
            "--floor none"
        )
    key = jax.random.fold_in(jax.random.key(seed), FLOOR_STREAM)
    return np.asarray(floor(samples, floor_db, sample_rate, key))
