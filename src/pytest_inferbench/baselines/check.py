"""A case's result against the budgets of its baseline.

Law: pure. A budget is an absolute limit without statistics; the limit itself is still within.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_inferbench.measure.result import Check
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.schema import BaselineFile, Budget
    from pytest_inferbench.measure.result import CaseResult

STEADY_SAMPLES: Final = {"p95": 500, "p99": 1000}
"""Requests a tail percentile needs before it repeats from session to session."""


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
    own = entry.hardware.get(hardware)
    layers = (*entry.budgets, *(own.budgets if own else ()))
    return list({(budget.metric, budget.bound): budget for budget in layers}.values())


def check_budgets(result: CaseResult, budgets: Sequence[Budget]) -> tuple[Check, ...]:
    """One check for each budget; a figure that was not measured is over its budget, whatever the budget."""
    return tuple(_check(result, budget) for budget in budgets)


def _check(result: CaseResult, budget: Budget) -> Check:
    value = result.figure(budget.metric)
    if value is None:
        within, note = False, _why_absent(result, budget.metric)
    else:
        within = value <= budget.limit if budget.bound == "max" else value >= budget.limit
        note = _small_sample(result, budget.metric)
    summary = result.metrics.get(budget.metric.partition(".")[0])
    return Check(
        metric=budget.metric,
        kind="budget",
        verdict=Verdict.WITHIN_BUDGET if within else Verdict.OVER_BUDGET,
        value=value,
        bound=budget.bound,
        limit=budget.limit,
        unit=summary.unit if summary else "",
        source=budget.source,
        note=note,
    )


def _why_absent(result: CaseResult, name: str) -> str:
    metric, _, statistic = name.partition(".")
    summary = result.metrics.get(metric)
    if summary is None:
        return "not measured"
    there = [f"{metric}.{other}" if other != "value" else metric for other in summary.statistics()]
    few = f" of {summary.n} samples" if summary.n is not None and statistic else ""
    return f"not measured{few}; measured are {', '.join(there)}" if there else f"not measured{few}"


def _small_sample(result: CaseResult, name: str) -> str:
    metric, _, statistic = name.partition(".")
    n, needed = result.metrics[metric].n, STEADY_SAMPLES.get(statistic, 0)
    if n is None or n >= needed:
        return ""
    return f"{statistic} of {n} requests is not steady; it needs {needed}"
