"""The controller's book of the run: collects what benchmarks reported and writes the run's files.

Limits: one writer. `run.json` is rewritten after every test, atomically, so whatever ends the run loses nothing that
was measured. Nothing here may raise into pytest's own reporting.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.archive.book import Book
from pytest_inferbench.archive.reported import Reported
from pytest_inferbench.archive.reports import write_reports
from pytest_inferbench.archive.runs import RUN_FILE
from pytest_inferbench.bench.update_baselines import Outcome, record_pairs, update_baselines
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.document.build import build_document
from pytest_inferbench.document.codec import from_json, to_json
from pytest_inferbench.document.run import AcceptedCase, Error, RunDocument, Setting, Skipped
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.files import write_whole
from pytest_inferbench.plugin.items import REPORTED
from pytest_inferbench.report import wording
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.plan.cell import Cell


class Recorder:
    """Collects reports and writes `run.json`.

    Args:
        context: the run.
        cells: its matrix, planned when it is first asked for.
    """

    def __init__(self, context: RunContext, cells: Callable[[], Sequence[Cell]]) -> None:
        self._context = context
        self._cells = cells
        self._book = Book(_now(), context.resumed)
        self._notes: list[str] = []
        self._reports: list[str] = []
        self._document: RunDocument  # there once anything was written
        self._accepted: list[AcceptedCase] = []

    @property
    def path(self) -> Path:
        """Where the run document is."""
        return self._context.folder / RUN_FILE

    def take(self, report: pytest.TestReport) -> None:
        """Add what one phase of one benchmark reported."""
        data = from_json(Reported, vars(report)[REPORTED])
        self._book.take(report.nodeid, data)
        # A regression item that is skipped says what its case or its test says already.
        if report.skipped and not data.regression:
            self._book.skipped.append(Skipped(report.nodeid, _reason(report)))
        elif (
            report.failed and report.when != "call" and all(case.verdict is not Verdict.INVALID for case in data.cases)
        ):
            self._book.errors.append(Error(report.nodeid, str(report.longrepr)))
        elif report.failed and data.failed:
            self._book.errors.append(Error(report.nodeid, data.failed))
        elif not data.cases and not data.judged:
            return
        self._write(finished=None, interrupted=True)

    def finish(self, *, interrupted: bool) -> bool:
        """Write the final document, and the baselines where that was asked for.

        False where that went wrong, or where a case fails that was measured before the run was resumed.
        """
        finished = _now()
        document = self._write(finished=finished, interrupted=interrupted)
        updated = self._update(interrupted=interrupted)
        if updated.cases:
            self._accepted = [case.account() for case in updated.cases]
            document = self._write(finished=finished, interrupted=interrupted)
        lines, reported = write_reports(self._context.settings, self._context.folder, document)
        self._reports += lines
        kept = self._book.kept
        if kept:
            self._notes.append(f"resumed: {len(kept)} of {len(self._book.cases)} cases were measured before")
        failed = any(wording.style(case.verdict) == wording.BAD for case in kept)
        problems = self._context.extensions.give_results(to_json(document), self._context.folder)
        self._notes += [*problems, *updated.lines]
        return updated.went_well and reported and not failed and not problems

    def _update(self, *, interrupted: bool) -> Outcome:
        if not self._context.settings.update_baselines:
            return Outcome(())
        if interrupted:
            return Outcome(("baselines not updated: the run was interrupted",), went_well=False)
        if self._context.settings.compare is not None:
            return record_pairs(self._context, self._book.cases)
        return update_baselines(self._context, self._cells(), self._book.cases, self._book.started)

    def print_summary(self, terminal: Any) -> None:  # noqa: ANN401 - pytest's TerminalReporter
        """Print the table, the notes and where the files are."""
        named = self._context.settings.with_names
        writer = terminal._tw  # noqa: SLF001 - the only way to pytest's terminal width and colour
        terminal.section("inferbench", sep="=")
        for line in render_summary(self._document, writer.fullwidth, writer.hasmarkup).splitlines():
            terminal.write_line(named(line))
        for line in (*self._notes, f"report: {shown_path(self.path, self._context.settings.rootdir)}", *self._reports):
            terminal.write_line(named(line))

    def _write(self, *, finished: str | None, interrupted: bool) -> RunDocument:
        self._document = build_document(
            run_id=self._context.run_id,
            started=self._book.started,
            finished=finished,
            interrupted=interrupted,
            environment=self._context.environment,
            settings=[Setting(*row) for row in self._context.settings.rows()],
            cases=self._book.cases,
            skipped=self._book.skipped,
            errors=self._book.errors,
            invocations=self._book.invocations(finished, interrupted=interrupted),
            accepted=self._accepted,
        )
        try:
            write_whole(self.path, to_text(self._document))
        except (OSError, InferbenchError) as error:
            problem = f"run.json was not written: {error}"
            if problem not in self._notes:
                self._notes.append(problem)
        return self._document


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, in one line; an `xfail` that failed counts as skipped for pytest."""
    longrepr: Any = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    text = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr if crash is None else crash.message)
    if hasattr(report, "wasxfail"):
        return (
            f"expected to fail: {report.wasxfail.removeprefix('reason: ') or text.strip().splitlines()[0].rstrip(':')}"
        )
    return text.removeprefix("Skipped: ")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
