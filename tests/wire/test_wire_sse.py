"""Framing of server-sent events."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.wire.sse import SseFramer
from wire.wire_captures import cut

TABLE = [
    pytest.param(b"data: a\n\n", [b"a"], id="one event"),
    pytest.param(b"data:a\n\n", [b"a"], id="no space"),
    pytest.param(b"data:  a \n\n", [b" a "], id="only one space is taken"),
    pytest.param(b"data: a\n\ndata: b\n\n", [b"a", b"b"], id="two events"),
    pytest.param(b"data: a\ndata: b\n\n", [b"a\nb"], id="data on two lines"),
    pytest.param(b"data\ndata: a\n\n", [b"\na"], id="data without colon"),
    pytest.param(b"data\n\ndata\ndata\n\ndata:\n\ndata: \n\ndata:   \n\n", [], id="data of blanks only"),
    pytest.param(b"event: ping\ndata: ping\n\nevent:keep-alive\ndata: {}\n\ndata: a\n\n", [b"a"], id="heartbeats"),
    pytest.param(b'event: error\ndata: {"a":1}\n\ndata: b\n\n', [b'{"error":{"a":1}}', b"b"], id="error event"),
    pytest.param(b"data: too busy\nevent: error\n\n", [b'{"error": "too busy"}'], id="error event in plain text"),
    pytest.param(b"event: error\n\n", [b'{"error": "an error event that says nothing"}'], id="error without data"),
    pytest.param(b"event: error\ndata: null\n\n", [b'{"error": "null"}'], id="error event of null"),
    pytest.param(b": comment\n\ndata: a\n\n:\n\n", [b"a"], id="comments"),
    pytest.param(b"data: a\n: between\ndata: b\n\n", [b"a\nb"], id="comment inside an event"),
    pytest.param(b"event: x\nid: 1\nretry: 5\ndata: a\n\n", [b"a"], id="other fields"),
    pytest.param(b"event: ping\n\n\n\ndata: a\n\n", [b"a"], id="event without data"),
    pytest.param(b"database: a\n data: b\nDATA: c\n\n", [], id="fields that only look alike"),
    pytest.param(b"data: a: b\n\n", [b"a: b"], id="colon in data"),
    pytest.param(b"\xef\xbb\xbfdata: a\n\n", [b"a"], id="byte order mark"),
    pytest.param(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"], id="byte order mark only at the start"),
    pytest.param("data: h\u00e9 \U0001f600\n\n".encode(), ["h\u00e9 \U0001f600".encode()], id="multi-byte characters"),
    pytest.param("data: a\u2028b\x0bc\n\n".encode(), ["a\u2028b\x0bc".encode()], id="other line separators are data"),
    pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"], id="cr lf"),
    pytest.param(b"data: a\r\rdata: b\r\r", [b"a", b"b"], id="cr"),
    pytest.param(b"data: a\n\r\ndata: b\r\n\ndata: c\n\r", [b"a", b"b", b"c"], id="mixed line ends"),
    pytest.param(b"data: a\r\n\n\r\ndata: b\n\n", [b"a", b"b"], id="cr lf, then lf"),
    pytest.param(b'error: {"code":500}\n\n', [b'{"error": {"code":500}}'], id="error field of older llama.cpp"),
    pytest.param(b"data: a\n\ndata: b", [b"a", b"b"], id="nothing after the last line"),
    pytest.param(b"data: a\n\ndata: b\n", [b"a", b"b"], id="no last blank line"),
    pytest.param(b"data: a\n\ndata: b\r", [b"a", b"b"], id="ends inside cr lf"),
    pytest.param(b"data: a\n\nevent: end", [b"a"], id="last event without data"),
    pytest.param(b"\xef\xbb\xbfdata: a", [b"a"], id="byte order mark and no line end"),
    pytest.param(b"", [], id="nothing"),
]


def frame(pieces):
    framer = SseFramer()
    return [payload for piece in pieces for payload in framer.feed(piece)] + framer.close()


@pytest.mark.parametrize(("data", "payloads"), TABLE)
def test_events_are_framed_as_the_standard_says(data, payloads):
    """Fed whole, byte by byte and with an event behind it, a stream has the same events."""
    assert frame([data]) == payloads
    assert frame(data[i : i + 1] for i in range(len(data))) == payloads
    assert frame([data, b"\n\n", b"data: later\n\n"]) == [*payloads, b"later"]
    assert frame([data, b"\n\ndata: later\n\n"]) == [*payloads, b"later"]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    lines=st.lists(
        st.sampled_from([b"data: a", b"data:b", b"data", b"", b"", b": c", b"id: 1", "data: \u00e9\U0001f600".encode()])
    ),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=1),
    places=st.lists(st.integers(0, 10**6), max_size=20),
)
def test_pieces_and_line_ends_have_no_meaning(lines, ends, places):
    """Any lines, ended in any of the three ways and cut anywhere, frame as with LF in one piece."""
    # A CR before an LF would be one line end instead of two.
    mixed = b"".join(
        line
        + (b"\n" if ends[i % len(ends)] == b"\r" and i + 1 < len(lines) and not lines[i + 1] else ends[i % len(ends)])
        for i, line in enumerate(lines)
    )
    assert frame(cut(mixed, places)) == frame([b"".join(line + b"\n" for line in lines)])


@pytest.mark.parametrize(
    ("pieces", "payloads"),
    [
        ([b"data: x", b"data: a\n\n"], [b"xdata: a"]),
        ([b"data: x\n", b"data: a\n\n"], [b"x\na"]),
        ([b"data: x\r", b"data: a\n\n"], [b"x\na"]),
        ([b"data: x\r", b"", b"\ndata: a\n\n"], [b"x\na"]),
        ([b"data: x\r", b"\n", b"\ndata: a\n\n"], [b"x", b"a"]),
        ([b"data: x\r\r", b"data: a\n\n", b"\ndata: b\n\n"], [b"x", b"a", b"b"]),
        ([b"data: x\rdata: a\n\n"], [b"x\na"]),
        ([b"data: x\n\n", b"\xef\xbb\xbfdata: a\n\n"], [b"x"]),
        ([b"data: x\n", b"\n"], [b"x"]),
        ([b"data: x\n\n\n"], [b"x"]),
        ([b"data: \n\n", b"data:x\n\n"], [b"x"]),
    ],
)
def test_a_piece_means_what_came_before_it_makes_of_it(pieces, payloads):
    """A piece that looks like one whole event may be the rest of another."""
    assert frame(pieces) == payloads


def test_a_byte_order_mark_after_a_whole_event_is_no_mark():
    """A whole event in one piece begins the stream as any other: what looks like a mark later is part of a field."""
    pieces = [b"data: a piece of some length\n\n", b"\xef\xbb\xbfdata: b\n\n", b"data: c\n\n"]
    assert frame(pieces) == [b"a piece of some length", b"c"]


@pytest.mark.parametrize("size", range(1, 30))
def test_the_length_of_a_piece_has_no_meaning(size):
    """One event, fed whole, is its data, be it short or long; blanks alone are a heartbeat of any length."""
    data = b"x" * size
    assert frame([b"data: " + data + b"\n\n"]) == [data]
    assert frame([b"data: " + b" " * min(size, 8) + b"\n\n"]) == []


def test_an_event_is_delivered_with_the_byte_that_ends_it():
    """Stamps depend on it: not a byte early, not a piece late."""
    framer = SseFramer()
    assert framer.feed(b"data: a\n") == []
    assert framer.feed(b"\n") == [b"a"]
    assert framer.feed(b"data: b\r\n\r") == [b"b"]
    assert framer.feed(b"\ndata: c\n\n") == [b"c"]
    assert framer.feed(b"") == []


def test_a_long_line_in_small_pieces_takes_linear_time():
    """Copying the unfinished line for each of these 200,000 pieces would take minutes."""
    line = b"data: " + b"x" * 2_000_000
    framer = SseFramer()
    for start in range(0, len(line), 10):
        assert framer.feed(line[start : start + 10]) == []
    assert framer.feed(b"\n\n") == [line[6:]]
