"""`--compare`: the pairs of one cell pair, carried out.

Limits: carries out what `judge.pair_steps` says and decides nothing itself. One server runs at a time, and none when it
is over. An arm that does not come up ends the comparison; a case that cannot be measured ends with its error, the
others go on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.bench.measure_case import CaseRequest, measure
from pytest_inferbench.bench.running_cell import RunningCell
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.judge.pair_steps import A, B, PairPlan, next_step, pairs_done, plan_pairs
from pytest_inferbench.judge.pairs import Compared, Gates, look, want_more_pairs
from pytest_inferbench.judge.step import Done, Start

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.plan.pair import CellPair
    from pytest_inferbench.stats.sequential import Looks


def compare(
    pair: CellPair,
    cases: Mapping[str, Compared],
    requests: Mapping[str, CaseRequest],
    running: RunningCell,
    looks: Looks,
    context: RunContext,
) -> tuple[Mapping[str, Compared], Mapping[str, Gates], Mapping[str, InferbenchError]]:
    """Measure pairs until every gate of every case is decided, or the plan is at its end.

    Args:
        pair: the two cells.
        cases: what is compared, by id, without pairs yet.
        requests: how each is measured.
        running: the cell of arm B, which is up; its server is stopped.
        looks: after which pairs they are judged.
        context: the run.

    Returns:
        by the case's id: the cases with their pairs, what the last look found, and the error of those that have one.
    """
    arms = {B: running, A: running if pair.a == pair.b else RunningCell(pair.a, context)}
    try:
        plan = plan_pairs(tuple(cases), looks, random.Random(f"{context.run_id} {pair.id}"))
        return _Comparison(cases, requests, arms, context).run(plan)
    finally:
        for arm in arms.values():
            arm.discard_server()
        if arms[A] is not running:
            arms[A].close()


class _Comparison:
    """One comparison under way."""

    def __init__(
        self,
        cases: Mapping[str, Compared],
        requests: Mapping[str, CaseRequest],
        arms: Mapping[str, RunningCell],
        context: RunContext,
    ) -> None:
        self._cases = dict(cases)
        self._requests = requests
        self._arms = arms
        self._context = context
        self._errors: dict[str, InferbenchError] = {}
        self._found: Mapping[str, Gates] = {}

    def run(self, plan: PairPlan) -> tuple[Mapping[str, Compared], Mapping[str, Gates], Mapping[str, InferbenchError]]:
        """Carry the steps out."""
        taken, arm, measured = 0, "", dict[tuple[str, str], "CaseResult | None"]()
        while not isinstance(step := next_step(plan, taken, undecided=want_more_pairs(self._found)), Done):
            if len(self._errors) == len(plan.cases):
                break
            if isinstance(step, Start):
                arm = step.arm
                fewest, most = plan.looks.fewest, plan.looks.most
                planned = f"{fewest} to {most}" if fewest < most else str(most)
                self._arms[arm].part = f"pair {pairs_done(plan, taken) + 1} of {planned}, arm {arm.upper()}"
                try:
                    self._start(arm)
                except InferbenchError as error:
                    self._errors |= dict.fromkeys(self._cases, error)
                    break
            elif step.case not in self._errors:
                measured[step.case, arm] = self._measure(step.case, self._arms[arm])
            taken += 1
            if pairs_done(plan, taken) > pairs_done(plan, taken - 1):
                self._add(measured, second=plan.order[pairs_done(plan, taken) - 1][1])
                measured = {}
                if pairs_done(plan, taken) >= plan.looks.fewest:
                    self._found = look(self._cases, self._found, plan.looks)
        return self._cases, self._found, self._errors

    def _start(self, arm: str) -> None:
        for name, other in self._arms.items():
            if name != arm:
                other.discard_server()
        self._arms[arm].fresh_server()

    def _measure(self, name: str, arm: RunningCell) -> CaseResult | None:
        """The case in one arm; None where it is not valid, or ended with an error, which then is the case's."""
        try:
            case, problem = measure(self._requests[name], arm, self._context)
        except InferbenchError as error:
            case, problem = None, error
        if problem is not None:
            self._errors[name] = problem
        elif case is not None and case.invalid:
            why = next(finding.message for finding in case.validity if finding.invalid)
            self._cases[name] = replace(self._cases[name], refused=(*self._cases[name].refused, why))
        return None if case is None or case.invalid else case

    def _add(self, measured: Mapping[tuple[str, str], CaseResult | None], *, second: str) -> None:
        self._cases = {
            name: replace(
                case,
                pairs=(*case.pairs, (measured.get((name, A)), measured.get((name, B)))),
                second=(*case.second, second == B),
            )
            for name, case in self._cases.items()
            if name not in self._errors
        }
