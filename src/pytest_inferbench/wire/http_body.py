"""HTTP/1.1 response bodies: received bytes become body bytes.

Limits: linear in the bytes fed, however they are cut. Whatever was decoded before a fault is handed out; the fault is
raised by the call after. Grammar: RFC 9112, 7.1.
"""

from __future__ import annotations

import re

from pytest_inferbench.wire.errors import BodyCut, WireError
from pytest_inferbench.wire.http_head import ResponseHead

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_CHUNK_START = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")
_MOST_LINE_BYTES = 65536
_SHOWN_BYTES = 200


class BodyReader:
    """Decodes one response body.

    Args:
        head: its head.

    Raises:
        WireError: the body has a Content-Encoding, which was not asked for.

    Attributes:
        complete: whether the body has ended.
        unread: bytes fed after the body's end.
        fault: why the body cannot be read any further; what was decoded before it has been handed out.
    """

    def __init__(self, head: ResponseHead) -> None:
        coding = head.headers.get("content-encoding", "identity")
        if coding.lower() not in ("identity", ""):
            raise WireError(f"Content-Encoding {coding[:_SHOWN_BYTES]!r} was not asked for and is not decoded")
        self.complete = head.body.content_length == 0
        self.unread = b""
        self._until_close = head.body.until_close
        self._chunked = head.body.chunked
        self._left = head.body.content_length or 0  # bytes left of the body, or of the chunk
        self._gap = b""  # what must follow before the next chunk
        self._line = bytearray()  # a chunk-size or trailer line that has not ended yet
        self._in_trailers = False
        self.fault: WireError | None = None

    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`.

        Raises:
            WireError: these or earlier bytes are not the body that the head announced.
        """
        if self.fault is not None:
            raise self.fault
        if self.complete:
            self.unread += data
            return b""
        if self._until_close:
            return data
        if self._chunked:
            return self._feed_chunked(data)
        body = data[: self._left]
        self._left -= len(body)
        if self._left == 0:
            self.complete = True
            self.unread = data[len(body) :]
        return body

    def eof(self) -> None:
        """The connection has ended.

        Raises:
            BodyCut: the body has not.
            WireError: an earlier fault that no call has raised yet.
        """
        if self.fault is not None:
            raise self.fault
        if self._until_close:
            self.complete = True
        if not self.complete:
            what = "chunk" if self._chunked else "body"
            raise BodyCut(f"cut: the connection ended before the body did, {self._left} bytes before the {what}'s end")

    def _feed_chunked(self, data: bytes) -> bytes:
        body: list[bytes] = []
        position = 0
        try:
            while position < len(data) and not self.complete:
                if self._left:
                    piece = data[position : position + self._left]
                    position += len(piece)
                    self._left -= len(piece)
                    body.append(piece)
                elif self._gap:
                    position = self._skip_gap(data, position)
                elif self._line or self._in_trailers:
                    position = self._take_line(data, position)
                else:
                    whole = _take_whole_chunks(data, position, body)
                    position = whole if whole > position else self._take_line(data, position)
        except WireError as fault:
            self.fault = fault
            if not body:
                raise
        if self.complete:
            self.unread = data[position:]
        return b"".join(body)

    def _skip_gap(self, data: bytes, position: int) -> int:
        end = position + len(self._gap)
        found = data[position:end]
        if not self._gap.startswith(found):
            raise WireError(f"a chunk is not followed by CR LF, but by {data[position : position + _SHOWN_BYTES]!r}")
        self._gap = self._gap[len(found) :]
        return position + len(found)

    def _take_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        self._line += data[position : end if end >= 0 else len(data)]
        if len(self._line) > _MOST_LINE_BYTES:
            raise WireError(f"a chunk-size line without end: {bytes(self._line[:_SHOWN_BYTES])!r}")
        if end < 0:
            return len(data)
        line = bytes(self._line).removesuffix(b"\r")
        self._line.clear()
        if self._in_trailers:
            self.complete = not line
            return end + 1
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise WireError(f"not a chunk size: {line[:_SHOWN_BYTES]!r}")
        self._left = int(match[1], 16)
        self._in_trailers = self._left == 0
        self._gap = b"\r\n" if self._left else b""
        return end + 1


def _take_whole_chunks(data: bytes, position: int, body: list[bytes]) -> int:
    """Append to `body` the chunks that lie whole in `data`, without extensions: nearly all, in half the time.

    Returns:
        where they end; `position` if there is none.
    """
    while start := _CHUNK_START.match(data, position):
        begin = start.end()
        end = begin + int(start[1], 16)
        if end == begin or data[end : end + 2] != b"\r\n":
            break
        body.append(data[begin:end])
        position = end + 2
    return position
