"""How fast a case goes and how long it will take, for the progress line.

Law: pure, and rough on purpose: chunks stand for tokens where the server counts none, and rounds to come are taken to
be as long as those before.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.records import RequestRecord, RoundRecord

_MINUTE = 60


def pace(seen: Sequence[RoundRecord], rounds: int) -> str:
    """`3,373 tok/s · 12 s left`; "" before a first answer.

    Args:
        seen: the rounds that have ended.
        rounds: how many there will be.
    """
    spans = [span for round_ in seen if (span := _span(round_)) is not None]
    if not spans:
        return ""
    start, end = spans[-1]
    speed = sum(map(_tokens, seen[-1].requests)) * NS_PER_S / max(1, end - start)
    left = (spans[-1][1] - spans[0][0]) / NS_PER_S / len(seen) * (rounds - len(seen))
    return f"{speed:,.0f} tok/s" + (f" · {_spoken(left)} left" if left > 0 else "")


def _span(round_: RoundRecord) -> tuple[int, int] | None:
    sent = [record.sent_ns for record in round_.requests if record.sent_ns is not None]
    return (min(sent), max(record.end_ns for record in round_.requests)) if sent else None


def _tokens(record: RequestRecord) -> int:
    counted = record.usage.output_tokens if record.usage is not None else None
    return counted or len(record.output_ns)


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"
