"""Server-sent events: bytes in any pieces become the data of whole events.

Limits: framing only, as the WHATWG standard has it (https://html.spec.whatwg.org/multipage/server-sent-events.html);
what the data says is a protocol's business. Bytes may be cut anywhere, also inside a character or between CR and LF.
What differs from the standard does so because servers and proxies do it: a last event without its blank line counts;
data of blanks only is a heartbeat, and so is an event of such a name; an event named `error`, and a field named `error`
(llama.cpp before 2025 and its forks), become the payload `{"error": ...}` that every protocol knows for one.
"""

from __future__ import annotations

import json

_BOM = b"\xef\xbb\xbf"
_LONGER_THAN_BLANK = 16  # bytes of a whole event; no payload that says anything is shorter
_ERROR = b"error"
_HEARTBEATS = frozenset({b"ping", b"heartbeat", b"keepalive", b"keep-alive"})


class SseFramer:
    """Collects lines until a blank one ends an event. Time is linear in the bytes fed, however they are cut."""

    def __init__(self) -> None:
        self._tail = bytearray()  # the line that has not ended yet
        self._data: list[bytes] = []  # data lines of the event that has not ended yet
        self._name = b""  # its name
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of each event that `data` completes, in order; an event without data is none, but for an error."""
        if (  # what servers send nearly always: one piece, one whole event of one line; a quarter less time
            data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and not self._tail
            and not self._data
            and not self._name
            and len(data) > _LONGER_THAN_BLANK
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
            else:
                payloads += self._event()
        return payloads

    def _event(self) -> list[bytes]:
        """The payload of the event that has ended; none of a heartbeat."""
        data, name = b"\n".join(self._data), self._name
        self._data, self._name = [], b""
        if name == _ERROR:
            return [_error(data)]
        return [data] if data.strip() and name not in _HEARTBEATS else []

    def _take_line(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.strip()
        elif field == _ERROR:
            self._data.append(_error(value))


def _error(said: bytes) -> bytes:
    """The payload of an error, whatever was said with it: JSON as it is, anything else as text."""
    try:
        known = bool(json.loads(said))
    except (ValueError, RecursionError):
        known = False
    if known:
        return b'{"error":' + said + b"}"
    text = said.decode("utf-8", "replace").strip()
    return json.dumps({"error": text or "an error event that says nothing"}).encode()
