"""Budgets that can be kept by no measurement: of no metric, on the wrong side, of a statistic of too few samples.

Limits: pure; what is certain before a case is measured, and what its figures then say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.budget import side_problems
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure.aggregate import MIN_SAMPLES
from pytest_inferbench.metrics.table import Kind, SampleMetric
from pytest_inferbench.policy import metric_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.metrics.table import Metric


def budget_problems(budgets: Sequence[Budget], metrics: Mapping[str, Metric]) -> list[str]:
    """What is wrong with a test's budgets whatever is measured, one line each.

    Args:
        budgets: they.
        metrics: every metric by its name.
    """
    return [
        problem
        for one in budgets
        for problem in metric_problems(one.metric, one.source, metrics)
        or side_problems(one, one.limit if isinstance(one.limit, str) else f"{one.limit:g}", metrics)
    ]


def certainly_too_few(
    budgets: Sequence[Budget], requests: int | None, rounds: int, metrics: Mapping[str, Metric]
) -> list[str]:
    """Budgets on statistics that the requests of a case cannot carry, one line each.

    Args:
        budgets: all that hold for it; each right in itself.
        requests: those of one round that count; None where only the round can tell.
        rounds: how many rounds there are.
        metrics: every metric by its name.
    """
    if requests is None:
        return []
    problems = []
    for budget in budgets:
        name, _, statistic = budget.metric.partition(".")
        metric, samples = metrics.get(name), requests * rounds
        if isinstance(metric, SampleMetric) and metric.kind is Kind.REQUEST and samples < MIN_SAMPLES[statistic]:
            problems.append(
                f"{budget.source}: {budget.metric}: {statistic} needs {MIN_SAMPLES[statistic]} samples, and {requests} "
                f"requests in each of {rounds} rounds are {samples}; {_remedy(name, samples)}"
            )
    return problems


def too_few(case: CaseResult, budgets: Sequence[Budget]) -> tuple[Finding, ...]:
    """What makes a measured case one that cannot be judged: budgets on statistics that its samples do not carry."""
    findings = []
    for budget in budgets:
        name, _, statistic = budget.metric.partition(".")
        summary, needed = case.metrics.get(name), MIN_SAMPLES.get(statistic, 0)
        if summary is not None and summary.n is not None and summary.n < needed:
            findings.append(
                Finding(
                    code="too_few_samples",
                    invalid=True,
                    message=f"the budget on {budget.metric} ({budget.source}) needs {needed} samples, and there are "
                    f"{summary.n}",
                    remedy=_remedy(name, summary.n),
                    figure=summary.n,
                    limit=needed,
                )
            )
    return tuple(findings)


def _remedy(metric: str, samples: int) -> str:
    carried = [statistic for statistic, needed in MIN_SAMPLES.items() if samples >= needed]
    return f"measure more requests or rounds, or limit {metric}.{carried[-1] if carried else 'p50'}"
