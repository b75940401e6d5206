"""What the rounds of a session tell of its noise before there is a second session: the least that it can be.

Idea: a session's figure is the median of its rounds, so rounds that scatter by s leave it an SD of at least
s * sqrt(pi / (2 R + pi - 2)), whatever else moves sessions: a normal sample median's pi / (2 R), made exact at R = 1.
Law: rounds are never degrees of freedom of a verdict; they raise the prior where it is too small, and lower nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class RoundScatter:
    """The variance of a session's figure as its rounds alone would have it.

    Attributes:
        variance: of the figure's logarithm.
        df: degrees of freedom of the rounds behind it; 0 where there are none.
    """

    variance: float
    df: int


NO_ROUNDS: Final = RoundScatter(0.0, 0)


def median_factor(rounds: int) -> float:
    """Variance of the median of so many normal rounds in units of one round's."""
    return math.pi / (2 * rounds + math.pi - 2)


def round_scatter(rounds: Sequence[float | None]) -> RoundScatter:
    """What one session's rounds say; those without a usable figure are left out."""
    logs = [math.log(figure) for figure in rounds if figure is not None and 0 < figure < math.inf]
    df = len(logs) - 1
    if df < 1:
        return NO_ROUNDS
    mean = sum(logs) / len(logs)
    return RoundScatter(sum([(log - mean) ** 2 for log in logs]) / df * median_factor(len(logs)), df)


def pooled(sessions: Iterable[RoundScatter]) -> RoundScatter:
    """What several sessions' rounds say together, each by its degrees of freedom."""
    known = [scatter for scatter in sessions if scatter.df]
    df = sum(scatter.df for scatter in known)
    return RoundScatter(math.fsum(each.variance * each.df for each in known) / df, df) if df else NO_ROUNDS
