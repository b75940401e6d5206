"""A run that measured nothing is not green: every selected benchmark was skipped because its cell cannot run here.

Idea: pytest calls a run of skips a success; nobody must take it for one who asked for benchmarks. It ends as a run ends
in which no test was selected: with exit status 5.
Limits: the controller decides, from the reports alone. What people skip themselves is theirs.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inferbench.options import Settings
from pytest_inferbench.plugin.items import REPORTED


class NothingMeasured:
    """Counts what was run and what was skipped.

    Args:
        settings: the options of the run.
    """

    def __init__(self, settings: Settings) -> None:
        self._reasons: dict[str, str] = {}  # node id of a benchmark that was skipped by us -> why
        self._ran = settings.resume is not None  # what it finishes has measured something
        self._says_so = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was run, and a benchmark that was skipped by us."""
        said = getattr(report, REPORTED, {})
        if said.get("unavailable") and isinstance(report.longrepr, tuple):
            self._reasons[report.nodeid] = report.longrepr[2].removeprefix("Skipped: ")
        elif not said.get("regression"):
            self._ran = self._ran or report.failed or (report.when == "call" and not _was_skipped(report))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that would pass."""
        if self._reasons and not self._ran and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
            self._says_so = True

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's TerminalReporter
        """Say why, and what to do."""
        if not self._says_so:
            return
        count, reasons = len(self._reasons), list(dict.fromkeys(self._reasons.values()))
        who = "the benchmark" if count == 1 else f"all {count} benchmarks"
        terminalreporter.write_line(
            f"NOTHING MEASURED: {who} cannot run here, so the exit status is 5", red=True, bold=True
        )
        for reason in reasons:
            terminalreporter.write_line(f"  {reason}")


def _was_skipped(report: pytest.TestReport) -> bool:
    return report.skipped and not hasattr(report, "wasxfail")
