"""OpenAI's plain completions: a prompt instead of messages, `text` instead of a delta.

Limits: as for `openai_chat`; the messages' contents, one below the other, are the prompt.
"""

from __future__ import annotations

from pytest_inferbench.wire.body import joined_prompt, openai_body
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
from pytest_inferbench.wire.payload import json_object, text_of
from pytest_inferbench.wire.protocol import Delta, Framing, GenerationRequest


class OpenAiCompletions:
    """POST /v1/completions."""

    name = "openai-completions"
    path = "/v1/completions"
    framing = Framing.SSE
    ends = ENDS

    def encode(self, request: GenerationRequest, model: str) -> bytes:
        """The JSON body."""
        return openai_body(request, model, {"prompt": joined_prompt(request)})

    def decode(self, payload: bytes) -> Delta:
        """What one chunk says.

        Raises:
            WireError: not JSON, or a field of another type than the protocol's.
        """
        if payload[:1] != b"{" and is_end(payload):
            return END
        document = json_object(payload)
        choice = first_choice(document) or {}
        timings = timings_of(document)
        usage = usage_of(document, timings)
        return Delta(
            content=text_of(choice, "text"),
            tokens=tokens_of(choice),
            generated=generated_of(usage, timings),
            usage=usage,
            timing=timing_of(timings),
            finish=text_of(choice, "finish_reason") or None,
            error=error_of(document, choice, {}),
        )
