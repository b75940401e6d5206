"""What stands below the summary's table: why a row is bad, and what a reader must know beside the figures.

Limits: one entry a reason, the worst first. An entry names the case, the figure, the limit and what to do; what many
cases have in common is said once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Check, Finding
from pytest_inferbench.document.run import Error, Family, RunDocument, Skipped
from pytest_inferbench.report import wording
from pytest_inferbench.report.budget_table import NOT_MEASURED, beyond, figure_text, remark
from pytest_inferbench.report.change import PAIRS, Gate, gates_of, in_a_line, what_was_visible
from pytest_inferbench.report.comparison_table import since
from pytest_inferbench.report.escape import GLUE, shorten, visible
from pytest_inferbench.report.false_alarms import error_rate, site_noise
from pytest_inferbench.report.figures import exact
from pytest_inferbench.report.headline import REQUIRED, is_on
from pytest_inferbench.report.naming import cell_name, differing
from pytest_inferbench.report.undecided import undecided_line, what_decides
from pytest_inferbench.stats.rule import Kind, kind_of
from pytest_inferbench.stats.verdict import Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NAME = 60  # cells of a case's name or a test's id: enough to find it
_TEXT = 300  # cells of one reason in words from outside, cut at its end; the document has it whole
_OWN = 2000  # cells of one in words of ours, which have an end: they are not cut
_FIGURE = re.compile(r"(?<=\d) (?=(?:%|ms|s|tok/s|req/s|GiB|J)(?:\W|$))")  # a line does not end between it and its unit
_FAILING = frozenset({Verdict.OVER_BUDGET, Verdict.REGRESSED})
_PASSED = (Verdict.OK, Verdict.IMPROVED)
_NO_BASELINE = "no baseline for this hardware"


@dataclass(frozen=True, slots=True)
class Entry:
    """One reason: a label in a style of its own, then the text; free of control characters, ready for `wrap`."""

    label: str
    style: str
    text: str


def explanations(document: RunDocument) -> list[Entry]:
    """Every entry of the run document, in the order they are printed."""
    cases: Sequence[CaseResult] = document.cases
    apart, required = differing(cases), is_on(document, REQUIRED)
    named = [(_subject(case, apart), case) for case in cases]
    reasons = [entry for subject, case in named for entry in (*_invalid(subject, case), *_failed_checks(subject, case))]
    return [
        *reasons,
        *(_new(cases, document) if required else ()),
        *(_error(entry) for entry in document.errors),
        *_changes(named),
        *_inconclusive(named),
        *_warnings(named),
        *(() if required else _new(cases, document)),
        *_passed(named),
        *_worth(document.family, cases),
        *_sites(named),
        *_notes(named),
        *_skips(document.skipped),
    ]


def _subject(case: CaseResult, apart: Sequence[str]) -> str:
    cell = cell_name(case, apart)
    return f"{_name(case.case)} of {shorten(cell, _NAME)}" if cell else _name(case.case)


def _name(words: str) -> str:
    return shorten(visible(words), _NAME)


def _text(words: str, most: int = _TEXT) -> str:
    return _FIGURE.sub(GLUE, shorten(visible(words), most, end=0.0))


def _finding(finding: Finding) -> str:
    parts = (_text(part, _OWN).rstrip(".") for part in (finding.message, finding.remedy))
    return "; ".join(part for part in parts if part)


def _invalid(subject: str, case: CaseResult) -> Iterator[Entry]:
    for finding in case.validity:
        if finding.invalid:
            yield Entry(Verdict.INVALID.label, wording.BAD, f"{subject}: {_finding(finding)}")


def _failed_checks(subject: str, case: CaseResult) -> Iterator[Entry]:
    # An invalid measurement is not judged, so its checks say nothing.
    if case.verdict is Verdict.INVALID:
        return
    for check in case.checks:
        verdict = check.verdict
        if verdict in _FAILING:
            found = check.comparison
            said = _check(check) if found is None else _text(in_a_line(Gate(check, found)), _OWN)
            yield Entry(wording.word(verdict), wording.style(verdict), f"{subject}: {said}")


def _changes(named: Iterable[tuple[str, CaseResult]]) -> Iterator[Entry]:
    """Since when, and beside what, cases regressed: told once for those that have it in common."""
    by_text: dict[str, list[str]] = {}
    for subject, case in named:
        if _has_regressed(case):
            told = [f"{label}: {text}" if label else text for label, text in since(case)]
            if told:
                by_text.setdefault(_text("; ".join(told), _OWN), []).append(subject)
    for text, subjects in by_text.items():
        yield Entry("since", wording.QUIET, f"{text.removeprefix('since: ')} ({', '.join(subjects)})")


def _has_regressed(case: CaseResult) -> bool:
    """Whether any figure of a case regressed: what nobody can tell of its others matters less."""
    return any(gate.check.verdict is Verdict.REGRESSED for gate in gates_of(case))


def _inconclusive(named: Sequence[tuple[str, CaseResult]]) -> Iterator[Entry]:
    """A line for each inconclusive case, one for those that say the same, and one for what would decide them."""
    label, style = wording.word(Verdict.INCONCLUSIVE), wording.style(Verdict.INCONCLUSIVE)
    by_line: dict[str, list[str]] = {}
    named = [(subject, case) for subject, case in named if not _has_regressed(case)]
    for subject, case in named:
        if line := undecided_line(case):
            by_line.setdefault(line, []).append(subject)
    for line, subjects in by_line.items():
        yield Entry(label, style, f"{subjects[0]}{_more(len(subjects) - 1)}: {_text(line, _OWN)}")
    if decides := what_decides(named):
        yield Entry("to decide:", style, _text(decides, _OWN))


def _check(check: Check) -> str:
    metric, unit, value = _name(check.metric), _name(check.unit), figure_text(check)
    known = value != NOT_MEASURED
    parts = [f"{metric} {_glue(value, unit if known else '')}"]
    if check.limit is not None:
        parts.append(f"limit {_glue(exact(check.limit, check.unit), unit)}")
        if known:
            side = "under" if check.bound == "min" else "over"
            parts.append(f"{_glue(*beyond(check).split(' ', 1))} {side}")
    note = _text(remark(check))
    return ", ".join(parts) + (f"; {note}" if note else "")


def _glue(*words: str) -> str:
    return GLUE.join(word for word in words if word)


def _error(entry: Error) -> Entry:
    # A message may end with a server's log; pytest prints it whole, here its first line must do.
    first = next(iter(entry.message.strip().splitlines()), "no message")
    return Entry("ERROR", wording.BAD, f"{_name(entry.id)}: {_text(first)}")


def _warnings(named: Iterable[tuple[str, CaseResult]]) -> Iterator[Entry]:
    by_code: dict[str, list[str]] = {}
    for subject, case in named:
        for finding in case.validity:
            if not finding.invalid:
                by_code.setdefault(finding.code, []).append(f"{subject}: {_finding(finding)}")
    for texts in by_code.values():
        yield Entry("warning", wording.UNDECIDED, texts[0] + _more(len(texts) - 1))


def _worth(family: Family | None, cases: Iterable[CaseResult]) -> Iterator[Entry]:
    """What the comparisons are worth, and why their figures are not the table's."""
    if family:
        tails = any(_tail_of_all(gate) for case in cases for gate in gates_of(case))
        what = "medians of rounds, but tails over all requests" if tails else "medians of rounds"
        table = "as the table is" if tails else "the table is over all requests"
        yield Entry("compared:", wording.QUIET, f"{what} ({table}); {error_rate(family)}")


