"""A cell at work: its server, its load engine, what prompts cost on it.

Limits: whatever happens, leaving `open_cell` leaves no process behind. A server that died in one test is replaced for
the next, and the result says so.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_inferbench.bench.cancel import Cancel
from pytest_inferbench.bench.machine_lock import runs_here, turn
from pytest_inferbench.bench.pace import Under, pace
from pytest_inferbench.bench.rounds import CasePlan, CaseRunner
from pytest_inferbench.bench.watching import GpusOf
from pytest_inferbench.clock import NS_PER_S, SYSTEM_CLOCK
from pytest_inferbench.devices.nvml import NVML
from pytest_inferbench.errors import CellUnavailable, LoadError, ProvisionError, ServerError
from pytest_inferbench.load.engine import Cancelled, LoadEngine
from pytest_inferbench.load.selfcheck import self_error_ms
from pytest_inferbench.models.builtin import cache_folder
from pytest_inferbench.observe.canary import canary_hash
from pytest_inferbench.observe.tokens import TIMEOUT_S, TokenCounter
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.models import SERVED
from pytest_inferbench.plan.pair import CellPair
from pytest_inferbench.plan.request import extra_body
from pytest_inferbench.records import RoundRecord
from pytest_inferbench.servers.launch import start_server
from pytest_inferbench.servers.server import Server
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.workloads.prompts import PromptMaker, calibrate

if TYPE_CHECKING:
    from pytest_inferbench.bench.context import RunContext

_PAUSE_S = 0.1
_MOST_CHECKED_STREAMS = 1000
_USUAL_GAP_MS = 20.0
_LEAST_GAP_MS = 0.25


class RunningCell:
    """A cell with its server.

    Args:
        cell: which one.
        context: the run.

    Attributes:
        salt: how prompts begin is drawn from it on a server that was there before this session.
        part: what of a longer undertaking it is used for now, for progress: "pair 3 of 5 to 12, arm A".
    """

    def __init__(self, cell: Cell, context: RunContext) -> None:
        self.cell = cell
        self.part = ""
        self.salt = secrets.token_hex(4)
        self.cancel = Cancel()
        self.restarts = 0
        self._context = context
        self._server: Server | None = None
        self._prompts: PromptMaker | None = None
        self._protocol = protocol_named(cell.protocol)
        self._extra = extra_body(context.settings)
        self._now = ""
        self._case: tuple[CasePlan, Sequence[RoundRecord], CaseRunner] | None = None
        self._say: Callable[[str], None] = self._progress("")
        self._self_errors: dict[tuple[int, int], float] = {}
        self._canary: str | None = None
        self._gpus: GpusOf | None = None
        self._measuring = threading.Lock()
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
        self._prompts = self._canary = None
        self._server = self._start()
        return self._server

    def runner(self, case: str, *, gpu_metrics: bool) -> CaseRunner:
        """What runs a case on this cell's server now.

        Args:
            case: its name, for messages.
            gpu_metrics: whether to watch the server's GPUs meanwhile.

        Raises:
            ServerError: the server refused to count tokens.
        """
        server = self.server()
        self._case, self._say = None, self._progress(case)
        if self._prompts is None:
            self._say("learning prompt lengths")
            cold = server.backend.cold_cache_body
            limit_s = min(TIMEOUT_S, self._context.settings.timeout)
            counter = TokenCounter(server.endpoint, self._protocol, SYSTEM_CLOCK, {**cold, **self._extra}, limit_s)
            try:
                counts = server.backend.chunk_counts.get(self._protocol.name, {})
                self._prompts = PromptMaker(
                    calibrate(counter), cold, {**counts, **self._extra}, self.prompt_salt(server)
                )
            except ServerError as error:
                ended = server.death()
                raise ServerError(f"{error}: the server died ({ended})", server.logs()) if ended else error from None
        fresh = self.fresh_server if self.cell.url is None else None
        return CaseRunner(
            server,
            self._protocol,
            self._prompts,
            self._engine,
            SYSTEM_CLOCK,
            self._say,
            fresh,
            lambda server: self.gpus(server).watch if gpu_metrics else None,
        )

    def prompt_salt(self, server: Server) -> str:
        """The salt of its prompts; "" where this session has started the server."""
        return self.salt if server.kind == "url" or server.facts.reused else ""

    @property
    def shared_tokens(self) -> int:
        """Tokens that all prompts on its server have in common; 0 where it does not count."""
        return self._prompts.shared_tokens if self._prompts is not None else 0

    def follow(self, plan: CasePlan, seen: Sequence[RoundRecord], runner: CaseRunner) -> None:
        """Have progress say how far a case is.

        Args:
            plan: the case.
            seen: its rounds that have ended, which grows.
            runner: what runs it.
        """
        self._case = plan, seen, runner

    def gpus(self, server: Server) -> GpusOf:
        """The GPUs of the running server, open for reading."""
        if self._gpus is None or self._gpus.server is not server:
            self._close_gpus()
            self._gpus = GpusOf(server, NVML)
        return self._gpus

    def _close_gpus(self) -> None:
        if self._gpus is not None:
            self._gpus.close()

    def fresh_server(self) -> Server:
        """Another server like this one, started anew.

        Raises:
            ProvisionError: it does not come up.
        """
        self.discard_server()
        self._server = self._start(fresh=True)
        return self._server

    def discard_server(self) -> None:
        """End the server for good, where one runs; the cell stays open."""
        if self._server is not None:
            self._server.discard()
            self._server = None

    @contextmanager
    def measuring(self) -> Generator[None]:
        """Its turn at measuring: on one device nothing else is measured meanwhile, on one cell nothing anywhere.

        Raises:
            ProvisionError: its server had died, and another does not come up.
            Cancelled: it was told to stop while others measured.
        """
        while not self._measuring.acquire(timeout=_PAUSE_S):  # what an earlier test measured has not stopped yet
            if self.cancel.is_set():
                raise Cancelled("stopped while it waited for another measurement on the same server")
        try:
            server = self.server()
            if not runs_here(server.endpoint.base_url):
                yield
                return
            folder, say = cache_folder() / "leases", self._progress("")
            with turn(folder, alone=not server.gpus, clock=SYSTEM_CLOCK, cancelled=self.cancel.is_set, progress=say):
                yield
        finally:
            self._measuring.release()

    def self_error_ms(self, rounds: Sequence[RoundRecord], gap_ms: float | None) -> float | None:
        """What the client adds to a time to the first token at a case's load; None where it could not be found out.

        Args:
            rounds: the case's rounds: as many streams are checked as were in flight at once.
            gap_ms: the case's usual gap between chunks; None where it had none.
        """
        streams = max((len({record.stream for record in round_.requests}) for round_ in rounds), default=1)
        streams = min(max(streams, 1), _MOST_CHECKED_STREAMS)
        gap_ms = min(max(gap_ms or _USUAL_GAP_MS, _LEAST_GAP_MS), _USUAL_GAP_MS)
        load = (streams, round(math.log2(gap_ms)))
        if load not in self._self_errors:
            self._say("self-check")
            with contextlib.suppress(LoadError):
                self._self_errors[load] = self_error_ms(self._engine, streams, 2.0 ** load[1])
        return self._self_errors.get(load)

    @property
    def canary(self) -> str | None:
        """A hash of the server's greedy answers."""
        if self._canary is None:
            server = self.server()
            self._canary = canary_hash(server.endpoint, self._protocol, dict(server.backend.cold_cache_body))
        return self._canary

    def close(self) -> None:
        """End the load workers and the server."""
        self.cancel.set()
        self._close_gpus()
        try:
            self._engine.close()
        finally:
            if self._server is not None:
                self._server.stop()
            self._context.progress.clear()

    def _start(self, *, fresh: bool = False) -> Server:
        server = start_server(self.cell, self._context, self._progress("starting"), fresh=fresh)
        if self.cell.model == SERVED:
            self._context.served[self.cell] = server.endpoint.model
        return server

    def _progress(self, what: str) -> Callable[[str], None]:
        def say(text: str) -> None:
            self._now = " · ".join(filter(None, (self.cell.id, self.part, what, text)))
            self._context.progress.show(self._now, self._pace())

        return say

    def _on_load(self, finished: int, reads: int) -> None:
        self._context.progress.show(self._now, self._pace(finished, reads))

    def _pace(self, finished: int = 0, reads: int = 0) -> str:
        if self._case is None:
            return ""
        plan, seen, runner = self._case
        so_far = runner.so_far
        if so_far is None:
            return ""
        seconds = (SYSTEM_CLOCK.now_ns() - so_far.began_ns) / NS_PER_S
        under = Under(seconds, so_far.finished + finished, plan.workload.planned_requests, so_far.reads + reads)
        return pace(seen, plan.rounds, under)


@contextmanager
def open_cell(context: RunContext, wanted: Cell | CellPair) -> Generator[RunningCell]:
    """Bring a cell up and take it down in every case.

    The tests of a pair run on its arm B: validity and budgets of what is judged are known before pairs are measured.

    Raises:
        CellUnavailable: it cannot run on this machine.
        ProvisionError: it does not come up, or cannot run here and has to (`--require-backend`).
    """
    context.secrets(wanted)
    cell = wanted.b if isinstance(wanted, CellPair) else wanted
    running = RunningCell(cell, context)
    try:
        try:
            running.server()
        except CellUnavailable as reason:
            if context.settings.require_backend:
                raise ProvisionError(f"{cell.id}: {reason} (--require-backend makes this an error)") from None
            raise
        yield running
    finally:
        running.close()
