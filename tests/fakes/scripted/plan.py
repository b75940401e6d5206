"""A script and a request in, bytes and due times out.

Limits: pure. Every byte of a reply is built here before its clock starts, and equal replies share their bytes, so that
serving is a walk over a tuple.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from random import Random
from typing import Any

from .script import Cut, Role, Script, UsagePlace

NS_PER_MS = 1_000_000
MODEL = "scripted"
DEFAULT_TOKENS = 16
# Each word ends in a two-byte character, so that a cut chunk is also cut inside UTF-8 somewhere.
_WORD = "t{}é "
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST = b"0\r\n\r\n"
_REASONS = {400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, and when.

    Attributes:
        data: one entry a send; none at all for a reply that never comes.
        due_ns: nanoseconds from the start of service to each send, never falling.
        tokens: output tokens that each send completes; 0 where it completes no output chunk.
        cut: how the connection ends after the last send; None keeps it open.
    """

    data: tuple[bytes, ...]
    due_ns: tuple[int, ...]
    tokens: tuple[int, ...]
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class _Shape:
    """A reply without its jitter: the wait before each send, and whether jitter moves that wait."""

    data: tuple[bytes, ...]
    wait_ns: tuple[int, ...]
    tokens: tuple[int, ...]
    moves: tuple[bool, ...]
    cut: Cut | None


def page(body: bytes, content_type: str = "application/json", status: int = 200, headers: str = "") -> bytes:
    """A whole reply of known length."""
    reason = "OK" if status == 200 else _REASONS.get(status, "Error")
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def error_page(status: int, message: str, headers: str = "") -> bytes:
    """An error in the shape OpenAI-style servers give it."""
    error = {"error": {"message": message, "type": "scripted_error", "code": status}}
    return page(json.dumps(error).encode(), status=status, headers=headers)


def at_once(data: bytes) -> Plan:
    """A reply that is one send, due immediately."""
    return Plan((data,), (0,), (0,))


def plan(script: Script, request_id: str, max_tokens: int | None, prompt_tokens: int) -> Plan:
    """The reply to one request.

    Args:
        script: what it is like.
        request_id: seeds the jitter, so that it does not hang on the order of arrival.
        max_tokens: what the request asked for.
        prompt_tokens: words in the request's messages, for `usage`.
    """
    if script.silent:
        return Plan((), (), ())
    if script.status != 200:
        retry = "" if script.retry_after is None else f"Retry-After: {script.retry_after}\r\n"
        return at_once(error_page(script.status, f"scripted {script.status}", retry))
    if script.empty:
        return at_once(_HEAD + _LAST)
    tokens = script.tokens if script.tokens is not None else (max_tokens or DEFAULT_TOKENS)
    shape = _shape(script, tokens, prompt_tokens, "length" if max_tokens is None or tokens >= max_tokens else "stop")
    waits = shape.wait_ns
    if script.jitter_ms:
        random = Random(f"{script.seed}:{request_id}")
        reach = script.jitter_ms * NS_PER_MS
        waits = tuple(
            max(0, wait + round(random.uniform(-reach, reach))) if moves else wait
            for wait, moves in zip(waits, shape.moves, strict=True)
        )
    return Plan(shape.data, tuple(accumulate(waits)), shape.tokens, shape.cut)


