"""What an unquoted word means: the core schema of YAML 1.2.

Limits: a table of four patterns (https://yaml.org/spec/1.2.2/#1032-tag-resolution); a word that none of them takes is
text. The YAML library still reads some YAML 1.1 spellings (`1_000`, `0b1`, dates) as other types; here they are text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX: Final = "tag:yaml.org,2002:"
_TEXT: Final = _PREFIX + "str"
CORE_TAGS: Final = frozenset(
    _PREFIX + name for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)
"""Tags that plain YAML gives rise to; any other was written by hand (`!include`, `!!python/...`)."""

LONGEST_NUMBER: Final = 100
"""Characters a number may have; a longer one is no figure of anything, and no float holds it."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...]] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text, 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)


def core_value(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar: `tag` is the library's, which says text for quoted and block scalars.

    Raises:
        ValueError: as `plain_value`.
    """
    return _join_lines(text) if tag == _TEXT else plain_value(text)


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of an unquoted word.

    Raises:
        ValueError: a number that nobody means; it says what was expected.

    >>> [plain_value(word) for word in ("8", "0x1F", "1e3", "true", "yes", "v0.8.0", "~")]
    [8, 31, 1000.0, True, 'yes', 'v0.8.0', None]
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    for pattern, convert in _NUMBERS:
        if pattern.fullmatch(text):
            if len(text) > LONGEST_NUMBER:
                raise ValueError(f"a number of at most {LONGEST_NUMBER} characters, or text in quotes")
            return convert(text)
    return text


def _join_lines(text: str) -> str:
    # JSON writes characters beyond the first 65,536 as two \u escapes; YAML's escapes know no such pairs.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_surrogate(text) else text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
