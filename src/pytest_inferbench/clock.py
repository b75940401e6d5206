"""The clock: the only module that asks the operating system for the time.

Limits: durations and stamps are monotonic nanoseconds; wall time is for people and for converting kernel stamps;
nobody else imports `time`. A clock is an argument, so a test can hold one of its own.

On Linux `time.monotonic_ns` reads CLOCK_MONOTONIC, which is one clock for every process of the host: stamps
of a load worker, of pytest and of a test server on the same machine can be compared.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux


class Clock(Protocol):
    """What the product asks of a clock."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds; the zero has no meaning."""
        ...

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME nanoseconds, the clock of the kernel's receive stamps."""
        ...

    def cpu_ns(self) -> int:
        """Processor time this process has used, in nanoseconds."""
        ...

    def suspended_ns(self) -> int:
        """Nanoseconds that the machine was suspended since it was booted, which the monotonic clock leaves out."""
        ...

    def wall(self) -> datetime:
        """The time of day in UTC, for people."""
        ...

    def sleep(self, seconds: float) -> None:
        """Sleep at least `seconds`."""
        ...


class SystemClock:
    """The operating system's clocks."""

    now_ns = staticmethod(time.monotonic_ns)
    cpu_ns = staticmethod(time.process_time_ns)
    realtime_ns = staticmethod(time.time_ns)
    sleep = staticmethod(time.sleep)

    def suspended_ns(self) -> int:
        """CLOCK_BOOTTIME - CLOCK_MONOTONIC; 0 where there is no such clock."""
        if _BOOTTIME is None:
            return 0
        return time.clock_gettime_ns(_BOOTTIME) - time.monotonic_ns()

    def wall(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)


SYSTEM_CLOCK = SystemClock()
