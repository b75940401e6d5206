"""HTTP heads: what servers send, what they must not, and what we send."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.http import BodyLength, ResponseHead, encode_head, parse_head
from wire.wire_captures import CAPTURES

HEADS = sorted(CAPTURES.rglob("*.hdr"))
CHUNKED, CLOSE = BodyLength(chunked=True), BodyLength()


def length(number: int) -> BodyLength:
    return BodyLength(content_length=number)


def head(body, keep_alive=True, status=200, **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return ResponseHead(status, fields, body, keep_alive)


TABLE = [
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", head(CLOSE, keep_alive=False), id="no headers"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", head(length(3), content_length="3"), id="content length"
    ),
    pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 3\n\n", head(length(3), content_length="3"), id="bare line feeds"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ncontent-length:3  \r\n\r\n", head(length(3), content_length="3"), id="spaces or none"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        head(length(3), content_length="3, 3"),
        id="the same length twice",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
        head(CHUNKED, transfer_encoding="Chunked"),
        id="chunked",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        head(CHUNKED, keep_alive=False, transfer_encoding="chunked", content_length="3"),
        id="chunked wins over length, and the connection is not used again",
    ),
    pytest.param(
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", head(length(3), keep_alive=False, content_length="3"), id="1.0"
    ),
    pytest.param(
        b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\n",
        head(length(3), content_length="3", connection="Keep-Alive"),
        id="1.0 keep-alive",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: x, Close\r\n\r\n",
        head(length(3), keep_alive=False, content_length="3", connection="x, Close"),
        id="1.1 close",
    ),
    pytest.param(
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        head(length(0), status=503, content_length="0"),
        id="error status",
    ),
    pytest.param(
        b"HTTP/1.1 204\r\nContent-Length: 5\r\n\r\n",
        head(length(0), status=204, content_length="5"),
        id="no content, no reason",
    ),
    pytest.param(
        b"HTTP/1.1 304 \r\nTransfer-Encoding: chunked\r\n\r\n",
        head(length(0), status=304, transfer_encoding="chunked"),
        id="not modified has no body",
    ),
    pytest.param(
        b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hint\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n",
        head(length(1), content_length="1"),
        id="interim responses are skipped",
    ),
    pytest.param(
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        head(length(0), status=101),
        id="switching protocols is final",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nX-A: one\r\nx-a: two\r\nX-B:\r\nContent-Length: 1\r\n\r\n",
        head(length(1), x_a="one, two", x_b="", content_length="1"),
        id="repeated and empty fields",
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nX-A: one\r\n  two\r\n\tthree\r\nContent-Length: 1\r\n\r\n",
        head(length(1), x_a="one two three", content_length="1"),
        id="folded field",
    ),
    pytest.param(
        b"HTTP/1.1 200 \xe9t\xe9\r\nX-A: \xfc\r\nContent-Length: 1\r\n\r\n",
        head(length(1), x_a="\u00fc", content_length="1"),
        id="latin-1",
    ),
]


@pytest.mark.parametrize(("data", "expected"), TABLE)
def test_heads_mean_what_the_standard_says(data, expected):
    """Whole, with a body behind it, and byte by byte: None until the head is whole, then the same head."""
    assert parse_head(data) == (expected, len(data))
    assert parse_head(data + b"body\n\nHTTP/1.1 500") == (expected, len(data))
    for end in range(len(data)):
        assert parse_head(data[:end]) is None


@pytest.mark.parametrize("path", HEADS, ids=lambda path: str(path.relative_to(CAPTURES)))
def test_captured_heads_are_read(path):
    """Each real server's head gives its status, its fields and a body whose end can be found."""
    data = path.read_bytes()
    found = parse_head(data)
    assert found is not None
    response, end = found
    assert end == len(data)
    status_line, *fields = data.decode().strip().split("\r\n")
    assert status_line.startswith(f"HTTP/1.1 {response.status} ")
    assert set(response.headers) == {field.partition(":")[0].lower() for field in fields}
    assert response.keep_alive is (response.headers.get("connection") != "close")
    raw = path.with_suffix(".raw").stat().st_size
    assert response.body == (CHUNKED if "transfer-encoding" in response.headers else length(raw))


