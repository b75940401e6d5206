"""A cell at work: its server, its load engine, what prompts cost on it.

Law: whatever happens, leaving `open_cell` leaves no process behind. A server that died in one test is replaced for
the next, and the result says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_inferbench.backends.backend import INSTALLED, ServerPlan
from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.errors import CellUnavailable, ProvisionError
from pytest_inferbench.load.engine import LoadEngine
from pytest_inferbench.observe.tokens import TokenCounter
from pytest_inferbench.plan.cell import RUNNING, Cell
from pytest_inferbench.provision.models import file_of
from pytest_inferbench.provision.server import Server, start_process
from pytest_inferbench.provision.url import attach_url
from pytest_inferbench.run import CaseRunner
from pytest_inferbench.wire.catalogue import dialect_named
from pytest_inferbench.workloads.prompts import PromptMaker, calibrate

if TYPE_CHECKING:
    from pytest_inferbench.plugin.context import RunContext


class RunningCell:
    """A cell with its server.

    Args:
        cell: which one.
        context: the run.
    """

    def __init__(self, cell: Cell, context: RunContext) -> None:
        self.cell = cell
        self.cancel = threading.Event()
        self.restarts = 0
        self._context = context
        self._server: Server | None = None
        self._prompts: PromptMaker | None = None
        self._dialect = dialect_named(cell.protocol)
        self._say: Callable[[str], None] = self._progress("")
        self._engine = LoadEngine(context.settings.workers, self.cancel, self._on_load)

    def server(self) -> Server:
        """The running server; a new one where the last has died.

        Raises:
            ProvisionError: it does not come up.
            CellUnavailable: it cannot run on this machine.
        """
        if self._server is not None:
            if self._server.alive() is None:
                return self._server
            self._server.stop()
            self.restarts += 1
        self._prompts = None
        self._server = self._start()
        return self._server

    def runner(self, case: str) -> CaseRunner:
        """What runs a case on this cell's server now.

        Raises:
            ServerError: the server refused to count tokens.
        """
        server = self.server()
        self._say = self._progress(case)
        if self._prompts is None:
            self._say("learning prompt lengths")
            extra = dict(server.backend.cold_cache_body)
            counter = TokenCounter(server.endpoint, self._dialect, SYSTEM_CLOCK, extra)
            try:
                self._prompts = PromptMaker(calibrate(counter), extra)
            finally:
                counter.close()
        return CaseRunner(server, self._dialect, self._prompts, self._engine, SYSTEM_CLOCK, self._say)

    def close(self) -> None:
        """End the load workers and the server."""
        self.cancel.set()
        try:
            self._engine.close()
        finally:
            if self._server is not None:
                self._server.stop()
            self._context.progress.clear()

    def _start(self) -> Server:
        cell, settings = self.cell, self._context.settings
        say = self._progress("starting")
        backend = backend_named(cell.backend)
        if cell.url is not None:
            return attach_url(
                cell.url,
                backend,
                model=cell.served_model,
                timeout_s=settings.server_timeout,
                clock=SYSTEM_CLOCK,
                version=INSTALLED if cell.version == RUNNING else cell.version,
                progress=say,
            )
        plan = ServerPlan(
            backend=cell.backend,
            model_path=file_of(cell.location, settings.rootdir, say),
            model_name=cell.model,
            version=cell.version,
            args=dict(cell.args),
            python=cell.python,
            program=cell.program,
        )
        return start_process(
            plan,
            backend,
            log_dir=self._context.folder / "servers",
            timeout_s=settings.server_timeout,
            clock=SYSTEM_CLOCK,
            progress=say,
        )

    def _progress(self, what: str) -> Callable[[str], None]:
        def say(text: str) -> None:
            self._now = " · ".join(part for part in (self.cell.id, what, text) if part)
            self._context.progress.show(self._now)

        return say

    def _on_load(self, finished: int, reads: int) -> None:
        self._context.progress.show(f"{self._now} · {finished} requests done, {reads} reads")


@contextmanager
def open_cell(context: RunContext, cell: Cell) -> Generator[RunningCell]:
    """Bring a cell up and take it down in every case; skip its tests where it cannot run here."""
    running = RunningCell(cell, context)
    try:
        try:
            running.server()
        except CellUnavailable as reason:
            if context.settings.require_backend:
                raise ProvisionError(f"{cell.id}: {reason} (--require-backend makes this an error)") from None
            pytest.skip(str(reason))
        yield running
    finally:
        running.close()
