"""What a whole response body amounts to: stamps, tokens per chunk, text, and every way to fail."""

from __future__ import annotations

import json

import pytest
from wire_captures import decode

from pytest_inferbench.records import Failure, FailureKind, Usage
from pytest_inferbench.wire.catalogue import dialect_named
from pytest_inferbench.wire.stream import StreamDecoder, http_failure

DONE = b"data: [DONE]\n\n"
SERVERS = {
    "SGLang": (
        '{"choices":[{"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null}}],"usage":null}',
        '{"choices":[{"delta":{"role":null,"content":"a","reasoning_content":null},"finish_reason":null}],"usage":null}',
        '{"choices":[{"delta":{"content":"bc","reasoning_content":null},"finish_reason":null}],"usage":null}',
        '{"choices":[{"delta":{"content":null},"finish_reason":"length","matched_stop":null}],"usage":null}',
        '{"choices":[],"usage":{"prompt_tokens":43,"total_tokens":46,"completion_tokens":3,"prompt_tokens_details":null}}',
        "[DONE]",
    ),
    "ik_llama.cpp": (
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}]}',
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"a"}}]}',
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"bc"}}]}',
        '{"choices":[{"finish_reason":"length","index":0,"delta":{}}]}',
        '{"choices":[],"usage":{"completion_tokens":3,"prompt_tokens":43,"total_tokens":46}}',
        "[DONE]",
    ),
    "LiteLLM": (
        '{"choices":[{"index":0,"delta":{"content":"a","role":"assistant"}}]}',
        '{"choices":[{"index":0,"delta":{"content":"bc"}}]}',
        '{"choices":[{"finish_reason":"length","index":0,"delta":{}}]}',
        '{"choices":[{"index":0,"delta":{}}],"usage":{"completion_tokens":3,"prompt_tokens":43,"total_tokens":46}}',
        "[DONE]",
    ),
}


def content(text, tokens=None, **fields) -> bytes:
    ids = {} if tokens is None else {"token_ids": list(range(tokens))}
    return event({"choices": [{"delta": {"content": text}, **ids}], **fields})


def event(document) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def finish(**fields) -> bytes:
    return event({"choices": [{"delta": {}, "finish_reason": "stop"}], **fields})


def running(output):
    return {"usage": {"prompt_tokens": 43, "completion_tokens": output}}


def chat(*events: bytes, complete: bool = True):
    return decode("openai-chat", [(data, stamp) for stamp, data in enumerate(events)], complete=complete)


@pytest.mark.parametrize("lines", SERVERS.values(), ids=SERVERS)
def test_servers_without_a_capture_are_decoded_too(lines):
    """Their forms are written by hand from what was seen of them."""
    decoded = chat(*(f"data: {line}\n\n".encode() for line in lines))
    assert len(decoded.output_ns) == 2
    assert (decoded.text, decoded.finish) == ("abc", "length")
    assert (decoded.usage, decoded.failure) == (Usage(43, 3), None)


def test_an_event_has_the_stamp_of_the_piece_that_completed_it():
    """Also where a piece ends one event, holds a second and begins a third."""
    a, b, c = content("a"), content("b"), content("c")
    pieces = [(a[:-1], 1), (a[-1:] + b + c[:5], 2), (c[5:], 3), (finish() + DONE, 4)]
    assert decode("openai-chat", pieces).output_ns == (2, 2, 3)


