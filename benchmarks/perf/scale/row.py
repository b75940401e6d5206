"""One line of the table: a figure at a usual size and at ten times that.

Limits: values and text; what was measured, and how, is in the file that yields the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_HEAD = ("what", "figure", "1x", "10x", "goal at 10x")


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes:
        what: of what, with both sizes: "streams, 200 and 2000".
        figure: what was measured, with its unit.
        usual, tenfold: the figure at the two sizes; None where it was not measured.
        most: what it may be at ten times the size; None where there is no goal.
        digits: after the point.
    """

    what: str
    figure: str
    usual: float | None
    tenfold: float | None
    most: float | None = None
    digits: int = 2

    @property
    def missed(self) -> bool:
        """Whether a goal is missed."""
        return self.most is not None and self.tenfold is not None and self.tenfold > self.most

    def cells(self) -> list[str]:
        """The row as text."""
        goal = "" if self.most is None else f"{self.most:g} {'MISSED' if self.missed else 'met'}"
        shown = ("-" if value is None else f"{value:,.{self.digits}f}" for value in (self.usual, self.tenfold))
        return [self.what, self.figure, *shown, goal]


def table(rows: Sequence[Row]) -> str:
    """All rows under one head."""
    lines = [list(_HEAD), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    text = []
    for what, figure, *others in lines:
        left = [what.ljust(widths[0]), figure.ljust(widths[1])]
        right = [cell.rjust(width) for cell, width in zip(others, widths[2:], strict=True)]
        text.append("  ".join([*left, *right]).rstrip())
    return "\n".join([*text, ""])
