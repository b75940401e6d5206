"""Servers that never end, say too much, or speak the wrong TLS: every wait has an end and every read a bound."""

from __future__ import annotations

import gzip
import re
import ssl
import time
from contextlib import contextmanager

import psutil
import pytest
import trustme

from fakes.plain_http import socket_server

pytestmark = pytest.mark.e2e

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MODELS = b'{"data": [{"id": "m"}]}'


def drip(connection, _request):
    """A byte now and then, for ever."""
    connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.2)


def flood(connection, _request):
    """Bytes without an end."""
    connection.sendall(HEAD + b"\r\n")
    while True:
        connection.sendall(bytes(65536))


def bomb(connection, _request):
    """Two megabytes that unpack to two gigabytes."""
    packed = gzip.compress(bytes(2**21)) * 1000
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)


def silent(connection, _request):
    """Nothing at all."""
    connection.recv(1)


def closes(connection, _request):
    """The connection ends at once."""
    connection.close()


def large_answers(connection, request):
    """A good server whose answers to a load have one line without an end."""
    if b"POST" not in request:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(MODELS) + MODELS)
    elif not re.search(rb'"max(_completion)?_tokens": ?60', request):
        chunk = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"length"}],'
        chunk += b'"usage":{"prompt_tokens":16,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(chunk) + chunk)
    else:
        connection.sendall(HEAD + b"\r\ndata: ")
        while True:
            connection.sendall(b"x" * 65536)


@contextmanager
def serving(answer, context=None):
    """Such a server's host and port, as URLs have them."""
    with socket_server(answer, context) as (host, port):
        yield f"{host}:{port}"


def peak_memory(run):
    """The most memory that a process of the run has had, while it runs."""
    most = 0
    while run.process.poll() is None:
        for one in run.family():
            try:
                most = max(most, one.memory_info().rss)
            except psutil.Error:
                continue
        time.sleep(0.05)
    return most


@pytest.mark.parametrize(
    ("answer", "sees"),
    [
        (drip, "did not end within"),
        (flood, "more than"),
        (bomb, "compressed (gzip)"),
        (silent, "no answer within"),
        (closes, "not ready"),
    ],
    ids=["drip", "flood", "bomb", "silent", "closes"],
)
def test_a_server_that_is_never_ready(fault_run, answer, sees):
    """The readiness question has an end and a bound; the message says what was seen."""
    with serving(answer) as where:
        run = fault_run(f"http://{where}").start("--server-timeout=5", "-k", "first")
        begun = time.monotonic()
        memory = peak_memory(run)
        took = time.monotonic() - begun
        ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    assert sees in ended.output
    assert took < 10 * 5
    assert memory < 2**29
    assert ended.cases == []


def test_an_answer_without_an_end(fault_run):
    """Each request fails as too large, and memory stays bounded."""
    with serving(large_answers) as where:
        run = fault_run(f"http://{where}", requests=2).start("-k", "first")
        memory = peak_memory(run)
        ended = run.end()
    assert (ended.code, ended.left) == (1, ())
    assert [case["verdict"] for case in ended.cases] == ["invalid"]
    assert "too_large: the answer has more than 67,108,864 bytes" in ended.output
    assert memory < 2**30


@pytest.mark.parametrize(
    ("scheme", "speaks_tls", "sees"),
    [
        ("https", True, "certificate"),
        ("https", False, "the server speaks no TLS there; give its address as http://"),
        ("http", True, "https"),
    ],
    ids=["unknown-ca", "plain-behind-https", "tls-behind-http"],
)
def test_tls_that_does_not_fit(fault_run, scheme, speaks_tls, sees):
    """It is told as what it is, at once."""
    context = None
    if speaks_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with serving(large_answers, context) as where:
        ended = fault_run(f"{scheme}://{where}").start("--server-timeout=20", "-k", "first").end()
    assert (ended.code, ended.left) == (1, ())
    assert sees in ended.output
    assert ended.cases == []


def test_nobody_listens(fault_run):
    """One message with the address."""
    with serving(closes) as where:
        pass
    ended = fault_run(f"http://{where}").start("--server-timeout=3", "-k", "first").end()
    assert (ended.code, ended.left) == (1, ())
    assert f"http://{where} was not ready within 3 s; last seen: /v1/models does not answer" in ended.output
