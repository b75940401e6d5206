"""Formulas: what each metric computes from one request or one round whose tokens are counted.

Limits: pure functions of a view. A formula answers "absent" (an empty tuple, None), never 0, where the figure does not
exist. Sample formulas are asked about completed requests only. A failed request has no samples, but it stays in the
denominators: it counts as issued, and the time until it failed is part of the run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S
from pytest_inferbench.metrics.pace import Pace, chunk_tokens, first_arrival, unstreamed_reasoning
from pytest_inferbench.records import GpuReading, RequestRecord, ServerReading

_MS_PER_S = NS_PER_S / NS_PER_MS


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request with its output tokens counted.

    Attributes:
        record: the request as it went.
        output_tokens: by the case's counting method; None for a failed request.
        pace: what its case's arrivals say of the pace.
    """

    record: RequestRecord
    output_tokens: int | None
    pace: Pace = field(default_factory=Pace)

    @property
    def completed(self) -> bool:
        """Whether it did not fail."""
        return self.record.failure is None

    @property
    def chunk_tokens(self) -> tuple[int, ...] | None:
        """Tokens of each output chunk; None unless that is known for every answer of the case."""
        return chunk_tokens(self.record) if self.pace.counted else None

    @property
    def paced(self) -> tuple[int, float] | None:
        """Output tokens that came after the first arrival, and in how many ms; None where there is no pace to see."""
        stamps = self.record.output_ns
        if not self.pace.shown or self.output_tokens is None or not stamps or stamps[-1] <= stamps[0]:
            return None
        first, counts = first_arrival(self.record), self.chunk_tokens
        seen = self.output_tokens - unstreamed_reasoning(self.record)
        after = seen - first if counts is None else sum(counts[first:])
        return (after, (stamps[-1] - stamps[0]) / NS_PER_MS) if after > 0 else None


@dataclass(frozen=True, slots=True)
class Window:
    """The steady part of a load: from `start_ns` to `end_ns`, in which `output_tokens` were generated."""

    start_ns: int
    end_ns: int
    output_tokens: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_ns - self.start_ns) / NS_PER_S


@dataclass(frozen=True, slots=True)
class RoundView:
    """The requests of one round, or those of a whole case at once.

    Attributes:
        requests: every issued request.
        windows: the steady window of each load that has one; none in an open loop or of a whole case.
        slo: limits each request should meet, metric name -> figure in the metric's unit.
        found: what the workload itself found in the round, metric name -> figure.
        pages: the server's readings from just before the round to just after it; none where either is missing.
        gpu: the readings of its GPUs, likewise.
    """

    requests: tuple[RequestView, ...]
    windows: tuple[Window, ...] = ()
    slo: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    found: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    pages: tuple[ServerReading, ...] = ()
    gpu: tuple[GpuReading, ...] = ()

    @property
    def completed(self) -> tuple[RequestView, ...]:
        """The requests that did not fail."""
        return tuple(view for view in self.requests if view.completed)


def ttft_ms(view: RequestView) -> tuple[float, ...]:
    """First chunk that carries output - sent."""
    return _between_ms(view.record.sent_ns, _first(view.record))


def ttft_scheduled_ms(view: RequestView) -> tuple[float, ...]:
    """First chunk that carries output - scheduled: the wait before a late send counts (no coordinated omission)."""
    return _between_ms(view.record.scheduled_ns, _first(view.record))


def time_to_answer_ms(view: RequestView) -> tuple[float, ...]:
    """First non-reasoning content - sent."""
    return _between_ms(view.record.sent_ns, view.record.answer_ns)


def e2e_ms(view: RequestView) -> tuple[float, ...]:
    """Last output chunk - sent; what comes after it (usage, end marker, close) is not the user's wait."""
    return _between_ms(view.record.sent_ns, _last(view.record))


def chunk_gap_ms(view: RequestView) -> tuple[float, ...]:
    """Between consecutive output chunks; chunks that arrived together show none. Absent where most do."""
    return tuple(gap for gap in _gaps_ms(view) if gap > 0) if view.pace.shown else ()


def tpot_ms(view: RequestView) -> tuple[float, ...]:
    """(last chunk - first) / tokens after the first arrival, usually tokens - 1. Absent where arrivals show no pace."""
    paced = view.paced
    return () if paced is None else (paced[1] / paced[0],)


def itl_ms(view: RequestView) -> tuple[float, ...]:
    """A gap before k tokens that arrive together is k samples of gap / k; one before none is added to the next."""
    counts = view.chunk_tokens
    if counts is None or not view.pace.shown:
        return ()
    samples: list[float] = []
    waited, arrived = 0.0, 0
    for gap, tokens in zip(_gaps_ms(view), counts[1:], strict=True):
        if gap > 0 and arrived:
            samples += [waited / arrived] * arrived
            waited, arrived = 0.0, 0
        waited += gap
        arrived += tokens if waited else 0  # those of the first arrival waited for the first token
    return tuple(samples + [waited / arrived] * arrived if arrived else samples)


