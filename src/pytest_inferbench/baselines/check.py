"""A case's result against the budgets of its baseline.

Limits: pure. A budget knows no statistics; the limit itself is still within.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_inferbench.baselines.accepted import reference
from pytest_inferbench.baselines.figures import figure_text
from pytest_inferbench.document.figures import Check
from pytest_inferbench.metrics.absent import what_it_needs
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.baselines.lines import Session
    from pytest_inferbench.baselines.schema import BaselineFile
    from pytest_inferbench.document.case import CaseResult

STEADY_SAMPLES: Final = {"p95": 500, "p99": 1000}
"""Requests a tail percentile needs before it repeats from session to session."""

_LIMIT_DIGITS: Final = 4


def effective_budgets(file: BaselineFile, case: str, hardware: str) -> list[Budget]:
    """The budgets that hold for a case on a hardware: the case's own, each overridden by the hardware's.

    Args:
        file: the baseline file.
        case: the case's key (`names.case_key`).
        hardware: the hardware's name in the file.

    Returns:
        at most one budget for each metric and bound; none for a case the file does not know.
    """
    entry = file.cases.get(case)
    if entry is None:
        return []
    layers = (*entry.budgets, *entry.hardware.get(hardware, ()))
    return list({(budget.metric, budget.bound): budget for budget in layers}.values())


def check_budgets(result: CaseResult, budgets: Sequence[Budget], level: Sequence[Session] = ()) -> tuple[Check, ...]:
    """One check for each budget; a figure that was not measured is over its budget, whatever the budget.

    Args:
        result: the case.
        budgets: its limits.
        level: the accepted sessions that relative ones start from (`Accepted.level`, those comparable with the case).

    Returns:
        in the budgets' order; a relative one without an accepted figure is NEW.
    """
    return tuple(
        _absolute(result, each) if each.share is None else _relative(result, each, each.share, level)
        for each in budgets
    )


def _absolute(result: CaseResult, budget: Budget) -> Check:
    value = result.figure(budget.metric)
    note = _why_absent(result, budget.metric) if value is None else _small_sample(result, budget.metric)
    return _to_check(result, budget, value, float(budget.limit), note)


def _relative(result: CaseResult, budget: Budget, share: float, level: Sequence[Session]) -> Check:
    # Like with like: the sessions that shares are reckoned from have the median of their rounds, each of them.
    value, start = result.session_figure(budget.metric, pooled=False), reference(level, budget.metric)
    if value is None or start is None:
        value = result.figure(budget.metric)
        note = f"the budget {budget.limit} has no accepted {budget.metric} to start from yet"
        found = _to_check(
            result, budget, value, None, note if value is not None else _why_absent(result, budget.metric)
        )
        return found if value is None else replace(found, verdict=Verdict.NEW)
    count, days = len(start.sessions), list(dict.fromkeys(each.date.partition("T")[0] for each in start.sessions))
    when = f"of {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    note = (
        f"{budget.limit} of {figure_text(start.value)}, accepted in {count} session{'s' * (count > 1)} {when} "
        f"({start.sessions[0].version})"
    )
    limit = float(f"{start.value * (1 + share):.{_LIMIT_DIGITS}g}")  # judged is what is shown
    return _to_check(result, budget, value, limit, note)


def _to_check(result: CaseResult, budget: Budget, value: float | None, limit: float | None, note: str) -> Check:
    """The check; a figure or a limit that is not there is not kept."""
    within = value is not None and limit is not None and (value <= limit if budget.bound == "max" else value >= limit)
    summary = result.metrics.get(budget.metric.partition(".")[0])
    return Check(
        metric=budget.metric,
        kind="budget",
        verdict=Verdict.WITHIN_BUDGET if within else Verdict.OVER_BUDGET,
        value=value,
        bound=budget.bound,
        limit=limit,
        unit=summary.unit if summary else "",
        source=budget.source,
        note=note,
    )


def _why_absent(result: CaseResult, name: str) -> str:
    metric, _, statistic = name.partition(".")
    summary = result.metrics.get(metric)
    if summary is None:
        need = what_it_needs(metric)
        return f"not measured; it needs {need}" if need else "not measured"
    there = [f"{metric}.{other}" if other != "value" else metric for other in summary.statistics()]
    few = f" of {summary.n} samples" if summary.n is not None and statistic else ""
    return f"not measured{few}; measured are {', '.join(there)}" if there else f"not measured{few}"


def _small_sample(result: CaseResult, name: str) -> str:
    metric, _, statistic = name.partition(".")
    n, needed = result.metrics[metric].n, STEADY_SAMPLES.get(statistic, 0)
    if n is None or n >= needed:
        return ""
    return f"{statistic} of {n} requests is not steady; it needs {needed}"
