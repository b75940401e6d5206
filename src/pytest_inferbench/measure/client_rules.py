"""Rules about ourselves: did the load generator limit or distort what it measured?

Limits: each rule is a pure function of the evidence and yields findings; `validity` lists them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S
from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure.client import cpu_share, high_lag_ms
from pytest_inferbench.measure.evidence import Evidence
from pytest_inferbench.records import WorkerReading
from pytest_inferbench.units import MS, RATIO, format_value

_MS_PER_S = NS_PER_S / NS_PER_MS
_RELIEVE = "use more load workers, fewer streams a worker, or a machine of its own for the load"


def loop_lag(evidence: Evidence) -> Iterator[Finding]:
    """The loop may be late only where its lateness moves no figure, or moves it too little to matter.

    Without kernel stamps a late read is a late arrival: its lag adds to the time to first token and to chunk gaps, so
    it is held to the smaller of their medians. With kernel stamps an arrival is stamped however late it is read. Then
    a lag can only delay the *next send*: in a closed loop each request is followed by at most one lag, a loss of
    throughput of lag / (request duration), so it is held to the median `e2e_ms`; in an open loop that delay is itself
    measured, as the schedule lag, and `schedule_lag` judges it.
    """
    late_reads: defaultdict[int, list[int]] = defaultdict(list)
    late_sends: defaultdict[int, list[int]] = defaultdict(list)
    for round_ in evidence.rounds:
        for reading in round_.workers:
            if not reading.kernel_stamps:
                late_reads[reading.worker] += reading.loop_lag_ns
            elif round_.concurrency is not None:
                late_sends[reading.worker] += reading.loop_lag_ns
    yield from _lag(evidence, "loop_lag", "loop lag", late_reads, ("ttft_ms", "chunk_gap_ms"))
    yield from _lag(evidence, "loop_lag", "loop lag", late_sends, ("e2e_ms",))


def schedule_lag(evidence: Evidence) -> Iterator[Finding]:
    """Open-loop sends left when the plan wanted them to: their lag is part of `ttft_scheduled_ms`."""
    lags: defaultdict[int, list[int]] = defaultdict(list)
    for reading in _readings(evidence):
        lags[reading.worker] += reading.schedule_lag_ns
    yield from _lag(evidence, "schedule_lag", "schedule lag", lags, ("ttft_ms",))


def client_cpu(evidence: Evidence) -> Iterator[Finding]:
    """No load worker was short of processor time in any round."""
    shares = [(share, reading) for reading in _readings(evidence) if (share := cpu_share(reading)) is not None]
    share, reading = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    limit = evidence.policy.cpu_share
    if reading is not None and share > limit:
        message = (
            f"load worker {reading.worker} used {format_value(share, RATIO)} of its core, "
            f"above {format_value(limit, RATIO)}"
        )
        yield evidence.finding("client_cpu", "cpu_share", message, _RELIEVE, figure=share)


def paused(evidence: Evidence) -> Iterator[Finding]:
    """No load worker was away from its sockets for long, by its own clock: requests that were due waited for it."""
    policy = evidence.policy
    pauses = [
        (reading.pause_ns / NS_PER_MS, max(policy.pause_ms, policy.pause_share * reading.seconds * _MS_PER_S), reading)
        for reading in _readings(evidence)
    ]
    pause_ms, limit, reading = max(pauses, key=lambda each: each[0] / each[1], default=(0.0, policy.pause_ms, None))
    if reading is None or pause_ms <= limit:
        return
    by_share = limit > policy.pause_ms
    reason = f"{format_value(policy.pause_share, RATIO)} of its round" if by_share else "the floor"
    yield Finding(
        "paused",
        invalid=True,
        message=f"load worker {reading.worker} was away for {format_value(pause_ms, MS)}, above "
        f"{format_value(limit, MS)} ({reason}): the machine stopped it, swapped or was suspended",
        remedy="run again on a machine that does nothing else; in a virtual machine, one that keeps its cores",
        figure=pause_ms,
        limit=limit,
        source=policy.source("pause_share" if by_share else "pause_ms"),
    )


def clock_step(evidence: Evidence) -> Iterator[Finding]:
    """The wall clock did not jump in a round whose arrivals are the kernel's wall-clock stamps."""
    steps = [abs(reading.clock_step_ns) / NS_PER_MS for reading in _readings(evidence) if reading.kernel_stamps]
    limit = evidence.policy.clock_step_ms
    if steps and max(steps) > limit:
        message = (
            f"the system clock stepped by {format_value(max(steps), MS)} during a round, "
            f"more than {format_value(limit, MS)}: kernel arrival stamps cannot be converted across it"
        )
        remedy = "run again; let the time service slew the clock instead of stepping it"
        yield evidence.finding("clock_step", "clock_step_ms", message, remedy, figure=max(steps))


def _readings(evidence: Evidence) -> Iterable[WorkerReading]:
    return (reading for round_ in evidence.rounds for reading in round_.workers)


def _lag(
    evidence: Evidence, code: str, what: str, lags: dict[int, list[int]], feeds: tuple[str, ...]
) -> Iterator[Finding]:
    """The worst worker's p99 against the larger of the floor and its share of the smallest median it feeds.

    Of a small sample the highest percentile that it carries takes the p99's place.
    """
    highs = {worker: high_lag_ms(lags_ns) for worker, lags_ns in lags.items() if lags_ns}
    if not highs:
        return
    worker = max(highs, key=lambda number: highs[number][1])
    percentile, lag_ms = highs[worker]
    medians = {name: median for name in feeds if (median := evidence.median(name)) is not None}
    fed = min(medians, key=medians.__getitem__, default=None)
    policy = evidence.policy
    share_ms = policy.lag_share * medians[fed] if fed else 0.0
    limit = max(share_ms, policy.lag_floor_ms)
    if lag_ms <= limit:
        return
    by_share = share_ms > policy.lag_floor_ms
    reason = f"{format_value(policy.lag_share, RATIO)} of the median {fed}" if by_share else "the floor"
    yield Finding(
        code,
        invalid=True,
        message=f"load worker {worker}: {what} {percentile} {format_value(lag_ms, MS)}, "
        f"above {format_value(limit, MS)} ({reason})",
        remedy=_RELIEVE,
        figure=lag_ms,
        limit=limit,
        source=policy.source("lag_share" if by_share else "lag_floor_ms"),
    )
