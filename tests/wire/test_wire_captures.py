"""What real servers streamed, however their bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.metrics.pace import pace_of
from pytest_inferbench.records import FailureKind, RequestRecord, Usage
from wire.wire_captures import CAPTURES, STREAMS, Capture, cut, decode

STAMP = 7
NOT_THESE_PROTOCOLS = {"messages_stream", "responses_stream"}
REFUSED = {"transformers-serve-5.19/chat_stream_ignore_eos"}

each_capture = pytest.mark.parametrize("capture", STREAMS, ids=lambda capture: capture.path)


def whole(capture: Capture):
    return decode(capture.protocol, [(capture.body, STAMP)])


def test_every_captured_stream_is_used():
    """A capture of a protocol we speak that has no row of expectations would be decoration."""
    found = {str(path.relative_to(CAPTURES).with_suffix("")) for path in CAPTURES.rglob("*_stream*.raw")}
    ours = {path for path in found if path.rpartition("/")[2] not in NOT_THESE_PROTOCOLS}
    assert ours - REFUSED == {capture.path for capture in STREAMS}


@each_capture
def test_a_captured_stream_says_what_its_server_said(capture):
    """Chunks, usage, finish reason, text, timings and steps are those of the capture, and nothing failed."""
    decoded = whole(capture)
    assert decoded.failure is None
    assert decoded.output_ns == (STAMP,) * capture.chunks
    assert decoded.answer_ns == STAMP
    assert decoded.usage == (None if capture.usage is None else Usage(*capture.usage))
    assert decoded.finish == capture.finish
    assert decoded.text.startswith(capture.text)
    assert (decoded.timing is not None) == capture.timed
    assert decoded.chunk_tokens == capture.steps


@each_capture
def test_a_captured_stream_shows_its_pace(capture):
    """What real servers stream, with the token that ends an answer and shows nothing, is no finding."""
    events = capture.body.split(b"\n\n")
    decoded = decode(capture.protocol, [(event + b"\n\n", 10**6 * (n + 1)) for n, event in enumerate(events)])
    stamps, usage = decoded.output_ns, decoded.usage
    record = RequestRecord(
        0, 0, 0, "", None, 0, stamps, None, stamps[-1], usage=usage, chunk_tokens=decoded.chunk_tokens
    )
    assert pace_of([record]).shown
    assert decoded.unread is None


@each_capture
def test_byte_by_byte_is_the_same_stream(capture):
    """One byte at a time gives the same as all at once, and each event has the stamp of the byte that ended it."""
    body = capture.body
    assert decode(capture.protocol, [(body[i : i + 1], STAMP) for i in range(len(body))]) == whole(capture)
    stamped = decode(capture.protocol, [(body[i : i + 1], i) for i in range(len(body))])
    ends = [i + 1 for i in range(len(body)) if body[i - 1 : i + 1] == b"\n\n"]
    assert set(stamped.output_ns) <= set(ends) | {end - 1 for end in ends}
    assert list(stamped.output_ns) == sorted(set(stamped.output_ns))


@each_capture
@settings(deadline=None, derandomize=True, max_examples=15)
@given(places=st.lists(st.integers(0, 10**6), max_size=60))
def test_any_split_is_the_same_stream(capture, places):
    """Where TCP cut the bytes has no meaning."""
    pieces = [(piece, STAMP) for piece in cut(capture.body, places)]
    assert decode(capture.protocol, pieces) == whole(capture)


@each_capture
@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"], ids=["crlf", "cr"])
def test_other_line_ends_are_the_same_stream(capture, line_end):
    """The standard's three line ends mean the same, also when a piece ends between CR and LF."""
    body = capture.body.replace(b"\n", line_end)
    pieces = [(body[i : i + 3], STAMP) for i in range(0, len(body), 3)]
    assert decode(capture.protocol, pieces) == whole(capture)


@each_capture
def test_trailing_data_changes_nothing(capture):
    """Comments may follow any stream; after an end marker, anything may."""
    trailing = b": bye\n\n"
    if b"data: [DONE]" in capture.body or capture.protocol == "llamacpp":
        trailing += b'data: {"choices":[{"delta":{"content":"late"}}],"content":"late"}\n\ndata: no JSON\n\n'
    assert decode(capture.protocol, [(capture.body + trailing, STAMP)]) == whole(capture)
    assert decode(capture.protocol, [(capture.body, STAMP), (trailing, 8)]) == whole(capture)


@each_capture
def test_a_missing_last_blank_line_changes_nothing(capture):
    """Some servers end with the last event's line, or even inside its line end."""
    assert decode(capture.protocol, [(capture.body.rstrip(b"\n"), STAMP)]) == whole(capture)


@each_capture
def test_a_cut_stream_is_a_failure_that_keeps_its_chunks(capture):
    """Half the bytes of a stream are half a stream, never an answer."""
    body = capture.body[: len(capture.body) // 2]
    decoded = decode(capture.protocol, [(body, STAMP)], complete=False)
    assert decoded.failure.kind is FailureKind.CUT
    assert 0 < len(decoded.output_ns) <= capture.chunks
    assert whole(capture).text.startswith(decoded.text)


def test_an_empty_200_body_is_an_empty_answer():
    """llama-cpp-python answers a prompt that is too long with status 200 and no body at all."""
    body = (CAPTURES / "llama-cpp-python-0.3.36/error_ctx_exceeded.raw").read_bytes()
    decoded = decode("openai-chat", [(body, STAMP)])
    assert decoded.failure.kind is FailureKind.EMPTY
    assert "body is empty" in decoded.failure.message


def test_a_200_body_of_another_protocol_shows_itself():
    """The failure of a body without any event shows how it begins."""
    body = (CAPTURES / "transformers-serve-5.19/chat_stream_ignore_eos.raw").read_bytes()
    decoded = decode("openai-chat", [(body, STAMP)])
    assert decoded.failure.kind is FailureKind.EMPTY
    assert "Unexpected fields in the request" in decoded.failure.message