def test_only_output_is_stamped():
    """Role, empty delta, usage, finish and end marker are no output; reasoning and tool calls are, but no answer."""
    tool = event({"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]})
    reasoning = event({"choices": [{"delta": {"reasoning": "r"}}]})
    role = event({"choices": [{"delta": {"role": "assistant", "content": ""}}]})
    decoded = chat(role, reasoning, tool, content(""), content("a"), content("b"), finish(), DONE)
    assert decoded.output_ns == (1, 2, 4, 5)
    assert decoded.answer_ns == 4
    assert decoded.text == "ab"
    assert chat(reasoning, finish()).answer_ns is None


def test_text_is_kept_only_where_asked():
    """A million chunks' text is not kept for nothing."""
    decoder = StreamDecoder(dialect_named("openai-chat"))
    decoder.feed(content("a") + finish(), 1)
    assert decoder.finish(complete=True).text is None


def test_a_character_cut_between_chunks_is_whole_again():
    r"""Halves of a surrogate pair, as `\u` escapes in two chunks, join; a lone half cannot spoil the record."""
    decoded = chat(content("\ud83d"), content("\ude00"), content("\ud83d!"), finish())
    assert decoded.text == "\U0001f600\ufffd!"


@pytest.mark.parametrize(
    ("events", "tokens"),
    [
        ([content("a", 1), content("b", 2)], (1, 2)),
        ([content("a", 1), content("b")], None),
        ([content("a", 1), content("", 2), content("b", 1), content("c", 1), content("", 1)], (1, 3, 1)),
        ([content("a", **running(1)), content("b", **running(4))], (1, 3)),
        ([content("", **running(0)), content("", **running(2)), content("a", **running(3))], (3,)),
        ([content("a", **running(1)), content("b"), content("c", **running(3))], None),
        ([content("a"), content("b", **running(2))], None),
        ([content("a", **running(3)), content("b", **running(1))], None),
        ([content("a", **running(None)), content("b", **running(2))], None),
        ([content("a", 2, **running(1)), content("b", **running(3))], (1, 2)),
        ([content("a", 2, **running(1)), content("b", 2, **running(3))], (2, 2)),
        ([content("a"), content("b")], None),
        ([content("")], None),
    ],
)
def test_tokens_per_chunk_are_known_only_where_every_chunk_says(events, tokens):
    """From token ids, else from the steps of a running usage; tokens of a silent chunk count with the next output."""
    assert chat(*events, finish(), DONE).chunk_tokens == tokens


def test_the_last_usage_counts():
    """A running usage is replaced, also by one on the finish chunk."""
    assert chat(content("a", **running(1)), finish(**running(7)), DONE).usage == Usage(43, 7)


@pytest.mark.parametrize(
    "rest", [b"", content("late"), DONE, b"data: no JSON\n\n"], ids=["end", "late", "done", "junk"]
)
@pytest.mark.parametrize("complete", [True, False])
def test_an_error_inside_the_stream_fails_it_and_keeps_what_came(rest, complete):
    """With status 200, as vLLM does it; what follows the error is not looked at."""
    error = event({"error": {"message": "engine died", "code": 500}})
    decoded = chat(content("a"), error, rest, complete=complete)
    assert decoded.failure == Failure(FailureKind.IN_STREAM, "engine died (500)")
    assert (decoded.output_ns, decoded.text) == ((0,), "a")


def test_an_error_field_of_older_llama_cpp_is_an_error_inside_the_stream():
    """It reports errors in an SSE field of that name instead of in data."""
    decoded = chat(content("a"), b'error: {"code":500,"message":"boom"}\n\n')
    assert decoded.failure == Failure(FailureKind.IN_STREAM, "boom (500)")


def test_bytes_of_another_protocol_fail_the_stream_and_keep_what_came():
    """The message shows them; what follows is not looked at."""
    decoded = chat(content("a") + b"data: <html>\n\n", content("late"), finish(), DONE)
    assert decoded.failure.kind is FailureKind.PROTOCOL
    assert "b'<html>'" in decoded.failure.message
    assert (decoded.output_ns, decoded.text, decoded.finish) == ((0,), "a", None)


def test_half_an_event_is_a_cut_or_a_broken_protocol():
    """If the connection ended early it was cut; if the body came to its end, the server wrote it so."""
    half = content("b")[:-10]
    assert chat(content("a"), half, complete=False).failure.kind is FailureKind.CUT
    assert chat(content("a"), half).failure.kind is FailureKind.PROTOCOL


def test_a_connection_that_ends_early_is_a_cut():
    """Also after the finish reason: the usage might still have come."""
    decoded = chat(content("a"), content("b"), finish(), complete=False)
    assert decoded.failure == Failure(FailureKind.CUT, "the connection ended inside the answer, after 2 output chunks")
    assert decoded.output_ns == (0, 1)
    assert chat(complete=False).failure.kind is FailureKind.CUT


def test_a_stream_that_just_ends_is_a_cut():
    """A server that was killed behind a proxy leaves a complete HTTP body."""
    failure = chat(content("a")).failure
    assert failure == Failure(FailureKind.CUT, "the stream ended without a finish reason or end marker")
    assert chat(content("a"), DONE).failure is None
    assert chat(content("a"), finish()).failure is None


def test_an_answer_without_output_is_empty():
    """What the server did say is in the message."""
    failure = chat(event({"choices": [{"delta": {"role": "assistant"}}]}), finish(**running(0)), DONE).failure
    assert failure.kind is FailureKind.EMPTY
    assert "finish reason 'stop', Usage(prompt_tokens=43, output_tokens=0, cached_tokens=None)" in failure.message
    assert chat().failure.message == "the answer has no output (finish reason None, no usage); the body is empty"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"File Not Found","type":"not_found_error","code":404}}', "File Not Found"),
        (b'{"error":"model \'x\' not found"}', "model 'x' not found"),
        (b'{"object":"error","message":"too long","code":400}', "too long"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b'{"detail":[{"loc":["body"],"msg":"bad"}]}', '[{"loc": ["body"], "msg": "bad"}]'),
        (b'{"error":null,"status":"odd"}', '{"error": null, "status": "odd"}'),
        (b"Internal Server Error\n", "Internal Server Error"),
        (b"<html>" + b"x" * 1000, "<html>" + "x" * 293 + "\u2026"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[1]", "[1]"),
        (b"", "the answer has no body"),
        (b'{"error":' + b"[" * 100_000, '{"error":' + "[" * 290 + "\u2026"),
    ],
)
def test_an_http_error_is_told_in_the_servers_words(body, message):
    """From whichever field holds them, else the text itself, in bounded length."""
    assert http_failure(404, body) == Failure(FailureKind.HTTP, message, 404)
