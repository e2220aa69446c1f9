"""The clip that the package contains: synthetic speech, the word "stop", 0.74 s at 16 kHz."""

from pathlib import Path


def example_clip() -> Path:
    """Path of the bundled sound file, for examples: `read_clip(example_clip(), 16_000)`."""
    return Path(__file__).resolve().parents[1] / "assets" / "stop.wav"
