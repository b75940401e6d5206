"""What judges this process's regression items: by the history of their cell, or by pairs where two arms are compared.

Idea: the number of gates, m, is that of `inferbench_family`, or is counted from the collected items. All xdist workers
collect the same items and read the same history, so each of them comes to the same verdicts alone.
Limits: a cell is judged once, at its first regression item.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.baselines.pool import accepted_spreads
from pytest_inferbench.bench.confirm import judge_cell
from pytest_inferbench.bench.run_pairs import compare
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.document.figures import Check
from pytest_inferbench.errors import BaselineError, ConfigError, InferbenchError
from pytest_inferbench.judge.history import Histories, Judged
from pytest_inferbench.judge.pairs import Compared, conclude, restarts_of, with_site
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.plan.pair import CellPair
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.measure_case import Recorded
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.stats.moderation import OwnSpread

Answers = dict[str, "Judged | InferbenchError"]

_NO_GATES = Check("pairs", "pairs", Verdict.NEW, None, note="it has no gates, so nothing of it is compared")
_ITS_TEST = "bench.record(): only its test can measure it"
_OWN = Check("pairs", "pairs", Verdict.NEW, None, note=f"{_ITS_TEST}, so it has no pairs")


class Judgeable(Protocol):
    """What a regression item is here: `regression.RegressionItem`."""

    cell: Cell | CellPair

    @property
    def case(self) -> str:
        """The name of its test's first case."""
        ...

    @property
    def recorded(self) -> Sequence[Recorded]:
        """What its test measured."""
        ...