def _tail_of_all(gate: Gate) -> bool:
    """Whether a comparison is of a tail over all requests: older histories have only its rounds."""
    return kind_of(gate.check.metric) is Kind.TAIL and "median_tails" not in gate.found.notes


def _new(cases: Iterable[CaseResult], document: RunDocument) -> Iterator[Entry]:
    """Why cases are new, each reason once; what fails the run by an option is told with it."""
    required, recorded = is_on(document, REQUIRED), is_on(document, "update-baselines")
    reasons = (_why_new(case, recorded=recorded) for case in cases if case.verdict is Verdict.NEW)
    for reason in dict.fromkeys(reasons):
        label, style = (Verdict.NEW.label, wording.BAD) if required else ("new:", wording.UNDECIDED)
        yield Entry(label, style, f"{reason} (--{REQUIRED} asks for one)" if required else reason)


def _why_new(case: CaseResult, *, recorded: bool) -> str:
    new = [check for check in case.checks if check.verdict is Verdict.NEW and check.note]
    why = _text(new[0].note if new else _NO_BASELINE)
    from_pairs = bool(new) and new[0].kind == PAIRS
    return why if from_pairs or recorded else f"{why}; --update-baselines records one"


def _passed(named: Iterable[tuple[str, CaseResult]]) -> Iterator[Entry]:
    for subject, case in named:
        verdict = worst(gate.check.verdict for gate in gates_of(case))
        if verdict in _PASSED and case.verdict is not Verdict.INVALID:
            yield Entry(
                wording.word(verdict), wording.style(verdict), f"{subject}: {_text(what_was_visible(case), _OWN)}"
            )


def _sites(named: Iterable[tuple[str, CaseResult]]) -> Iterator[Entry]:
    """What an A/A run says of the noise here."""
    for subject, case in named:
        for check, found in gates_of(case):
            if found.site is not None:
                said = site_noise(check.metric, found.site, found.direction)
                yield Entry("site:", wording.UNDECIDED, f"{subject}: {_text(said, _OWN)}")


def _notes(named: Iterable[tuple[str, CaseResult]]) -> Iterator[Entry]:
    by_text: dict[str, list[str]] = {}
    for subject, case in named:
        for note in case.notes:
            by_text.setdefault(_text(note), []).append(subject)
    for text, subjects in by_text.items():
        yield Entry("note", wording.QUIET, f"{subjects[0]}: {text}{_more(len(subjects) - 1)}")


def _more(count: int) -> str:
    if not count:
        return ""
    return f" (and {count} more case{'s' if count > 1 else ''})"


def _skips(skipped: Iterable[Skipped]) -> Iterator[Entry]:
    by_reason: dict[str, int] = {}
    for entry in skipped:
        reason = _text(entry.reason)
        by_reason[reason] = by_reason.get(reason, 0) + 1
    for reason, count in by_reason.items():
        yield Entry(f"{count} skipped:", wording.UNDECIDED, reason)
