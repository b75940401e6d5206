"""One payload as a JSON object, and its fields by type.

Limits: absent and null are the same, "not said"; any other type than the expected one is a `WireError` that names the
field. No other exception leaves this module, whatever the bytes are.
"""

from __future__ import annotations

import json
import reprlib

from pytest_inferbench.wire.errors import WireError

_SHOWN_BYTES = 200
_LARGEST_COUNT = 2**53  # beyond it a JSON number is not exact, and no token count is that large
_DESCRIBING = frozenset({"type", "id", "index", "role", "format", "name", "status", "signature"})
_read_json = json.JSONDecoder().raw_decode


def json_object(payload: bytes) -> dict[str, object]:
    """The JSON object that `payload` is.

    Raises:
        WireError: it is no JSON, or JSON of another type; shows the first 200 bytes.
    """
    try:
        # raw_decode on a string takes less than half the time of json.loads on bytes, and this is the hot spot.
        text = payload.decode().strip()
        document, end = _read_json(text)
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON ({error}): {payload[:_SHOWN_BYTES]!r}") from None
    if end != len(text):
        raise WireError(f"not one JSON object, more follows it: {payload[:_SHOWN_BYTES]!r}")
    if not isinstance(document, dict):
        raise WireError(f"JSON, but not an object: {payload[:_SHOWN_BYTES]!r}")
    return document


def text_of(document: dict[str, object], name: str) -> str:
    """A text field; "" where it is not said."""
    value = document.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise _wrong(name, value, "a string")


def object_of(document: dict[str, object], name: str) -> dict[str, object] | None:
    """An object field; None where it is not said."""
    value = document.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise _wrong(name, value, "an object")


def list_of(document: dict[str, object], name: str) -> list[object] | None:
    """A list field; None where it is not said."""
    value = document.get(name)
    if value is None or isinstance(value, list):
        return value
    raise _wrong(name, value, "a list")


def count_of(document: dict[str, object], name: str) -> int | None:
    """A count (a whole number, 0 or more); None where it is not said."""
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT:
        return value
    raise _wrong(name, value, "a count")


def number_of(document: dict[str, object], name: str) -> float | None:
    """A finite number; None where it is not said."""
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_COUNT:
        return float(value)
    raise _wrong(name, value, "a finite number")


def unread_text(document: dict[str, object], known: frozenset[str]) -> str:
    """The first field that is not known and carries text, at whatever depth; "" where there is none."""
    if document.keys() <= known:
        return ""
    return next((name for name, value in document.items() if name not in known and _carries_text(value)), "")


def _carries_text(value: object) -> bool:
    if isinstance(value, dict):
        return any(_carries_text(part) for name, part in value.items() if name not in _DESCRIBING)
    if isinstance(value, list):
        return any(map(_carries_text, value))
    return isinstance(value, str) and bool(value)


def sound_text(text: str) -> str:
    r"""`text` with surrogate halves joined, and lone ones replaced by U+FFFD, so that it can be written as UTF-8.

    A server that cuts its JSON text between the halves of `"\ud83d\ude00"` sends one half in each payload.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _wrong(name: str, value: object, expected: str) -> WireError:
    return WireError(f"field {name!r} should be {expected}, but is {reprlib.repr(value)}")
