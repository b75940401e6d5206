"""`bench.record()`: a case whose requests the test makes itself.

Idea: the test says when a request begins, when output arrives and where a round begins and ends; all else is as for
`bench.run`: the server and its GPUs are watched, the same formulas make the same metrics, validity, budgets and history
are judged alike.
Limits: nothing here sends. Only the test can measure such a case again, so nothing confirms it and it has no pairs.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from pytest_inferbench.archive.request_log import with_records
from pytest_inferbench.bench.case_result import MeasuredOn, case_result
from pytest_inferbench.bench.check_budgets import judge_budgets
from pytest_inferbench.bench.manual_requests import ManualRequest, ManualRound
from pytest_inferbench.bench.measure_case import Recorded
from pytest_inferbench.bench.result import Result
from pytest_inferbench.bench.rounds import metrics_page
from pytest_inferbench.bench.watching import sampling_in_force
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.config.wording import unknown_name
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.errors import ConfigError, ServerError
from pytest_inferbench.files import short_hash
from pytest_inferbench.measure.evidence import CaseFacts, ValidityPolicy
from pytest_inferbench.observe.watch import Watch
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import RATIO, format_value

if TYPE_CHECKING:
    from pytest_inferbench.baselines.budget import Budget
    from pytest_inferbench.bench.caller import Caller
    from pytest_inferbench.bench.context import RunContext
    from pytest_inferbench.bench.running_cell import RunningCell
    from pytest_inferbench.records import RoundRecord

KIND: Final = "own"
"""The workload's kind in results."""

_NOTE: Final = "its requests were timed in the test's own process: what the test did meanwhile is in its figures"


class Recording:
    """A case that its test measures; `result` is there once its `with` block was left.

    Args:
        cell: the running cell.
        caller: the test.
        context: the run.
        what: what is asked, as JSON types.
        streams, budgets, max_error_rate, min_requests: as `bench.record` takes them.
    """

    def __init__(
        self,
        cell: RunningCell,
        caller: Caller,
        context: RunContext,
        what: Mapping[str, Any],
        *,
        streams: int | None,
        budgets: Sequence[Budget],
        max_error_rate: float,
        min_requests: int,
    ) -> None:
        self._cell, self._caller, self._context = cell, caller, context
        self._workload = _describe(what, streams)
        self._name = caller.next_case()
        self._streams, self._budgets, self._min_requests = streams, budgets, min_requests
        sampling = sampling_in_force(context.settings, None, None)
        self._how = MeasuredOn(cell, cell.server(), cell.canary, sampling, max_error_rate)
        self._round: ManualRound | None = None
        self._rounds: list[RoundRecord] = []
        self._cpu_shares: list[float] = []
        self._result: Result | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._finish()

    @property
    def result(self) -> Result:
        """The case, measured and judged by its budgets.

        Raises:
            ConfigError: it is not over yet.
        """
        if self._result is None:
            raise ConfigError("bench.record(): its result is there once its `with` block was left")
        return self._result

    @property
    def in_round(self) -> bool:
        """Whether a round is under way."""
        return self._round is not None

    @contextmanager
    def round(self) -> Generator[None]:
        """One round: a session's figure is the median over its rounds. One that an exception ends is left out.

        Raises:
            ServerError: the server died in it.
        """
        if self._round is not None:
            raise ConfigError("bench.record(): a round within a round; let one end before the next begins")
        server, sampling = self._how.server, self._how.sampling
        gpus = self._cell.gpus(server).watch if sampling.gpus else None
        watch = Watch(metrics_page(server, SYSTEM_CLOCK), gpus, sampling.interval_ms, SYSTEM_CLOCK)
        with self._cell.measuring():
            try:
                with watch.round() as watched:
                    self._round = own = ManualRound(SYSTEM_CLOCK)
                    yield
                    share = own.cpu_share()
            finally:
                self._round = None
        if ended := server.death():
            raise ServerError(f"{self._name}: the server died ({ended}) while it was measured", server.logs())
        self._cpu_shares += [] if share is None else [share]
        self._rounds.append(own.record(len(self._rounds), self._streams, watched))

    def request(self, tag: str = "") -> AbstractContextManager[ManualRequest]:
        """Time one request: from entering its `with` block to leaving it.

        Args:
            tag: a label; requests of one label have figures of their own in the result.
        """
        return self._under_way("request()").request(tag)

    def value(self, metric: str, figure: float) -> None:
        """Give the round a figure of its own.

        Args:
            metric: a metric that `pytest_inferbench_metrics` declared; its formula finds the figure in `view.found`.
            figure: in the metric's unit.
        """
        known = self._context.extensions.metrics
        if metric not in known:
            raise ConfigError(
                f"bench.record(): value(): {unknown_name('metric', metric, known)}; declare it by the hook "
                "pytest_inferbench_metrics"
            )
        self._under_way("value()").value(metric, float(figure))

    def _under_way(self, what: str) -> ManualRound:
        if self._round is None:
            raise ConfigError(f"bench.record(): {what} outside of a round; put it into `with ....round():`")
        return self._round

    def _finish(self) -> None:
        if not self._rounds:
            raise ConfigError("bench.record(): no round; measure in `with ....round():`")
        seen = self._context.secrets(self._cell.cell).masked_in(self._rounds)
        facts = CaseFacts(min_requests=self._min_requests if any(round_.requests for round_ in seen) else 0)
        case = case_result(self._name, self._caller.nodeid, self._workload, seen, facts, self._how, self._context)
        case = with_records(replace(case, notes=(*case.notes, _NOTE)), seen, self._context.folder)
        case = held_to_its_client(case, self._cpu_shares)
        try:
            case = judge_budgets(case, self._budgets, self._cell.cell.policy, self._context)
        finally:  # what was measured is kept, also where it cannot be judged
            self._caller.recorded.append(Recorded(case, None, self._cell))
        self._result = Result(case)


def _describe(what: Mapping[str, Any], streams: int | None) -> dict[str, Any]:
    """Kind, parameters and a hash of both, as a workload's `describe`."""
    facts = {"kind": KIND, "what": dict(what)} | ({} if streams is None else {"streams": streams})
    try:
        text = json.dumps(facts, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"bench.record(): what: {error}; expected figures, texts, lists and mappings") from None
    return {**facts, "hash": short_hash(text)}


def held_to_its_client(case: CaseResult, shares: Sequence[float]) -> CaseResult:
    """The case with how busy the test itself was in its busiest round; INVALID where that was too much."""
    if not shares:
        return case
    share, limit = max(shares), ValidityPolicy().cpu_share
    case = replace(case, client=replace(case.client, cpu_share=share))
    if share <= limit:
        return case
    finding = Finding(
        "client_cpu",
        invalid=True,
        message=f"the test's own process used {format_value(share, RATIO)} of a core in a round, "
        f"above {format_value(limit, RATIO)}: its stamps are late",
        remedy="do less while requests are timed, or let bench.run carry the load",
        figure=share,
        limit=limit,
    )
    return replace(case, validity=(finding, *case.validity), verdict=Verdict.INVALID)
