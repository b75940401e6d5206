"""Why a budget failed, as the plain text of a test's failure message.

Limits: monospaced, no colour, no width limit: it goes into JUnit files and logs as it is.
"""

from __future__ import annotations

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Check
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import ABSENT, beside_limit, exact, number, quantity
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.report.text_table import text_table
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import RATIO

_HEAD = ("metric", "value", "limit", "missed by", "from")
_LEFT = frozenset({"metric", "limit", "from"})
NOT_MEASURED = "not measured"


def budget_table(case: CaseResult) -> str:
    """A table of the budgets the case is over, one line each; "" where it is over none."""
    budgets = [check for check in case.checks if check.kind == "budget"]
    failed = [check for check in budgets if check.verdict is Verdict.OVER_BUDGET]
    if not failed:
        return ""
    share = f"{len(failed)} of {len(budgets)} budgets"
    title = f"{Verdict.OVER_BUDGET.label}: {visible(case.case)} of {cell_name(case)} ({share})"
    notes = [f"  {visible(check.metric)}: {visible(note)}" for check in failed if (note := remark(check))]
    return "\n".join(
        [title, "", *text_table(_HEAD, [_row(check) for check in failed], _LEFT), *([""] if notes else []), *notes]
    )


def beyond(check: Check) -> str:
    """By how much a figure is on the wrong side of its limit: `24.8 %`, in the unit where the limit is 0.

    "-" where nothing was measured.
    """
    value, limit = check.value, check.limit
    if value is None or limit is None:
        return ABSENT
    gap = limit - value if check.bound == "min" else value - limit
    return quantity(gap / abs(limit), RATIO.symbol) if limit else quantity(gap, check.unit)


def figure_text(check: Check) -> str:
    """The judged figure without its unit; "not measured" where there is none."""
    value, limit, unit = check.value, check.limit, check.unit
    if value is None:
        return NOT_MEASURED
    return number(value, unit) if limit is None else beside_limit(value, limit, unit)


def remark(check: Check) -> str:
    """The check's note; "" where it only repeats that nothing was measured."""
    return "" if check.note == NOT_MEASURED else check.note


def _row(check: Check) -> tuple[str, ...]:
    source = visible(check.source) or ABSENT
    return (visible(check.metric), _value(check), _limit(check), visible(beyond(check)), source)


def _value(check: Check) -> str:
    figure = figure_text(check)
    return figure if figure == NOT_MEASURED else f"{figure} {visible(check.unit)}".rstrip()


def _limit(check: Check) -> str:
    if check.limit is None:
        return ABSENT
    return f"{check.bound or ''} {exact(check.limit, check.unit)} {visible(check.unit)}".strip()
