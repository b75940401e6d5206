"""The spool: where the reads of answers wait until the clock has stopped.

Limits: keeping a read costs nothing but a reference while there is room in memory; beyond `MEMORY_BYTES` the bytes go
to an unlinked file (a killed worker leaves nothing) and 12 bytes a read stay. Nothing is parsed, and stamps are made
monotonic only when they are read back or written out.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from typing import IO

from pytest_inferbench.load.stamps import Mark, monotonic

MEMORY_BYTES = 128 * 1024 * 1024
_READ_OVERHEAD = 256  # bytes that Python adds to each read kept in memory

Read = tuple[bytes, Mark, int]
"""Bytes, what tells their arrival, and the offset that makes a kernel stamp monotonic."""


class Trace:
    """The reads of one answer: in memory, or where in the spool's file they are.

    Attributes:
        reads: how many there are.
        received_bytes: their bytes.
        parts: in order, reads in memory, or (offset, lengths, stamps) of a run of bytes in the file.
    """

    __slots__ = ("parts", "reads", "received_bytes")

    def __init__(self) -> None:
        self.parts: list[list[Read] | tuple[int, array[int], array[int]]] = []
        self.reads = 0
        self.received_bytes = 0


class Spool:
    """Takes answers' reads and gives them back."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()
        self._end = 0
        self._held = 0

    def keep(self, trace: Trace, reads: list[Read]) -> None:
        """Add reads to an answer's trace; the list is not changed afterwards."""
        size = sum([len(read[0]) for read in reads])
        trace.reads += len(reads)
        trace.received_bytes += size
        self._held += size + _READ_OVERHEAD * len(reads)
        trace.parts.append(reads if self._held < MEMORY_BYTES else self._write(reads))

    def _write(self, reads: list[Read]) -> tuple[int, array[int], array[int]]:
        pieces, marks, offsets = zip(*reads, strict=True)
        data = memoryview(b"".join(pieces))
        start = self._end
        self._end += len(data)
        while data:
            data = data[self._file.write(data) :]
        return start, array("I", map(len, pieces)), array("q", map(monotonic, marks, offsets))

    def read(self, trace: Trace) -> Iterator[tuple[bytes, int]]:
        """The reads of one answer as they came: (bytes, stamp)."""
        for part in trace.parts:
            if isinstance(part, list):
                yield from ((data, monotonic(mark, offset)) for data, mark, offset in part)
                continue
            start, lengths, stamps = part
            self._file.seek(start)
            for length, stamp in zip(lengths, stamps, strict=True):
                yield self._exactly(length), stamp

    def _exactly(self, length: int) -> bytes:
        data = self._file.read(length)
        while len(data) < length:
            data += self._file.read(length - len(data))
        return data

    def clear(self) -> None:
        """Forget everything; the next round starts anew."""
        self._file.seek(0)
        self._file.truncate()
        self._end = self._held = 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
