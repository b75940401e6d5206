"""What judges this process's regression items.

Idea: m is counted from the items that were collected, which every xdist worker collects alike, and history is a file:
each process judges alone and comes to the same verdicts.
Law: a cell is judged once, at its first regression item.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pytest_inferbench.campaign.history import Histories, Judged
from pytest_inferbench.errors import BaselineError, InferbenchError
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.plugin.confirm import judge_cell

if TYPE_CHECKING:
    from pytest_inferbench.measure.result import CaseResult
    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plugin.context import RunContext
    from pytest_inferbench.plugin.measuring import Recorded


class Compared(Protocol):
    """What a regression item is here: `regression.RegressionItem`."""

    cell: Cell

    @property
    def case(self) -> str:
        """The name of its test's first case."""
        ...

    @property
    def recorded(self) -> Sequence[Recorded]:
        """What its test measured."""
        ...


Answers = dict[str, "Judged | InferbenchError"]


class Verdicts:
    """Judges regression items.

    Args:
        context: the run.
    """

    def __init__(self, context: RunContext) -> None:
        self.items: Sequence[Compared] = []
        self._context = context
        self._answers: dict[Cell, Answers] = {}
        self._histories: dict[tuple[str, str], Histories] = {}

    @property
    def settings(self) -> Settings:
        """The options of the run."""
        return self._context.settings

    def of(self, item: Compared) -> Answers:
        """What is said of the cases of an item's cell, by case id.

        Raises:
            BaselineError: the baseline files cannot be used.
        """
        answers = self._answers.setdefault(item.cell, {})
        if any(case.id not in answers for case in _valid(item)):
            group = [other for other in self.items if other.cell == item.cell]
            waiting = [case for other in group for case in _valid(other) if case.id not in answers]
            answers |= self._judge(item.cell, waiting)
        return answers

    @cached_property
    def gates(self) -> int:
        """m: the figures that this run's cases can be judged by."""
        return sum(self._gates_of(item) for item in self.items)

    def _gates_of(self, item: Compared) -> int:
        try:
            return self._history(item.cell).gates(item.case, item.cell.variant)
        except BaselineError:  # its own test and item say so
            return 0

    def _judge(self, cell: Cell, cases: Sequence[Recorded]) -> Answers:
        history = self._history(cell)
        again = cell.url is None and not self.settings.no_confirm

        def judge(sessions: Sequence[CaseResult]) -> Judged:
            return history.judge(sessions, self.gates, again=again)

        return judge_cell(cases, judge, cases[0].running, self._context)

    def _history(self, cell: Cell) -> Histories:
        key = (cell.model, cell.backend)
        if key not in self._histories:
            baseline = self._context.baselines.read(*key, self._context.hardware)
            directions = {name: metric.direction for name, metric in METRICS.items()}
            self._histories[key] = Histories(baseline, directions, cell.policy, self._context.machine)
        return self._histories[key]


def _valid(item: Compared) -> list[Recorded]:
    return [case for case in item.recorded if not case.result.invalid]
