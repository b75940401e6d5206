"""HTTP bodies: chunks, lengths and connection ends, cut anywhere."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.wire.errors import BodyCut, WireError
from pytest_inferbench.wire.http import BodyReader, parse_head
from wire.wire_captures import CAPTURES, STREAMS, cut, decode

NEXT = b"HTTP/1.1 200 OK\r\n"


def reader(*fields: str) -> BodyReader:
    lines = "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""])
    found = parse_head(lines.encode())
    assert found is not None
    return BodyReader(found[0])


def chunked() -> BodyReader:
    return reader("Transfer-Encoding: chunked")


def in_chunks(body: bytes, places, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in cut(body, places) if piece) + end


def feed(body: BodyReader, pieces) -> bytes:
    return b"".join(body.feed(piece) for piece in pieces)


CHUNKED = [
    pytest.param(b"0\r\n\r\n", b"", id="empty"),
    pytest.param(b"3\r\nabc\r\n0\r\n\r\n", b"abc", id="one chunk"),
    pytest.param(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde", id="two chunks"),
    pytest.param(b"0A\r\n0123456789\r\n000\r\n\r\n", b"0123456789", id="hexadecimal, upper case, leading zeros"),
    pytest.param(b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789", id="hexadecimal, lower case"),
    pytest.param(b'3;x=y;z="1;2"\r\nabc\r\n0;last\r\n\r\n', b"abc", id="extensions"),
    pytest.param(b"3 \t;x\r\nabc\r\n0 \r\n\r\n", b"abc", id="space before an extension"),
    pytest.param(b"3\nabc\r\n0\n\n", b"abc", id="bare line feeds in lines"),
    pytest.param(b"3\r\nabc\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n", b"abc", id="trailers"),
    pytest.param(b"6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", b"\r\n0\r\n\r", id="a chunk that looks like framing"),
    pytest.param(
        b"13\r\nabc\r\n0123456789abcd\r\n0\r\n\r\n", b"abc\r\n0123456789abcd", id="a size that ends as another"
    ),
    pytest.param(b"0\r\n3\r\nabc\r\n\r\n", b"", id="trailers that look like a chunk"),
]


@pytest.mark.parametrize(("data", "body"), CHUNKED)
def test_chunks_are_joined(data, body):
    """Whole, byte by byte and with the next response behind it, a chunked body is the same."""
    whole, bytewise, trailed, later = chunked(), chunked(), chunked(), chunked()
    assert whole.feed(data) == body
    assert (whole.complete, whole.unread) == (True, b"")
    got = b""
    for i in range(len(data)):
        assert not bytewise.complete
        got += bytewise.feed(data[i : i + 1])
    assert got == body
    assert (bytewise.complete, bytewise.unread) == (True, b"")
    assert trailed.feed(data + NEXT) == body
    assert (trailed.complete, trailed.unread) == (True, NEXT)
    assert later.feed(data) + later.feed(b"HTTP") + later.feed(b"/1") == body
    assert (later.complete, later.unread) == (True, b"HTTP/1")
    whole.eof()


@pytest.mark.parametrize(("data", "body"), CHUNKED)
def test_chunks_in_two_reads_are_joined(data, body):
    """The read may end at any byte of the framing."""
    for at in range(len(data)):
        one = chunked()
        assert one.feed(data[:at]) + one.feed(data[at:]) == body
        assert (one.complete, one.unread) == (True, b"")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    body=st.binary(max_size=400),
    chunks=st.lists(st.integers(0, 10**6), max_size=20),
    reads=st.lists(st.integers(0, 10**6), max_size=20),
)
def test_any_chunks_in_any_reads_are_the_same_body(body, chunks, reads):
    """How the server cut its chunks and how TCP cut the reads have nothing to do with each other."""
    data = in_chunks(body, chunks)
    one = chunked()
    assert feed(one, cut(data + NEXT, reads)) == body
    assert (one.complete, one.unread) == (True, NEXT)


def test_whole_chunks_of_any_size_are_read():
    """Sizes are hexadecimal, small letters or capitals, with leading zeros or not."""
    bodies = [bytes([at % 256]) * at for at in range(1, 300)]
    data = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in bodies)
    upper = b"".join(b"%04X\r\n%s\r\n" % (len(each), each) for each in bodies)
    one = chunked()
    assert one.feed(data + upper + b"0\r\n\r\n" + NEXT) == b"".join(bodies) * 2
    assert (one.complete, one.unread) == (True, NEXT)


@pytest.mark.parametrize("capture", STREAMS, ids=lambda capture: capture.path)
def test_captured_streams_in_chunks_are_the_same_streams(capture):
    """Head and chunked body as a server sends them, in reads of any size, decode as the bare stream does."""
    rng = random.Random(capture.path)
    body = capture.body
    head = (CAPTURES / f"{capture.path}.hdr").read_bytes()
    data = in_chunks(body, [rng.randrange(len(body)) for _ in range(40)])
    found = parse_head(head + data[:10])
    assert found is not None
    one = BodyReader(found[0])
    reads = cut((head + data)[found[1] :], [rng.randrange(len(data)) for _ in range(40)])
    decoded = decode(capture.protocol, [(one.feed(read), 7) for read in reads])
    assert one.complete
    assert decoded == decode(capture.protocol, [(body, 7)])


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    chunks=st.lists(st.integers(0, 10**6), max_size=8),
    at=st.integers(0, 10**6),
    noise=st.binary(min_size=1, max_size=8),
    size=st.integers(1, 40),
)
def test_a_damaged_body_gives_what_came_before_the_damage(chunks, at, noise, size):
    """Damage is a `WireError` or a cut body, never another exception, and costs nothing that came before it."""
    body = bytes(range(32, 127)) * 2
    data = in_chunks(body, chunks)
    at %= len(data)
    before = feed(chunked(), [data[:at]])
    damaged = data[:at] + noise + data[at + 1 :]
    one, got = chunked(), b""
    try:
        for start in range(0, len(damaged), size):
            got += one.feed(damaged[start : start + size])
        one.eof()
    except WireError:
        assert not one.complete
    assert got.startswith(before)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x\r\n", "not a chunk size: b'x'"),
        (b"\r\n", "not a chunk size"),
        (b"-1\r\n", "not a chunk size"),
        (b"0x3\r\nabc\r\n", "not a chunk size"),
        (b"1" * 16 + b"\r\n", "not a chunk size"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "not a chunk size"),
        (b"1;" + b"x" * 70000, "without end"),
    ],
)
def test_what_is_no_chunk_is_refused(data, message):
    """The error shows the bytes."""
    with pytest.raises(WireError, match=message):
        chunked().feed(data)
    with pytest.raises(WireError, match=message):
        feed(chunked(), (data[i : i + 1] for i in range(len(data))))


def test_a_fault_is_raised_by_the_call_after_the_good_bytes():
    """Output before the fault is handed out; the fault can be looked at and comes again with each later call."""
    one = chunked()
    assert one.feed(b"3\r\nabc\r\n2\r\ndeX") == b"abcde"
    assert "not followed by CR LF, but by b'X'" in str(one.fault)
    for call in (lambda: one.feed(b"x"), lambda: one.feed(b""), one.eof):
        with pytest.raises(WireError, match="not followed by CR LF"):
            call()
    assert not one.complete


def test_a_body_with_a_length_ends_there():
    """Whole, byte by byte and with the next response behind it."""
    one = reader("Content-Length: 3")
    assert [one.feed(b"a"), one.complete, one.feed(b"bc" + NEXT), one.complete] == [b"a", False, b"bc", True]
    assert one.unread == NEXT
    one.eof()


def test_an_empty_body_is_complete_at_once():
    """Nothing will come, so nothing may be waited for."""
    one = reader("Content-Length: 0")
    assert one.complete
    assert one.feed(NEXT) == b""
    assert one.unread == NEXT


def test_a_body_until_close_ends_with_the_connection():
    """Whatever comes belongs to it."""
    one = reader()
    assert one.feed(b"abc") + one.feed(b"0\r\n\r\n") == b"abc0\r\n\r\n"
    assert not one.complete
    one.eof()
    assert one.complete


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        (("Content-Length: 3",), b"ab"),
        (("Content-Length: 3",), b""),
        (("Transfer-Encoding: chunked",), b""),
        (("Transfer-Encoding: chunked",), b"3\r\nab"),
        (("Transfer-Encoding: chunked",), b"3\r\nabc\r"),
        (("Transfer-Encoding: chunked",), b"3\r\nabc\r\n0\r\n"),
    ],
)
def test_a_connection_that_ends_early_cuts_the_body(fields, data):
    """A cut body is told apart from a broken one."""
    one = reader(*fields)
    one.feed(data)
    with pytest.raises(BodyCut, match="cut: the connection ended before the body did"):
        one.eof()


@pytest.mark.parametrize(
    ("coding", "refused"), [("gzip", True), ("br", True), ("identity", False), ("Identity", False)]
)
def test_a_content_encoding_is_refused(coding, refused):
    """We never ask for one; compressed bytes must not be taken for a broken stream."""
    if refused:
        with pytest.raises(WireError, match=f"Content-Encoding '{coding}' was not asked for"):
            reader("Content-Length: 3", f"Content-Encoding: {coding}")
    else:
        assert reader("Content-Length: 3", f"Content-Encoding: {coding}").feed(b"abc") == b"abc"


def test_small_reads_of_a_large_chunk_take_linear_time():
    """Keeping what a chunk has so far would copy gigabytes here."""
    one, size = chunked(), 2_000_000
    assert one.feed(b"%x\r\n" % size) == b""
    assert sum(len(one.feed(b"x" * 10)) for _ in range(size // 10)) == size
    assert one.feed(b"\r\n0\r\n\r\n") == b""
    assert one.complete
