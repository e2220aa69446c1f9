"""MP3 files taken apart and put together, to make odd ones."""

import io

import numpy as np
import soundfile

RATE = 16_000


def encoded(samples, rate=RATE, **options) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, **options)
    return stream.getvalue()


def frames(content: bytes) -> list[bytes]:
    """The frames of MPEG 2 layer III at 16 kHz, without the header that counts them."""
    kilobits = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    found, place = [], 0
    while place + 4 <= len(content):
        assert content[place] == 0xFF and content[place + 1] & 0xFE == 0xF2
        size = 72_000 * kilobits[content[place + 2] >> 4] // RATE + (content[place + 2] >> 1 & 1)
        found.append(content[place : place + size])
        place += size
    return found[b"Xing" in found[0] or b"Info" in found[0] :]


def mp3(samples, level: float, mode: str = "CONSTANT") -> bytes:
    """A file whose frames are the smaller the higher the level, from 0 to 1."""
    return encoded(samples, format="MP3", bitrate_mode=mode, compression_level=level)


def tone(hertz: float, count: int = RATE) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(count) / RATE)).astype(np.float32)
