"""Rows on standard output, at the terminal's width; 80 columns where it is no terminal.

Limits: text only; what it says is the caller's. A reader with a pipe gets the same words without colours. Most rows are
plain words that fit their columns, and need no layout: a long list is not held up by one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from rich.cells import cell_len
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
    columns = list(zip(*((head, *rows) if head else rows), strict=True))
    console = Console(highlight=False)
    # A figure that is cut is another figure: rather a line that is too long for the terminal.
    others = [max(map(len, column)) + _GAP for column in columns[:-1]]
    console.width = max(console.width, sum(others) + _LEAST)
    widths = [max(cell_len(line) for cell in column for line in cell.split("\n")) for column in columns]
    if sum(widths) + _GAP * len(widths[:-1]) > console.width:
        widths[-1] = console.width - sum(widths[:-1]) - _GAP * len(widths[:-1])
    if head:
        sys.stdout.writelines(_laid_out(head, widths, styles, console, is_head=True))
    for row in rows:
        if _is_plain(row, widths[-1]) and styles.keys().isdisjoint(row):
            cells = (cell + " " * (width + _GAP - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write("".join(cells).rstrip() + "\n")
        else:
            sys.stdout.writelines(_laid_out(row, widths, styles, console))


def _is_plain(row: Sequence[str], room: int) -> bool:
    """Whether each cell is one line of its column as it stands."""
    return all(cell.isprintable() for cell in row) and cell_len(row[-1]) <= room


def _laid_out(
    row: Sequence[str], widths: Sequence[int], styles: Mapping[str, str], console: Console, *, is_head: bool = False
) -> Iterator[str]:
    """A row's lines: cells with several lines or too long for their column, styles."""
    table = Table(box=None, pad_edge=False, show_header=is_head, header_style="bold", padding=(0, _GAP, 0, 0))
    for index, width in enumerate(widths):
        name = row[index] if is_head else ""
        table.add_column(name, width=width, overflow="fold", no_wrap=index < len(widths) - 1)
    if not is_head:
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    with console.capture() as captured:
        console.print(table)
    return (f"{line.rstrip()}\n" for line in captured.get().splitlines())
