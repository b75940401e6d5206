"""Regression verdicts as pytest items: one for each selected benchmark, at the end of its cell's group.

Idea: a real item has the right line in the terminal, in JUnit and in the exit code, with and without xdist, and a
verdict that could not be reached hides no budget that was kept.
Limits: an item judges what its own test measured in this process; it has no fixtures and measures only to confirm.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_inferbench.bench.next_steps import next_steps
from pytest_inferbench.document.case import NextStep
from pytest_inferbench.errors import FailedVerdict, InferbenchError, InvalidMeasurement
from pytest_inferbench.measure.findings_text import invalid_text
from pytest_inferbench.plugin.items import ENDED, JUDGED, RECORDED, as_argument, case_name, cell_of
from pytest_inferbench.report.comparison_table import comparison_table
from pytest_inferbench.report.undecided import undecided_line, what_decides
from pytest_inferbench.stats.verdict import Verdict, worst

if TYPE_CHECKING:
    from pytest_inferbench.bench.measure_case import Recorded
    from pytest_inferbench.bench.verdicts import Verdicts
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plan.pair import CellPair

_BENCH = "bench"


class RegressionItem(pytest.Item):
    """Judges what one benchmark measured against its history, or its two arms against each other.

    Args:
        test: the benchmark.
        cell: what it is measured on.
        verdicts: what judges for this process.
        node: what pytest gives every node.
    """

    def __init__(
        self,
        *,
        test: pytest.Function,
        cell: Cell | CellPair,
        verdicts: Verdicts,
        **node: Any,  # noqa: ANN401 - pytest's own
    ) -> None:
        super().__init__(**node)
        self.test = test
        self.cell = cell
        self._verdicts = verdicts

    @property
    def cell_id(self) -> str:
        """The cell whose group it belongs to; a part of its node id, too."""
        return self.cell.id

    @property
    def case(self) -> str:
        """The name of its test's first case."""
        return case_name(self.test, 0)

    @property
    def recorded(self) -> list[Recorded]:
        """What its test measured."""
        return self.test.stash.get(RECORDED, [])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where its test is, and a name of its own."""
        path, line, name = self.test.reportinfo()
        return Path(path), line, regression_name(name)

    def runtest(self) -> None:
        """Judge, and turn the verdict into an outcome."""
        if not self.recorded:
            _skip(f"nothing to compare: its test {self.test.stash.get(ENDED, 'measured nothing')}")
        valid = [each for each in self.recorded if not each.result.invalid]
        if not valid:
            _skip(f"not compared: {invalid_text(self.recorded[0].result)}")
        answers = self._verdicts.of(self)
        judged: list[CaseResult] = []
        for each in valid:
            answer = answers[each.id]
            if not isinstance(answer, InferbenchError):
                said = replace(each.result, checks=answer.checks, notes=answer.notes, against=answer.against)
                judged.append(self._with_steps(said, each.result))
        self.stash[JUDGED] = judged
        for each in valid:
            if isinstance(failure := answers[each.id], InferbenchError):
                raise failure
        self._conclude(judged)

    def _conclude(self, judged: list[CaseResult]) -> None:
        verdict = worst(check.verdict for case in judged for check in case.checks)
        text = "\n\n".join(table for case in judged if (table := self._text(case, verdict)))
        if verdict is Verdict.INVALID:
            raise InvalidMeasurement(text)
        if verdict is not None and self._fails(verdict):
            raise FailedVerdict(text)
        if verdict is Verdict.INCONCLUSIVE:
            texts = [f"{case.case}: {line}" for case in judged if (line := undecided_line(case))]
            decides = what_decides([(case.case, case) for case in judged])
            _skip("; ".join([f"{verdict.label} {'; '.join(texts)}", *([f"to decide: {decides}"] if decides else [])]))

    def _fails(self, verdict: Verdict) -> bool:
        settings = self._verdicts.settings
        by_option = {Verdict.INCONCLUSIVE: settings.fail_inconclusive, Verdict.NEW: settings.require_baseline}
        return verdict is Verdict.REGRESSED or bool(by_option.get(verdict))

    def _text(self, case: CaseResult, verdict: Verdict | None) -> str:
        if verdict is None:
            return ""
        return comparison_table(case, verdict, case.next_steps or self._steps(case, verdict))

    def _steps(self, case: CaseResult, verdict: Verdict) -> list[NextStep]:
        return next_steps(as_argument(self.test), self.cell, case, verdict, self._verdicts.context)

    def _with_steps(self, case: CaseResult, measured: CaseResult) -> CaseResult:
        """The case with what to do, where it fails."""
        verdict = worst(check.verdict for check in case.checks)
        if verdict is None or not self._fails(verdict):
            return case
        steps = self._steps(case, verdict)
        over = dict.fromkeys(check.source for check in measured.checks if check.verdict is Verdict.OVER_BUDGET)
        if over:
            text = f"it is over them too, and they are yours to change: {', '.join(over)}"
            steps.append(NextStep("budgets", text))
        return replace(case, next_steps=tuple(steps))


def regression_name(test: str) -> str:
    """The name of a test's regression item; parameters stay at the end, where pytest and its JUnit file expect them.

    >>> regression_name("test_concurrency[llama-b1-tiny-c08]")
    'test_concurrency::regression[llama-b1-tiny-c08]'
    """
    name, bracket, parameters = test.partition("[")
    return f"{name}::regression{bracket}{parameters}"


def add_regressions(items: list[pytest.Item], verdicts: Verdicts) -> None:
    """Put a regression item for every benchmark behind the last test of its cell."""
    groups: dict[Cell | CellPair, list[pytest.Item]] = {}
    last: dict[Cell | CellPair, pytest.Item] = {}
    for item in items:
        cell = cell_of(item)
        if isinstance(item, pytest.Function) and _BENCH in item.fixturenames and cell is not None:
            assert item.parent is not None  # noqa: S101 - a collected test has one
            name = regression_name(item.name)
            made = RegressionItem.from_parent(item.parent, name=name, test=item, cell=cell, verdicts=verdicts)
            groups.setdefault(cell, []).append(made)
            last[cell] = item
    after = {item: groups[cell] for cell, item in last.items()}
    items[:] = [each for item in items for each in (item, *after.get(item, ()))]
    verdicts.items = [item for item in items if isinstance(item, RegressionItem)]


def _skip(reason: str) -> NoReturn:
    raise pytest.skip.Exception(reason, _use_item_location=True)
