"""How a run comes to its end: which of its tests have ended, and the signals that end it.

Limits: every process of a run has one; light, because every run of pytest makes it.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inferbench.archive.selection import Selection
from pytest_inferbench.bench.signals import Signals
from pytest_inferbench.plugin.items import is_benchmark


class Ending:
    """What ends in this process.

    Args:
        worker: it is one of xdist's, and ends with its controller.
    """

    def __init__(self, *, worker: bool) -> None:
        self.selection = Selection()
        self.signals = Signals()
        self._worker = worker
        self._workers: list[int] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know what is selected; where that are benchmarks, signals end them in order."""
        self.selection.add(item.nodeid for item in session.items)
        if any(map(is_benchmark, session.items)):
            self.signals.take(with_parent=self._worker)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:  # noqa: ANN401 - WorkerController
        """The same of a worker, in its controller."""
        self.selection.add(ids)
        process = getattr(getattr(node.gateway, "_io", None), "popen", None)  # none of a worker on another machine
        self._workers += [] if process is None else [process.pid]
        self.signals.take()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Know what has ended."""
        self.selection.note(report.nodeid, report.when, report.outcome)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Come to an end undisturbed, pytest's text of the interruption too; have workers end now that else wait."""
        self.signals.hold()
        if self.signals.caught:
            self.signals.pass_on(self._workers)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Give the signals back."""
        self.signals.give_back()
