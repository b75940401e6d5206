"""What a server says went wrong, in a stream or as the body of an HTTP error.

Law: the server's own words, shortened; no exception, whatever the report looks like.
"""

from __future__ import annotations

import json

from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.payload import json_object, sound_text

_MOST_CHARACTERS = 300


def body_error(body: bytes) -> str:
    """The message in the body of an HTTP error: the server's own (`error.message`, `detail`, `message`), else its text.

    The first 300 characters; "" of an empty body.
    """
    try:
        document = json_object(body)
    except WireError:
        return shortened(body[: 4 * _MOST_CHARACTERS].decode("utf-8", "replace").strip())
    return shortened(_message(document.get("error") or document.get("detail") or document))


def stream_error(document: dict[str, object]) -> str | None:
    """The error that a streamed payload reports, with its code and type; None where it reports none.

    Known forms: `{"error": {...}}`, `{"error": "..."}`, and `{"object": "error", "message": ...}` (vLLM, SGLang).
    """
    error = document.get("error") or (document.get("object") == "error" and document)
    if not error:
        return None
    about = _code_and_type(error) if isinstance(error, dict) else ""
    return shortened(f"{_message(error)} ({about})" if about else _message(error))


def shortened(text: str) -> str:
    """`text`, writable as UTF-8, at most 300 characters."""
    text = sound_text(text)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _message(error: object) -> str:
    if isinstance(error, dict):
        message = error.get("message")
        if isinstance(message, str):
            return message
    if isinstance(error, str):
        return error
    try:
        return json.dumps(error, ensure_ascii=False)
    except RecursionError:
        return "an error object nested too deeply to show"


def _code_and_type(error: dict[str, object]) -> str:
    values = (error.get("code"), error.get("type"))
    return ", ".join(str(value) for value in values if value and isinstance(value, str | int))
