"""A server whose send times are known: what the self-check measures the client against. Run as a process of its own.

Limits: standard library only. It answers every request with a chunked stream of `TOKENS` chunks at fixed times after it
has read the request, keeps the monotonic time before each send, and gives them to `GET /truth`. Its stamps and the
client's are of one clock (CLOCK_MONOTONIC is the host's), so their difference is the client's error and nothing else.

Usage: python truth_server.py GAP_MS; prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import heapq
import json
import re
import select
import socket
import sys
import time

FIRST_MS = 20.0
TOKENS = 12
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"x-request-id: *(\S+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(payload: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(payload), payload)


_TOKEN = _chunk(b'data: {"choices":[{"index":0,"delta":{"content":" tok"},"finish_reason":null}]}\n\n')
_END = (
    _chunk(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n')
    + _chunk(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


class TruthServer:
    """One poll loop over all connections and the times at which something is due."""

    def __init__(self, gap_ms: float) -> None:
        self._gap_ns = int(gap_ms * 1e6)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._listener.fileno(), select.POLLIN)
        self._poll.register(0, select.POLLIN)
        self._sockets: dict[int, socket.socket] = {}
        self._received: dict[int, bytes] = {}
        self._due: list[tuple[int, int, str, int]] = []
        self._sent: dict[str, list[int]] = {}

    def serve(self) -> None:
        """Until standard input ends."""
        sys.stdout.write(f"{self._listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            wait_ms = 1000.0 if not self._due else max(0.0, (self._due[0][0] - time.monotonic_ns()) / 1e6)
            for fd, _ in self._poll.poll(int(wait_ms)):
                if fd == 0:
                    return
                if fd == self._listener.fileno():
                    self._accept()
                else:
                    self._read(fd)
            while self._due and self._due[0][0] <= time.monotonic_ns():
                self._send(*heapq.heappop(self._due))

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[connection.fileno()] = connection
        self._received[connection.fileno()] = b""
        self._poll.register(connection.fileno(), select.POLLIN)

    def _read(self, fd: int) -> None:
        data = self._sockets[fd].recv(65536)
        if not data:
            self._poll.unregister(fd)
            self._sockets.pop(fd).close()
            return
        request = self._received[fd] + data
        head, blank, body = request.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank or len(body) < (int(length[1]) if length else 0):
            self._received[fd] = request
            return
        self._received[fd] = b""
        if head.startswith(b"GET"):
            page = json.dumps(self._sent).encode()
            self._sockets[fd].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page))
            return
        name = _ID.search(head)
        self._sockets[fd].sendall(_HEAD)
        first = time.monotonic_ns() + int(FIRST_MS * 1e6)
        heapq.heappush(self._due, (first, fd, name[1].decode() if name else "", 0))

    def _send(self, due_ns: int, fd: int, name: str, number: int) -> None:
        connection = self._sockets.get(fd)
        if connection is None:
            return
        if number == TOKENS:
            connection.sendall(_END)
            return
        self._sent.setdefault(name, []).append(time.monotonic_ns())
        connection.sendall(_TOKEN)
        heapq.heappush(self._due, (due_ns + self._gap_ns, fd, name, number + 1))


if __name__ == "__main__":
    TruthServer(float(sys.argv[1])).serve()
