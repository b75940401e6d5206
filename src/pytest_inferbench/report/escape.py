"""Text from outside (names, messages, versions) made fit for one line of a terminal.

Limits: nothing that came from a config, a server or a test id may move the cursor, change a colour, break a line or
reorder one; it is shown as the characters it is made of. Widths are terminal cells, not characters.
"""

from __future__ import annotations

ELLIPSIS = "…"
# A space that `wrap` does not break at; `visible` spells it out, so none comes from outside.
GLUE = "\u00a0"
# Variation selectors widen or narrow the character before them, each terminal in its own way.
_VARIATION_SELECTORS = frozenset(chr(code) for code in range(0xFE00, 0xFE10))


def visible(text: str) -> str:
    r"""The text on one line, control and formatting characters spelled out.

    >>> visible("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    return "".join(_spell(character) for character in text)


def _spell(character: str) -> str:
    if character.isprintable() and character not in _VARIATION_SELECTORS:
        return character
    return character.encode("unicode_escape").decode("ascii")


def cells(text: str) -> int:
    """Terminal cells the text takes: 2 for a wide character, 0 for a combining one."""
    from rich.cells import cell_len  # noqa: PLC0415 - rich is loaded only when a report is drawn

    return cell_len(text)


def shorten(text: str, width: int, end: float = 0.5) -> str:
    """The text in at most `width` cells (1 or more), its middle replaced by an ellipsis.

    Both ends are kept because the ends tell names apart: `concurrency[c08]`, `qwen3-8b/vllm/v0.8.1`.

    Args:
        text: without control characters.
        width: cells there are.
        end: the share of them that the text's end gets.
    """
    if cells(text) <= width:
        return text
    tail = start(text[::-1], int((width - 1) * end))[::-1]
    return start(text, width - 1 - cells(tail)) + ELLIPSIS + tail


def start(text: str, width: int) -> str:
    """As much of the text's beginning as `width` cells hold."""
    taken = 0
    for index, character in enumerate(text):
        taken += cells(character)
        if taken > width:
            return text[:index]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled with spaces to `width` cells; on its left where it is to stand `right`."""
    space = " " * (width - cells(text))
    return space + text if right else text + space


def wrap(text: str, width: int, indent: str) -> list[str]:
    """The text broken at spaces into lines of at most `width` cells, all but the first indented.

    A word that is longer than a line is cut; `GLUE` becomes a space once the lines stand.
    """
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if cells(joined) <= width:
            lines[-1] = joined
            continue
        pieces = _pieces(word, width - len(indent))
        lines += [indent + piece for piece in pieces]
    return [line.replace(GLUE, " ").rstrip() for line in lines]


def _pieces(word: str, width: int) -> list[str]:
    pieces = []
    while word:
        pieces.append(start(word, width))
        word = word[len(pieces[-1]) :]
    return pieces or [""]
