"""What a benchmark test is given: `bench` to measure with, `backend` to look at, and a result to check.

Law: the public face. Measuring happens in a thread of its own that talks to the load workers, so the test's event
loop stays free and Ctrl+C ends a run at once.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import httpx

from pytest_inferbench.errors import InferbenchError, InvalidMeasurement
from pytest_inferbench.measure.assemble import assemble
from pytest_inferbench.measure.result import CaseResult, Finding, Summary
from pytest_inferbench.plugin.case import case_facts, case_identity, case_name, case_plan, case_policy, server_account
from pytest_inferbench.plugin.judge import broken_off, judged
from pytest_inferbench.plugin.outcome import RESULTS, OverBudget
from pytest_inferbench.plugin.records_file import with_records
from pytest_inferbench.report.budget_table import budget_table
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    import pytest

    from pytest_inferbench.baselines.schema import Budget
    from pytest_inferbench.plugin.cell import RunningCell
    from pytest_inferbench.plugin.context import RunContext
    from pytest_inferbench.provision.server import Server
    from pytest_inferbench.records import RoundRecord
    from pytest_inferbench.workloads.workload import Workload

_STOP_S = 10.0


class Result:
    """A measured case.

    Attributes:
        case: everything that is known of it (`CaseResult`).
    """

    def __init__(self, case: CaseResult) -> None:
        self.case = case

    @property
    def metrics(self) -> Mapping[str, Summary]:
        """Metric name -> summary: `result.metrics["ttft_ms"].p50`."""
        return self.case.metrics

    @property
    def rounds(self) -> tuple[Mapping[str, float], ...]:
        """For each round, `metric.statistic` -> figure."""
        return self.case.rounds

    @property
    def validity(self) -> tuple[Finding, ...]:
        """What must be known about the measurement itself."""
        return self.case.validity

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks."""
        return self.case.verdict

    def check(self) -> None:
        """Judge validity, then budgets.

        Raises:
            InvalidMeasurement: the measurement must not be judged; pytest reports an error.
            OverBudget: a budget was not kept; pytest reports a failure.
        """
        if self.case.invalid:
            raise InvalidMeasurement(_findings(self.case))
        if self.case.verdict is Verdict.OVER_BUDGET:
            raise OverBudget(budget_table(self.case.to_json()))


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
        """A client for requests of one's own; keeps no idle connection, so it needs no closing."""
        if self._client is None:
            endpoint = self._server.endpoint
            self._client = httpx.AsyncClient(
                base_url=endpoint.base_url,
                headers=dict(endpoint.headers),
                verify=endpoint.verify,
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=httpx.Timeout(60.0),
            )
        return self._client


class Bench:
    """Measures workloads on one cell.

    Args:
        cell: the running cell.
        item: the test that asked.
        context: the run.
    """

    def __init__(self, cell: RunningCell, item: pytest.Function, context: RunContext) -> None:
        self._cell = cell
        self._item = item
        self._context = context

    async def run(
        self,
        workload: Workload,
        *,
        rounds: int | None = None,
        budgets: Sequence[Budget] = (),
        max_error_rate: float = 0.0,
        min_requests: int = 1,
    ) -> Result:
        """Measure one workload: warm-up, then the rounds.

        Args:
            workload: what to ask.
            rounds: rounds of this case; None for the run's own number.
            budgets: limits beside those of the baseline file, which win for the same metric and bound.
            max_error_rate: share of requests that may fail before the case is INVALID.
            min_requests: completed requests that the case needs to be judged.

        Raises:
            ServerError: the server died.
            LoadError: the load could not be carried.
            ConfigError: the workload does not fit the model.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def measure() -> None:
            try:
                result = self.run_sync(
                    workload,
                    rounds=rounds,
                    budgets=budgets,
                    max_error_rate=max_error_rate,
                    min_requests=min_requests,
                )
            except Exception as error:  # noqa: BLE001 - carried to the test that waits
                loop.call_soon_threadsafe(_settle, future, None, error)
            else:
                loop.call_soon_threadsafe(_settle, future, result, None)

        thread = threading.Thread(target=measure, name="inferbench", daemon=True)
        thread.start()
        try:
            return await future
        except asyncio.CancelledError:
            self._cell.cancel.set()
            thread.join(_STOP_S)
            raise

    def run_sync(
        self,
        workload: Workload,
        *,
        rounds: int | None = None,
        budgets: Sequence[Budget] = (),
        max_error_rate: float = 0.0,
        min_requests: int = 1,
    ) -> Result:
        """The same for a plain `def` test."""
        with self._cell.measuring():
            return self._measure(workload, rounds, budgets, max_error_rate, min_requests)

    def _measure(
        self,
        workload: Workload,
        rounds: int | None,
        budgets: Sequence[Budget],
        max_error_rate: float,
        min_requests: int,
    ) -> Result:
        """The case, while nothing else is measured on this device."""
        done = self._item.stash.setdefault(RESULTS, [])
        context, cell = self._context, self._cell
        name = case_name(self._item, cell.cell.id, len(done))
        plan = case_plan(name, workload, rounds, context, dict(cell.cell.slo))
        runner = cell.runner(name)
        server, canary = cell.server(), cell.canary
        seen: list[RoundRecord] = []
        problem: InferbenchError | None = None
        try:
            for round_ in runner.run(plan):
                seen.append(round_)  # noqa: PERF402 - what came before an error is kept
        except InferbenchError as error:
            problem = error
        server = cell.server() if problem is None else server
        seen = context.secrets(cell.cell).hidden_in(seen)
        if seen:
            case = assemble(
                case_identity(name, self._item, cell.cell, server, context),
                workload.describe(),
                seen,
                case_facts(plan, server, min_requests),
                policy=case_policy(max_error_rate),
                slo=dict(cell.cell.slo),
                server=server_account(cell.cell, server, cell.restarts, canary),
            )
            case = self._with_own_error(case, seen) if problem is None else case
            case = broken_off(case, problem) if problem is not None else judged(case, budgets, context)
            done.append(with_records(case, seen, context.folder))
        if problem is not None:
            raise problem
        return Result(done[-1])

    def _with_own_error(self, case: CaseResult, rounds: Sequence[RoundRecord]) -> CaseResult:
        """The case with what the client itself adds at this load."""
        gaps = case.metrics.get("chunk_gap_ms")
        own = self._cell.self_error_ms(rounds, gaps.p50 if gaps is not None else None)
        return case if own is None else dataclasses.replace(case, client={**case.client, "self_error_ms": own})


def _settle(future: asyncio.Future[Result], result: Result | None, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    elif result is not None:
        future.set_result(result)


def _findings(case: CaseResult) -> str:
    lines = [f"{case.case} is INVALID and was not judged:"]
    lines += [
        f"  {finding.code}: {finding.message} -> {finding.remedy}" for finding in case.validity if finding.invalid
    ]
    return "\n".join(lines)
