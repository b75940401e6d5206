"""Verdicts as pytest outcomes.

Limits: INVALID and everything else that is not the server's performance is an *error*, never a failure: the report of
such a call says `setup`, which is how pytest, JUnit and xdist spell "error". A budget that was not kept and a
regression are failures; what could not be told is a skip.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.archive.reported import Reported
from pytest_inferbench.bench.api import NOT_AWAITED
from pytest_inferbench.bench.next_steps import next_steps
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.codec import to_json
from pytest_inferbench.document.judgement import judgement_of
from pytest_inferbench.errors import CellUnavailable, FailedVerdict, InferbenchError
from pytest_inferbench.plan.secrets import within
from pytest_inferbench.plugin.items import ASKED, ENDED, JUDGED, RECORDED, REPORTED, as_argument, cell_of
from pytest_inferbench.report.comparison_table import fact_lines, steps_of
from pytest_inferbench.report.properties import comparison_properties, junit_properties
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext

_ATTEMPT = pytest.StashKey[int]()
_PROPERTIES = pytest.StashKey[list[tuple[str, object]]]()


def begin_attempt(item: pytest.Item) -> None:
    """Forget what an earlier attempt of the same item left: where a plugin runs it again, the last one counts."""
    item.stash[_ATTEMPT] = item.stash.get(_ATTEMPT, 0) + 1
    item.user_properties[:] = [each for each in item.user_properties if each not in item.stash.get(_PROPERTIES, ())]
    keys: tuple[pytest.StashKey[Any], ...] = (RECORDED, JUDGED, ENDED, ASKED, _PROPERTIES)
    for key in keys:
        if key in item.stash:
            del item.stash[key]


def complete_report(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, context: RunContext
) -> None:
    """Give a benchmark's report its data and, where it failed by our own words, a clear text.

    Args:
        item: the test, or the regression item of one.
        call: the phase that was run.
        report: what pytest made of it; changed in place.
        context: the run.
    """
    secrets, settings = context.secrets(cell_of(getattr(item, "test", item))), context.settings
    called = report.when == "call"
    error = call.excinfo.value if call.excinfo is not None else None
    cases = _measured_cases(item, context) if called else []
    judged = item.stash.get(JUDGED, []) if called else []
    data = Reported(
        cases=tuple(cases),
        judged=tuple(map(judgement_of, judged)),
        regression=not isinstance(item, pytest.Function),
        attempt=item.stash.get(_ATTEMPT, 1),
        failed=_own_failure(error) if called else "",
        unavailable=isinstance(getattr(error, "__cause__", None), CellUnavailable),
    )
    vars(report)[REPORTED] = secrets.shown(to_json(data))
    written = [each for case in cases for each in junit_properties(case)]
    written += [each for case in judged for each in comparison_properties(case)]
    written = [(name, secrets.shown(text)) for name, text in written]
    item.user_properties += written  # JUnit is written from the teardown report
    item.stash.setdefault(_PROPERTIES, []).extend(written)
    expected = hasattr(report, "wasxfail")
    if isinstance(error, FailedVerdict | InferbenchError):
        report.longrepr = "\n".join([str(error), *_what_to_do(cases)])
    if isinstance(error, InferbenchError) and called and not expected:
        report.when = "setup"
    if called and call.excinfo is not None and _of_a_promise(error):
        last = call.excinfo.traceback[-1]
        report.longrepr = f"{shown_path(Path(last.path), item.config.rootpath)}:{last.lineno + 1}: {NOT_AWAITED}"
        report.when = report.when if expected else "setup"
    report.longrepr = within(report.longrepr, lambda text: secrets.shown(settings.with_names(text)))
    report.sections = within(report.sections, secrets.masked)
    if error is not None:
        item.stash[ENDED] = "failed" if report.failed else "failed as expected" if expected else "was skipped"


def _measured_cases(item: pytest.Item, context: RunContext) -> list[CaseResult]:
    """The cases that a test has measured; one over its budget with what to do then, as regressions have it."""
    cell = cell_of(item)
    cases = []
    for result in (each.result for each in item.stash.get(RECORDED, ())):
        steps = None
        if result.verdict is Verdict.OVER_BUDGET and isinstance(item, pytest.Function) and cell is not None:
            steps = tuple(next_steps(as_argument(item), cell, result, result.verdict, context))
        cases.append(replace(result, next_steps=steps))
    return cases


def _own_failure(error: BaseException | None) -> str:
    """Why a test failed by itself, as by an `assert`; "" where it failed by our words, or did not."""
    if error is None or isinstance(error, FailedVerdict | InferbenchError | pytest.skip.Exception):
        return ""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"the test failed: {type(error).__name__}" + (f": {first}" if first else "")


def _what_to_do(cases: Sequence[CaseResult]) -> list[str]:
    steps = [step for case in cases for step in steps_of(case)]
    return ["", *fact_lines(list(dict.fromkeys(steps)))] if steps else []


def _of_a_promise(error: BaseException | None) -> bool:
    """Whether an error is that of a result which is only one once `bench.run` was awaited."""
    promise = error.obj if isinstance(error, AttributeError) else None
    return inspect.iscoroutine(promise) and promise.__qualname__.startswith("Bench.")
