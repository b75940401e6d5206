"""The controller's book of the run: collects what benchmarks reported and writes the run's files.

Limits: one writer. `run.json` is rewritten after every test, atomically, so whatever ends the run loses nothing that
was measured. Nothing here may raise into pytest's own reporting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.archive.book import Book
from pytest_inferbench.archive.reported import Reported
from pytest_inferbench.archive.reports import write_reports
from pytest_inferbench.archive.request_log import lacks_records
from pytest_inferbench.archive.run_file import RunFile
from pytest_inferbench.bench.update_baselines import now, update
from pytest_inferbench.config.load import shown_path
from pytest_inferbench.document.codec import from_json, to_json
from pytest_inferbench.document.run import AcceptedCase, Error, RunDocument, Setting, Skipped
from pytest_inferbench.plugin.items import REPORTED
from pytest_inferbench.report import wording
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        self._book = Book(now(), context.resumed)
        self._notes: list[str] = []
        self._reports: list[str] = []
        self._document: RunDocument  # there once anything was written
        self._file = RunFile(context.folder)
        self._accepted: list[AcceptedCase] = []

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

    def finish(self, *, interrupted: bool, left: int) -> bool:
        """Write the final document, and the baselines where that was asked for.

        Args:
            interrupted: the run was ended before all of it had its turn.
            left: how many of the selected tests have not ended.

        Returns:
            False where that went wrong, or where a case fails that was measured before the run was resumed.
        """
        finished = now()
        document = self._write(finished=finished, interrupted=interrupted)
        updated = update(
            self._context, self._cells, self._book.cases, self._book.started, interrupted=interrupted, left=left
        )
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
        self._notes += [*problems, *updated.lines, *filter(None, [self._file.problem])]
        written = not self._file.problem and not any(map(lacks_records, document.cases))
        return updated.went_well and reported and written and not failed and not problems

    def print_summary(self, terminal: Any) -> None:  # noqa: ANN401 - pytest's TerminalReporter
        """Print the table, the notes and where the files are."""
        named, rootdir = self._context.settings.with_names, self._context.settings.rootdir
        writer = terminal._tw  # noqa: SLF001 - the only way to pytest's terminal width and colour
        terminal.section("inferbench", sep="=")
        for line in render_summary(self._document, writer.fullwidth, writer.hasmarkup).splitlines():
            terminal.write_line(named(line))
        for line in (*self._notes, f"report: {shown_path(self._file.path, rootdir)}", *self._reports):
            terminal.write_line(self._context.shown(named(line)))

    def _write(self, *, finished: str | None, interrupted: bool) -> RunDocument:
        self._document = self._book.document(
            self._context.run_id,
            self._context.environment,
            [Setting(*row) for row in self._context.settings.rows()],
            finished,
            interrupted=interrupted,
            accepted=self._accepted,
        )
        self._file.write(self._document)
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
