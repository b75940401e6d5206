"""What the load loop leaves behind: each request's bytes and stamps, and what the loop saw of itself.

Limits: nothing here is decoded yet; that comes when the clock has stopped.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from pytest_inferbench.load.job import EncodedRequest
from pytest_inferbench.load.spool import Trace
from pytest_inferbench.records import Failure


@dataclass(slots=True)
class Outcome:
    """One request after the loop: what is needed to decode it."""

    request: EncodedRequest
    stream: int
    sent_ns: int | None
    end_ns: int
    trace: Trace
    failure: Failure | None


@dataclass(slots=True)
class LoopReading:
    """What the loop saw of itself."""

    lags_ns: array[int] = field(default_factory=lambda: array("q"))
    schedule_lags_ns: array[int] = field(default_factory=lambda: array("q"))
    received_bytes: int = 0
    reads: int = 0
    clock_step_ns: int = 0
    pause_ns: int = 0
    kernel_stamps: bool = True
