"""A change in words, the same in every report.

Law: the only place that says a change which would be called. It is told as the metric shows it: a latency that doubles
is +100 %, a throughput that halves is -50 %; no worsening of a throughput is beyond -100 %.
"""

from __future__ import annotations

import math

from pytest_inferbench.stats.sample import Note, unoriented
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction, percent

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
