"""Verdicts as pytest outcomes.

Law: INVALID and everything else that is not the server's performance is an *error*, never a failure: the report of
such a call says `setup`, which is how pytest, JUnit and xdist spell "error". A budget that was not kept and a
regression are failures; what could not be told is a skip.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.config.load import shown
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.plugin.measuring import RECORDED
from pytest_inferbench.report.properties import comparison_properties, junit_properties

if TYPE_CHECKING:
    from pytest_inferbench.launch.secrets import Secrets

JUDGED = pytest.StashKey[list[dict[str, Any]]]()
"""On a regression item: its cases with what their comparisons say, and no other checks and notes."""

ENDED = pytest.StashKey[str]()
"""On a test that did not pass: `failed` or `was skipped`; why, it says itself."""


NOT_AWAITED = (
    "bench.run(...) was not awaited, so nothing was measured; write `result = await bench.run(...)` in an `async def` "
    "test, or bench.run_sync(...) in a plain one"
)


class FailedVerdict(AssertionError):  # noqa: N818 - a verdict, not an error
    """A case is over its budget or regressed; the message is the table that says by how much."""


def dress_report(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, secrets: Secrets) -> None:
    """Give a benchmark's report its data and, where it failed by our own words, a clear text.

    Args:
        item: the test, or the regression item of one.
        call: the phase that was run.
        report: what pytest made of it; changed in place.
        secrets: what none of it may show.
    """
    called = report.when == "call"
    cases = [secrets.hidden(recorded.result.to_json()) for recorded in item.stash.get(RECORDED, [])] if called else []
    judged = [secrets.hidden(case) for case in item.stash.get(JUDGED, [])] if called else []
    vars(report)["inferbench"] = {  # JSON types only: this crosses xdist
        "cases": cases,
        "judged": [{name: case[name] for name in ("id", "case", "checks", "notes")} for case in judged],
        "regression": not isinstance(item, pytest.Function),
    }
    for case in cases:
        item.user_properties += junit_properties(case)  # JUnit is written from the teardown report
    for case in judged:
        item.user_properties += comparison_properties(case)
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, FailedVerdict):
        report.longrepr = str(error)
    elif isinstance(error, InferbenchError):
        report.longrepr = str(error)
        if called:
            report.when = "setup"
    elif called and call.excinfo is not None and _of_a_promise(error):
        last = call.excinfo.traceback[-1]
        report.longrepr = f"{shown(Path(last.path), item.config.rootpath)}:{last.lineno + 1}: {NOT_AWAITED}"
        report.when = "setup"
    if isinstance(report.longrepr, str):
        report.longrepr = secrets.hidden(report.longrepr)
    if error is not None:
        item.stash[ENDED] = "failed" if report.failed else "was skipped"


def _of_a_promise(error: BaseException | None) -> bool:
    """Whether an error is that of a result which is only one once `bench.run` was awaited."""
    promise = error.obj if isinstance(error, AttributeError) else None
    return inspect.iscoroutine(promise) and promise.__qualname__.startswith("Bench.")
