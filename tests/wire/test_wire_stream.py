"""What a whole response body amounts to: stamps, tokens per chunk, text, and every way to fail."""

from __future__ import annotations

import json

import pytest

from pytest_inferbench.records import Failure, FailureKind, Usage
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.stream import StreamDecoder, http_failure
from wire.wire_captures import decode

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


def finish_as(reason, **fields) -> bytes:
    return event({"choices": [{"delta": {}, "finish_reason": reason}], **fields})


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
    decoder = StreamDecoder(protocol_named("openai-chat"))
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
        ([content("a", **running(1)), content("b", **running(1)), content("c", **running(2))], (1, 0, 1)),
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
    assert failure == Failure(FailureKind.CUT, "the stream ended without a finish reason, after 1 output chunk")
    assert chat(content("a"), DONE).failure == failure
    assert chat(content("a"), finish()).failure is None


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "function_call", "eos", "eos_token"])
def test_an_answer_completes_by_the_ends_of_its_protocol(reason):
    """Those that OpenAI lists for a whole answer, and those that engines have beside them."""
    assert chat(content("a"), finish_as(reason), DONE).failure is None


@pytest.mark.parametrize("reason", ["abort", "error", "content_filter", "repetition", "cancelled", "insufficient"])
@pytest.mark.parametrize("usage", [{}, running(1)], ids=["uncounted", "counted"])
@pytest.mark.parametrize("output", [0, 1, 2])
def test_an_answer_that_ends_otherwise_is_a_failure_with_its_reason(reason, usage, output):
    """Under status 200, as vLLM and SGLang give requests up, with `[DONE]` and, or without, a usage."""
    decoded = chat(*[content("a")] * output, finish_as(reason, **usage), DONE)
    chunks = f"{output} output chunk{'' if output == 1 else 's'}"
    said = f"the server ended the answer with {reason!r} after {chunks}"
    assert decoded.failure == Failure(FailureKind.ABORTED, said)
    assert len(decoded.output_ns) == output


def test_an_error_within_a_choice_is_an_error_inside_the_stream():
    """Routers put what their backend said there, beside a finish reason that says nothing."""
    choice = {"delta": {}, "finish_reason": "error", "error": {"code": 502, "message": "upstream gone"}}
    assert chat(content("a"), event({"choices": [choice]}), DONE).failure == (
        Failure(FailureKind.IN_STREAM, "upstream gone (502)")
    )
    within = {"delta": {"error": "out of memory"}, "finish_reason": "stop"}
    assert chat(content("a"), event({"choices": [within]})).failure.message == "out of memory"


@pytest.mark.parametrize(
    "said",
    [
        b'event: error\ndata: {"message": "boom", "code": 500}\n\n',
        b'event: error\ndata: {"error": {"message": "boom", "code": 500}}\n\n',
        b'event: error\ndata: {"type": "error", "error": {"error": {"message": "boom", "code": 500}}}\n\n',
        b'data: {"message": "boom", "code": 500}\n\n',
        b'data: {"choices": [], "usage": null, "message": "boom", "code": 500}\n\n',
        b'data: {"id": "x", "object": "chat.completion.chunk", "detail": "boom", "code": 500}\n\n',
    ],
)
def test_what_says_that_it_went_wrong_fails_the_stream(said):
    """By the event's name, or because it has neither choices nor usage; a finish reason after it mends nothing."""
    decoded = chat(content("a"), said, finish(), DONE)
    assert decoded.failure == Failure(FailureKind.IN_STREAM, "boom (500)")
    assert len(decoded.output_ns) == 1


@pytest.mark.parametrize("marker", [b"data: [DONE] \n\n", b"data:  [DONE]\n\n", b"data:\t[DONE]\t\r\n\r\n"])
@pytest.mark.parametrize("between", [b"data:\n\n", b"data: \n\n", b"event: ping\ndata: {}\n\n", b": ping\n\n"])
def test_heartbeats_and_blanks_change_nothing(marker, between):
    """Proxies send empty data to keep a connection open, and blanks around the end marker."""
    plain = chat(content("a"), content("b"), finish(), DONE)
    assert chat(between, content("a"), between, content("b"), finish(), between, marker).text == plain.text
    assert chat(between + content("a"), content("b"), finish(), marker + b"data: junk\n\n").failure is None


def test_reasoning_is_noted():
    """So that tokens which were counted as reasoning are known for seen, or unseen."""
    assert chat(event({"choices": [{"delta": {"reasoning": "r"}}]}), content("a"), finish()).reasoned
    assert not chat(content("a"), finish()).reasoned


@pytest.mark.parametrize(
    ("delta", "field"),
    [
        ({"thoughts": "t"}, "thoughts"),
        ({"content": "", "reasoning_text": "t"}, "reasoning_text"),
        ({"content": None, "reasoning_details": [{"type": "reasoning.text", "text": "t"}]}, "reasoning_details"),
        ({"audio": {"id": "a", "transcript": "t"}}, "audio"),
        ({"role": "assistant", "content": ""}, None),
        ({"thoughts": ""}, None),
        ({"reasoning_details": [{"type": "reasoning.text", "text": ""}]}, None),
        ({"logprobs": 5}, None),
    ],
)
def test_text_in_a_field_that_is_not_read_is_named(delta, field):
    """Where it streams, in several chunks that carry nothing else."""
    unread = event({"choices": [{"delta": delta}]})
    assert chat(unread, unread, content("a"), finish()).unread == field


def test_one_chunk_of_other_text_describes_the_answer():
    """A role chunk may say more than the role; beside output, other text is not missed."""
    once = event({"choices": [{"delta": {"role": "assistant", "channel": "final"}}]})
    beside = event({"choices": [{"delta": {"content": "a", "channel": "final"}}]})
    assert chat(once, beside, beside, finish()).unread is None


def test_an_answer_without_output_is_empty():
    """What the server did say is in the message."""
    failure = chat(event({"choices": [{"delta": {"role": "assistant"}}]}), finish(**running(0)), DONE).failure
    assert failure.kind is FailureKind.EMPTY
    assert "finish reason 'stop', prompt_tokens 43, output_tokens 0)" in failure.message
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


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\x07", "\u202e", "\r\n::error::x", "\0", "\u2028::stop-commands::x"])
def test_what_a_server_says_moves_no_cursor_and_begins_no_line(hostile):
    """Its words reach terminals and CI logs: control characters are spelled out, line ends are spaces."""
    failure = http_failure(500, json.dumps({"error": {"message": f"bad{hostile}end", "code": hostile}}).encode())
    plain = http_failure(500, f"bad{hostile}end".encode())
    for said in (failure.message, plain.message):
        assert said.startswith("bad")
        assert said.isprintable()
