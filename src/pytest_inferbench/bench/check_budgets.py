"""A measured case meets its budgets; its history or pairs are its regression item's (`regression`).

Limits: reads the baselines and changes nothing; an INVALID case is not judged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_inferbench.baselines.budget import Budget
from pytest_inferbench.baselines.check import check_budgets, effective_budgets
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.baselines.fingerprint import of_result
from pytest_inferbench.baselines.limits import too_few
from pytest_inferbench.baselines.names import case_key
from pytest_inferbench.baselines.schema import Baseline
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.stats.verdict import Verdict, worst

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.config.document import Section
    from pytest_inferbench.errors import InferbenchError


def judge_budgets(
    case: CaseResult, budgets: Sequence[Budget], policy: Sequence[Section], context: RunContext
) -> CaseResult:
    """The case with its checks and verdict.

    Args:
        case: the measured case.
        budgets: the test's own; a baseline file's win for the same metric and bound.
        policy: the `policy:` sections of its model and its suite, the nearer first.
        context: the run.

    Raises:
        BaselineError: the baseline file cannot be used.
    """
    if case.invalid:
        return case
    baseline = context.baselines.read(case.model, case.backend, case.hardware)
    key = case_key(case.case, case.variant)
    held_to = budgets_in_force(baseline, key, budgets)
    if findings := too_few(case, held_to):
        return dataclasses.replace(case, validity=(*findings, *case.validity), verdict=Verdict.INVALID)
    level = comparable(baseline, key, of_result(case, context.machine), policy).level
    checks = check_budgets(case, held_to, level)
    return dataclasses.replace(case, checks=checks, verdict=worst(check.verdict for check in checks) or Verdict.NEW)


def budgets_in_force(baseline: Baseline, key: str, own: Sequence[Budget]) -> list[Budget]:
    """The budgets of a case: those of its baseline file, and the test's own for what that does not limit."""
    written = effective_budgets(baseline.file, key, baseline.hardware)
    known = {(budget.metric, budget.bound) for budget in written}
    return [*written, *(budget for budget in own if (budget.metric, budget.bound) not in known)]


def broken_off(case: CaseResult, problem: InferbenchError) -> CaseResult:
    """The rounds of a case that did not come to its end; kept, and not to be judged.

    What else would make it INVALID follows from that, as requests that were never sent; warnings stay.
    """
    why = str(problem).splitlines()[0].removeprefix(f"{case.case}: ")
    rounds = f"{len(case.rounds)} round{'s' if len(case.rounds) > 1 else ''}"
    finding = Finding(
        code="broken_off",
        invalid=True,
        message=f"ended after {rounds}: {why}",
        remedy="see the test's error; run the case again",
    )
    warnings = (each for each in case.validity if not each.invalid)
    return dataclasses.replace(case, validity=(finding, *warnings), verdict=Verdict.INVALID)
