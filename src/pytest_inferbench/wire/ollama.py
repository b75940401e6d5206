"""Ollama's own chat: a JSON object a line, counts and durations on the last.

Limits: Ollama cannot be told to go on past the end of text, so `ignore_eos` is not sent. Source:
https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

from pytest_inferbench.records import ServerTiming, Usage
from pytest_inferbench.wire.body import encode_body
from pytest_inferbench.wire.payload import count_of, json_object, list_of, number_of, object_of, text_of, unread_text
from pytest_inferbench.wire.protocol import Delta, Framing, GenerationRequest
from pytest_inferbench.wire.server_error import stream_error

_NS_PER_MS = 1e6
_OWN = ("message", "done")
_KNOWN = frozenset({"role", "content", "thinking", "tool_calls", "images", "tool_name"})


class Ollama:
    """POST /api/chat."""

    name = "ollama"
    path = "/api/chat"
    framing = Framing.NDJSON
    ends = frozenset({"stop", "length"})

    def encode(self, request: GenerationRequest, model: str) -> bytes:
        """The JSON body."""
        fields: dict[str, object] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
            "options": {"num_predict": request.output_tokens, "temperature": request.temperature},
        }
        return encode_body(fields, request.extra)

    def decode(self, payload: bytes) -> Delta:
        """What one line says.

        Raises:
            WireError: not JSON, or a field of another type than the protocol's.
        """
        document = json_object(payload)
        message = object_of(document, "message") or {}
        done = document.get("done") is True
        return Delta(
            content=text_of(message, "content"),
            reasoning=text_of(message, "thinking"),
            tool=bool(list_of(message, "tool_calls")),
            usage=_usage(document) if done else None,
            timing=_timing(document) if done else None,
            finish=text_of(document, "done_reason") or ("stop" if done else None),  # before 0.1.38 it gave no reason
            error=stream_error(document, _OWN),
            done=done,
            unread=unread_text(message, _KNOWN),
        )


def _usage(document: dict[str, object]) -> Usage | None:
    prompt, output = count_of(document, "prompt_eval_count"), count_of(document, "eval_count")
    return None if prompt is None and output is None else Usage(prompt, output)


def _timing(document: dict[str, object]) -> ServerTiming | None:
    prompt, generation = number_of(document, "prompt_eval_duration"), number_of(document, "eval_duration")
    if prompt is None and generation is None:
        return None
    return ServerTiming(
        None if prompt is None else prompt / _NS_PER_MS, None if generation is None else generation / _NS_PER_MS
    )
