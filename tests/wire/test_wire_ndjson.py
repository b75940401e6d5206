"""Framing of newline-delimited JSON."""

from __future__ import annotations

import pytest

from pytest_inferbench.wire.ndjson import NdjsonFramer

TABLE = [
    pytest.param(b"{}\n", [b"{}"], id="one line"),
    pytest.param(b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}'], id="two lines"),
    pytest.param(b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}'], id="cr lf"),
    pytest.param(b"\n\n{}\n\r\n \n", [b"{}"], id="blank lines"),
    pytest.param(b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}'], id="no last line end"),
    pytest.param('{"a":"\U0001f600"}\n'.encode(), ['{"a":"\U0001f600"}'.encode()], id="multi-byte characters"),
    pytest.param(b"", [], id="nothing"),
]


def frame(pieces):
    framer = NdjsonFramer()
    return [payload for piece in pieces for payload in framer.feed(piece)] + framer.close()


@pytest.mark.parametrize(("data", "payloads"), TABLE)
def test_lines_are_framed(data, payloads):
    """Fed whole, byte by byte and with a line behind it, a stream has the same lines."""
    assert frame([data]) == payloads
    assert frame(data[i : i + 1] for i in range(len(data))) == payloads
    assert frame([data, b"\n", b"[1]\n"]) == [*payloads, b"[1]"]


def test_a_line_is_delivered_with_the_byte_that_ends_it():
    """Stamps depend on it."""
    framer = NdjsonFramer()
    assert framer.feed(b"{}") == []
    assert framer.feed(b"\n{") == [b"{}"]
    assert framer.close() == [b"{"]
