"""OpenAI's chat completions, as vLLM, SGLang, llama.cpp, TensorRT-LLM, transformers and proxies speak it.

Limits: only the standard's fields, and `ignore_eos`, are sent unasked. Sources: the API reference
(https://platform.openai.com/docs/api-reference/chat-streaming) and streams captured from real servers.
"""

from __future__ import annotations

from pytest_inferbench.wire.body import openai_body
from pytest_inferbench.wire.openai_chunk import (
    END,
    ENDS,
    error_of,
    first_choice,
    generated_of,
    is_end,
    timing_of,
    timings_of,
    tokens_of,
    usage_of,
)
from pytest_inferbench.wire.payload import json_object, list_of, object_of, text_of, unread_text
from pytest_inferbench.wire.protocol import Delta, Framing, GenerationRequest

# What a delta may hold: the output that is read below, and what is none.
_READ = frozenset({"content", "refusal", "reasoning_content", "reasoning", "tool_calls", "function_call"})
_NO_OUTPUT = frozenset({"role", "name", "id", "type", "object", "index", "status", "model", "error", "token_ids"})
_KNOWN = _READ | _NO_OUTPUT


class OpenAiChat:
    """POST /v1/chat/completions."""

    name = "openai-chat"
    path = "/v1/chat/completions"
    framing = Framing.SSE
    ends = ENDS

    def encode(self, request: GenerationRequest, model: str) -> bytes:
        """The JSON body."""
        return openai_body(
            request, model, {"messages": [{"role": m.role, "content": m.content} for m in request.messages]}
        )

    def decode(self, payload: bytes) -> Delta:
        """What one chunk says.

        Raises:
            WireError: not JSON, or a field of another type than the protocol's.
        """
        if payload[:1] != b"{" and is_end(payload):
            return END
        document = json_object(payload)
        choice = first_choice(document) or {}
        delta = object_of(choice, "delta") or {}
        timings = timings_of(document)
        usage = usage_of(document, timings)
        content = text_of(delta, "content") or text_of(delta, "refusal")
        return Delta(
            content=content,
            reasoning=text_of(delta, "reasoning_content") or text_of(delta, "reasoning"),
            tool=bool(list_of(delta, "tool_calls") or delta.get("function_call")),
            tokens=tokens_of(choice),
            generated=generated_of(usage, timings),
            usage=usage,
            timing=timing_of(timings),
            finish=text_of(choice, "finish_reason") or None,
            error=error_of(document, choice, delta),
            unread="" if content else unread_text(delta, _KNOWN),
        )
