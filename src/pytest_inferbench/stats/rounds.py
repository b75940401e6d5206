"""What the rounds of a session tell of its noise before there is a second session: the least that it can be.

Idea: a session's figure is the median of its rounds, so rounds that scatter by s leave it an SD of at least
s * sqrt(pi / (2 R + pi - 2)), whatever else moves sessions: a normal sample median's pi / (2 R), made exact at R = 1.
Rounds that resemble the one before tell less: they scatter less than sessions of such rounds do, by a factor that their
correlation gives. A tail over all requests of R rounds is as steady as the mean of the rounds' own tails: s / sqrt(R).
Limits: rounds are never degrees of freedom of a verdict; they raise the prior where it is too small, and lower nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_inferbench.stats.distributions import Floats

_LEAST_POWER: Final = 1e-12  # below, rounds are equal
_LEAST_ROUNDS: Final = 3  # two have the same lag-1 correlation whatever they are
_CORRELATIONS: Final = np.linspace(0.0, 0.95, 39)
_NODES: Final = 64


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
    return scatter_of([rounds], resemblance, whole=[whole])


def scatter_of(
    sessions: Sequence[Sequence[float | None]], resemblance: float = 0.0, *, whole: Sequence[bool]
) -> RoundScatter:
    """What several sessions' rounds say together, each by its degrees of freedom; as above."""
    total, freedom = 0.0, 0
    for count, logs, of_all in _by_count(sessions, whole):
        factors = np.where(of_all, 1 / count, median_factor(count)) * _correlated_factor(count, resemblance)
        total += float((((logs - logs.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) * factors).sum())
        freedom += len(logs) * (count - 1)
    return RoundScatter(total / freedom, freedom) if freedom else NO_ROUNDS


def resemblance(sessions: Sequence[Sequence[float | None]]) -> float:
    """Correlation of successive rounds, from 0 to .95, over sessions of any gates of one machine.

    The lag-1 correlation around each session's own mean is biased downwards, by a sixth to a third where rounds are
    few: the correlation is looked for whose expectation it is. A standard error is taken off before: what few sessions
    say by chance would make every floor too high.
    """
    found, doubt, expected = 0.0, 0.0, np.zeros(len(_CORRELATIONS))
    for count, logs, _ in _by_count(sessions, [False] * len(sessions)):
        if count < _LEAST_ROUNDS:
            continue
        away = logs - logs.mean(axis=1, keepdims=True)
        power = (away**2).sum(axis=1)
        told = power > _LEAST_POWER
        if not told.any():
            continue
        lags = (away[told, 1:] * away[told, :-1]).sum(axis=1) / power[told]
        found += (count - 1) * float(lags.sum())
        doubt += (count - 1) ** 2 * len(lags) * float(lags.var())
        expected = expected + (count - 1) * len(lags) * _expected_lag(count)
    return float(np.interp(found - math.sqrt(doubt), expected, _CORRELATIONS)) if expected.any() else 0.0


def _by_count(
    sessions: Sequence[Sequence[float | None]], whole: Sequence[bool]
) -> Iterator[tuple[int, Floats, NDArray[np.bool_]]]:
    """The usable rounds' logarithms (sessions, rounds) of those sessions that have as many, two or more of them."""
    groups: dict[int, tuple[list[Sequence[float | None]], list[bool]]] = {}
    for rounds, of_all in zip(sessions, whole, strict=True):
        kept = [figure for figure in rounds if figure is not None and 0 < figure < math.inf]
        if len(kept) > 1:
            figures, flags = groups.setdefault(len(kept), ([], []))
            figures.append(kept)
            flags.append(of_all)
    for count, (figures, flags) in groups.items():
        yield count, np.log(np.asarray(figures, dtype=np.float64)), np.asarray(flags)


@cache
def _expected_lag(rounds: int) -> Floats:
    """What the lag-1 correlation around the mean of so many rounds comes to, for each of `_CORRELATIONS`.

    The expectation of a ratio x'Ax / x'Bx of normals of covariance C is the integral over t from 0 of
    det(1 + 2tCB)^-1/2 trace((1 + 2tCB)^-1 CA) (Magnus 1986), here over t = u / (1 - u).
    """
    unit = np.eye(rounds)
    centre = unit - 1 / rounds
    shift = (np.eye(rounds, k=1) + np.eye(rounds, k=-1)) / 2
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    u = (nodes + 1) / 2
    expected = []
    for each in _CORRELATIONS.tolist():
        covariance = _covariance(rounds, each)
        grown = unit + 2 * (u / (1 - u))[:, None, None] * (covariance @ centre)
        traces = np.trace(np.linalg.solve(grown, covariance @ (centre @ shift @ centre)[None]), axis1=1, axis2=2)
        expected.append(float((weights / 2 * traces / np.sqrt(np.linalg.det(grown)) / (1 - u) ** 2).sum()))
    return np.asarray(expected)


@cache
def _correlated_factor(rounds: int, resemblance: float) -> float:
    """How much more the mean of such rounds varies beside their scatter than that of independent ones."""
    shared = (float(_covariance(rounds, resemblance).sum()) / rounds - 1) / (rounds - 1)
    return (1 + (rounds - 1) * shared) / (1 - shared)


def _covariance(rounds: int, resemblance: float) -> Floats:
    at = np.arange(rounds)
    return np.asarray(resemblance ** np.abs(at[:, None] - at[None, :]))
