"""What a benchmark test is given: `bench` to measure with, `backend` to look at, and a result to check.

Limits: the public face. Measuring happens in a thread of its own that talks to the load workers, so the test's event
loop stays free and Ctrl+C ends a run at once.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_inferbench.bench.check_budgets import judge_budgets
from pytest_inferbench.bench.check_request import check_recorded, check_request
from pytest_inferbench.bench.manual_case import Recording
from pytest_inferbench.bench.measure_case import CaseRequest, Recorded, measure
from pytest_inferbench.bench.result import Result
from pytest_inferbench.errors import ConfigError, InferbenchError

if TYPE_CHECKING:
    import httpx

    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.bench.caller import Caller
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.running_cell import RunningCell
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.servers.server import Server
    from pytest_inferbench.workloads.workload import Workload

_STOP_S = 10.0
_NOTHING: Mapping[str, Any] = MappingProxyType({})
NOT_AWAITED = (
    "bench.run(...) was not awaited, so nothing was measured; write `result = await bench.run(...)` in an `async def` "
    "test, or bench.run_sync(...) in a plain one"
)


class Backend:
    """The running server.

    Attributes:
        url: its base URL.
        model: the model's name as it knows it.
        version: its version as it says it.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.endpoint.base_url
        self.model = server.endpoint.model
        self.version = server.version
        self._client: httpx.AsyncClient | None = None

    def logs(self) -> str:
        """The last lines of the server's log; "" for a server that was not started by us."""
        return "\n".join(self._server.logs())

    @property
    def client(self) -> httpx.AsyncClient:
        """A client for requests of one's own, which go the way of the load's: no proxy or key of the environment.

        It keeps no idle connection, so it needs no closing.
        """
        import httpx  # noqa: PLC0415 - a tenth of a second, which a collection needs not wait for

        if self._client is None:
            endpoint = self._server.endpoint
            self._client = httpx.AsyncClient(
                base_url=endpoint.base_url,
                headers=dict(endpoint.headers),
                verify=endpoint.verify,
                trust_env=False,
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=httpx.Timeout(60.0),
            )
        return self._client


