"""Servers that a test writes in a few lines: one answer a request, or whatever it does with a connection.

Limits: nothing is scripted or stamped here; `scripted` is for that.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext


class PlainHandler(BaseHTTPRequestHandler):
    """Answers with whole bodies, and is silent otherwise."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """What was sent with the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of such handlers; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def socket_server(
    answer: Callable[[socket.socket, bytes], None], context: SSLContext | None = None
) -> Iterator[tuple[str, int]]:
    """A server that gives every connection, with the first it said, to `answer`; its host and port.

    Args:
        answer: speaks as it likes, for as long as the other side listens.
        context: of TLS; None for none.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with suppress(OSError):
            speaking = context.wrap_socket(connection, server_side=True) if context else connection
            with speaking:
                answer(speaking, speaking.recv(65536))
        connection.close()

    def serve() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
