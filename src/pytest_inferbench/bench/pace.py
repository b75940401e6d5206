"""How fast a case goes and how long it will take, for the progress line.

Limits: pure, and rough on purpose: while a round goes on, what was read from sockets stands for tokens, and rounds to
come are taken to be as long as those before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.records import RequestRecord, RoundRecord, extent_ns
from pytest_inferbench.units import duration

_FIRST_S = 1.0  # a rate over less says nothing


@dataclass(frozen=True, slots=True)
class Under:
    """A round under way.

    Attributes:
        seconds: how long it has been.
        finished: requests that have ended.
        planned: requests that it will have; None where it cannot be told.
        reads: reads from sockets, about one for each chunk.
    """

    seconds: float
    finished: int
    planned: int | None
    reads: int


def pace(seen: Sequence[RoundRecord], rounds: int, under: Under) -> str:
    """`12 s left · ~3,373 tok/s · 14/36 requests`.

    Args:
        seen: the rounds that have ended.
        rounds: how many there will be.
        under: the round under way.
    """
    spans = [span for round_ in seen if (span := extent_ns(round_.requests)) is not None]
    length = (spans[-1][1] - spans[0][0]) / NS_PER_S / len(seen) if spans else _expected_seconds(under)
    left = 0.0 if length is None else length * (rounds - len(seen)) - under.seconds
    parts = (f"{duration(left)} left" if left >= 1 else "", _speed(seen, spans, under), _requests(under))
    return " · ".join(filter(None, parts))


def _speed(seen: Sequence[RoundRecord], spans: Sequence[tuple[int, int]], under: Under) -> str:
    tokens = sum(map(_tokens, seen[-1].requests)) if seen else 0
    if under.reads and under.seconds >= _FIRST_S:
        reads = sum(worker.reads for worker in seen[-1].workers) if seen else 0
        return f"~{under.reads / under.seconds * (tokens / reads if tokens and reads else 1):,.0f} tok/s"
    if not spans:
        return ""
    start, end = spans[-1]
    return f"{tokens * NS_PER_S / max(1, end - start):,.0f} tok/s"


def _expected_seconds(under: Under) -> float | None:
    """Seconds that a first round will take, by the share of it that is done."""
    if not under.planned or not under.finished:
        return None
    return under.seconds * max(1.0, under.planned / under.finished)


def _requests(under: Under) -> str:
    return f"{under.finished} requests" if under.planned is None else f"{under.finished}/{under.planned} requests"


def _tokens(record: RequestRecord) -> int:
    counted = record.usage.output_tokens if record.usage is not None else None
    return counted or len(record.output_ns)
