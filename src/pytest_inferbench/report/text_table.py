"""Rows of text in columns, for messages that go into logs and JUnit files: monospaced, no colour, no width limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.report.escape import cells, pad

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_INDENT = _GAP = "  "


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str]) -> list[str]:
    """The lines of a table, its head first.

    Args:
        head: the columns' names.
        rows: cells, one for each column.
        left: the columns that begin at their left edge; the others, figures, end at their right one.
    """
    whole = [head, *rows]
    widths = [max(cells(row[place]) for row in whole) for place in range(len(head))]
    return [_INDENT + _GAP.join(map(_cell, row, widths, (name not in left for name in head))).rstrip() for row in whole]


def _cell(text: str, width: int, right: bool) -> str:
    return pad(text, width, right=right)
