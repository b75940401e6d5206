"""What single lines of Ollama's chat mean, and a whole answer."""

from __future__ import annotations

import json

from pytest_inferbench.records import FailureKind, ServerTiming, Usage
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import Delta
from wire.wire_captures import decode as decode_stream

LAST = {
    "model": "m",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "length",
    "total_duration": 9_000_000,
    "load_duration": 1_000_000,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 1_500_000,
    "eval_count": 3,
    "eval_duration": 2_000_000,
}


def decode(**fields):
    return protocol_named("ollama").decode(json.dumps(fields).encode())


def line(content: str = "", **message) -> bytes:
    return json.dumps({"model": "m", "message": {"role": "assistant", "content": content, **message}}).encode() + b"\n"


def test_a_line_carries_content_thinking_or_a_tool_call():
    """Thinking is reasoning."""
    assert decode(message={"role": "assistant", "content": "a"}, done=False) == Delta(content="a")
    assert decode(message={"content": "", "thinking": "t"}, done=False) == Delta(reasoning="t")
    assert decode(message={"content": "", "tool_calls": [{"function": {}}]}, done=False) == Delta(tool=True)


def test_the_last_line_carries_counts_and_durations():
    """Durations are nanoseconds."""
    expected = Delta(finish="length", done=True, usage=Usage(26, 3), timing=ServerTiming(1.5, 2.0))
    assert decode(**LAST) == expected


def test_what_the_last_line_leaves_out_is_absent():
    """A prompt that was cached whole has no `prompt_eval_count`."""
    assert decode(done=True) == Delta(done=True, finish="stop")
    assert decode(done=True, eval_count=3, eval_duration=2_000_000) == Delta(
        done=True, finish="stop", usage=Usage(None, 3), timing=ServerTiming(None, 2.0)
    )
    assert decode(done=True, prompt_eval_duration=1_000_000).timing == ServerTiming(1.0, None)


def test_a_whole_answer_is_decoded():
    """Thinking first, then the answer, cut anywhere; a blank line and what follows the end mean nothing."""
    body = line(thinking="hm") + line("a") + b"\r\n" + line("b\u00e9") + json.dumps(LAST).encode() + b"\nrest\n"
    whole = decode_stream("ollama", [(body, 7)])
    assert whole == decode_stream("ollama", [(body[i : i + 1], 7) for i in range(len(body))])
    assert (whole.output_ns, whole.text, whole.finish) == ((7, 7, 7), "ab\u00e9", "length")
    assert (whole.usage, whole.failure, whole.chunk_tokens) == (Usage(26, 3), None, None)


def test_an_error_line_fails_the_request_and_keeps_its_chunks():
    """Ollama reports an error inside a 200 answer as a line of its own."""
    body = line("a") + b'{"error":"llama runner process has terminated"}\n'
    decoded = decode_stream("ollama", [(body, 7)])
    assert decoded.output_ns == (7,)
    assert decoded.failure.kind is FailureKind.IN_STREAM
    assert decoded.failure.message == "llama runner process has terminated"