class Bench:
    """Measures workloads on one cell.

    Args:
        cell: the running cell.
        caller: the test that asks.
        context: the run.
    """

    def __init__(self, cell: RunningCell, caller: Caller, context: RunContext) -> None:
        self._cell = cell
        self._caller = caller
        self._context = context
        self._promised: list[Coroutine[Any, Any, Result]] = []
        self._measuring: set[threading.Thread] = set()
        self._recordings: list[Recording] = []

    def run(
        self,
        workload: Workload,
        *,
        rounds: int | None = None,
        budgets: Sequence[Budget] = (),
        max_error_rate: float = 0.0,
        min_requests: int = 1,
        sample_interval_ms: float | None = None,
        gpu_metrics: bool | None = None,
    ) -> Coroutine[Any, Any, Result]:
        """Measure one workload: warm-up, then the rounds. To be awaited.

        Args:
            workload: what to ask.
            rounds: rounds of this case; None for the run's own number.
            budgets: limits beside those of the baseline file, which win for the same metric and bound.
            max_error_rate: share of requests that may fail before the case is INVALID.
            min_requests: completed requests that the case needs to be judged.
            sample_interval_ms: from one sample of server and GPUs to the next; None for the run's own, 0 for none.
            gpu_metrics: False leaves the GPUs alone; None for the run's own setting.

        Raises:
            ServerError: the server died.
            LoadError: the load could not be carried.
            ConfigError: the workload does not fit the model.
        """
        promised = self._run_beside(
            workload,
            rounds=rounds,
            budgets=budgets,
            max_error_rate=max_error_rate,
            min_requests=min_requests,
            sample_interval_ms=sample_interval_ms,
            gpu_metrics=gpu_metrics,
        )
        self._promised.append(promised)
        return promised

    async def _run_beside(self, workload: Workload, **given: Any) -> Result:  # noqa: ANN401 - each has its own type
        return await self._beside(partial(self._run, self._make_request(workload, **given)))

    def check_awaited(self) -> None:
        """Refuse to pass over what was asked for and never begun.

        Raises:
            ConfigError: a measurement was not awaited.
        """
        forgotten = [each for each in self._promised if inspect.getcoroutinestate(each) == inspect.CORO_CREATED]
        for each in forgotten:
            each.close()
        if forgotten and not self._caller.did_not_pass:
            raise ConfigError(f"{self._caller.place}: {NOT_AWAITED}")

    async def _beside(self, work: Callable[[], Result]) -> Result:
        """Do the work in a thread of its own; a test that is cancelled or runs out of time stops it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def measure() -> None:
            try:
                settled: tuple[Result | None, Exception | None] = (work(), None)
            except Exception as error:  # noqa: BLE001 - carried to the test that waits
                settled = (None, error)
            with suppress(RuntimeError):  # the loop of a test that was ended by force is closed
                loop.call_soon_threadsafe(_settle, future, *settled)

        thread = threading.Thread(target=measure, name="inferbench", daemon=True)
        thread.start()
        try:
            return await future
        except asyncio.CancelledError:
            self._stop(thread)
            raise

    def close(self) -> None:
        """Stop what the test has left running."""
        for thread in tuple(self._measuring):
            self._stop(thread)

    def _stop(self, thread: threading.Thread) -> None:
        self._cell.cancel.stop(thread)
        thread.join(_STOP_S)  # should it take longer, the next measurement on the cell waits for its end

    def run_sync(
        self,
        workload: Workload,
        *,
        rounds: int | None = None,
        budgets: Sequence[Budget] = (),
        max_error_rate: float = 0.0,
        min_requests: int = 1,
        sample_interval_ms: float | None = None,
        gpu_metrics: bool | None = None,
    ) -> Result:
        """The same for a plain `def` test."""
        request = self._make_request(
            workload,
            rounds=rounds,
            budgets=budgets,
            max_error_rate=max_error_rate,
            min_requests=min_requests,
            sample_interval_ms=sample_interval_ms,
            gpu_metrics=gpu_metrics,
        )
        return self._run(request)

    def _make_request(self, workload: Workload, **given: Any) -> CaseRequest:  # noqa: ANN401 - each has its own type
        """What the test asked for, checked.

        Raises:
            ConfigError: it cannot be measured so.
        """
        if any(recording.in_round for recording in self._recordings):
            raise ConfigError("bench.run() in a round of bench.record(); measure one after the other")
        request = CaseRequest(self._caller.next_case(), self._caller.nodeid, workload, **given)
        check_request(request, self._caller.place, self._cell.cell, self._context)
        return request

    def _run(self, request: CaseRequest) -> Result:
        done = self._caller.recorded
        kept = self._kept_case(request)
        if kept is not None:
            done.append(Recorded(kept, request, self._cell))
            return Result(kept)
        case, problem = self._measure(request)
        if case is not None:
            try:
                if problem is None:
                    case = judge_budgets(case, request.budgets, self._cell.cell.policy, self._context)
            finally:  # what was measured is kept, also where it cannot be judged
                done.append(Recorded(case, request, self._cell))
        if problem is not None:
            raise problem
        assert case is not None  # noqa: S101 - what was not measured has a problem
        return Result(case)

    def _measure(self, request: CaseRequest) -> tuple[CaseResult | None, InferbenchError | None]:
        thread = threading.current_thread()
        self._measuring.add(thread)
        try:
            return measure(request, self._cell, self._context, keep=True)
        finally:
            self._measuring.discard(thread)
            self._cell.cancel.forget(thread)

    def record(
        self,
        what: Mapping[str, Any] = _NOTHING,
        *,
        streams: int | None = None,
        budgets: Sequence[Budget] = (),
        max_error_rate: float = 0.0,
        min_requests: int = 1,
    ) -> Recording:
        """Measure requests that the test makes itself, in the rounds that it says.

        docs/workloads.md has an example.

        Args:
            what: what is asked, in JSON types: another value makes it another workload, which is not compared.
            streams: closed-loop streams that the test keeps busy; None where it keeps no number.
            budgets: as for `run`.
            max_error_rate: as for `run`.
            min_requests: as for `run`; none where a round has figures of its own and no request.

        Raises:
            ConfigError: `what` is not made of JSON types.
            ProvisionError: the server had died, and another does not come up.
        """
        check_recorded(budgets, max_error_rate, min_requests, self._caller.place, self._context)
        recording = Recording(
            self._cell,
            self._caller,
            self._context,
            what,
            streams=streams,
            budgets=budgets,
            max_error_rate=max_error_rate,
            min_requests=min_requests,
        )
        self._recordings.append(recording)
        return recording

    def _kept_case(self, request: CaseRequest) -> CaseResult | None:
        """What a run that is resumed measured of this case; None where it did not, or of another workload."""
        resumed = self._context.resumed
        if resumed is None:
            return None
        request.workload.prepare(self._context.settings.rootdir)
        return resumed.kept_case(request.nodeid, request.name, request.workload.describe()["hash"])


def _settle(future: asyncio.Future[Result], result: Result | None, error: Exception | None) -> None:
    if error is not None and not future.done():
        future.set_exception(error)
    elif result is not None and not future.done():
        future.set_result(result)
