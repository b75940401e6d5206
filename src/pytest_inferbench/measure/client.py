"""The load generator's account of itself, as a report shows it.

Limits: pure; whether a figure is too high is decided in `validity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from pytest_inferbench.clock import NS_PER_MS
from pytest_inferbench.document.account import ClientAccount
from pytest_inferbench.measure.aggregate import MIN_SAMPLES, percentiles
from pytest_inferbench.records import WorkerReading

_US_PER_S = 1_000_000


def client_account(readings: Sequence[WorkerReading]) -> ClientAccount:
    """All workers over all rounds. Schedule lag is absent in a closed loop, CPU time a read where nothing was read."""
    if not readings:
        return ClientAccount()
    loop_lag = list(chain.from_iterable(reading.loop_lag_ns for reading in readings))
    schedule_lag = list(chain.from_iterable(reading.schedule_lag_ns for reading in readings))
    reads = sum(reading.reads for reading in readings)
    shares = [share for reading in readings if (share := cpu_share(reading)) is not None]
    return ClientAccount(
        workers=len({reading.worker for reading in readings}),
        received_bytes=sum(reading.received_bytes for reading in readings),
        reads=reads,
        reconnects=sum(reading.reconnects for reading in readings),
        pause_max_ms=max(reading.pause_ns for reading in readings) / NS_PER_MS,
        realtime=all(reading.realtime for reading in readings),
        kernel_stamps=all(reading.kernel_stamps for reading in readings),
        cpu_share=max(shares, default=None),
        cpu_us_per_read=sum(reading.cpu_seconds for reading in readings) * _US_PER_S / reads if reads else None,
        **_lags("loop_lag", loop_lag),
        **_lags("schedule_lag", schedule_lag),
    )


def cpu_share(reading: WorkerReading) -> float | None:
    """The share of one core that a worker used in a round; None for a round without a length."""
    return reading.cpu_seconds / reading.seconds if reading.seconds > 0 else None


def high_lag_ms(lags_ns: Sequence[int]) -> tuple[str, float]:
    """The highest percentile that the sample carries (p99 of a few lags would be their maximum), and it in ms."""
    carried = [name for name in ("p50", "p90", "p95", "p99") if len(lags_ns) >= MIN_SAMPLES[name]]
    name = carried[-1]
    return name, percentiles(lags_ns, (name,))[name] / NS_PER_MS


def _lags(name: str, lags_ns: Sequence[int]) -> dict[str, float]:
    if not lags_ns:
        return {}
    p50, p99 = percentiles(lags_ns, ("p50", "p99")).values()
    ms = {"p50": p50 / NS_PER_MS, "p99": p99 / NS_PER_MS, "max": max(lags_ns) / NS_PER_MS}
    return {f"{name}_{statistic}_ms": figure for statistic, figure in ms.items()}
