"""The run as a JUnit file with one test case for each judged figure, so that a CI page shows which metric moved.

Idea: pytest's own `--junitxml` has one entry a test; this one has one a check: a suite for each cell, a test case
named by its metric. Names hold no version, so a CI system follows a check through upgrades; the suite's properties say
what ran.
Limits: a pure function of the run document. OVER BUDGET and REGRESSED are failures, INCONCLUSIVE is skipped, INVALID
and what ended without a result are errors. A case's measuring time is shared equally by its checks, so that times add
up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Check
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report.budget_table import NOT_MEASURED, beyond, figure_text
from pytest_inferbench.report.change import Gate, in_a_line, would_have_seen
from pytest_inferbench.report.comparison_table import fact_lines, since, steps_of
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import ABSENT, exact
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from junit_xml import TestCase, TestSuite


_FAILURES = frozenset({Verdict.OVER_BUDGET, Verdict.REGRESSED})
_CELL = ("model", "backend", "version", "variant", "hardware")
_KINDS = {"history": "regression", "pairs": "regression"}


def to_junit(document: RunDocument) -> str:
    """The run document as JUnit XML in ASCII, with a newline at the end; the same document gives the same bytes."""
    from junit_xml import to_xml_report_string  # noqa: PLC0415 - loaded only where it is asked for

    suites = [_suite(document, cases) for cases in _by_cell(document.cases)]
    suites += _tests(document)
    text: str = to_xml_report_string(suites)
    # `disabled` is older than the schema that CI systems check against; an attribute's own text has its quotes escaped.
    return text.replace(' disabled="0"', "").rstrip("\n") + "\n"


def _by_cell(cases: Iterable[CaseResult]) -> list[list[CaseResult]]:
    cells: dict[tuple[str, ...], list[CaseResult]] = {}
    for case in cases:
        cells.setdefault(tuple(getattr(case, name) for name in _CELL), []).append(case)
    return list(cells.values())


def _suite(document: RunDocument, cases: Sequence[CaseResult]) -> TestSuite:
    from junit_xml import TestSuite  # noqa: PLC0415 - as above

    properties = {name: visible(part) for name in _CELL if (part := getattr(cases[0], name))}
    return TestSuite(
        visible(cell_name(cases[0])),
        [entry for case in cases for entry in _entries(case)],
        timestamp=document.started,
        properties={"run": visible(document.run_id), **properties},
    )


def _entries(case: CaseResult) -> list[TestCase]:
    """A case's checks; where it is INVALID, that alone."""
    seconds = sum(round_.get("wall_s", 0.0) for round_ in case.rounds)
    invalid = [finding for finding in case.validity if finding.invalid]
    if invalid or case.verdict is Verdict.INVALID:
        entry = _entry(case, "validity", seconds)
        words = [f"{visible(found.code)}: {visible(found.message)}" for found in invalid] or ["not to be judged"]
        remedies = [f"{line} -> {visible(found.remedy)}" for line, found in zip(words, invalid, strict=False)]
        entry.add_error_info(words[0], "\n".join(remedies), Verdict.INVALID.label)
        return [entry]
    checks = case.checks
    return [_check_entry(case, check, seconds / len(checks)) for check in checks]


def _check_entry(case: CaseResult, check: Check, seconds: float) -> TestCase:
    verdict = check.verdict
    rest = check.bound or _KINDS.get(check.kind, check.kind)
    entry = _entry(case, f"{visible(check.metric)} {rest}", seconds)
    message, details = _message(verdict, check)
    if verdict in _FAILURES:
        details = "\n".join(filter(None, [details, *_facts(case, verdict)]))
    if verdict is Verdict.INVALID:
        entry.add_error_info(message, details, verdict.label)
    elif verdict in _FAILURES:
        entry.add_failure_info(message, details, verdict.label)
    elif verdict is Verdict.INCONCLUSIVE:
        entry.add_skipped_info(message, details)
    else:
        entry.stdout = f"{message}\n{details}".rstrip("\n")
    return entry


def _message(verdict: Verdict, check: Check) -> tuple[str, str]:
    """The verdict with the figures it rests on in one line, which is all that a list shows; and what explains it."""
    note, source = visible(check.note), visible(check.source)
    details = [f"written at {source}"] if source else []
    if check.comparison is not None:
        gate = Gate(check, check.comparison)
        seen = would_have_seen(gate)
        parts = [f"{verdict.label}: {in_a_line(gate)}", *([] if seen == ABSENT else [f"would have seen {seen}"])]
        if remedy := gate.found.remedy:
            parts.append(f"to decide: {visible(remedy)}")
        return "; ".join(parts), "\n".join(details)
    if check.kind != "budget":
        return f"{verdict.label}: {note}" if note else verdict.label, "\n".join(details)
    unit, value = visible(check.unit), figure_text(check)
    parts = [f"{verdict.label}: {value}" + ("" if value == NOT_MEASURED else f" {unit}".rstrip())]
    if check.limit is not None:
        parts.append(f"{check.bound or 'limit'} {exact(check.limit, check.unit)} {unit}".rstrip())
        if verdict is Verdict.OVER_BUDGET and value != NOT_MEASURED:
            parts.append(f"{visible(beyond(check))} beyond it")
    return ", ".join(parts), "\n".join([*details, note] if note else details)


def _facts(case: CaseResult, verdict: Verdict) -> list[str]:
    """Since when and beside what it regressed, and what to do."""
    facts = since(case) if verdict is Verdict.REGRESSED else []
    return [visible(line) for line in fact_lines([*facts, *steps_of(case)])]


def _entry(case: CaseResult, name: str, seconds: float) -> TestCase:
    from junit_xml import TestCase  # noqa: PLC0415 - as above

    place = (case.model, case.backend, case.variant, case.case)
    named = ".".join(visible(part) for part in place if part) or "unnamed"
    return TestCase(name, named, elapsed_sec=round(seconds, 3))


def _tests(document: RunDocument) -> list[TestSuite]:
    """What ended in an error or was skipped, whether it has figures or not."""
    from junit_xml import TestCase, TestSuite  # noqa: PLC0415 - as above

    entries = []
    for found in document.errors:
        entry = TestCase(visible(found.id), "tests")
        first, *rest = found.message.strip().splitlines() or ["no message"]
        entry.add_error_info(visible(first), "\n".join(visible(line) for line in rest), "ERROR")
        entries.append(entry)
    for skipped in document.skipped:
        entry = TestCase(visible(skipped.id), "tests")
        entry.add_skipped_info(visible(skipped.reason) or "skipped")
        entries.append(entry)
    return [TestSuite("tests", entries, timestamp=document.started)] if entries else []
