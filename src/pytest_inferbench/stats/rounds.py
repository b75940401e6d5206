"""What the rounds of a session tell of its noise before there is a second session: the least that it can be.

Idea: a session's figure is the median of its rounds, so rounds that scatter by s leave it an SD of at least
s * sqrt(pi / (2 R + pi - 2)), whatever else moves sessions: a normal sample median's pi / (2 R), made exact at R = 1.
Rounds that resemble the one before tell less: they scatter less than sessions of such rounds do, by a factor that their
correlation gives. A tail over all requests of R rounds is as steady as the mean of the rounds' own tails: s / sqrt(R).
Law: rounds are never degrees of freedom of a verdict; they raise the prior where it is too small, and lower nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_inferbench.stats.distributions import Floats

_LEAST_ROUNDS: Final = 3  # two have the same lag-1 correlation whatever they are
_CORRELATIONS: Final = np.linspace(0.0, 0.95, 96)


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


def round_scatter(rounds: Sequence[float | None], resemblance: float = 0.0, *, whole: bool = False) -> RoundScatter:
    """What one session's rounds say; those without a usable figure are left out.

    Args:
        rounds: the figure in each of them.
        resemblance: correlation of successive rounds.
        whole: the session's figure is over all their requests, not their median.
    """
    logs = _logs(rounds)
    df = len(logs) - 1
    if df < 1:
        return NO_ROUNDS
    mean = sum(logs) / len(logs)
    factor = (1 / len(logs) if whole else median_factor(len(logs))) * _correlated_factor(len(logs), resemblance)
    return RoundScatter(sum([(log - mean) ** 2 for log in logs]) / df * factor, df)


def pooled(sessions: Iterable[RoundScatter]) -> RoundScatter:
    """What several sessions' rounds say together, each by its degrees of freedom."""
    known = [scatter for scatter in sessions if scatter.df]
    df = sum(scatter.df for scatter in known)
    return RoundScatter(math.fsum(each.variance * each.df for each in known) / df, df) if df else NO_ROUNDS


def resemblance(sessions: Iterable[Sequence[float | None]]) -> float:
    """Correlation of successive rounds, from 0 to .95, over sessions of any gates of one machine.

    The lag-1 correlation around each session's own mean is biased downwards, by a sixth to a third where rounds are
    few: the correlation is looked for whose expectation it is.
    """
    found, weights = 0.0, dict[int, int]()
    for rounds in sessions:
        logs = _logs(rounds)
        if len(logs) < _LEAST_ROUNDS:
            continue
        mean = sum(logs) / len(logs)
        away = [log - mean for log in logs]
        power = sum([each * each for each in away])
        if power > 0:
            found += (len(logs) - 1) * sum([a * b for a, b in pairwise(away)]) / power
            weights[len(logs)] = weights.get(len(logs), 0) + len(logs) - 1
    if not weights:
        return 0.0
    expected = sum(weight * _expected_lag(rounds) for rounds, weight in weights.items())
    return float(np.interp(found, expected, _CORRELATIONS))


def _logs(rounds: Sequence[float | None]) -> list[float]:
    return [math.log(figure) for figure in rounds if figure is not None and 0 < figure < math.inf]


@cache
def _expected_lag(rounds: int) -> Floats:
    """What the lag-1 correlation around the mean of so many rounds comes to, for each of `_CORRELATIONS`."""
    centre = np.eye(rounds) - 1 / rounds
    seen = [centre @ _covariance(rounds, each) @ centre for each in _CORRELATIONS.tolist()]
    return np.asarray([np.diag(each, 1).sum() / np.trace(each) for each in seen])


@cache
def _correlated_factor(rounds: int, resemblance: float) -> float:
    """How much more the mean of such rounds varies beside their scatter than that of independent ones."""
    shared = (float(_covariance(rounds, resemblance).sum()) / rounds - 1) / (rounds - 1)
    return (1 + (rounds - 1) * shared) / (1 - shared)


def _covariance(rounds: int, resemblance: float) -> Floats:
    at = np.arange(rounds)
    return np.asarray(resemblance ** np.abs(at[:, None] - at[None, :]))
