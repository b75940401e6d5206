"""Adding pairs until decided, without paying for each look: alpha spending on Student's t, exactly.

Idea: Lan and DeMets 1983 with the Pocock-like spending function alpha ln(1 + (e - 1) t), t = pairs / most pairs: the
first look comes at the fewest pairs that may decide, and most comparisons end there, so it must not be starved.
The usual way (boundaries for a known SD, carried over by their tail probabilities) was measured to give .0029 for
.0025, so the recursion of Armitage, McPherson and Rowe 1969 is run on t itself. With S the sum and Q the sum of squares
of n normal pairs, R = S / sqrt(Q) does not depend on the SD and is a Markov chain: Q is independent of the directions
before it, so the next pair is x / sqrt(Q) = tan(phi) with tan(phi) sqrt(n) ~ t(n), and R' = R cos(phi) + sin(phi).
A prior on the spread worth d0 degrees of freedom only adds d0 to every n above (d0 squares seen beforehand).
Limits: a plan is fixed before the first pair; looks are after every pair from the fewest to the most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import t_critical, t_tail

if TYPE_CHECKING:
    from pytest_inferbench.stats.distributions import Floats

_CELLS = 300  # doubling them moves no level by more than 2 %
_ANGLES = 20001  # table of the distribution of phi; linear between


@dataclass(frozen=True, slots=True)
class Looks:
    """When pairs are judged: after every one from `fewest` to `most`; equal numbers make one fixed look."""

    fewest: int = 5
    most: int = 12


def alpha_spent(fraction: float, alpha: float) -> float:
    """The part of alpha used up once `fraction` of the most pairs are in."""
    return alpha * math.log1p((math.e - 1) * min(1.0, fraction))


@lru_cache(maxsize=256)
def nominal_levels(looks: Looks, alpha: float, prior_df: float = 0.0) -> tuple[float, ...]:
    """The one-sided level of each look, in order, such that all looks together cross with probability `alpha`."""
    n = looks.fewest
    level = alpha_spent(n / looks.most, alpha)
    levels = [level]
    bound = _r_of_t(float(t_critical(level, n - 1 + prior_df)), n, prior_df)
    edges = np.linspace(-math.sqrt(n), bound, _CELLS + 1)[1:-1]
    below = 1 - t_tail(_t_of_r(edges, n, prior_df), n - 1 + prior_df)
    mass = np.diff(below, prepend=0.0, append=1 - level)
    middles = _middles(n, bound)
    for total in range(n + 1, looks.most + 1):
        step = alpha_spent(total / looks.most, alpha) - alpha_spent((total - 1) / looks.most, alpha)
        angles = _Angles(total - 1 + prior_df)
        bound = _boundary(step, middles, mass, angles, total)
        levels.append(float(t_tail(_t_of_r(bound, total, prior_df), total - 1 + prior_df)))
        edges = np.linspace(-math.sqrt(total), bound, _CELLS + 1)
        above = mass @ angles.exceed(edges[None, :], middles[:, None])
        mass, middles = -np.diff(above), _middles(total, bound)
    return tuple(levels)


def _middles(n: int, bound: float) -> Floats:
    edges = np.linspace(-math.sqrt(n), bound, _CELLS + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def _t_of_r(r: float | Floats, n: int, prior_df: float) -> Floats:
    cosine = np.asarray(r) / math.sqrt(n)
    return np.asarray(math.sqrt(n - 1 + prior_df) * cosine / np.sqrt(1 - cosine**2))


def _r_of_t(t: float, n: int, prior_df: float) -> float:
    return math.sqrt(n) * t / math.sqrt(n - 1 + prior_df + t * t)


def _boundary(step: float, middles: Floats, mass: Floats, angles: _Angles, n: int) -> float:
    """The R at n pairs that is first exceeded there with probability `step`; by bisection."""
    low, high = 0.0, math.sqrt(n)
    for _ in range(50):
        middle = (low + high) / 2
        crossed = float(mass @ angles.exceed(np.asarray(middle), middles))
        low, high = (middle, high) if crossed > step else (low, middle)
    return (low + high) / 2


class _Angles:
    """Distribution of phi, where tan(phi) sqrt(df) is Student's t with `df` degrees of freedom."""

    def __init__(self, df: float) -> None:
        self._at = np.linspace(-math.pi / 2, math.pi / 2, _ANGLES)
        self._below = 1 - t_tail(math.sqrt(df) * np.tan(self._at), df)

    def _distribution(self, phi: Floats) -> Floats:
        return np.interp(phi, self._at, self._below)

    def exceed(self, r: Floats, before: Floats) -> Floats:
        """P(R cos(phi) + sin(phi) > r) at R = `before`; broadcasts."""
        # R cos + sin = sqrt(1 + R^2) sin(phi + atan R) rises and falls; negative r is the mirror image.
        side = np.where(r < 0, -1.0, 1.0)
        shift = np.arctan(side * before)
        rise = np.arcsin(np.minimum(np.abs(r) / np.sqrt(1 + before**2), 1.0))
        beyond = self._distribution(math.pi - rise - shift) - self._distribution(rise - shift)
        return np.asarray(np.where(r < 0, 1 - beyond, beyond))
