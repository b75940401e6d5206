"""Server-sent events: bytes in any pieces become the data of whole events.

Law: framing only, as the WHATWG standard has it (https://html.spec.whatwg.org/multipage/server-sent-events.html);
what the data says is a dialect's business. Bytes may be cut anywhere, also inside a character or between CR and LF.
Two things differ from the standard, both because servers do them: a last event without its blank line counts, and
a field named `error` is kept (llama.cpp before 2025 and its forks report errors so).
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"


class SseFramer:
    """Collects lines until a blank one ends an event. Time is linear in the bytes fed, however they are cut."""

    def __init__(self) -> None:
        self._tail = bytearray()  # the line that has not ended yet
        self._data: list[bytes] = []  # data lines of the event that has not ended yet
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of each event that `data` completes, in order; an event without data is none."""
        if (  # what servers send nearly always: one piece, one whole event of one line; a quarter less time
            data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and not self._tail
            and not self._data
            and b"\r" not in data
        ):
            self._begun = True
            return [data[6:-2]]
        if self._after_cr or b"\r" in data:
            data = self._with_plain_line_ends(data)
        return self._take_lines(data)

    def close(self) -> list[bytes]:
        """The last event, where the stream ended without its blank line; else nothing."""
        return self._take_lines(b"\n\n")

    def _with_plain_line_ends(self, data: bytes) -> bytes:
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take_lines(self, data: bytes) -> list[bytes]:
        lines = data.split(b"\n")
        unfinished = lines.pop()
        if not lines:
            self._tail += unfinished
            return []
        if self._tail:
            lines[0] = bytes(self._tail) + lines[0]
        self._tail = bytearray(unfinished)
        if not self._begun:
            lines[0] = lines[0].removeprefix(_BOM)
            self._begun = True
        payloads = []
        for line in lines:
            if line:
                self._take_line(line)
            elif self._data:
                payloads.append(b"\n".join(self._data))
                self._data = []
        return payloads

    def _take_line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"error":
            self._data.append(b'{"error":' + value + b"}")