@lru_cache(maxsize=64)
def _shape(script: Script, tokens: int, prompt_tokens: int, finish: str) -> _Shape:
    chunks = _chunks(script, tokens)
    stop = min(k for k in (script.error_after, script.cut_after, len(chunks)) if k is not None)
    opening = _HEAD
    if script.role is not Role.NONE:
        opening += _event(_body([_choice({"role": "assistant", "content": None})], _running(script, prompt_tokens, 0)))
    rows: list[tuple[int, bytes, int, bool]] = []
    if script.role is Role.EARLY or stop == 0:
        rows.append((0, opening, 0, False))
        opening = b""
    overrun = 0  # how far the pieces of one chunk reach into the wait for the next
    sent = 0
    for k, (delta, size) in enumerate(chunks[:stop]):
        sent += size
        event = opening + _event(_body([_choice(delta)], _running(script, prompt_tokens, sent)))
        opening = b""
        if script.truncated_utf8 and k == len(chunks) - 1:
            event = _torn(event)
        wait = max(0, _wait_ns(script, k) - overrun)
        *parts, last = _pieces(event, script.pieces)
        rows += [(wait if i == 0 else _ns(script.piece_ms), part, 0, i == 0) for i, part in enumerate(parts)]
        rows.append((_ns(script.piece_ms) if parts else wait, last, size, not parts))
        overrun = _ns(script.piece_ms) * len(parts)
    if stop == script.error_after:
        rows.append((_ns(script.tail_ms), _failure(script), 0, False))
    elif stop != script.cut_after:
        rows.append((_ns(script.tail_ms), _tail(script, prompt_tokens, sent, finish), 0, False))
    waits, data, sizes, moves = zip(*rows, strict=True)
    return _Shape(data, waits, sizes, moves, script.cut if stop == script.cut_after else None)


def _chunks(script: Script, tokens: int) -> list[tuple[dict[str, str], int]]:
    """The delta and the token count of each output chunk."""
    found = []
    reasoning = min(script.reasoning, tokens)
    for name, start, end in (("reasoning_content", 0, reasoning), ("content", reasoning, tokens)):
        step = max(1, script.tokens_per_chunk)
        for first in range(start, end, step):
            words = range(first, min(first + step, end))
            found.append(({name: "".join(_WORD.format(i) for i in words)}, len(words)))
    return found


def _wait_ns(script: Script, k: int) -> int:
    wait = _ns((script.gap_ms if k else script.first_ms) + script.delay_ms)
    return wait + _ns(script.stall_s * 1000) if k == script.stall_after else wait


def _tail(script: Script, prompt_tokens: int, sent: int, finish: str) -> bytes:
    usage = _usage(prompt_tokens, sent)
    on_finish = usage if script.usage in {UsagePlace.FINISH, UsagePlace.EVERY} else None
    tail = _event(_body([_choice({}, finish)], on_finish))
    if script.usage is UsagePlace.OWN:
        tail += _event(_body([], usage))
    if script.usage is UsagePlace.OWN_WITH_CHOICES:
        tail += _event(_body([_choice({})], usage))
    return tail + (_event(b"[DONE]") if script.done else b"") + _LAST


def _failure(script: Script) -> bytes:
    error = {"error": {"message": "scripted failure inside the stream", "type": "server_error", "code": 500}}
    return _event(_json(error)) + (_event(b"[DONE]") if script.done else b"") + _LAST


def _running(script: Script, prompt_tokens: int, sent: int) -> dict[str, int] | None:
    return _usage(prompt_tokens, sent) if script.usage is UsagePlace.EVERY else None


def _usage(prompt_tokens: int, sent: int) -> dict[str, int]:
    return {"prompt_tokens": prompt_tokens, "completion_tokens": sent, "total_tokens": prompt_tokens + sent}


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _body(choices: list[dict[str, Any]], usage: dict[str, int] | None) -> bytes:
    body = {"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": MODEL}
    return _json({**body, "choices": choices, **({"usage": usage} if usage else {})})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event(payload: bytes) -> bytes:
    """One server-sent event as one HTTP chunk."""
    event = b"data: " + payload + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


def _torn(event: bytes) -> bytes:
    """The same event with its last two-byte character cut in half and the HTTP chunk's length kept true."""
    whole, half = "é".encode(), "é".encode()[:1]
    head, _, rest = event.rpartition(whole)
    return head + half + b" " + rest  # a space for the missing byte


def _pieces(data: bytes, count: int) -> list[bytes]:
    """`data` in `count` parts of nearly equal length; at least one byte each."""
    count = max(1, min(count, len(data)))
    edges = [len(data) * i // count for i in range(count + 1)]
    return [data[a:b] for a, b in pairwise(edges)]


def _ns(ms: float) -> int:
    return round(ms * NS_PER_MS)
