"""What a server says went wrong, in a stream or as the body of an HTTP error.

Limits: the server's own words, shortened; no exception, whatever the report looks like.
"""

from __future__ import annotations

import json

from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.payload import json_object, sound_text

_MOST_CHARACTERS = 300
_COMPLAINTS = ("errors", "detail", "message", "msg", "reason", "error_message", "error_msg", "exception", "fault")


def body_error(body: bytes) -> str:
    """The message in the body of an HTTP error: the server's own (`error.message`, `detail`, `message`), else its text.

    The first 300 characters; "" of an empty body.
    """
    try:
        document = json_object(body)
    except WireError:
        return shorten(body[: 4 * _MOST_CHARACTERS].decode("utf-8", "replace").strip())
    return shorten(_message(document.get("error") or document.get("detail") or document))


def stream_error(document: dict[str, object], own: tuple[str, ...]) -> str | None:
    """The error that a streamed payload reports, with its code and type; None where it reports none.

    Known forms: `{"error": {...}}`, `{"error": "..."}`, `{"object": "error", "message": ...}` (vLLM, SGLang), and a
    payload that has nothing of the protocol's own but says what went wrong: `{"detail": ...}`, `{"message": ...}`.

    Args:
        document: the payload.
        own: the fields of which a payload of the protocol has at least one.
    """
    error = document.get("error") or (document.get("object") == "error" and document) or _complaint(document, own)
    return error_text(error) if error else None


def error_text(error: object) -> str:
    """What an error object or text says, with its code and type."""
    while isinstance(error, dict) and (within := error.get("error")) and isinstance(within, dict | str):
        error = within
    about = _code_and_type(error) if isinstance(error, dict) else ""
    return shorten(f"{_message(error)} ({about})" if about else _message(error))


def shorten(text: str) -> str:
    """`text`, writable as UTF-8, on one line, at most 300 characters, its control characters spelled out."""
    text = sound_text(text[: 4 * _MOST_CHARACTERS])
    if not text.isprintable():
        text = "".join(map(_printable, text))
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ascii(character)[1:-1]


def _complaint(document: dict[str, object], own: tuple[str, ...]) -> dict[str, object] | None:
    """The payload itself, where it has nothing of the protocol's own and says what went wrong."""
    if any(document.get(name) not in (None, []) for name in own):
        return None
    return document if any(document.get(name) for name in _COMPLAINTS) else None


def _message(error: object) -> str:
    if isinstance(error, dict):
        for name in ("message", *_COMPLAINTS):
            message = error.get(name)
            if message and isinstance(message, str):
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
