"""Text that comes from others: names of files, labels, what a file says of itself."""

import unicodedata


def printable(text: str) -> str:
    """Text that any terminal and file can hold: control and undecodable characters replaced.

    Spaces of any width stay.
    """
    fine = lambda c: c.isprintable() or unicodedata.category(c) == "Zs"
    clean = "".join(c if fine(c) else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean.encode("utf-8", "replace").decode("utf-8")
