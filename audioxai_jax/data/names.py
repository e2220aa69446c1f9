"""Names of files as data sets have them: written in several ways, meant to be the same."""

import contextlib
import unicodedata

SOUNDS = (
    ".wav",
    ".wave",
    ".bwf",
    ".rf64",
    ".w64",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".spx",
    ".mp3",
    ".mp2",
    ".mpga",
    ".aif",
    ".aiff",
    ".aifc",
    ".au",
    ".snd",
    ".caf",
    ".sph",
    ".nist",
    ".voc",
    ".sf",
    ".ircam",
    ".avr",
    ".m4a",
    ".m4b",
    ".mp4",
    ".aac",
    ".wma",
    ".webm",
    ".mka",
    ".amr",
    ".3gp",
    ".wv",
    ".ape",
    ".tta",
    ".ac3",
    ".dsf",
)
"""Suffixes of sound files, readable or not: whatever has one is a clip or is accounted for."""


def clean_name(name: str) -> str:
    """A path in one form: composed characters, "/" between folders, relative, no "." or "..".

    Bytes that are not UTF-8, which the system hands over as lone surrogates, are taken for
    Windows-1252, or Latin-1 where that has no such character.
    """
    if not name.isascii():
        content = name.encode("utf-8", "surrogateescape")
        for encoding in ("utf-8", "cp1252", "latin-1"):
            with contextlib.suppress(UnicodeDecodeError):
                name = content.decode(encoding)
                break
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", name.strip()).replace("\\", "/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def looks_like_sound(name: str) -> bool:
    """Whether a file is a sound by its suffix, in capitals or not."""
    return name.lower().endswith(SOUNDS)


def stem(name: str) -> str:
    """A path without the suffix of a sound file, so that copies in other formats are found."""
    return name[: name.rindex(".")] if looks_like_sound(name) else name


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is hidden."""
    return "/." in f"/{name}"


def is_rubbish(name: str) -> bool:
    """Whether a file is what Finder and the like leave beside others, such as `._a.wav`."""
    return name.rpartition("/")[2].startswith("._") or f"/{name}".startswith("/__MACOSX/")


def shown(name: str) -> str:
    """A name as messages have it: in one line, what cannot be printed as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
