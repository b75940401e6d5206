"""One case on one server: warm up, then round after round of load, each watched from beside.

Limits: no pytest here, and no judgement: what comes out are records. A server that died is an error with its last
words; a request that failed is a record.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType
from urllib.parse import urlsplit

from pytest_inferbench.clock import Clock
from pytest_inferbench.devices.gpu import GpuWatch
from pytest_inferbench.errors import ConfigError, LoadError, ServerError
from pytest_inferbench.load.encode import encode_load
from pytest_inferbench.load.engine import LoadEngine, Observed
from pytest_inferbench.load.job import Limits, Target
from pytest_inferbench.load.shape import Load
from pytest_inferbench.observe.prometheus import HttpMetricsPage
from pytest_inferbench.observe.watch import Watch
from pytest_inferbench.records import RequestRecord, RoundRecord, WorkerReading
from pytest_inferbench.servers.server import Server
from pytest_inferbench.wire.protocol import WireProtocol
from pytest_inferbench.workloads.prompts import PromptMaker
from pytest_inferbench.workloads.workload import RoundContext, Workload

_PORTS = {"http": 80, "https": 443}
_ROUND_SEEDS = 1_000_003  # a prime: the warm-up and the rounds of one case never share a seed


def _watch_nothing(server: Server) -> None:  # noqa: ARG001 - CaseRunner's gpus
    return None


@dataclass(frozen=True, slots=True)
class CasePlan:
    """How one case is run.

    Attributes:
        case: the case's name, for messages.
        workload: what to ask.
        rounds: how often.
        warm_up: requests thrown away first.
        seed: seed of the whole case.
        request_s: limit of one request in seconds.
        slo: the model's limits for one request, metric name -> figure.
        interval_ms: from one sample of server and GPUs to the next; 0: only before and after each round.
        failures: requests that may fail in all rounds together. Once there are more, the case is INVALID whatever comes
            then, so no further round is begun. None where it is not known.
    """

    case: str
    workload: Workload
    rounds: int
    warm_up: int
    seed: int
    request_s: float
    slo: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    interval_ms: float = 0.0
    failures: int | None = None


@dataclass(frozen=True, slots=True)
class SoFar:
    """A round under way.

    Attributes:
        began_ns: when it began.
        finished: requests of its loads that have ended.
        reads: reads from sockets in those.
    """

    began_ns: int
    finished: int = 0
    reads: int = 0


def metrics_page(server: Server, clock: Clock) -> HttpMetricsPage | None:
    """The page on which a server shows its counters; None where its backend has none that is known."""
    backend = server.backend
    if backend.metrics_path is None or not backend.published:
        return None
    return HttpMetricsPage(server.endpoint, backend.metrics_path, backend.published, clock)


class CaseRunner:
    """Runs cases on one server.

    Args:
        server: the running server.
        protocol: the wire protocol.
        prompts: makes prompts for this server.
        engine: carries the load.
        clock: stamps counter readings.
        report: told in a few words what is being done.
        fresh: stops the server and starts another like it; None where that cannot be done.
        gpus: opens the GPUs of a server for reading; None where it has none, or they are not to be watched.

    Attributes:
        so_far: the round under way; None outside of rounds.
    """

    def __init__(
        self,
        server: Server,
        protocol: WireProtocol,
        prompts: PromptMaker,
        engine: LoadEngine,
        clock: Clock,
        report: Callable[[str], None],
        fresh: Callable[[], Server] | None = None,
        gpus: Callable[[Server], GpuWatch | None] = _watch_nothing,
    ) -> None:
        self._server = server
        self._protocol = protocol
        self._prompts = prompts
        self._engine = engine
        self._clock = clock
        self._report = report
        self._fresh = fresh
        self._gpus = gpus
        self.so_far: SoFar | None = None
        self._page = metrics_page(self._server, self._clock)

    def run(self, plan: CasePlan) -> Iterator[RoundRecord]:
        """Warm up, then yield each round as it ends; fewer where more requests have failed than may.

        Raises:
            ServerError: the server died.
            LoadError: a load could not be started or a load worker died.
            ConfigError: the workload cannot be had on this server.
            ProvisionError: a fresh server that it wants does not come up.
        """
        if not plan.workload.fresh_server:
            self._report("warm-up")
            self._carry(plan.workload.warm_up(self._context(plan, 0), plan.warm_up), plan)
        left = plan.failures
        for index in range(plan.rounds):
            self.so_far = SoFar(self._clock.now_ns())
            self._report(f"round {index + 1}/{plan.rounds}")
            started = self._start_fresh(plan) if plan.workload.fresh_server else {}
            round_ = self._round(index, replace(plan, failures=left), started)
            self.so_far = None
            yield round_
            if left is not None:
                left -= sum(request.failure is not None for request in round_.counted)
                if left < 0:
                    return

    def _start_fresh(self, plan: CasePlan) -> dict[str, float]:
        """Go on with a server of its own; how long it took to its first token."""
        if self._fresh is None:
            raise ConfigError(
                f"{plan.case}: {plan.workload.kind} starts a server for each round, which cannot be done here"
            )
        self._server = self._fresh()
        self._page = metrics_page(self._server, self._clock)
        return {"cold_start_s": self._server.ready_seconds}

    def _round(self, index: int, plan: CasePlan, started: Mapping[str, float]) -> RoundRecord:
        steps = plan.workload.steps(self._context(plan, index + 1))
        requests: list[RequestRecord] = []
        workers: list[WorkerReading] = []
        streams: set[int | None] = set()
        answer: tuple[RequestRecord, ...] | None = None
        with Watch(self._page, self._gpus(self._server), plan.interval_ms, self._clock).round() as watched:
            for number in count():
                try:
                    load = next(steps) if answer is None else steps.send(answer)
                except StopIteration as end:
                    found = end.value
                    break
                if number:
                    self._report(f"round {index + 1}/{plan.rounds}, step {number + 1}")
                seen = self._carry(load, plan)
                answer = seen.records
                first = len(requests)
                requests += (
                    replace(record, index=first + record.index, load=number, counted=load.counted) for record in answer
                )
                workers += seen.workers
                if self.so_far is not None:
                    self.so_far = replace(
                        self.so_far, finished=len(requests), reads=sum(worker.reads for worker in workers)
                    )
                streams |= {load.streams} if load.counted else set()
        return RoundRecord(
            index=index,
            requests=tuple(requests),
            workers=tuple(workers),
            before=watched.before,
            after=watched.after,
            pages=watched.pages,
            missed=watched.missed,
            gpu=watched.gpu,
            concurrency=streams.pop() if len(streams) == 1 else None,
            found={**started, **(found or {})},
        )

    def _context(self, plan: CasePlan, number: int) -> RoundContext:
        return RoundContext(self._prompts, random.Random(plan.seed * _ROUND_SEEDS + number), plan.slo)

    def _carry(self, load: Load, plan: CasePlan) -> Observed:
        endpoint = self._server.endpoint
        url = urlsplit(endpoint.base_url)
        host = url.hostname or ""
        target = Target(host, url.port or _PORTS[url.scheme], url.scheme == "https", endpoint.ca)
        encoded = encode_load(load, self._protocol, endpoint.model, url.netloc, url.path, endpoint.headers)
        try:
            seen = self._engine.carry(
                encoded,
                target=target,
                protocol=self._protocol.name,
                streams=load.streams,
                limits=Limits(request_s=plan.request_s, hung=plan.failures),
            )
        except LoadError:
            self._expect_alive(plan, "before its load could start")
            raise
        done = sum(record.failure is None for record in seen.records)
        self._expect_alive(plan, f"while it was measured; {done} of {len(seen.records)} requests had completed")
        return seen

    def _expect_alive(self, plan: CasePlan, when: str) -> None:
        ended = self._server.death()
        if ended is not None:
            raise ServerError(
                f"{plan.case}: the server died ({ended}) {when}. The next case gets a fresh server. "
                f"Full log: {self._server.log_path}",
                self._server.logs(),
            )
