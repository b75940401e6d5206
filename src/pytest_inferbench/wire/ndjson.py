"""Newline-delimited JSON: bytes in any pieces become whole lines.

Limits: framing only, with the interface of `sse`. A line ends with LF or CR LF; blank lines are nothing.
"""

from __future__ import annotations


class NdjsonFramer:
    """Collects bytes until a line ends. Time is linear in the bytes fed, however they are cut."""

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Each line that `data` completes, in order, without its end."""
        lines = data.split(b"\n")
        unfinished = lines.pop()
        if not lines:
            self._tail += unfinished
            return []
        if self._tail:
            lines[0] = bytes(self._tail) + lines[0]
        self._tail = bytearray(unfinished)
        return [line for line in map(bytes.strip, lines) if line]

    def close(self) -> list[bytes]:
        """The last line, where the stream ended without its line end; else nothing."""
        return self.feed(b"\n")
