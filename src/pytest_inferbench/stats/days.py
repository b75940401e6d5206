"""Days: sessions a few hours apart share their day's luck, and say little of what another day is like.

Idea: a session's figure is its level, its day's part and its own; c of the variance is the day's. So n sessions of one
day are worth 1 / (c + (1 - c) / n) sessions of days of their own, however many they are; and their scatter is that of
the part 1 - c alone, so over 1 - c it estimates the whole, as well as c is known.
Limits: pure. What the days do to a location and a variance is linear in the figures, so it is worked out once for all
gates whose sessions lie alike, and holds for arrays of any shape (..., sessions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from pytest_inferbench.stats.distributions import trigamma, trigamma_inverse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_inferbench.stats.distributions import Floats

DAY: Final = timedelta(hours=12)
"""Sessions less than this after the first of a day are of that day."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the sessions of a history weigh, whatever their figures are.

    Attributes:
        n: sessions of days of their own that those of the current segment are worth.
        location: weight of each session in the level, shape (sessions,); 0 for those of other segments.
        contrasts: shape (sessions, contrasts); the mean of their squares over `df` is the variance.
        df: degrees of freedom of the variance.
    """

    n: float
    location: Floats
    contrasts: Floats
    df: float

    def level(self, logs: Floats) -> Floats:
        """The level of figures (..., sessions), shape (...)."""
        return np.asarray(logs @ self.location)

    def variance(self, logs: Floats) -> Floats:
        """The variance of one session on a day of its own, of figures (..., sessions), shape (...)."""
        return np.asarray(((logs @ self.contrasts) ** 2).sum(axis=-1) / max(self.df, 1e-9))


def days_of(moments: Sequence[datetime]) -> tuple[int, ...]:
    """The number of the day of each session, in the order given."""
    numbers: dict[datetime, int] = {}
    number, start = -1, None
    for moment in sorted(set(moments)):
        if start is None or moment - start >= DAY:
            number, start = number + 1, moment
        numbers[moment] = number
    return tuple(numbers[moment] for moment in moments)


@lru_cache(maxsize=1024)
def plan(
    segments: tuple[int, ...], days: tuple[int, ...], level: tuple[bool, ...], shared: float, doubt: float
) -> Plan:
    """The weights of sessions.

    Args:
        segments: the segment of each; scatter is within them.
        days: the day of each.
        level: which of them make the level.
        shared: c.
        doubt: variance of log(1 - c): what is not known of c makes the sessions of one day worth less.
    """
    count = len(segments)
    cells: dict[tuple[int, int], list[int]] = {}
    for at, cell in enumerate(zip(segments, days, strict=True)):
        cells.setdefault(cell, []).append(at)
    contrasts, df = [], 0.0
    for segment in dict.fromkeys(segments):
        own = {day: places for (each, day), places in cells.items() if each == segment}
        worth, middle = _level(own, shared, count)
        contrasts += [math.sqrt(worth[day]) * (_mean(places, count) - middle) for day, places in own.items()]
        df += len(own) - 1
    free = count - len(cells)
    if free:
        told = free if not doubt else 2 * float(trigamma_inverse(float(trigamma(free / 2)) + doubt))
        weight = math.sqrt(told / free / (1 - shared))
        alike = [places for places in cells.values() if len(places) > 1]
        contrasts += [weight * (_mean([at], count) - _mean(places, count)) for places in alike for at in places]
        df += told
    counted: dict[int, list[int]] = {}
    for at in range(count):
        if level[at]:
            counted.setdefault(days[at], []).append(at)
    worth, location = _level(counted, shared, count)
    return Plan(sum(worth.values()), location, np.stack(contrasts, axis=-1), df)


def _level(days: Mapping[int, Sequence[int]], shared: float, count: int) -> tuple[dict[int, float], Floats]:
    """What each day is worth, and the weights of the mean of the days."""
    worth = {day: 1 / (shared + (1 - shared) / len(places)) for day, places in days.items()}
    total = sum(worth.values())
    means = (worth[day] / total * _mean(places, count) for day, places in days.items())
    return worth, sum(means, np.zeros(count))


def _mean(places: Sequence[int], count: int) -> Floats:
    row = np.zeros(count)
    row[list(places)] = 1 / len(places)
    return row
