"""The self-check: the load engine against a server whose send times are known, at a case's own load.

Limits: runs for about a second before a case is measured, with the engine that will measure it, and says by how much a
reported time to the first token was off. What it finds is printed with the results; it judges nothing.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_inferbench.clock import NS_PER_MS
from pytest_inferbench.errors import LoadError
from pytest_inferbench.load import truth_server
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.load.job import EncodedRequest, Limits, Target
from pytest_inferbench.wire.http import encode_head

_PATH = "/v1/chat/completions"
_REQUESTS_A_STREAM = 2
_WORST_OF_HUNDRED = 0.99


def self_error_ms(engine: LoadEngine, streams: int, gap_ms: float) -> float:
    """The p99 of |reported - true| time to the first token, in milliseconds.

    Args:
        engine: the engine that will carry the case.
        streams: the case's concurrent streams.
        gap_ms: the case's usual gap between chunks.

    Raises:
        LoadError: the check could not be run.
    """
    with _server(gap_ms) as port:
        requests = tuple(_request(index, port) for index in range(_REQUESTS_A_STREAM * streams))
        seen = engine.carry(
            requests, target=Target("127.0.0.1", port), protocol="openai-chat", streams=streams, limits=Limits()
        )
        truth = _truth(port)
    errors = sorted(
        abs(record.output_ns[0] - truth[str(record.index)][0]) / NS_PER_MS
        for record in seen.records
        if record.failure is None and str(record.index) in truth
    )
    if not errors:
        raise LoadError("the self-check had no answer from its own server; is loopback traffic blocked?")
    return errors[min(len(errors) - 1, int(len(errors) * _WORST_OF_HUNDRED))]


def _request(index: int, port: int) -> EncodedRequest:
    body = b"{}"
    headers = (("Content-Type", "application/json"), ("X-Request-Id", str(index)))
    head = encode_head("POST", _PATH, f"127.0.0.1:{port}", headers, len(body))
    return EncodedRequest(index, head + body, None, truth_server.TOKENS, "", keep_text=False)


@contextmanager
def _server(gap_ms: float) -> Iterator[int]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", str(Path(truth_server.__file__)), str(gap_ms)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def _truth(port: int) -> dict[str, list[int]]:
    """Send times by request."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /truth HTTP/1.1\r\nHost: truth\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(body) < length:
            body += connection.recv(65536)
    sent: dict[str, list[int]] = json.loads(body)
    return sent
