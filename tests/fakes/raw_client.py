"""A client that adds nothing: one socket, and a stamp on each read.

Limits: standard library only; what arrived is kept as bytes, and read as HTTP and SSE only when asked.
"""

from __future__ import annotations

import json
import socket
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_TIMEOUT_S = 20.0
_END = b"0\r\n\r\n"


def request(header_script: dict[str, Any] | None = None, *, header_id: str = "", **body: Any) -> bytes:
    """One chat request as bytes; the script travels in its header."""
    fields = {"stream": True, "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 4, **body}
    text = json.dumps(fields).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(text)}\r\n"
    if header_script:
        head += f"X-Script: {json.dumps(header_script)}\r\n"
    if header_id:
        head += f"X-Request-Id: {header_id}\r\n"
    return f"{head}\r\n".encode() + text


class RawClient:
    """One connection.

    Attributes:
        pieces: what each read brought since the last `send`.
        stamps: when each read returned, aligned with `pieces`.
        sent_ns: when the last `send` began and when it returned.
    """

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self._sock = socket.socket()
        self._sock.settimeout(_TIMEOUT_S)
        if receive_buffer is not None:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._sock.connect(("127.0.0.1", port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pieces: list[bytes] = []
        self.stamps: list[int] = []
        self.sent_ns = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sock.close()

    def send(self, data: bytes) -> Self:
        """Send bytes as they are, and forget what came before."""
        self.pieces, self.stamps = [], []
        before = monotonic_ns()
        self._sock.sendall(data)
        self.sent_ns = (before, monotonic_ns())
        return self

    def read(self) -> bytes:
        """One read; empty at the end of the connection."""
        data = self._sock.recv(1 << 16)
        self.stamps.append(monotonic_ns())
        self.pieces.append(data)
        return data

    def until(self, end: bytes = _END) -> Self:
        """Read until what came ends in `end`."""
        tail = b""
        while not tail.endswith(end):
            data = self.read()
            if not data:
                raise ConnectionError(f"closed after {self.raw[-200:]!r}")
            tail = (tail + data)[-len(end) :]
        return self

    def until_closed(self) -> Self:
        """Read until the server closes."""
        while self.read():
            pass
        return self

    @property
    def raw(self) -> bytes:
        """Everything that came."""
        return b"".join(self.pieces)

    def events(self) -> list[bytes]:
        """The payloads of the whole events that came, in order."""
        return [payload for payload, _ in self._events()]

    def chunks(self) -> list[dict[str, Any]]:
        """The same as JSON, without `[DONE]`."""
        return [json.loads(payload) for payload in self.events() if payload != b"[DONE]"]

    def texts(self, field: str = "content") -> list[str]:
        """What each chunk that has some of it says in a field of its delta."""
        deltas = [chunk["choices"][0]["delta"] for chunk in self.chunks() if chunk.get("choices")]
        return [delta[field] for delta in deltas if delta.get(field)]

    def arrivals(self) -> list[int]:
        """When each event with content or reasoning was whole."""
        return [stamp for payload, stamp in self._events() if b'content":"' in payload]

    def _events(self) -> list[tuple[bytes, int]]:
        found, rest = [], b""
        for piece, stamp in zip(self.pieces, self.stamps, strict=True):
            *whole, rest = (rest + piece).split(b"\n\n")
            found += [(event.partition(b"data: ")[2], stamp) for event in whole if b"data: " in event]
        return found
