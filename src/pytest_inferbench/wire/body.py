"""The JSON body of a request.

Limits: compact UTF-8 in a fixed key order, so that equal requests are equal bytes; the user's extra fields win.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.wire.protocol import GenerationRequest


def encode_body(fields: Mapping[str, object], extra: Mapping[str, object]) -> bytes:
    """`fields` in their order, then what `extra` adds in its order; a field in both has the value of `extra`.

    Raises:
        ConfigError: a value has no JSON form (an object, NaN, a lone surrogate in a prompt).
    """
    body = {**fields, **extra}
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"the request cannot be written as JSON: {error}. "
            f"Extra body fields ({', '.join(extra) or 'none'}) and prompts must be plain JSON values in valid Unicode."
        ) from error


def openai_body(request: GenerationRequest, model: str, asked: Mapping[str, object]) -> bytes:
    """A request to an OpenAI endpoint, as a stream with usage.

    Args:
        request: what is wanted; `ignore_eos`, which is not OpenAI's, is sent only where the request wants it.
        model: the model's name as the server knows it.
        asked: the endpoint's own field: `messages` or `prompt`.
    """
    fields: dict[str, object] = {
        "model": model,
        **asked,
        "max_tokens": request.output_tokens,
        "temperature": request.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.ignore_eos:
        fields["ignore_eos"] = True
    return encode_body(fields, request.extra)


def joined_prompt(request: GenerationRequest) -> str:
    """The conversation as one prompt, for protocols without messages: the contents, one below the other."""
    return "\n".join(message.content for message in request.messages)
