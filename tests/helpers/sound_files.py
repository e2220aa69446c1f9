"""Sounds to be written in many formats, and what the reader makes of their bytes."""

import numpy as np
import pytest

from audioxai_jax.data.sound_files import AudioError, decode_sound
from tests.helpers.mp3_parts import RATE, tone

ID3 = b"ID3\x04\0\0\0\0\x02\0" + bytes(256)
A, B = tone(300), tone(900)
QUIET = np.concatenate([np.zeros(RATE), 0.3 * np.random.default_rng(0).normal(size=4 * RATE)])


def read(content: bytes) -> np.ndarray:
    return decode_sound("file", content).samples


def refused(content: bytes) -> str:
    with pytest.raises(AudioError) as caught:
        decode_sound("file", content)
    assert str(caught.value).startswith("file: ") and "\n" not in str(caught.value)
    return str(caught.value)
