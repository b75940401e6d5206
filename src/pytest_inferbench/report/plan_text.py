"""What a run would do, for a terminal: one paragraph a cell, and what it all takes.

Limits: pure; no line is wider than the terminal. A time that no earlier run can vouch for is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.report.escape import GLUE, visible, wrap
from pytest_inferbench.units import duration

_LEAST_WIDTH = 40
_LABEL = 9
_WALL = "wall_s"


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell of a plan.

    Attributes:
        id: its id.
        cases: the names of its tests' cases.
        rows: (what, words) of the server that it is measured on.
        trouble: why it would not be measured here; "" where nothing is known against it.
        seconds: how long its rounds and its server's start took before, for the cases that are known.
        known: how many of its cases are.
    """

    id: str
    cases: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    trouble: str = ""
    seconds: float = 0.0
    known: int = 0


@dataclass(frozen=True, slots=True)
class Earlier:
    """A case as it was measured before.

    Attributes:
        case: its part of that run's document.
        rounds: rounds of a case of that run that did not say its own.
    """

    case: CaseResult
    rounds: int


def render_plan(cells: Sequence[PlannedCell], rounds: int, width: int) -> list[str]:
    """The plan as lines.

    Args:
        cells: in the order in which they run.
        rounds: rounds of a case that does not say its own.
        width: the terminal's columns; below 40 the lines are made for 40.
    """
    width = max(width, _LEAST_WIDTH)
    lines: list[str] = []
    for cell in cells:
        lines += wrap(visible(cell.id), width, "  ")
        for label, words in (*cell.rows, ("tests", _tests(cell, rounds)), ("takes", _takes(cell))):
            if words:
                head = f"  {label:<{_LABEL}}".replace(" ", GLUE)
                lines += wrap(head + visible(words), width, " " * (_LABEL + 2))
        if cell.trouble:
            lines += wrap(f"{GLUE}{GLUE}cannot run here: {visible(cell.trouble)}", width, "    ")
        lines.append("")
    return lines + wrap(_sum(cells), width, "  ")


def expected_seconds(earlier: Sequence[Earlier], rounds: int) -> float:
    """Seconds that a cell's cases would take, by the rounds and the start of its server that they had before.

    Args:
        earlier: what is known of each case that was measured before.
        rounds: rounds of this run.
    """
    seconds = 0.0
    for one in earlier:
        walls = one.case.in_rounds(_WALL)
        # A case with another number than its run had said it itself, and says it again.
        again = rounds if len(walls) == one.rounds else len(walls)
        seconds += again * sum(walls) / len(walls)
    return seconds + max((one.case.server.ready_seconds or 0.0 for one in earlier), default=0.0)


def _tests(cell: PlannedCell, rounds: int) -> str:
    return f"{len(cell.cases)}, of {rounds} rounds where they do not say otherwise: {', '.join(cell.cases)}"


def _takes(cell: PlannedCell) -> str:
    if not cell.known:
        return ""
    of = "" if cell.known == len(cell.cases) else f" for {cell.known} of {len(cell.cases)} tests"
    return f"about {duration(cell.seconds)}{of}, by the rounds and the start of earlier runs"


def _sum(cells: Sequence[PlannedCell]) -> str:
    tests, known = sum(len(cell.cases) for cell in cells), sum(cell.known for cell in cells)
    text = f"{len(cells)} cell{'s' * (len(cells) != 1)}, {tests} test{'s' * (tests != 1)}"
    if known:
        text += f"; about {duration(sum(cell.seconds for cell in cells))} for {known} of them, one after the other"
    if known < tests:
        text += f"; {tests - known} without an earlier run to tell the time by"
    return f"{text}. Nothing was started."
