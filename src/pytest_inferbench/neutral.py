r"""Text from outside made harmless where it is shown: no terminal and no CI service takes any of it for a command.

Idea: ESC and other control characters move the cursor, bidirectional marks turn lines around, and CI services read
commands from a job's output: GitHub `::error ...` at the beginning of a line and `##[group]` anywhere, Azure
`##vso[...]`, TeamCity `##teamcity[...]`. Characters are spelled (`\x1b`), commands get a backslash (`\::error`).
Limits: standard library only; line ends and tabs stay. What is for one line of a table or page is `report.escape`'s.

Source: actions/runner, `ActionCommand.TryParseV2` (`::` after spaces) and `TryParse` (`##[` anywhere).
"""

from __future__ import annotations

import re

_KEPT = "\n\t"
_COMMAND = re.compile(r"(^|\s)::", re.MULTILINE)  # also within a line, which may be broken there
_BRACKET = re.compile(r"##(\w*)\[")


def neutral(text: str) -> str:
    r"""The text without what a terminal or a CI service would obey.

    >>> neutral("\x1b[31mred\n::error::mine")
    '\\x1b[31mred\n\\::error::mine'
    """
    if not text.isprintable():
        text = "".join(_spell(character) for character in text)
    if "::" in text:
        text = _COMMAND.sub(r"\1\\::", text)
    return _BRACKET.sub(r"##\1\\[", text) if "##" in text else text


def _spell(character: str) -> str:
    if character.isprintable() or character in _KEPT:
        return character
    return character.encode("unicode_escape").decode("ascii")
