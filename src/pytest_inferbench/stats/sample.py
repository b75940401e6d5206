"""What a session is to the statistics: one positive figure, as a logarithm, oriented so that + is worse.

Limits: a figure without a logarithm (absent, zero, negative, not finite) is left out and named; it is never replaced.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats

Pair: TypeAlias = tuple[float | None, float | None]
"""One figure of arm A and of arm B, measured in turn; None where that arm has none."""

_LARGEST = 700.0  # e^710 is no float


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of the verdict must know.

    Attributes:
        code: stable name (`unusable_now`, `drift`, ...).
        message: one sentence with the figures.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Past:
    """One accepted session of a metric.

    Attributes:
        value: the session's figure in the metric's unit; None where it was not measured.
        segment: number of the segment it belongs to; a new one starts where the level was set anew.
        rounds: the figure in each of its rounds, of which `value` is the median; empty where they are not known.
        pooled: `value` is of all requests of the rounds instead.
        day: number of the day it was measured on (`days.days_of`); None: a day of its own.
        aside: the way in which this figure looked like another level and did not prove it: +1 worse, -1 better; 0:
            it did not.
        improved: since when its segment is there, for people, where an improvement opened it; else "".
    """

    value: float | None
    segment: int = 0
    rounds: tuple[float | None, ...] = ()
    pooled: bool = False
    day: int | None = None
    aside: int = 0
    improved: str = ""


def usable(value: float | None) -> bool:
    """Whether a figure has a logarithm."""
    return value is not None and math.isfinite(value) and value > 0


def sign(direction: Direction) -> float:
    """+1 where more is worse, -1 where less is worse; NaN of a neutral metric, where nothing is."""
    return {Direction.LOWER: 1.0, Direction.HIGHER: -1.0}.get(direction, math.nan)


def orient(values: Sequence[float | None], direction: Direction) -> Floats:
    """Logarithms of the figures, + is worse, in order; NaN in the place of a figure that has none."""
    known = [value if value is not None and usable(value) else math.nan for value in values]
    return sign(direction) * np.log(np.asarray(known, dtype=np.float64))


def unorient(worse: float, direction: Direction) -> float:
    """The ratio new / old in the metric's own terms of a change `worse` on the oriented log scale."""
    return math.exp(min(sign(direction) * worse, _LARGEST))


def relative(log: float) -> float:
    """A log change as a relative one: .0488 is +.05."""
    return math.expm1(min(log, _LARGEST))


def unusable(values: Sequence[float | None], direction: Direction) -> Note | None:
    """Why figures cannot be compared on a ratio scale; None where they can."""
    if direction is Direction.NEUTRAL:
        return Note("neutral", "neither more nor less of this metric is better, so no change can be a regression")
    if values and all(usable(value) for value in values):
        return None
    figures = ", ".join("absent" if value is None else str(value) for value in values) or "none"
    return Note("unusable", f"a ratio needs positive figures, measured: {figures}; judge this metric by a budget")
