"""Formats that libsndfile does not decode, by their first bytes."""

import re

from audioxai_jax.data.formats.layout import Source

MAGIC: tuple[tuple[bytes, str], ...] = (
    (rb"....ftypM4A", "M4A (AAC or ALAC)"),
    (rb"....ftyp3g", "3GP (AMR or AAC)"),
    (rb"....ftypqt", "QuickTime"),
    (rb"....ftyp", "MP4 (AAC or ALAC)"),
    (rb"....(moov|mdat|wide|free|skip)", "QuickTime"),
    (rb"\x1a\x45\xdf\xa3[\0-\xff]{0,60}webm", "WebM"),
    (rb"\x1a\x45\xdf\xa3", "Matroska"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"),
    (rb"wvpk", "WavPack"),
    (rb"TTA[12]", "TTA"),
    (rb"MAC ", "Monkey's Audio"),
    (rb"MPCK|MP\+", "Musepack"),
    (rb"#!AMR", "AMR"),
    (rb"#!SILK|\x02#!SILK", "SILK"),
    (rb"\x0b\x77", "AC-3"),
    (rb"\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00|\xff\x1f\x00\xe8", "DTS"),
    (rb"DSD ", "DSF"),
    (rb"FRM8[\0-\xff]{8}DSD ", "DSDIFF"),
    (rb"OFR ", "OptimFROG"),
    (rb"tBaK", "TAK"),
    (rb"ajkg", "Shorten"),
    (rb"ADIF", "AAC"),
    (rb"\.ra\xfd|\.RMF", "RealAudio"),
    (rb"FLV\x01", "Flash video"),
    (rb"\0\0\x01\xba|\0\0\x01\xb3", "MPEG video"),
    (rb"RIFF....(AVI |RMID)", "AVI or MIDI in RIFF"),
    (rb"MThd", "MIDI, which holds notes instead of sound"),
    (rb"caff", "CAF"),
)
PATTERNS = [(re.compile(magic, re.DOTALL), name) for magic, name in MAGIC]


def kind(source: Source, start: int) -> str | None:
    """What a file is in words, None if it is unknown."""
    head = source.read(start, 96)
    for pattern, name in PATTERNS:
        if pattern.match(head):
            return name
    if adts(source, start):
        return "AAC"
    if (
        len(head) >= 4
        and head[0] == 0x47
        and source.read(start + 188, 1) == b"\x47"
        and (source.read(start + 376, 1) == b"\x47")
    ):
        return "MPEG transport stream"
    return None


def adts(source: Source, place: int) -> bool:
    """Whether three frames of raw AAC begin there."""
    for _ in range(3):
        head = source.read(place, 7)
        if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
            return False
        size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if size < 7:
            return False
        place += size
        if place == source.size:
            return True
    return True
