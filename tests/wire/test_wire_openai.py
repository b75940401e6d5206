"""What single chunks of OpenAI's two protocols mean, in every form that real servers give them."""

from __future__ import annotations

import json

import pytest

from pytest_inferbench.records import ServerTiming, Usage
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.protocol import Delta

CHAT, COMPLETIONS = protocol_named("openai-chat"), protocol_named("openai-completions")


def chat(**fields):
    return CHAT.decode(json.dumps(fields).encode())


def delta(choice=None, **fields):
    return chat(choices=[{"index": 0, "delta": fields, **(choice or {})}])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"role": "assistant", "content": None}, Delta()),
        ({"role": "assistant", "content": ""}, Delta()),
        ({"role": "assistant"}, Delta()),
        ({"content": "a"}, Delta(content="a")),
        ({"content": "a", "reasoning_content": None, "tool_calls": None}, Delta(content="a")),
        ({"content": None, "reasoning_content": "r"}, Delta(reasoning="r")),
        ({"reasoning": "r"}, Delta(reasoning="r")),
        ({"reasoning": "r", "reasoning_content": "r"}, Delta(reasoning="r")),
        ({"reasoning": None, "content": "a"}, Delta(content="a")),
        ({"tool_calls": []}, Delta()),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}, Delta(tool=True)),
        ({}, Delta()),
    ],
)
def test_a_chat_delta_is_read(fields, expected):
    """Role chunks carry nothing; null is the same as absent; reasoning has two names."""
    assert delta(**fields) == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"finish_reason": None}, Delta(content="a")),
        ({"finish_reason": "length", "stop_reason": None}, Delta(content="a", finish="length")),
        ({"token_ids": None}, Delta(content="a")),
        ({"token_ids": [1, 2, 3]}, Delta(content="a", tokens=3)),
        ({"token_ids": []}, Delta(content="a", tokens=0)),
        ({"logprobs": {"content": []}}, Delta(content="a")),
    ],
)
def test_what_stands_beside_a_delta_is_read(choice, expected):
    """The finish reason may come on a content chunk (vLLM), and token ids with any."""
    assert delta(choice, content="a") == expected


USAGE = {"prompt_tokens": 43, "completion_tokens": 16, "total_tokens": 59}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"total_tokens": 3}, None),
        (USAGE, Usage(43, 16)),
        ({**USAGE, "prompt_tokens_details": None}, Usage(43, 16)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": None}}, Usage(43, 16)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 0}}, Usage(43, 16, 0)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 42}}, Usage(43, 16, 42)),
        ({"prompt_tokens": 43, "completion_tokens": 0}, Usage(43, 0)),
        ({"completion_tokens": 5}, Usage(None, 5)),
        ({**USAGE, "completion_tokens_details": None}, Usage(43, 16)),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 9}}, Usage(43, 16, None, 9)),
        ({**USAGE, "reasoning_tokens": 9}, Usage(43, 16, None, 9)),
    ],
)
@pytest.mark.parametrize(
    "choices",
    [[], None, [{"delta": {}}], [{"delta": {"content": None}, "finish_reason": None}]],
    ids=["empty", "null", "delta", "nulls"],
)
@pytest.mark.parametrize("protocol", [CHAT, COMPLETIONS], ids=lambda protocol: protocol.name)
def test_usage_is_read_wherever_it_stands(protocol, choices, usage, expected):
    """With choices empty (vLLM, llama.cpp), absent or not empty (LiteLLM); what was not said is None, never 0."""
    payload = json.dumps({"choices": choices, "usage": usage}).encode()
    assert protocol.decode(payload) == Delta(usage=expected, generated=expected and expected.output_tokens)


def test_llama_cpp_timings_are_read():
    """They come on the usage or finish chunk, or on each; older builds say only there what was cached."""
    timings = {"cache_n": 42, "prompt_n": 1, "prompt_ms": 6.5, "predicted_ms": 3}
    timing = ServerTiming(prompt_ms=6.5, generation_ms=3.0)
    assert chat(choices=[], timings=timings) == Delta(timing=timing)
    assert chat(choices=[], timings=timings, usage=USAGE) == (
        Delta(timing=timing, usage=Usage(43, 16, 42), generated=16)
    )
    own = {**USAGE, "prompt_tokens_details": {"cached_tokens": 7}}
    assert chat(choices=[], timings=timings, usage=own).usage == Usage(43, 16, 7)
    assert chat(choices=[], timings={"prompt_ms": None}) == Delta(timing=ServerTiming())
    assert chat(choices=[], timings={}) == Delta()
    drafts = {**timings, "predicted_n": 16, "draft_n": 20, "draft_n_accepted": 10}
    assert chat(choices=[], timings=drafts).generated == 16
    assert chat(choices=[], timings=drafts, usage=USAGE).usage == Usage(43, 16, 42, drafted_tokens=10)