def generation_tok_per_s(view: RequestView) -> tuple[float, ...]:
    """Output tokens / (last chunk - first). Absent where arrivals show no pace."""
    paced = view.paced
    return () if paced is None else ((paced[0] + first_arrival(view.record)) * _MS_PER_S / paced[1],)


def cached_share(view: RequestView) -> tuple[float, ...]:
    """Prompt tokens that the server took from its prefix cache / prompt tokens, where it says both."""
    usage = view.record.usage
    if usage is None or usage.cached_tokens is None or not usage.prompt_tokens:
        return ()
    return (usage.cached_tokens / usage.prompt_tokens,)


def wall_s(view: RoundView) -> float | None:
    """The round's first send to its last output chunk; of several loads the sum: the pauses between are ours."""
    return _extent_s(view, failures=False)


def generated_tokens(view: RoundView) -> float | None:
    """Output tokens of the completed requests."""
    return _total([request.output_tokens for request in view.completed])


def prompt_tokens(view: RoundView) -> float | None:
    """Prompt tokens of the completed requests as the server counted them; absent if it left out any."""
    usages = [request.record.usage for request in view.completed]
    return _total([usage.prompt_tokens if usage else None for usage in usages])


def output_tok_per_s(view: RoundView) -> float | None:
    """Output tokens inside the steady window / its length; of several loads, over their windows together."""
    seconds = sum(window.seconds for window in view.windows)
    return sum(window.output_tokens for window in view.windows) / seconds if seconds else None


def output_tok_per_s_run(view: RoundView) -> float | None:
    """Output tokens / the whole run."""
    return per_second(generated_tokens(view), view)


def request_per_s(view: RoundView) -> float | None:
    """Completed requests / the whole run."""
    return per_second(len(view.completed), view) if view.completed else None


def error_rate(view: RoundView) -> float | None:
    """Failed / issued."""
    issued = len(view.requests)
    return (issued - len(view.completed)) / issued if issued else None


def max_streams(view: RoundView) -> float | None:
    """The most streams at which the limits were still met, found by `saturation`; 0 if one was too many."""
    return view.found.get("max_streams")


def max_rate(view: RoundView) -> float | None:
    """The highest rate at which the limits were still met, found by `saturation`; 0 if the lowest was too high."""
    return view.found.get("max_rate")


def cold_start_s(view: RoundView) -> float | None:
    """A fresh server's start to its first token (`cold_start`)."""
    return view.found.get("cold_start_s")


def ttft_drift(view: RoundView) -> float | None:
    """Median `ttft_ms` of the last third of a `soak`'s requests / that of the first third - 1."""
    return view.found.get("ttft_drift")


def tpot_drift(view: RoundView) -> float | None:
    """Median `tpot_ms` of the last third of a `soak`'s requests / that of the first third - 1."""
    return view.found.get("tpot_drift")


def per_second(count: float | None, view: RoundView) -> float | None:
    """`count` / seconds from the first send to the last output chunk, or to the last failure where that is later."""
    seconds = _extent_s(view, failures=True)
    return None if count is None or seconds is None else count / seconds


def _gaps_ms(view: RequestView) -> tuple[float, ...]:
    return tuple((later - earlier) / NS_PER_MS for earlier, later in pairwise(view.record.output_ns))


def _between_ms(start_ns: int | None, end_ns: int | None) -> tuple[float, ...]:
    return () if start_ns is None or end_ns is None else ((end_ns - start_ns) / NS_PER_MS,)


def _first(record: RequestRecord) -> int | None:
    return record.output_ns[0] if record.output_ns else None


def _last(record: RequestRecord) -> int | None:
    return record.output_ns[-1] if record.output_ns else None


def load_spans(view: RoundView, *, failures: bool = True) -> tuple[tuple[int, int], ...]:
    """When each load of the view ran: (first send, last output chunk), with `failures` until its last failure."""
    loads: defaultdict[int, list[RequestRecord]] = defaultdict(list)
    for request in view.requests:
        loads[request.record.load].append(request.record)
    spans = (_span_ns(records, failures=failures) for records in loads.values())
    return tuple(span for span in spans if span is not None)


def _extent_s(view: RoundView, *, failures: bool) -> float | None:
    spans = load_spans(view, failures=failures)
    return sum(end - start for start, end in spans) / NS_PER_S if spans else None


def _span_ns(records: list[RequestRecord], *, failures: bool) -> tuple[int, int] | None:
    starts = [record.sent_ns for record in records if record.sent_ns is not None]
    ends = [record.output_ns[-1] for record in records if record.output_ns]
    if failures:
        ends += [record.end_ns for record in records if record.failure is not None]
    if not starts or not ends or max(ends) <= min(starts):
        return None
    return min(starts), max(ends)


def _total(counts: list[int | None]) -> float | None:
    """The sum, absent where a part is: a partial sum is no sum."""
    known = [count for count in counts if count is not None]
    return float(sum(known)) if known and len(known) == len(counts) else None