GARBAGE = [
    pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", "not an HTTP/1 response: b'SSH", id="another protocol"),
    pytest.param(b"\x15\x03\x01\x00\x02\x02P", "not an HTTP/1 response", id="tls"),
    pytest.param(b"HTTP/2 200\r\n\r\n", "not an HTTP/1 response", id="version 2"),
    pytest.param(b"\r\nHTTP/1.1 200 OK\r\n\r\n", "not an HTTP/1 response", id="blank line before"),
    pytest.param(b"{}", "not an HTTP/1 response", id="body without a head"),
    pytest.param(b"HTTP/1.2 200 OK\r\n\r\n", "status line", id="version 1.2"),
    pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", "status line", id="short status"),
    pytest.param(b"HTTP/1.1 2000\r\n\r\n", "status line", id="long status"),
    pytest.param(b"HTTP/1.1 600 Odd\r\n\r\n", "status line", id="status out of range"),
    pytest.param(b"HTTP/1.1 200\x00OK\r\n\r\n", "status line", id="nul in the status line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "header line: b'no colon'", id="no colon"),
    pytest.param(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", "header line", id="no name"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA : x\r\n\r\n", "header line", id="space before the colon"),
    pytest.param(b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", "header line", id="folded first field"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: x\x00y\r\n\r\n", "header line", id="nul in a value"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: x\ry\r\n\r\n", "header line", id="carriage return in a value"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "Content-Length 'x'", id="length no number"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length", id="negative length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "Content-Length", id="two lengths"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n", "Content-Length", id="underscore in length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n", "Content-Length", id="superscript length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding", id="coding"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 65536, "larger than 65536", id="endless head"),
    pytest.param(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 65536 + b"\r\n\r\n", "larger than 65536", id="large head"),
    pytest.param(b"HTTP/1.1 100 Go\r\n\r\n" * 5000, "larger than 65536", id="endless interim heads"),
]


@pytest.mark.parametrize(("data", "message"), GARBAGE)
def test_what_is_no_http_head_is_refused(data, message):
    """The error says what is wrong and shows the bytes, without waiting for more."""
    with pytest.raises(WireError, match=message) as raised:
        parse_head(data)
    assert len(str(raised.value)) < 1000


@settings(deadline=None, derandomize=True, max_examples=300)
@given(data=st.binary(max_size=200), good=st.booleans())
def test_any_bytes_are_a_head_or_none_or_a_wire_error(data, good):
    """No other exception comes out of a head, whatever it holds."""
    try:
        found = parse_head(b"HTTP/1.1 200 OK\r\n" * good + data)
    except WireError:
        return
    assert found is None or found[1] <= 17 + len(data)


def test_a_request_head_is_exactly_this():
    """Fields in the given order, a later one in place of an earlier one of the same name, the length last."""
    headers = (("Accept", "*/*"), ("Authorization", "Bearer k"), ("accept", "text/event-stream"), ("X-Name", "\u00e9"))
    assert encode_head("POST", "/v1/chat?x=%20", "h:80", headers, 12) == (
        b"POST /v1/chat?x=%20 HTTP/1.1\r\nHost: h:80\r\naccept: text/event-stream\r\nAuthorization: Bearer k\r\n"
        b"X-Name: \xe9\r\nContent-Length: 12\r\n\r\n"
    )


def test_a_host_header_of_the_user_wins():
    """A server behind a forwarded port answers by its name."""
    data = encode_head("GET", "/", "127.0.0.1:80", [("host", "models.example")], 0)
    assert data == b"GET / HTTP/1.1\r\nhost: models.example\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Authorization", "secret\r\nX: y", "'Authorization': its value holds a line end"),
        ("Authorization", "secret\n", "line end"),
        ("Authorization", "secret\r", "line end"),
        ("Authorization", "secret\x00", "NUL"),
        ("Authorization", "secret\u20ac", "Latin-1"),
        ("X y", "secret", "not a header name"),
        ("X\r\nY", "secret", "not a header name"),
        ("", "secret", "not a header name"),
        ("\u00e9", "secret", "Latin-1"),
        ("content-Length", "secret", "set by the load generator"),
        ("Transfer-Encoding", "secret", "set by the load generator"),
    ],
)
def test_a_header_that_would_break_the_request_is_refused(name, value, message):
    """The error names the header and never shows its value, which may be a key."""
    with pytest.raises(ConfigError, match=message) as raised:
        encode_head("POST", "/", "h", [(name, value)], 0)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("POST", "v1"), ("POST", "/a b"), ("POST", "/\u00e9"), ("POST", "/\r\nX: y"), ("PO ST", "/")],
)
def test_a_request_line_that_would_break_is_refused(method, path):
    """A base URL with a space or a line end in its path cannot smuggle anything."""
    with pytest.raises(ConfigError, match="no HTTP request line"):
        encode_head(method, path, "h", (), 0)


def test_a_host_that_would_break_the_request_is_refused():
    """The host is a header like the others."""
    with pytest.raises(ConfigError, match="'Host'"):
        encode_head("POST", "/", "h\r\nX: y", (), 0)
