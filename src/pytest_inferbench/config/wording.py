"""What a validation error says to a person: what was found, what was expected, what to do.

Limits: pure; one line of words for each kind of pydantic error, and pydantic's own words for a kind not listed.
The kinds are those of https://docs.pydantic.dev/latest/errors/validation_errors/.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic_core import ErrorDetails


class HiddenValueError(ValueError):
    """What a validator refuses without showing it: the text is the whole complaint."""


_SHOWN: Final = 60
_LISTED: Final = 20
_LARGEST_SHOWN: Final = 10**_SHOWN  # a far longer integer Python refuses to spell out
_LONGEST_QUOTED: Final = 200

_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true/false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "none_required": "nothing",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "too_short": "at least {min_length} in it",
    "too_long": "at most {max_length} in it",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
}


def expectation(error: ErrorDetails) -> str:
    """What should have stood there: `an integer`."""
    context = {name: _figure(value) for name, value in error.get("ctx", {}).items()}
    kind = error["type"]
    if kind == "value_error":
        return str(context["error"])
    return _EXPECTED[kind].format(**context) if kind in _EXPECTED else error["msg"]


def alternatives(expected: Collection[str]) -> str:
    """Several expectations as one: `text, true/false or a number`."""
    unique = list(dict.fromkeys(expected))
    if "a number" in unique and "an integer" in unique:
        unique.remove("an integer")
    *others, last = unique
    return f"{', '.join(others)} or {last}" if others else last


def _figure(value: Any) -> Any:  # noqa: ANN401 - whatever pydantic puts into its context
    return f"{value:g}" if isinstance(value, float) else value


def quote_value(value: Any, written: str = "") -> str:  # noqa: ANN401 - whatever was written
    """A value as it is shown in a message, shortened.

    Args:
        value: it.
        written: how its file spells it, where it is a number or true (`Source.written`): `0.10` is not told as 0.1.
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return written or str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, int) and abs(value) >= _LARGEST_SHOWN:
        return f"a number of more than {_SHOWN} digits"
    if isinstance(value, str):
        value = value if len(value) <= _LONGEST_QUOTED else value[:_LONGEST_QUOTED]
    text = written or repr(value).removesuffix(".0") if isinstance(value, int | float) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...{text[-1]}"


def shorten_name(name: str) -> str:
    """A name as it stands in a message without quotes, shortened, its control characters spelled out."""
    plain = name if name.isprintable() else repr(name[:_LONGEST_QUOTED])[1:-1]
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."


def enumerate_names(names: Collection[str]) -> str:
    """Names beside each other, shortened; of many the first ones and how many more there are."""
    shown = [shorten_name(name) for name in names]
    more = len(shown) - _LISTED
    return ", ".join(shown) if more <= 1 else f"{', '.join(shown[:_LISTED])} and {more} more"


def quoting_hint(value: Any, shown: str, expected: str) -> str:  # noqa: ANN401 - whatever was written
    """The remedy where YAML read an unquoted word as another type than was meant; else nothing."""
    if expected.startswith("text") and isinstance(value, bool | int | float):
        return f'; write it in quotes: "{shown}"'
    return ""


def nearest(name: str, known: Collection[str]) -> str | None:
    """The name of a list that another is likely to mean; None where none is near."""
    return next(iter(difflib.get_close_matches(name[:_LONGEST_QUOTED], known, n=1)), None)


def unknown_key(key: str, known: Collection[str]) -> str:
    """What to say of a key that nobody reads."""
    if key in known:
        return f"{quote_value(key)} says the same as a key that is also given; keep one of them"
    return unknown_name("key", key, known)


def unknown_name(kind: str, name: str, known: Collection[str]) -> str:
    """What to say of a name that is not in a list: the nearest one, or all of them."""
    near = nearest(name, known)
    if near is not None:
        return f"unknown {kind} {quote_value(name)}; did you mean {near!r}?"
    return f"unknown {kind} {quote_value(name)}; known are {enumerate_names(sorted(known))}"
