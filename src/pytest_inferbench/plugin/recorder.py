"""The controller's book of the run: collects what benchmarks reported and writes the run's files.

Law: one writer. `run.json` is rewritten after every test, atomically, so whatever ends the run loses nothing that
was measured. Nothing here may raise into pytest's own reporting.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.plugin.update import update_baselines
from pytest_inferbench.report.document import build_document
from pytest_inferbench.report.json_report import to_text
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.plugin.context import RunContext

RUN_FILE = "run.json"


class Recorder:
    """Collects reports and writes `run.json`.

    Args:
        context: the run.
        cells: its matrix, planned when it is first asked for.
    """

    def __init__(self, context: RunContext, cells: Callable[[], Sequence[Cell]]) -> None:
        self._context = context
        self._cells = cells
        self._started = _now()
        self._cases: list[dict[str, Any]] = []
        self._skipped: list[dict[str, str]] = []
        self._errors: list[dict[str, str]] = []
        self._notes: list[str] = []
        self._document: dict[str, Any] = {}

    @property
    def path(self) -> Path:
        """Where the run document is."""
        return self._context.folder / RUN_FILE

    def take(self, report: pytest.TestReport) -> None:
        """Add what one phase of one benchmark reported."""
        data: dict[str, Any] = vars(report)["inferbench"]
        self._cases += data["cases"]
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._skipped.append({"id": report.nodeid, "reason": reason.removeprefix("Skipped: ")})
        elif (
            report.failed and report.when != "call" and not any(case["verdict"] == "invalid" for case in data["cases"])
        ):
            self._errors.append({"id": report.nodeid, "message": str(report.longrepr)})
        elif not data["cases"]:
            return
        self._write(finished=None, interrupted=True)

    def finish(self, *, interrupted: bool) -> bool:
        """Write the final document, and the baselines where that was asked for; False where that went wrong."""
        self._write(finished=_now(), interrupted=interrupted)
        if not self._context.settings.update_baselines:
            return True
        if interrupted:
            self._notes.append("baselines not updated: the run was interrupted")
            return False
        lines, went_well = update_baselines(self._context, self._cells(), self._cases)
        self._notes += lines
        return went_well

    def print_summary(self, terminal: Any) -> None:  # noqa: ANN401 - pytest's TerminalReporter
        """Print the table, the notes and where the files are."""
        writer = terminal._tw  # noqa: SLF001 - the only way to pytest's terminal width and colour
        terminal.section("inferbench", sep="=")
        for line in render_summary(self._document, writer.fullwidth, writer.hasmarkup).splitlines():
            terminal.write_line(line)
        for note in self._notes:
            terminal.write_line(note)
        terminal.write_line(f"report: {_shown(self.path, self._context.settings.rootdir)}")

    def _write(self, *, finished: str | None, interrupted: bool) -> None:
        settings = self._context.settings.rows()
        self._document = build_document(
            run_id=self._context.run_id,
            started=self._started,
            finished=finished,
            interrupted=interrupted,
            environment=self._context.environment,
            settings=settings,
            cases=self._cases,
            skipped=self._skipped,
            errors=self._errors,
        )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(".tmp")
            fresh.write_text(to_text(self._document), encoding="utf-8")
            os.replace(fresh, self.path)  # noqa: PTH105 - atomic on one file system
        except (OSError, InferbenchError) as error:
            problem = f"run.json was not written: {error}"
            if problem not in self._notes:
                self._notes.append(problem)


def _explained(cases: list[dict[str, Any]]) -> bool:
    """Whether the error is a case's own INVALID, which the case itself tells."""
    return any(case["verdict"] == Verdict.INVALID for case in cases)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
