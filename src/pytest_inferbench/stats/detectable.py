"""How large a change the history gate would have seen, and how many more sessions would let it see enough.

Idea: given the history, the spread's posterior is scaled inverse chi-squared and a session is normal, so the smallest
change that would be called is a random variable; its 80 % point is the detectable change. It is taken over a fixed,
evenly spread set of points (an additive lattice, Roberts 2018), so there is no randomness and no root to find.
Limits: elementwise over gates; the hurdles are the rule's own, so the figure is of the shipped rule, both stages.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import chi_square_critical, normal_critical
from pytest_inferbench.stats.two_stage import hurdles

if TYPE_CHECKING:
    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.rule import Rule

POWER = 0.80
_POINTS = 2039  # the 80 % point is then within .5 % of itself against 2^17 points
_DF_STEPS = 10  # the spread's posterior is tabulated at tenths of a degree of freedom, rounded down


@lru_cache(maxsize=8)
def _lattice(dimensions: int) -> Floats:
    """Points (dimensions, _POINTS) evenly over the unit cube: multiples of powers of the plastic-type constant."""
    phi = 2.0
    for _ in range(40):
        phi = (1 + phi) ** (1 / (dimensions + 1))
    steps = phi ** -np.arange(1.0, dimensions + 1)
    return np.asarray((0.5 + np.outer(steps, np.arange(_POINTS))) % 1.0)


@lru_cache(maxsize=8)
def _normals(k: int) -> tuple[Floats, Floats]:
    """Uniforms for the spread and k + 1 standard normals (the day's shared part first) at every point."""
    points = _lattice(k + 2)
    return points[0], normal_critical(points[1:])


@lru_cache(maxsize=256)
def _spread_factor(steps: int, k: int) -> Floats:
    """True SD / estimated SD at every point with `steps` tenths of a degree of freedom: sqrt(df / chi-squared)."""
    df = steps / _DF_STEPS
    return np.sqrt(df / chi_square_critical(_normals(k)[0], df))


def detectable(sd: float, df: float, n: float, rule: Rule) -> float:
    """The worsening, oriented log, that would be called with 80 % probability through both stages.

    Args:
        sd: the moderated spread of one session.
        df: its degrees of freedom.
        n: what the level is worth, in sessions on days of their own.
        rule: the gate's.
    """
    k = 1 + rule.confirmations
    _, normal = _normals(k)
    true_sd = sd * _spread_factor(int(df * _DF_STEPS), k)
    common = normal[0] * math.sqrt(rule.shared + 1 / n)
    noise = (true_sd * (common + math.sqrt(1 - rule.shared) * normal[1:])).T
    limits = hurdles(sd, df, n, noise, rule)
    needed = np.maximum(limits.screen - noise[:, 0], limits.mean - noise.mean(axis=-1))
    if k > 1:
        needed = np.maximum(needed, limits.last - noise[:, -1])
    below, share = divmod(POWER * (_POINTS - 1), 1)
    low, high = np.partition(needed, (int(below), int(below) + 1))[int(below) : int(below) + 2].tolist()
    return float(low + (high - low) * share)


def sessions_needed(sd: float, df: float, n: float, rule: Rule) -> int | None:
    """How many more accepted sessions, each on a day of its own, bring the detectable change down to `rule.resolve`.

    The spread is taken to stay as it is, with one more degree of freedom a session. None: not within the window.
    """
    target = math.log1p(rule.resolve)

    def enough(more: int) -> bool:
        return detectable(sd, df + more, n + more, rule) <= target

    low, high = 0, rule.window - math.floor(n)
    if high <= low or not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
