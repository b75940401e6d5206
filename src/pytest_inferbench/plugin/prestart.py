"""What can be known of the selected tests before any of them starts: baseline files, budgets of too few samples.

Law: reads the baselines and changes nothing; says every mistake at once, and measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.baselines.gates import case_rules
from pytest_inferbench.baselines.limits import certainly_too_few
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.bench.check_budgets import budgets_in_force
from pytest_inferbench.errors import ConfigError, InferbenchError, OlderSpellingWarning
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.experiment import Point
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.plugin.items import case_name, tests_by_cell
from pytest_inferbench.report.formats import FORMATS

if TYPE_CHECKING:
    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.config.document import Section


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
    return list(dict.fromkeys([*_report_mistakes(context), *found]))


def _report_mistakes(context: RunContext) -> Iterator[str]:
    """Paths of reports that nothing could be written to when the run has ended."""
    for form in FORMATS:
        option = form.name.replace("-", "_")
        if not getattr(context.settings, option):
            continue
        path, one = context.settings.path(option), len(form.files) == 1
        if path.is_dir() if one else path.is_file():
            wanted = "a file" if one else "a folder"
            yield f"{context.settings.written(option)}: {'a folder' if one else 'a file'} is there; name {wanted}"


def baseline_mistakes(model: str, backend: str, policy: Sequence[Section], context: RunContext) -> list[str]:
    """What is wrong with the baseline files of one model and backend on this hardware.

    Args:
        model: whose; SERVED where only the server's answer will tell: then any of this backend.
        backend: on which server.
        policy: the `policy:` sections of the model and the suite, the nearer first.
        context: the run.
    """
    try:
        if model == SERVED:
            files = context.baselines.read_backend(backend, context.hardware)
        else:
            files = (context.baselines.read(model, backend, context.hardware),)
        for baseline in files:
            for key in baseline.file.cases:
                case_rules(baseline.file, key, policy)
    except (InferbenchError, OlderSpellingWarning) as error:  # the latter where warnings are errors
        return [str(error)]
    return []


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