def test_a_completions_chunk_is_read():
    """Text, ids, finish reason and usage on the finish chunk (llama.cpp, transformers)."""
    choice = {"index": 0, "text": "a", "logprobs": None, "finish_reason": None, "token_ids": [5]}
    assert COMPLETIONS.decode(json.dumps({"choices": [choice]}).encode()) == Delta(content="a", tokens=1)
    last = {"choices": [{"text": "", "finish_reason": "length"}], "usage": USAGE}
    assert COMPLETIONS.decode(json.dumps(last).encode()) == (Delta(finish="length", usage=Usage(43, 16), generated=16))


@pytest.mark.parametrize("protocol", [CHAT, COMPLETIONS], ids=lambda protocol: protocol.name)
def test_the_end_marker_is_read(protocol):
    """`[DONE]` is no JSON and ends the stream, also with blanks around it."""
    assert protocol.decode(b"[DONE]") == protocol.decode(b" [DONE]\t") == Delta(done=True)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"error": {"message": "boom", "type": "server_error", "code": 500}}, "boom (500, server_error)"),
        ({"error": {"message": "boom", "type": None, "param": None, "code": None}}, "boom"),
        ({"error": {"message": "boom", "code": "overloaded"}}, "boom (overloaded)"),
        ({"error": "boom"}, "boom"),
        ({"error": {"detail": "no message"}}, "no message"),
        ({"error": {"cause": "no message"}}, '{"cause": "no message"}'),
        ({"error": ["boom"]}, '["boom"]'),
        ({"error": {"message": "m" * 1000}}, "m" * 299 + "\u2026"),
        ({"error": {"message": "half \ud83d"}}, "half \ufffd"),
        ({"object": "error", "message": "boom", "type": "BadRequest", "code": 400}, "boom (400, BadRequest)"),
        ({"error": None}, None),
        ({"error": ""}, None),
        ({"error": {}}, None),
        ({"object": "chat.completion.chunk", "message": "boom"}, "boom"),
        ({"object": "chat.completion.chunk", "message": ""}, None),
        ({"choices": [{}], "message": "hello"}, None),
    ],
)
@pytest.mark.parametrize("protocol", [CHAT, COMPLETIONS], ids=lambda protocol: protocol.name)
def test_an_error_inside_the_stream_is_the_servers_words(protocol, document, error):
    """Every form in which servers report one, with its code and type, in bounded length."""
    assert protocol.decode(json.dumps(document).encode()) == Delta(error=error)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"choices": {}}, "'choices' should be a list"),
        ({"choices": ["a"]}, "'choices' should be a list of objects, but begins with 'a'"),
        ({"choices": [{"delta": "a"}]}, "'delta' should be an object, but is 'a'"),
        ({"choices": [{"delta": {"content": 5}}]}, "'content' should be a string, but is 5"),
        ({"choices": [{"delta": {"content": [{"text": "a"}]}}]}, "'content' should be a string"),
        ({"choices": [{"delta": {"reasoning": {}}}]}, "'reasoning' should be a string"),
        ({"choices": [{"delta": {"tool_calls": {}}}]}, "'tool_calls' should be a list"),
        ({"choices": [{"delta": {}, "finish_reason": 1}]}, "'finish_reason' should be a string"),
        ({"choices": [{"delta": {}, "token_ids": 1}]}, "'token_ids' should be a list"),
        ({"usage": []}, "'usage' should be an object"),
        ({"usage": {"prompt_tokens": "43"}}, "'prompt_tokens' should be a count, but is '43'"),
        ({"usage": {"completion_tokens": -1}}, "'completion_tokens' should be a count"),
        ({"usage": {"completion_tokens": True}}, "'completion_tokens' should be a count"),
        ({"usage": {"completion_tokens": 10**30}}, "'completion_tokens' should be a count"),
        ({"usage": {**USAGE, "prompt_tokens_details": 1}}, "'prompt_tokens_details' should be an object"),
        ({"timings": {"prompt_ms": "1"}}, "'prompt_ms' should be a finite number"),
        ({"timings": {"prompt_ms": float("inf")}}, "'prompt_ms' should be a finite number"),
        ({"timings": {"predicted_ms": float("nan")}}, "'predicted_ms' should be a finite number"),
    ],
)
def test_a_field_of_another_type_is_named(document, message):
    """The error says which field, what was expected and what came."""
    with pytest.raises(WireError, match=message):
        CHAT.decode(json.dumps(document).encode())
