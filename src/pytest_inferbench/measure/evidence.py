"""What the validity rules look at, and the limits they hold it to.

Limits: values only. Every limit is policy: it has a name, a default with its reason, and a source that a finding
quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pytest_inferbench.document.figures import Finding, Summary
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.pace import Pace
from pytest_inferbench.metrics.tokens import TokenMethod
from pytest_inferbench.records import RequestRecord, RoundRecord


class CacheState(StrEnum):
    """What a case declares of the server's prefix cache."""

    COLD = "cold"
    WARM = "warm"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class ValidityPolicy:
    """The limits of a valid measurement.

    Attributes:
        lag_share: p99 of the client's lags, as a share of the median of the metric it moves. An error of 5 % is the
            margin of a regression verdict: a client that adds more decides the verdict itself.
        lag_floor_ms: a lag up to this is never too much; finer than this a user-space client cannot resolve.
        cpu_share: of one core, by the busiest load worker; above it queueing in the client grows without bound.
        pause_ms, pause_share: the longest time that a client may be away from its sockets (stopped, swapped out, its
            machine suspended or its core given to others): the larger of the two, the latter of its round. Meanwhile
            nothing is sent, so a rate loses at most that share; a sampled lag does not see a single pause.
        error_rate: failed / issued. None is the normal state of a benchmark.
        token_deviation: sum of |counted - planned| / sum of planned tokens; and the same against the server's counter.
        rate_share: least sent / scheduled rate of an open loop.
        window_share: shortest steady window as a share of its round; below it the round was mostly ramp and drain.
        window_seconds: steady seconds of a case below which a reader is told; too few for a rate to settle.
        cached_share: cached / prompt tokens of a round that is still "cold", beside what all prompts begin with.
        warm_share: least part of the planned reuse that a "warm" round must see. Not 1: caches work in blocks, and may
            drop some; half of it is no longer the case that was meant.
        page_share: of a round's time that its metrics pages took, each as long as on the idle server. They are written
            on the cores that serve requests: vLLM on two cores lost 24 % to a page every 100 ms.
        clock_step_ms: step of CLOCK_REALTIME in a round. Not 0: reading two clocks takes a moment.
        sources: where a limit was written, by its name here, if not the default.
    """

    lag_share: float = 0.05
    lag_floor_ms: float = 0.25
    cpu_share: float = 0.85
    pause_ms: float = 50.0
    pause_share: float = 0.01
    error_rate: float = 0.0
    token_deviation: float = 0.02
    rate_share: float = 0.95
    window_share: float = 0.20
    window_seconds: float = 1.0
    cached_share: float = 0.10
    warm_share: float = 0.50
    page_share: float = 0.05
    clock_step_ms: float = 1.0
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def source(self, limit: str) -> str:
        """Where the limit called `limit` was written."""
        return self.sources.get(limit, "default")


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the case wants, beside the records.

    Attributes:
        planned_requests: requests that count, over all rounds, as planned; None where it is not known beforehand.
        rounds_left: rounds that were not run, because no more could make the case valid.
        min_requests: fewest completed requests that the case's figures may rest on.
        cache: the prefix cache's declared state.
        cached_share: cached / prompt tokens that a warm case plans for; 0 where it only expects some.
        shared_tokens: what every prompt begins with (chat template, lead) and so finds in a cache.
        wants_fresh: whether each round has a server of its own.
    """

    planned_requests: int | None = None
    rounds_left: int = 0
    min_requests: int = 1
    cache: CacheState = CacheState.ANY
    cached_share: float = 0.0
    shared_tokens: int = 0
    wants_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a rule may look at.

    Attributes:
        rounds: the observations.
        views: the requests of the same rounds that count, with tokens counted and steady windows found.
        metrics: the case's summaries.
        token_method: how output tokens were counted.
        pace: what the arrivals of the whole case say of the pace.
        facts: what was wanted.
        policy: the limits.
    """

    rounds: tuple[RoundRecord, ...]
    views: tuple[RoundView, ...]
    metrics: Mapping[str, Summary]
    token_method: TokenMethod
    pace: Pace
    facts: CaseFacts
    policy: ValidityPolicy

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """Every issued request that the case's figures rest on."""
        return tuple(record for round_ in self.rounds for record in round_.counted)

    @property
    def completed(self) -> tuple[RequestRecord, ...]:
        """Those that did not fail."""
        return tuple(record for record in self.requests if record.failure is None)

    def median(self, metric: str) -> float | None:
        """The median of a distribution; None where it was not measured."""
        summary = self.metrics.get(metric)
        return summary.p50 if summary else None

    def finding(
        self, code: str, limit: str, message: str, remedy: str, *, figure: float, invalid: bool = True
    ) -> Finding:
        """A finding about the policy limit called `limit`, with its value and source."""
        bound = float(getattr(self.policy, limit))
        return Finding(code, invalid, message, remedy, figure=figure, limit=bound, source=self.policy.source(limit))
