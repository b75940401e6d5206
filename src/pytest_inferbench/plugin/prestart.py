"""What can be known of the selected tests before any of them starts: their baseline files, budgets of too few samples.

Limits: reads the baselines and changes nothing; says every mistake at once, and measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.baselines.limits import certainly_too_few
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.bench.check_budgets import budgets_in_force
from pytest_inferbench.bench.mistakes import baseline_mistakes, lock_mistakes, report_mistakes, results_mistakes
from pytest_inferbench.errors import ConfigError, InferbenchError, OlderSpellingWarning
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.experiment import Point
from pytest_inferbench.plugin.items import case_name, tests_by_cell

if TYPE_CHECKING:
    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.bench.context import RunContext


@dataclass(frozen=True, slots=True)
class Planned:
    """What an experiment says of its cases before they run: how many rounds they have, and its budgets."""

    rounds: int
    budgets: tuple[Budget, ...]


PLANNED = pytest.StashKey[Planned]()
"""On each test of an experiment."""


def mistakes(items: Sequence[pytest.Item], context: RunContext) -> list[str]:
    """What is wrong with what the selected tests need, each once."""
    cells = tests_by_cell(items)
    keys = dict.fromkeys((cell.model, cell.backend) for cell in cells)
    policies = {(cell.model, cell.backend): cell.policy for cell in cells}
    found = [problem for key in keys for problem in baseline_mistakes(*key, policies[key], context)]
    if cells and not found:
        try:  # verdicts learn from what else is accepted on this hardware
            context.baselines.read_hardware(context.hardware)
        except (InferbenchError, OlderSpellingWarning) as error:
            found.append(str(error))
    if not found:
        found += [
            problem for cell, tests in cells.items() for test in tests for problem in _of_test(cell, test, context)
        ]
    return list(dict.fromkeys([*results_mistakes(context), *lock_mistakes(), *report_mistakes(context), *found]))


def _of_test(cell: Cell, test: pytest.Function, context: RunContext) -> Iterator[str]:
    """What an experiment's case cannot be judged by; a Python test says its workload only when it runs."""
    planned, point = test.stash.get(PLANNED, None), test.callspec.params.get("point")
    if planned is None or not isinstance(point, Point):
        return
    try:
        point.workload.check_limits([name for name, _ in cell.slo])
    except ConfigError as error:
        yield f"{point.written.source}: {error}"
    baseline = context.baselines.read(cell.model, cell.backend, context.hardware)
    budgets = budgets_in_force(baseline, case_key(case_name(test, 0), cell.variant), planned.budgets)
    yield from certainly_too_few(budgets, point.workload.planned_requests, planned.rounds, context.extensions.metrics)
