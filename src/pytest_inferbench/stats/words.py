"""A change in words, the same in every report.

Law: the only place that says a change which would be called. It is told as the metric shows it: a latency that doubles
is +100 %, a throughput that halves is -50 %; no worsening of a throughput is beyond -100 %.
"""

from __future__ import annotations

import math

from pytest_inferbench.stats.sample import Note, unoriented
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import RATIO, Direction, format_value, percent

_CALLED = frozenset({Verdict.REGRESSED, Verdict.IMPROVED})


def worsened(worsening: float, direction: Direction) -> str:
    """A relative worsening as a change of the metric: one of .25 is `+25.0 %`, or `-20.0 %` of what should be high."""
    return percent(unoriented(math.log1p(worsening), direction) - 1)


def would_have_seen(worsening: float | None, direction: Direction, verdict: Verdict) -> str:
    """The change that would have been called with 80 % probability; "" where it is not known, or one was called."""
    return "" if worsening is None or verdict in _CALLED else worsened(worsening, direction)


def what_decides(needed: int | None, unit: str) -> str:
    """How many more of `unit` (`session`, `pair`) would decide; None: no number of them, so what would."""
    if needed:
        return f"{needed} more {unit}{'' if needed == 1 else 's'} would decide"
    return (
        f"more {unit}s alone would not decide: the noise is too large; more requests or rounds, or a quieter machine, "
        "make it smaller"
    )


def why_inconclusive(detectable: float, resolve: float, remedy: str, direction: Direction) -> Note:
    """What an INCONCLUSIVE says: what it would have seen, and what would decide."""
    seen, asked = worsened(detectable, direction), worsened(resolve, direction)
    return Note("inconclusive", f"a worsening of {seen} would have been seen, one of {asked} is asked for; {remedy}")


def rate_text(rate: float) -> str:
    """A share of requests: `5 %`."""
    return format_value(rate, RATIO)


def points(difference: float) -> str:
    """A difference of two shares with its sign: `+5.0 percentage points`."""
    return f"{percent(difference).removesuffix(' %')} percentage points"


def inconclusive_figure(seen: str, asked: str, needed: int | None, unit: str) -> Note:
    """What an INCONCLUSIVE says of a figure that can be 0."""
    return Note("inconclusive", f"{seen} would have been seen, {asked} is asked for; {what_decides(needed, unit)}")


def inconclusive_share(detectable: float | None, resolve: float, needed: int | None) -> Note:
    """What an INCONCLUSIVE says of a share of requests."""
    seen = "no rate" if detectable is None else f"a rate of {rate_text(detectable)}"
    more = f"{what_decides(needed, 'session')}" if needed else "more requests a session would decide"
    return Note("inconclusive", f"{seen} would have been seen, one of {rate_text(resolve)} is asked for; {more}")
