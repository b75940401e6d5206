"""What single chunks of llama.cpp's own completion mean."""

from __future__ import annotations

import json

import pytest

from pytest_inferbench.records import FailureKind, ServerTiming, Usage
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import Delta
from wire.wire_captures import decode as decode_stream


def decode(**fields):
    return protocol_named("llamacpp").decode(json.dumps(fields).encode())


def test_a_chunk_carries_text_ids_and_counts():
    """Counts are cumulative; several ids may come with one text."""
    chunk = decode(index=0, content="\u00e9", tokens=[5, 6], stop=False, tokens_predicted=2, tokens_evaluated=3)
    assert chunk == Delta(content="\u00e9", tokens=2, generated=2, usage=Usage(3, 2))


def test_a_server_that_gives_no_ids_says_nothing_of_tokens():
    """An empty list beside text is not zero tokens."""
    assert decode(content="a", tokens=[], stop=False) == Delta(content="a")
    assert decode(content="a", stop=False) == Delta(content="a")


@pytest.mark.parametrize(
    ("fields", "finish"),
    [
        ({"stop_type": "limit"}, "length"),
        ({"stop_type": "eos"}, "stop"),
        ({"stop_type": "word"}, "stop"),
        ({"stop_type": "new_kind"}, "new_kind"),
        ({"stopped_limit": True, "stopped_eos": False}, "length"),
        ({"stopped_limit": False, "stopped_eos": True}, "stop"),
        ({"stopped_limit": False, "stopped_eos": False, "stopped_word": False}, "none"),
        ({}, "stop"),
    ],
)
def test_the_last_chunk_says_why_it_stopped(fields, finish):
    """In today's word, in the older builds' flags, or in none."""
    assert decode(content="", stop=True, tokens=[], **fields) == Delta(finish=finish, done=True)


def test_the_last_chunk_says_what_was_cached_and_how_long_it_took():
    """The cache is told in `timings`."""
    timings = {"cache_n": 2, "prompt_n": 1, "prompt_ms": 4.5, "predicted_ms": 1.5}
    chunk = decode(content="", stop=True, stop_type="eos", tokens_predicted=16, tokens_evaluated=3, timings=timings)
    timing = ServerTiming(4.5, 1.5)
    assert chunk == Delta(finish="stop", done=True, generated=16, usage=Usage(3, 16, 2), timing=timing)


@pytest.mark.parametrize("how", [{"stop_type": "none"}, {"stop_type": "new_kind"}, {"stopped_limit": False}])
def test_an_answer_that_stopped_for_no_reason_is_a_failure(how):
    """It was given up: neither its limit, nor the end of text, nor a stop word ended it."""
    chunks = [{"content": "a", "stop": False}, {"content": "", "stop": True, **how}]
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    assert decode_stream("llamacpp", [(body, 7)]).failure.kind is FailureKind.ABORTED


def test_an_error_inside_the_stream_is_reported():
    """llama.cpp sends an error object in place of a chunk."""
    chunk = decode(error={"code": 500, "message": "context shift is disabled", "type": "server_error"})
    assert chunk == Delta(error="context shift is disabled (500, server_error)")
