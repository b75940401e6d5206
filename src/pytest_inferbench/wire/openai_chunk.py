"""What the chunks of OpenAI's two protocols have in common: choice, token ids, usage, timings.

Limits: pure readers of one chunk; each tolerates what the real servers differ in, listed beside it.
"""

from __future__ import annotations

import reprlib

from pytest_inferbench.records import ServerTiming, Usage
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.payload import count_of, list_of, number_of, object_of
from pytest_inferbench.wire.protocol import Delta
from pytest_inferbench.wire.server_error import error_text, stream_error

END = Delta(done=True)
ENDS = frozenset({"stop", "length", "tool_calls", "function_call", "eos", "eos_token", "stop_sequence"})
"""Finish reasons of a complete answer: OpenAI's, and those of Text Generation Inference. Not among them:
`content_filter`, and what engines say of an answer that they gave up (`abort`, `error`)."""

_END_MARKER = b"[DONE]"
_OWN = ("choices", "usage")
_NOTHING: dict[str, object] = {}


def is_end(payload: bytes) -> bool:
    """Whether a payload is the end marker; blanks around it mean nothing."""
    return payload.strip() == _END_MARKER


def error_of(document: dict[str, object], choice: dict[str, object], delta: dict[str, object]) -> str | None:
    """The error that a chunk reports: of the whole payload, of its choice, or within its delta."""
    error = document.get("error") or choice.get("error") or delta.get("error")
    if error:
        return error_text(error)
    return None if choice else stream_error(document, _OWN)  # nearly always there is a choice


def first_choice(document: dict[str, object]) -> dict[str, object] | None:
    """The chunk's choice; None in a usage chunk whose `choices` are empty or absent. One is all we ask for."""
    choices = list_of(document, "choices")
    if not choices:
        return None
    choice = choices[0]
    if isinstance(choice, dict):
        return choice
    raise WireError(f"field 'choices' should be a list of objects, but begins with {reprlib.repr(choice)}")


def tokens_of(choice: dict[str, object]) -> int | None:
    """How many tokens a choice carries, where it lists their ids (vLLM with `return_token_ids`)."""
    ids = list_of(choice, "token_ids")
    return None if ids is None else len(ids)


def timings_of(document: dict[str, object]) -> dict[str, object]:
    """llama.cpp's `timings`; empty where it says none."""
    return object_of(document, "timings") or _NOTHING


def usage_of(document: dict[str, object], timings: dict[str, object]) -> Usage | None:
    """The usage so far, on whichever chunk it comes; llama.cpp says in `timings` what was cached and drafted."""
    usage = object_of(document, "usage")
    if not usage:
        return None
    prompt, output = count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens")
    if prompt is None and output is None:
        return None
    details = object_of(usage, "prompt_tokens_details")
    cached = count_of(details, "cached_tokens") if details else None
    if cached is None:
        cached = count_of(timings, "cache_n")
    details = object_of(usage, "completion_tokens_details")
    reasoning = count_of(details, "reasoning_tokens") if details else None
    if reasoning is None:
        reasoning = count_of(usage, "reasoning_tokens")  # SGLang
    return Usage(prompt, output, cached, reasoning, count_of(timings, "draft_n_accepted"))


def generated_of(usage: Usage | None, timings: dict[str, object]) -> int | None:
    """Output tokens so far, where the chunk says it: by a running usage, or by llama.cpp's `timings`."""
    if usage is not None and usage.output_tokens is not None:
        return usage.output_tokens
    return count_of(timings, "predicted_n") if timings else None


def timing_of(timings: dict[str, object]) -> ServerTiming | None:
    """The server's own times so far."""
    return ServerTiming(number_of(timings, "prompt_ms"), number_of(timings, "predicted_ms")) if timings else None
