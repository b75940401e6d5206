"""Verdicts as pytest outcomes.

Law: INVALID and everything else that is not the server's performance is an *error*, never a failure: the report of
such a call says `setup`, which is how pytest, JUnit and xdist spell "error". A budget that was not kept is a failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.report.properties import junit_properties

if TYPE_CHECKING:
    from pytest_inferbench.launch.secrets import Secrets
    from pytest_inferbench.measure.result import CaseResult

RESULTS = pytest.StashKey[list["CaseResult"]]()


class OverBudget(AssertionError):  # noqa: N818 - the verdict's name
    """A case is over its budget; the message is the table that says by how much."""


def dress_report(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, secrets: Secrets) -> None:
    """Give a benchmark's report its data and, where it failed by our own words, a clear text.

    Args:
        item: the test.
        call: the phase that was run.
        report: what pytest made of it; changed in place.
        secrets: what none of it may show.
    """
    results = item.stash.get(RESULTS, [])
    cases = [secrets.hidden(result.to_json()) for result in results] if report.when == "call" else []
    vars(report)["inferbench"] = {"cases": cases}  # JSON types only: this crosses xdist
    if report.when == "call":
        for case in cases:
            item.user_properties += junit_properties(case)  # JUnit is written from the teardown report
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, OverBudget):
        report.longrepr = str(error)
    elif isinstance(error, InferbenchError):
        report.longrepr = str(error)
        if report.when == "call":
            report.when = "setup"
    if isinstance(report.longrepr, str):
        report.longrepr = secrets.hidden(report.longrepr)
