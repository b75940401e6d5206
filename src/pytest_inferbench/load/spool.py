"""The spool: where the reads of answers wait until the clock has stopped.

Limits: keeping a read costs nothing but a reference while there is room in memory; beyond `MEMORY_BYTES` the bytes go
to an unlinked file (a killed worker leaves nothing) and 12 bytes a read stay. Where the file's disk is full the load
ends with an error that names its folder. Nothing is parsed, and stamps are made
monotonic only when they are read back or written out.
"""

from __future__ import annotations

import shutil
import tempfile
from array import array
from collections.abc import Iterator
from typing import IO

from pytest_inferbench.errors import LoadError
from pytest_inferbench.load.stamps import Mark, monotonic

MEMORY_BYTES = 128 * 1024 * 1024
_TOKEN_BYTES = 512  # of an answer as most servers stream it: a chunk of JSON, and its read's stamp
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
        self._file: IO[bytes] | None = None
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
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()
            self._file.seek(start)
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise LoadError(_no_room(f"after {start / 2**20:,.0f} MiB of answers: {error.strerror or error}")) from None
        return start, array("I", map(len, pieces)), array("q", map(monotonic, marks, offsets))

    def read(self, trace: Trace) -> Iterator[tuple[bytes, int]]:
        """The reads of one answer as they came: (bytes, stamp)."""
        for part in trace.parts:
            if isinstance(part, list):
                yield from ((data, monotonic(mark, offset)) for data, mark, offset in part)
                continue
            start, lengths, stamps = part
            assert self._file is not None  # noqa: S101 - this part was written to it
            self._file.seek(start)
            for length, stamp in zip(lengths, stamps, strict=True):
                yield _exactly(self._file, length), stamp

    def clear(self) -> None:
        """Forget everything; the next round starts anew."""
        if self._file is not None:
            self._file.truncate(0)
        self._end = self._held = 0

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()


def lacks_room(tokens: int) -> str | None:
    """Why answers of so many tokens in all cannot be kept; None where they can.

    Args:
        tokens: planned output tokens of a worker's part of a load.
    """
    beyond = tokens * _TOKEN_BYTES - MEMORY_BYTES
    if beyond <= 0:
        return None
    try:
        free = shutil.disk_usage(tempfile.gettempdir()).free
    except OSError as error:
        return _no_room(f"{error.strerror or error}")
    if free >= beyond:
        return None
    return _no_room(f"{tokens:,} tokens may take {beyond / 2**20:,.0f} MiB there, and {free / 2**20:,.0f} are free")


def _no_room(why: str) -> str:
    return (
        f"no room for answers in {tempfile.gettempdir()}: {why}. Free space there, or set TMPDIR to a folder with room"
    )


def _exactly(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    while len(data) < length:
        data += file.read(length - len(data))
    return data
