"""soak: a long constant load. Whether a server that was fast at first still is after an hour."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import chain
from math import ceil
from typing import ClassVar, Self

from pydantic import Field, model_validator

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.config.wording import quote_value
from pytest_inferbench.load.shape import ClosedLoop, Load, OpenLoop
from pytest_inferbench.metrics.formulas import RequestView, tpot_ms, ttft_ms
from pytest_inferbench.metrics.tokens import request_views, token_method
from pytest_inferbench.records import RequestRecord, extent_ns
from pytest_inferbench.workloads import arrivals
from pytest_inferbench.workloads.prompted import PromptedWorkload
from pytest_inferbench.workloads.workload import FindingSteps, Records, RoundContext

_PARTS = 3  # the first is compared with the last
_FIRST_PER_STREAM = 4
_LOAD_S = 30.0  # a load of a soak by time lasts about so long: its requests are made and kept all at once


class Soak(PromptedWorkload):
    """The same load for a long time; `ttft_drift` and `tpot_drift` say how it ended against how it began.

    The drift of a metric is the median over the last third of a round's completed requests, in the order in which
    they were sent, divided by the median over the first third, minus 1: 0.05 is 5 % slower at the end.
    """

    kind: ClassVar[str] = "soak"
    streams: int | None = Field(default=None, ge=1)
    """Closed-loop streams; either this or `rate`."""
    rate: float | None = Field(default=None, gt=0)
    """Requests per second, sent evenly."""
    requests: int | None = Field(default=None, ge=_PARTS)
    """Requests in a round; either this or `seconds`."""
    seconds: float | None = Field(default=None, gt=0)
    """Length of a round. Streams are kept busy in loads of about 30 s, with a short pause between two."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for one, other in (("streams", "rate"), ("requests", "seconds")):
            if (getattr(self, one) is None) == (getattr(self, other) is None):
                raise ValueError(
                    f"{one}: got {quote_value(getattr(self, one))} and {other}: {quote_value(getattr(self, other))}; "
                    "a soak needs exactly one"
                )
        if self.streams is not None and self.requests is not None and self.requests < self.streams:
            raise ValueError(f"requests: got {self.requests}, expected at least one for each of {self.streams} streams")
        return self

    @property
    def planned_requests(self) -> int | None:
        """Requests in one round; None where streams are kept busy for a time."""
        if self.rate is not None:
            return len(self._offsets(self.rate))
        return self.requests

    @property
    def concurrency(self) -> int | None:
        """Closed-loop streams; None at a rate."""
        return self.streams

    def steps(self, context: RoundContext) -> FindingSteps:
        """One load, or by time with streams as many as it takes."""
        if self.rate is not None:
            offsets = self._offsets(self.rate)
            return _drifts((yield Load(self.ask(context, len(offsets)), OpenLoop(offsets))))
        if self.requests is not None:
            return _drifts((yield self._closed_load(context, self.requests)))
        return (yield from self._for_seconds(context, self.streams or 1, self.seconds or 0.0))

    def warm_up(self, context: RoundContext, requests: int) -> Load:
        """Fewer requests of the same load."""
        if self.rate is not None:
            offsets = arrivals.schedule(arrivals.constant(self.rate), requests=requests)
            return Load(self.ask(context, requests), OpenLoop(offsets))
        return self._closed_load(context, max(requests, self.streams or 1))

    def _for_seconds(self, context: RoundContext, streams: int, seconds: float) -> FindingSteps:
        """Loads until their lengths add up to `seconds`, each sized by the pace of the last."""
        seen: list[RequestRecord] = []
        spent_s, requests = 0.0, _FIRST_PER_STREAM * streams
        while True:
            records = yield self._closed_load(context, requests)
            seen += records
            took_s = _length_s(records)
            spent_s += took_s
            if spent_s >= seconds or not any(record.failure is None for record in records):
                return _drifts(seen)
            pace = len(records) / took_s
            requests = max(streams, ceil(pace * min(_LOAD_S, seconds - spent_s)))

    def _closed_load(self, context: RoundContext, requests: int) -> Load:
        return Load(self.ask(context, requests), ClosedLoop(self.streams or 1))

    def _offsets(self, rate: float) -> tuple[int, ...]:
        return arrivals.schedule(arrivals.constant(rate), requests=self.requests, seconds=self.seconds)


def _length_s(records: Records) -> float:
    start_ns, end_ns = extent_ns(records) or (0, 0)
    return (end_ns - start_ns) / NS_PER_S


def _drifts(records: Sequence[RequestRecord]) -> dict[str, float]:
    """Each drift that can be told: a third without a figure has none."""
    completed = [record for record in records if record.failure is None]
    views = request_views(sorted(completed, key=lambda record: record.sent_ns or 0), token_method(completed))
    third = len(views) // _PARTS
    figures = {}
    for name, formula in (("ttft_drift", ttft_ms), ("tpot_drift", tpot_ms)):
        first, last = _median(formula, views[:third]), _median(formula, views[len(views) - third :])
        if first and last is not None:
            figures[name] = last / first - 1
    return figures


def _median(formula: Callable[[RequestView], tuple[float, ...]], views: Sequence[RequestView]) -> float | None:
    samples = list(chain.from_iterable(map(formula, views)))
    return statistics.median(samples) if samples else None
