"""The failure message of an over-budget test."""

from __future__ import annotations

from made.cases import case
from pytest_inferbench.document.figures import Check
from pytest_inferbench.report.budget_table import budget_table
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import HOSTILE_CASE, OVER, UNMEASURED, WITHIN


def test_table_looks_as_agreed(golden) -> None:
    """Percentages, missing figures, near misses and both bounds are printed as the golden file shows them."""
    golden("budget_table.txt", budget_table(OVER) + "\n\n" + budget_table(UNMEASURED) + "\n")


def test_case_within_its_budgets_has_no_table() -> None:
    """Nothing failed, nothing to say."""
    assert budget_table(WITHIN) == ""


def test_names_from_outside_stay_on_their_line() -> None:
    """A hostile metric's row is one line without escapes."""
    text = budget_table(HOSTILE_CASE)
    assert "\x1b" not in text
    assert len(text.splitlines()) == 6


def test_check_without_limit_or_source_has_dashes() -> None:
    """Where a check does not say its limit, the table does not invent one."""
    check = Check("ttft_ms.p50", "budget", Verdict.OVER_BUDGET, 41.2, unit="ms")
    row = budget_table(case("x", Verdict.OVER_BUDGET, checks=(check,))).splitlines()[-1]
    assert row.split() == ["ttft_ms.p50", "41.2", "ms", "-", "-", "-"]


def test_note_that_repeats_the_value_is_left_out() -> None:
    """That nothing was measured is said once."""
    check = Check("ttft_ms.p50", "budget", Verdict.OVER_BUDGET, None, "max", 40, note="not measured")
    text = budget_table(case("x", Verdict.OVER_BUDGET, checks=(check,)))
    assert text.count("not measured") == 1
