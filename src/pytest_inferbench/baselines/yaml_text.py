"""Values to YAML text: the few forms that a baseline file needs.

Law: pure; text that could be read as anything but itself is quoted. One line for what a person reads at a glance
(`accepted`, `budgets`, `gates`), a block for the levels above.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_inferbench.baselines.figures import figure_text
from pytest_inferbench.config.scalars import plain_value

INDENT: Final = 2

# Plain text that both block and flow style take as it stands; brackets and commas only where no flow is open.
_PLAIN_INLINE: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+=-]*(:[A-Za-z0-9_./@+=-]+)*")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+=\[\],-]*")


@dataclass(frozen=True, slots=True)
class OneLine:
    """A value that is written on one line, with a comment behind it where there is one to make."""

    value: Mapping[str, Any] | list[str]
    comment: str = ""


Tree = Mapping[str, "Tree | OneLine"]
"""What to write: mappings down to values of one line."""


def inline(value: Any) -> str:  # noqa: ANN401 - any YAML value
    """A value on one line, as it may stand inside braces.

    >>> inline({"version": "0.18", "sessions": 8, "ttft_ms.p50": 6.1, "gates": ["a[b]"]})
    '{version: "0.18", sessions: 8, ttft_ms.p50: 6.10, gates: ["a[b]"]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inline(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, float):
        return figure_text(value)
    if isinstance(value, int):
        return str(value)
    return _word(str(value), _PLAIN_INLINE)


def key_text(key: str) -> str:
    """A key of a block mapping: `concurrency[c08]`."""
    return _word(key, _PLAIN_KEY)


def block(tree: Tree, column: int) -> list[str]:
    """The lines of a block mapping whose keys begin at `column`, without line ends."""
    lines = []
    for key, value in tree.items():
        start = f"{' ' * column}{key_text(key)}:"
        if isinstance(value, OneLine):
            comment = f"  # {value.comment}" if value.comment else ""
            lines.append(f"{start} {inline(value.value)}{comment}")
        else:
            lines += [start, *block(value, column + INDENT)]
    return lines


def braces(tree: Tree | OneLine) -> str:
    """A tree on one line and without its comments, for a file that is written in braces."""
    if isinstance(tree, OneLine):
        return inline(tree.value)
    return "{" + ", ".join(f"{inline(key)}: {braces(value)}" for key, value in tree.items()) + "}"


def comments(tree: Tree | OneLine) -> list[str]:
    """The comments of a tree, each once."""
    if isinstance(tree, OneLine):
        return [tree.comment] if tree.comment else []
    return list(dict.fromkeys(comment for value in tree.values() for comment in comments(value)))


def _word(text: str, plain: re.Pattern[str]) -> str:
    if plain.fullmatch(text) and isinstance(plain_value(text), str):
        return text
    return json.dumps(text, ensure_ascii=False)
