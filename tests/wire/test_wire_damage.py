"""Damaged streams: never an exception, never a loss of what came before the damage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.records import FailureKind
from pytest_inferbench.wire.catalogue import PROTOCOLS
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.protocol import Framing
from pytest_inferbench.wire.stream import StreamDecoder
from wire.wire_captures import STREAMS, decode

SHORT = [capture for capture in STREAMS if capture.chunks <= 16]
PIECE = 97  # bytes in a read: events end anywhere in it


def stamped(body: bytes):
    return [(body[start : start + PIECE], start) for start in range(0, len(body), PIECE)]


@st.composite
def damages(draw):
    """A capture, its damaged bytes, and where the damage begins."""
    capture = draw(st.sampled_from(SHORT))
    body = capture.body
    at = draw(st.integers(0, len(body) - 1))
    kind = draw(st.sampled_from(["flip", "insert", "delete", "truncate"]))
    if kind == "flip":
        damaged = body[:at] + bytes([body[at] ^ draw(st.integers(1, 255))]) + body[at + 1 :]
    elif kind == "insert":
        damaged = body[:at] + draw(st.binary(min_size=1, max_size=20)) + body[at:]
    elif kind == "delete":
        damaged = body[:at] + body[at + draw(st.integers(1, 300)) :]
    else:
        damaged = body[:at]
    return capture, damaged, at


@settings(deadline=None, derandomize=True, max_examples=400)
@given(damage=damages(), complete=st.booleans())
def test_damage_raises_nothing_and_loses_nothing_before_it(damage, complete):
    """Whatever happens to the bytes, each chunk that was whole before the damage keeps its place and stamp."""
    capture, damaged, at = damage
    before = decode(capture.protocol, stamped(capture.body[:at]), complete=False)
    decoded = decode(capture.protocol, stamped(damaged), complete=complete)
    assert decoded.output_ns[: len(before.output_ns)] == before.output_ns
    assert decoded.text.startswith(before.text)
    if before.answer_ns is not None:
        assert decoded.answer_ns == before.answer_ns


@settings(deadline=None, derandomize=True, max_examples=300)
@given(body=st.binary(max_size=300), name=st.sampled_from([protocol.name for protocol in PROTOCOLS]))
def test_any_bytes_are_a_failure_and_not_an_exception(body, name):
    """Bytes that are no stream at all fail the request and nothing more."""
    decoded = decode(name, [(b"data:" + body, 1), (body, 2)])
    assert decoded.failure is not None


TEXTS = ["content", "reasoning", "reasoning_content", "thinking", "text", "finish_reason", "stop_type", "done_reason"]
GROUPS = [
    "choices",
    "delta",
    "message",
    "tool_calls",
    "token_ids",
    "tokens",
    "usage",
    "prompt_tokens_details",
    "timings",
]
COUNTS = ["prompt_tokens", "completion_tokens", "cached_tokens", "cache_n", "tokens_predicted", "tokens_evaluated"]
TIMES = ["prompt_ms", "predicted_ms", "prompt_eval_count", "eval_count", "prompt_eval_duration", "eval_duration"]
FIELDS = [*TEXTS, *GROUPS, *COUNTS, *TIMES, "error", "object", "code", "type", "stop", "stopped_limit", "done"]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("error")
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@settings(deadline=None, derandomize=True, max_examples=150)
@given(document=st.dictionaries(st.sampled_from(FIELDS), values, max_size=10))
def test_wrong_inner_types_raise_nothing_but_a_wire_error(protocol, document):
    """A field of any other type than the protocol's is a `WireError` or is ignored."""
    try:
        delta = protocol.decode(json.dumps(document).encode())
    except WireError:
        return
    assert isinstance(delta.content, str)
    assert delta.error is None or isinstance(delta.error, str)
    assert delta.usage is None or delta.usage.output_tokens is None or delta.usage.output_tokens >= 0


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@pytest.mark.parametrize(
    "payload",
    [
        b'{"choices":' + b"[" * 100_000,
        b'{"choices":[{"delta":{"content":5},"text":5}],"content":5,"message":{"content":5}}',
        b'{"error":' + b"9" * 5000 + b"}",
        b'{"choices":[7],"message":7,"tokens":7}',
        b'{"usage":{"prompt_tokens":true},"tokens_predicted":-1,"done":true,"eval_count":1.5}',
        b'{"timings":{"prompt_ms":1e999},"done":true,"eval_duration":1e999,"tokens":{}}',
    ],
    ids=lambda payload: payload[:20].decode("latin-1"),
)
def test_hostile_payloads_fail_the_stream(protocol, payload):
    """Deep nesting, huge numbers, wrong types: a failure that shows the evidence in bounded length."""
    decoder = StreamDecoder(protocol)
    data = payload + b"\n" if protocol.framing is Framing.NDJSON else b"data: " + payload + b"\n\n"
    decoder.feed(data + data, 1)
    failure = decoder.finish(complete=True).failure
    assert failure.kind in {FailureKind.PROTOCOL, FailureKind.IN_STREAM, FailureKind.EMPTY}
    assert 0 < len(failure.message) <= 300


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_no_depth_of_nesting_escapes_as_another_error(protocol):
    """What can just be parsed may be too deep to be shown again: still a `WireError` or a reported error."""
    for depth in range(900, 1000):
        nested = b"[" * depth + b"]" * depth
        for payload in (b'{"error":%s}' % nested, b'{"message":%s,"choices":[%s],"tokens":{"a":%s}}' % ((nested,) * 3)):
            try:
                delta = protocol.decode(payload)
            except WireError:
                continue
            assert delta.error or not delta.carries_output


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@pytest.mark.parametrize(
    "payload", [b"", b"[DONE", b"null", b"[]", b'"text"', b"{} {}", b"{}x", b"{", b"\xff", b"{'a':1}"]
)
def test_what_is_no_json_object_is_refused(protocol, payload):
    """One whole object and nothing beside it."""
    with pytest.raises(WireError, match="JSON"):
        protocol.decode(payload)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_white_space_around_an_object_means_nothing(protocol):
    """As JSON has it."""
    assert protocol.decode(b' \t{"error" : "boom"}\r\n ').error == "boom"


def test_the_payload_that_is_not_json_is_shown():
    """The evidence is the first 200 bytes, escaped."""
    with pytest.raises(WireError) as raised:
        PROTOCOLS[0].decode(b"<html>\xff" + b"x" * 1000)
    assert r"b'<html>\xff" in str(raised.value)
    assert str(raised.value).count("x") < 250
