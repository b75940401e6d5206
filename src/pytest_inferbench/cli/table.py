"""Rows on standard output, at the terminal's width; 80 columns where it is no terminal.

Limits: text only; what it says is the caller's. A reader with a pipe gets the same words without colours.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP, _LEAST = 2, 12


def print_rows(
    rows: Sequence[Sequence[str]],
    head: Sequence[str] = (),
    styles: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print columns side by side; the last one takes what width is left, and more lines where it needs them.

    Args:
        rows: cells, the same number in each row; a cell may have several lines.
        head: the columns' names; none where empty.
        styles: the style of a cell by its whole text.
    """
    table = Table(box=None, pad_edge=False, show_header=bool(head), header_style="bold", padding=(0, _GAP, 0, 0))
    columns = len(rows[0]) if rows else len(head)
    for index in range(columns):
        table.add_column(head[index] if head else "", overflow="fold", no_wrap=index < columns - 1)
    for row in rows:
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    console = Console(highlight=False)
    # A figure that is cut is another figure: rather a line that is too long for the terminal.
    others = [max(map(len, column)) + _GAP for column in zip(*(head, *rows) if head else rows, strict=True)][:-1]
    console.width = max(console.width, sum(others) + _LEAST)
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
