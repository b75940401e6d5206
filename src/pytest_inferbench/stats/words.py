"""A change in words, the same in every report.

Limits: the only place that says a change which would be called. It is told as the metric shows it: a latency that
doubles is +100 %, a throughput that halves is -50 %. What has to be worse than that to be seen is told as no figure: it
would be of an interval's tail, and reads as if it meant something.
"""

from __future__ import annotations

import math

from pytest_inferbench.stats.sample import unorient
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import RATIO, Direction, format_value, percent

_CALLED = frozenset({Verdict.REGRESSED, Verdict.IMPROVED})
TWICE_AS_BAD = 1.0
"""The worsening beyond which what would have been seen is told as no figure."""


def change_text(worsening: float, direction: Direction) -> str:
    """A relative worsening as a change of the metric: one of .25 is `+25.0 %`, or `-20.0 %` of what should be high."""
    return percent(unorient(math.log1p(worsening), direction) - 1)


def would_have_seen(worsening: float | None, direction: Direction, verdict: Verdict) -> str:
    """The change that would have been called with 80 % probability; "" where it is not known, or one was called.

    >>> would_have_seen(0.25, Direction.HIGHER, Verdict.OK), would_have_seen(7.2, Direction.LOWER, Verdict.OK)
    ('-20.0 %', '> +100 %')
    """
    if worsening is None or verdict in _CALLED:
        return ""
    if worsening <= TWICE_AS_BAD:
        return change_text(worsening, direction)
    beyond = "<" if direction is Direction.HIGHER else ">"
    return f"{beyond} {change_text(TWICE_AS_BAD, direction).replace('.0 %', ' %')}"


def what_decides(needed: int | None, unit: str) -> str:
    """How many more of `unit` (`session`, `pair`) would decide; None: no number of them, so what would."""
    if needed:
        return f"{needed} more {unit}{'' if needed == 1 else 's'} would decide"
    return f"more requests or rounds, or a quieter machine: the noise is too large for more {unit}s alone to decide"


def rate_text(rate: float) -> str:
    """A share of requests: `5 %`."""
    return format_value(rate, RATIO)


def points(difference: float) -> str:
    """A difference of two shares with its sign: `+5.0 percentage points`."""
    return f"{percent(difference).removesuffix(' %')} percentage points"


def for_figure(asked: str, needed: int | None, unit: str) -> str:
    """What would decide an INCONCLUSIVE of a figure that can be 0, which is asked for in its own unit."""
    return f"{what_decides(needed, unit)} ({asked} is asked for)"


def for_share(resolve: float, needed: int | None) -> str:
    """The same of a share of requests."""
    more = what_decides(needed, "session") if needed else "more requests a session would decide"
    return f"{more} ({rate_text(resolve)} is asked for)"
