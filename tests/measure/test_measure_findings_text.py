"""What is said of a case that must not be judged."""

from __future__ import annotations

from dataclasses import replace

from made.cases import case
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure.findings_text import findings_text, invalid_text

CASE = case("single")
LAG = Finding("schedule_lag", invalid=True, message="requests left late", remedy="use fewer")
CLUMPS = Finding("clumps", invalid=False, message="chunks came in clumps", remedy="none")
BUSY = Finding("client_cpu", invalid=True, message="the client was busy", remedy="use another machine")


def test_a_case_is_invalid_by_what_says_so() -> None:
    """A warning alone does not; codes are named once each, in order, and each line has the way out."""
    warned, bad = replace(CASE, validity=(CLUMPS,)), replace(CASE, validity=(LAG, CLUMPS, BUSY, LAG))
    assert not warned.invalid
    assert bad.invalid
    assert invalid_text(bad) == "INVALID (schedule_lag, client_cpu)"
    assert findings_text(bad, "and was not judged").splitlines() == [
        "single is INVALID (schedule_lag, client_cpu) and was not judged:",
        "  schedule_lag: requests left late -> use fewer",
        "  client_cpu: the client was busy -> use another machine",
        "  schedule_lag: requests left late -> use fewer",
    ]
