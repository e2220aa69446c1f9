"""`--floor`: the noise floor in what is written for people to hear."""

import argparse

NONE = "none"
DEFAULT_DB = -30.0
LOWEST_DB = -120.0


def add_floor_option(add) -> None:
    """Adds `--floor` by a parser's `add_argument`."""
    text = (
        "noise floor in all sounds that are written and played, dB relative to the clip; "
        "it hides digital silence, and models do not hear it; default: %(default)g"
    )
    add("--floor", type=parse_floor, default=DEFAULT_DB, metavar=f"DB|{NONE}", help=text)


def parse_floor(text: str) -> float | None:
    """The value of `--floor`, dB; None for no floor.

    Raises:
      ArgumentTypeError: for anything but a level from -120 to 0 dB, or "none".
    """
    if text == NONE:
        return None
    try:
        level = float(text)
    except ValueError:
        level = float("nan")
    if not LOWEST_DB <= level <= 0:
        raise argparse.ArgumentTypeError(
            f"expected a level from {LOWEST_DB:g} to 0 dB, or {NONE!r}, got {text!r}"
        )
    return level


def floor_text(floor_db: float | None) -> str:
    """What is said of the floor beside the place of the sounds; empty without one."""
    if floor_db is None:
        return ""
    return f" (noise floor {floor_db:g} dB in all sounds; --floor {NONE} leaves it out)"
