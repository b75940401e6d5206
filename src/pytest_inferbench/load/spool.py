"""The spool: where the raw bytes of streams wait until the clock has stopped.

Law: writing is one call a segment and nothing is parsed; reading happens after the round. The file is unlinked,
so a killed worker leaves nothing. Memory holds 12 bytes a read (length and stamp); the bytes are in the page cache.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from typing import IO


class Trace:
    """The reads of one answer, spooled: their lengths, their stamps and where their bytes are.

    Attributes:
        lengths: bytes of each read.
        stamps: arrival of each read, monotonic ns.
        segments: (offset, length) of each run of bytes in the spool file.
    """

    __slots__ = ("lengths", "segments", "stamps")

    def __init__(self) -> None:
        self.lengths = array("I")
        self.stamps = array("q")
        self.segments: list[tuple[int, int]] = []


class Spool:
    """An unlinked temporary file that takes segments of streams and gives them back."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()
        self._end = 0

    def write(self, trace: Trace, pieces: list[bytes], stamps: array[int]) -> None:
        """Append one answer's reads to its trace; `pieces` and `stamps` are of equal length."""
        data = b"".join(pieces)
        trace.lengths.extend(map(len, pieces))
        trace.stamps.extend(stamps)
        trace.segments.append((self._end, len(data)))
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._end += len(data)

    def read(self, trace: Trace) -> Iterator[tuple[bytes, int]]:
        """The reads of one answer as they came: (bytes, stamp)."""
        data = bytearray()
        for offset, length in trace.segments:
            self._file.seek(offset)
            while length:
                part = self._file.read(length)
                data += part
                length -= len(part)  # noqa: PLW2901 - a read may come short
        view = memoryview(bytes(data))
        start = 0
        for length, stamp in zip(trace.lengths, trace.stamps, strict=True):
            yield bytes(view[start : start + length]), stamp
            start += length

    def clear(self) -> None:
        """Forget everything; the next round starts from an empty file."""
        self._file.seek(0)
        self._file.truncate()
        self._end = 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
