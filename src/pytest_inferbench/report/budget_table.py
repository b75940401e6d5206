"""Why a budget failed, as the plain text of a test's failure message.

Law: monospaced, no colour, no width limit: it goes into JUnit files and logs as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import ABSENT, beside_limit, exact, number, quantity
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.report.text_table import text_table
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import RATIO

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD = ("metric", "value", "limit", "missed by", "from")
_LEFT = frozenset({"metric", "limit", "from"})
NOT_MEASURED = "not measured"


def budget_table(case: Mapping[str, Any]) -> str:
    """A table of the budgets the case is over, one line each; "" where it is over none.

    Args:
        case: `CaseResult.to_json()`.
    """
    budgets = [check for check in case["checks"] if check["kind"] == "budget"]
    failed = [check for check in budgets if check["verdict"] == Verdict.OVER_BUDGET.value]
    if not failed:
        return ""
    share = f"{len(failed)} of {len(budgets)} budgets"
    title = f"{Verdict.OVER_BUDGET.label}: {visible(case['case'])} of {cell_name(case)} ({share})"
    notes = [f"  {visible(check['metric'])}: {visible(note)}" for check in failed if (note := remark(check))]
    return "\n".join(
        [title, "", *text_table(_HEAD, [_row(check) for check in failed], _LEFT), *([""] if notes else []), *notes]
    )


def beyond(check: Mapping[str, Any]) -> str:
    """By how much a figure is on the wrong side of its limit: `24.8 %`, in the unit where the limit is 0.

    "-" where nothing was measured.
    """
    value, limit = check.get("value"), check.get("limit")
    if value is None or limit is None:
        return ABSENT
    gap = limit - value if check.get("bound") == "min" else value - limit
    return quantity(gap / abs(limit), RATIO.symbol) if limit else quantity(gap, check["unit"])


def measured(check: Mapping[str, Any]) -> str:
    """The judged figure without its unit; "not measured" where there is none."""
    value, limit, unit = check.get("value"), check.get("limit"), check["unit"]
    if value is None:
        return NOT_MEASURED
    return number(value, unit) if limit is None else beside_limit(value, limit, unit)


def remark(check: Mapping[str, Any]) -> str:
    """The check's note; "" where it only repeats that nothing was measured."""
    note: str = check["note"]
    return "" if note == NOT_MEASURED else note


def _row(check: Mapping[str, Any]) -> tuple[str, ...]:
    source = visible(check["source"]) or ABSENT
    return (visible(check["metric"]), _value(check), _limit(check), visible(beyond(check)), source)


def _value(check: Mapping[str, Any]) -> str:
    figure = measured(check)
    return figure if figure == NOT_MEASURED else f"{figure} {visible(check['unit'])}".rstrip()


def _limit(check: Mapping[str, Any]) -> str:
    if "limit" not in check:
        return ABSENT
    return f"{check.get('bound', '')} {exact(check['limit'], check['unit'])} {visible(check['unit'])}".strip()
