"""One question and its whole answer: bounded in time and in bytes, whatever the server does."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading

import pytest

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.http_client import HttpClient, NoAnswer, Why

_HEAD = b"HTTP/1.1 200 OK\r\nX-Name: Value\r\n"
_PAUSE_S = 0.02


@pytest.fixture
def speak():
    """Start a server that hears one question and then says what a function yields; its URL and what it heard."""
    heard = []
    listeners = []

    def start(sayings):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def answer():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    heard.append(connection.recv(65536))
                    for saying in sayings():
                        connection.sendall(saying)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        """Until the other side has closed."""

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    start.heard = heard
    yield start
    for listener in listeners:
        listener.close()


def _dripping(*parts):
    yield from parts
    while True:
        SYSTEM_CLOCK.sleep(_PAUSE_S)
        yield b"x"


def _client(url, **more):
    return HttpClient(Endpoint(url, ""), more.pop("timeout_s", 10), **more)


def test_a_whole_answer(speak):
    """Status, headers by small names, body; the path is after the base URL, and no connection is kept."""
    url = speak(lambda: [_HEAD + b'Content-Length: 8\r\n\r\n{"a": 1}'])
    answer = HttpClient(Endpoint(f"{url}/base", "", (("Authorization", "Bearer k"),)), 10).ask("POST", "/path", b"{}")
    assert (answer.status, answer.headers["x-name"], answer.field("a")) == (200, "Value", 1)
    head = speak.heard[0].decode()
    assert head.startswith("POST /base/path HTTP/1.1\r\n")
    for line in ("Authorization: Bearer k", "Content-Type: application/json", "Connection: close", "Content-Length: 2"):
        assert f"\r\n{line}\r\n" in head


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        _HEAD + b"Content-Length: 100000\r\n\r\n",
        _HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n",
        _HEAD + b"\r\n",
    ],
    ids=["in its headers", "in its body", "in a chunk", "until it closes"],
)
def test_an_answer_that_drips_ends_in_time(speak, begun):
    """Each read brings something, and all of them together have one limit."""
    before = SYSTEM_CLOCK.now_ns()
    with pytest.raises(NoAnswer, match=r"the answer did not end within 0\.3 s") as caught:
        _client(speak(lambda: _dripping(begun)), timeout_s=0.3).ask("GET", "/")
    assert caught.value.why is Why.LATE
    assert (SYSTEM_CLOCK.now_ns() - before) / 1e9 >= 0.3


def test_a_server_that_says_nothing_is_late(speak):
    """It took the question and is silent; a question may have a limit of its own."""
    client = _client(speak(lambda: iter(lambda: SYSTEM_CLOCK.sleep(_PAUSE_S) or b"", None)))
    with pytest.raises(NoAnswer, match=r"no answer within 0\.2 s"):
        client.ask("GET", "/", timeout_s=0.2)


@pytest.mark.parametrize("head", [b"Content-Length: 9999999\r\n\r\n", b"\r\n"])
def test_an_answer_without_end_is_too_large(speak, head):
    """No more than the bound is taken in."""
    client = _client(speak(lambda: iter([_HEAD + head, *[b"x" * 65536] * 100])), most_bytes=100_000)
    with pytest.raises(NoAnswer, match="more than 100,000 bytes") as caught:
        client.ask("GET", "/")
    assert caught.value.why is Why.TOO_LARGE


def test_a_compressed_answer_is_not_unpacked(speak):
    """A few bytes may be gigabytes; nobody asked for it."""
    body = gzip.compress(b"x" * 10_000_000)
    head = _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with pytest.raises(NoAnswer, match=r"compressed \(gzip\)") as caught:
        _client(speak(lambda: [head + body])).ask("GET", "/")
    assert caught.value.why is Why.PACKED


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", Why.NOT_HTTP),
        (b"-ERR unknown command\r\n", Why.NOT_HTTP),
        (b"\x15\x03\x01\x00\x02\x02\x46", Why.NOT_HTTP),
        (b"HTTP/9 what\r\n\r\n", Why.NOT_HTTP),
        (b"", Why.BROKEN),
        (b"HTT", Why.BROKEN),
        (_HEAD + b"Content-Length: 10\r\n\r\nhalf", Why.BROKEN),
    ],
)
def test_what_is_no_answer_has_a_reason(speak, said, why):
    """Another protocol, nothing, half of it."""
    with pytest.raises(NoAnswer) as caught:
        _client(speak(lambda: [said] if said else [])).ask("GET", "/")
    assert caught.value.why is why


def test_a_header_that_cannot_be_sent_is_not_shown():
    """A key that ends in a line end is told without a letter of it."""
    endpoint = Endpoint("http://127.0.0.1:9", "", (("Authorization", "Bearer secret\nx"),))
    with pytest.raises(NoAnswer) as caught:
        HttpClient(endpoint, 1).ask("GET", "/")
    assert "secret" not in str(caught.value)


def test_a_key_with_any_letters_is_sent(speak):
    """As UTF-8, and not an error that shows it."""
    url = speak(lambda: [_HEAD + b"Content-Length: 0\r\n\r\n"])
    HttpClient(Endpoint(url, "", (("Authorization", "Bearer schlüssel"),)), 10).ask("GET", "/")
    assert "Bearer schlüssel".encode() in speak.heard[0]


def test_no_json_is_no_document(speak):
    """Neither text nor an array a hundred thousand deep."""
    for body in (b"hello", b"[" * 100_000):
        url = speak(lambda body=body: [_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body])
        assert _client(url).ask("GET", "/").document() is None
