"""HTTP/1.1 requests out of bytes, as any client sends them.

Limits: pure; no sockets. Keep-alive, `Content-Length` and chunked bodies; a request that is not whole yet is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


class BadRequest(ValueError):  # noqa: N818 - HTTP's own name
    """Bytes that are no HTTP/1.1 request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class RequestReader:
    """Collects the bytes of one connection and yields whole requests in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None

    def feed(self, data: bytes) -> None:
        """Add what was read from the socket."""
        self._buffer += data

    def take_expectation(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body; True once a request."""
        return self._head is not None and self._head[2].pop("expect", "").lower() == "100-continue"

    def next(self) -> Request | None:
        """The next whole request, or None while bytes are missing.

        Raises:
            BadRequest: the bytes are no HTTP/1.1 request.
        """
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._head = _head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
        method, path, headers = self._head
        if "chunked" in headers.get("transfer-encoding", "").lower():
            found = _dechunk(self._buffer)
        else:
            found = _exactly(self._buffer, headers.get("content-length", "0"))
        if found is None:
            return None
        body, used = found
        del self._buffer[:used]
        self._head = None
        return Request(method, path, headers, body)


def _head(raw: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = raw.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(f"not a request line: {first!r}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(f"not a header: {line!r}")
        headers[name.strip().lower()] = value.strip()
    return parts[0], urlsplit(parts[1]).path, headers


def _exactly(buffer: bytearray, length: str) -> tuple[bytes, int] | None:
    if not length.isdigit():
        raise BadRequest(f"not a length: {length!r}")
    size = int(length)
    return (bytes(buffer[:size]), size) if len(buffer) >= size else None


def _dechunk(buffer: bytearray) -> tuple[bytes, int] | None:
    """The body and how many bytes it took, or None while its end is missing; trailers are dropped."""
    body = bytearray()
    at = 0
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        try:
            size = int(bytes(buffer[at:end]).partition(b";")[0], 16)
        except ValueError:
            raise BadRequest(f"not a chunk length: {bytes(buffer[at:end])!r}") from None
        at = end + 2
        if size == 0:
            break
        if len(buffer) < at + size + 2:
            return None
        body += buffer[at : at + size]
        at += size + 2
    if buffer[at : at + 2] == b"\r\n":
        return bytes(body), at + 2
    end = buffer.find(b"\r\n\r\n", at)
    return (bytes(body), end + 4) if end >= 0 else None