class Verdicts:
    """Judges regression items.

    Args:
        context: the run.
    """

    def __init__(self, context: RunContext) -> None:
        self.items: Sequence[Judgeable] = []
        self.context = context
        self._answers: dict[Cell | CellPair, Answers] = {}
        self._histories: dict[tuple[str, str], Histories] = {}

    @property
    def settings(self) -> Settings:
        """The options of the run."""
        return self.context.settings

    def of(self, item: Judgeable) -> Answers:
        """What is said of the cases of an item's cell, by case id.

        Raises:
            BaselineError: the baseline files cannot be used.
            ConfigError: `inferbench_family` is less than the run's own gates, which are all known only now.
        """
        answers = self._answers.setdefault(item.cell, {})
        if any(case.id not in answers for case in _valid(item)):
            waiting = [case for each in self._group(item.cell) for case in _valid(each) if case.id not in answers]
            answers |= self._judge(item.cell, waiting)
        return answers

    def check_family(self) -> None:
        """Refuse a family that is smaller than what was collected.

        Raises:
            ConfigError: it says how many gates there are.
        """
        if self.settings.family is not None:
            self._family(sum(self._gates_of(item) for item in self.items if _cell(item).model != SERVED))

    @cached_property
    def _own(self) -> int:
        """The figures that this run's cases are judged by."""
        return sum(self._gates_of(item) for item in self.items)

    def _family(self, own: int) -> int:
        """m: as many as people say, where they do, else the run's own."""
        said: int | None = self.settings.family
        if said is None:
            return own
        if own > said:
            raise ConfigError(
                f"{self.settings.as_written('family')}: expected at least {own}, the gates of the cases that are "
                f"selected here, and got {said}; write how many gates the whole suite has, all its jobs together"
            )
        return said

    @property
    def _source(self) -> str:
        return "" if self.settings.family is None else "inferbench_family"

    def _group(self, cell: Cell | CellPair) -> list[Judgeable]:
        return [item for item in self.items if item.cell == cell]

    def _gates_of(self, item: Judgeable) -> int:
        try:
            if isinstance(item.cell, CellPair):
                return self._history(item.cell.b).written_gates(item.case, item.cell.b.variant)
            return self._history(item.cell).gates(item.case, item.cell.variant)
        except BaselineError:  # its own test and item say so
            return 0

    def _judge(self, cell: Cell | CellPair, cases: Sequence[Recorded]) -> Answers:
        return self._by_pairs(cell, cases) if isinstance(cell, CellPair) else self._by_history(cell, cases)

    def _by_history(self, cell: Cell, cases: Sequence[Recorded]) -> Answers:
        history = self._history(cell)
        once = self._once(cell)
        own = {case.id for case in cases if case.request is None}
        m = self._family(self._own)

        def judge(name: str, sessions: Sequence[CaseResult]) -> Judged:
            reason = _ITS_TEST if name in own else once
            return history.judge(sessions, m, once=reason, source=self._source)

        return judge_cell(cases, judge, cases[0].running, self.context)

    def _once(self, cell: Cell) -> str:
        """Why no fresh server can confirm what screens; "" where one can."""
        if cell.url is not None:
            return "a server given by its URL cannot be started afresh"
        return self.settings.with_names("--bench-no-confirm") if self.settings.no_confirm else ""

    def _by_pairs(self, pair: CellPair, cases: Sequence[Recorded]) -> Answers:
        history = self._history(pair.b)
        answers: Answers = {case.id: Judged((_OWN,)) for case in cases if case.request is None}
        cases = [case for case in cases if case.request is not None]
        if not cases:
            return answers
        keys = {case.id: case_key(case.result.case, pair.b.variant) for case in cases}
        table = self.context.extensions.metrics
        wanted = {case.id: Compared(case.result, history.rules(keys[case.id]), table=table) for case in cases}
        answers |= {name: Judged((_NO_GATES,)) for name, case in wanted.items() if not case.gates()}
        wanted = {name: case for name, case in wanted.items() if name not in answers}
        if not wanted:
            return answers
        # A test of several workloads that no file knows yet has more gates than were counted: its cell shares its part.
        counted = sum(self._gates_of(item) for item in self._group(pair))
        found = sum(len(case.gates()) for case in wanted.values())
        m = self._family(math.ceil(self._own * max(1.0, found / counted)))
        wanted = {name: _sharing(case, m, self._source) for name, case in wanted.items()}
        requests = {case.id: case.request for case in cases if case.request is not None and case.id in wanted}
        looks = Looks(*pair.pairs)
        measured, gates, errors = compare(pair, wanted, requests, cases[0].running, looks, self.context)
        answers |= errors
        said = {name: conclude(case, gates[name], pair.names) for name, case in measured.items() if name not in errors}
        if pair.a == pair.b:
            share = history.share({keys[name]: restarts_of(measured[name], gates[name]) for name in said})
            said = {
                name: with_site(each, measured[name], gates[name], looks, history.spreads(keys[name]), share)
                for name, each in said.items()
            }
        return answers | said

    def _history(self, cell: Cell) -> Histories:
        key = (self.context.model_of(cell), cell.backend)
        if key not in self._histories:
            baseline = self.context.baselines.read(*key, self.context.hardware)
            metrics, machine = self.context.extensions.metrics, self.context.machine
            pool = [spread for name, spreads in self._pool.items() if name != baseline.name for spread in spreads]
            self._histories[key] = Histories(baseline, metrics, cell.policy, machine, pool, SYSTEM_CLOCK.wall())
        return self._histories[key]

    @cached_property
    def _pool(self) -> dict[str, tuple[OwnSpread, ...]]:
        """What the accepted sessions on this hardware say of its noise, by file."""
        metrics = self.context.extensions.metrics
        found = self.context.baselines.read_hardware(self.context.hardware)
        return {each.name: accepted_spreads(each, metrics) for each in found}


def _sharing(case: Compared, gates: int, source: str) -> Compared:
    rules = {gate: replace(rule, gates=gates, gates_source=source) for gate, rule in case.rules.items()}
    return replace(case, rules=rules)


def _cell(item: Judgeable) -> Cell:
    return item.cell.b if isinstance(item.cell, CellPair) else item.cell


def _valid(item: Judgeable) -> list[Recorded]:
    return [case for case in item.recorded if not case.result.invalid]
