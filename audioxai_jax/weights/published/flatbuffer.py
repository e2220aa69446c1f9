"""Reads FlatBuffers (flatbuffers.dev, "FlatBuffers internals"), of which nothing is trusted.

A table begins with the distance back to its vtable, which holds, after two sizes, where each
field lies in the table, 0 for one that is absent; vectors, texts and tables within tables are
found by the distance ahead to them.

Every read is checked against the end of the file, and a file that refers to the same bytes over
and over, to make a reader slow, is refused.
"""

import struct

import numpy as np

TABLE = 64
"""Bytes that a table counts for, of those that may be read."""


class DamageError(Exception):
    """What is wrong with a file, in words."""


class Buffer:
    """The bytes of a file, and how many of them may still be read.

    In an honest file nothing but small texts and vectors is referred to twice.
    """

    def __init__(self, content: bytes):
        self.content = content
        self.left = 4 * len(content) + (1 << 16)

    def spend(self, size: int) -> None:
        """Counts bytes that are read."""
        self.left -= size
        if self.left < 0:
            raise DamageError("it refers to the same bytes again and again")

    def number(self, form: str, at: int) -> int:
        """The number at a byte; `form` as in `struct`."""
        size = struct.calcsize(form)
        if not 0 <= at <= len(self.content) - size:
            raise DamageError(f"it refers to byte {at} of {len(self.content)}")
        return struct.unpack_from(form, self.content, at)[0]

    def ahead(self, at: int) -> int:
        """Where that lies to which the field at `at` refers."""
        return at + self.number("<I", at)

    def vector(self, at: int, dtype: str) -> np.ndarray:
        """The numbers of the vector that the field at `at` refers to."""
        start = self.ahead(at)
        count, size = self.number("<I", start), np.dtype(dtype).itemsize
        if start + 4 + count * size > len(self.content):
            raise DamageError(f"{count} numbers of {size} bytes at {start} go beyond its end")
        self.spend(count * size)
        return np.frombuffer(self.content, dtype, count, start + 4)


class Table:
    """A table; a field that is absent reads as its default, or as empty.

    A slot is a field's number in the schema. Every method raises DamageError.
    """

    def __init__(self, buffer: Buffer, at: int):
        buffer.spend(TABLE)
        self.buffer, self.at = buffer, at
        self.fields = at - buffer.number("<i", at)
        self.size = buffer.number("<H", self.fields)

    def field(self, slot: int) -> int | None:
        """Where a field lies."""
        place = 4 + 2 * slot
        if place + 2 > self.size:
            return None
        offset = self.buffer.number("<H", self.fields + place)
        return self.at + offset if offset else None

    def number(self, slot: int, form: str, default: int = 0) -> int:
        """A field that is a number; `form` as in `struct`."""
        at = self.field(slot)
        return default if at is None else self.buffer.number(form, at)

    def vector(self, slot: int, dtype: str) -> np.ndarray:
        """A field that is a vector of numbers, read-only."""
        at = self.field(slot)
        return np.zeros(0, dtype) if at is None else self.buffer.vector(at, dtype)

    def table(self, slot: int) -> "Table | None":
        """A field that is a table, or None."""
        at = self.field(slot)
        return None if at is None else Table(self.buffer, self.buffer.ahead(at))

    def tables(self, slot: int) -> "list[Table]":
        """A field that is a vector of tables."""
        at = self.field(slot)
        if at is None:
            return []
        first = self.buffer.ahead(at) + 4
        offsets = self.buffer.vector(at, "<u4").tolist()
        return [
            Table(self.buffer, first + 4 * index + offset) for index, offset in enumerate(offsets)
        ]


def root(content: bytes) -> Table:
    """The table with which a file's content begins."""
    buffer = Buffer(content)
    return Table(buffer, buffer.ahead(0))
