"""What becomes of a measured case before it meets its history."""

from __future__ import annotations

from made.cases import case
from pytest_inferbench.bench.check_budgets import broken_off
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.errors import ServerError
from pytest_inferbench.measure.findings_text import findings_text
from pytest_inferbench.stats.verdict import Verdict


def test_a_case_that_was_broken_off_says_so_and_no_more() -> None:
    """Requests that were never sent follow from its end; warnings stay, and one line says what it is."""
    found = tuple(
        Finding(code, invalid, code, "look") for code, invalid in (("accounting", True), ("page_cost", False))
    )
    measured = case("batch", Verdict.NEW, validity=found)
    ended = broken_off(measured, ServerError("batch: the server died (killed by signal 9)", ("last words",)))
    assert (ended.verdict, [finding.code for finding in ended.validity]) == (
        Verdict.INVALID,
        ["broken_off", "page_cost"],
    )
    assert ended.validity[0].message == "ended after 2 rounds: the server died (killed by signal 9)"
    assert (
        findings_text(ended, "and was not judged").splitlines()[0]
        == "batch is INVALID (broken_off) and was not judged:"
    )
