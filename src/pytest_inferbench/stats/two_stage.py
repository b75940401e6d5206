"""The history gate's rule: screen, measure again, judge the mean. One error rate for both stages.

Idea: stage 1 screens the first session one-sided, loosely (`Rule.alpha_screen`), and beyond the margin. Stage 2 judges
the mean of all k sessions at alpha / m against a Student prediction interval whose width knows that sessions of one day
share a part c of their variance, and wants the last session alone beyond half the margin. Where today's sessions differ
among themselves by more than the history allows, their own scatter joins it: a machine that says +118 % and then +11 %
has told that it is unsteady, not how much slower the server is.
Limits: elementwise on arrays; differences are oriented logs (+ is worse) from the history's location, shape (..., k).
Today's scatter widens the interval and never narrows it. Callers mirror a comparison by negating the differences. The
proof under `tests/stats` draws against these very functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import t_critical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.rule import Rule

    Flags = NDArray[np.bool_]


def prediction_factor(n: FloatLike, k: int, shared: float) -> Floats:
    """SD of (mean of k sessions of one day - mean of n others) in units of one session's SD.

    Sessions of one day share the part `shared` of their variance: sqrt(c + (1 - c) / k + 1 / n).
    """
    return np.sqrt(shared + (1 - shared) / k + 1 / np.asarray(n, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Hurdles:
    """What the differences must exceed, each an array over gates.

    Attributes:
        screen: the first session.
        mean: the mean of all sessions.
        last: the last session alone, where there is more than one.
        half_width: from the mean to either end of its interval at alpha / m.
        sd, df: the spread that the mean is judged with: the history's, joined by today's where that is wider.
        unsteady: whether it is.
    """

    screen: Floats
    mean: Floats
    last: float
    half_width: Floats
    sd: Floats
    df: Floats
    unsteady: Flags


def hurdles(sd: FloatLike, df: FloatLike, n: FloatLike, differences: Floats, rule: Rule) -> Hurdles:
    """The hurdles for today's sessions against n others, with the history's spread `sd` on `df` degrees of freedom.

    Sessions of one day differ by the part 1 - c of a session's variance, so their own variance over 1 - c estimates the
    whole of it with k - 1 degrees of freedom, which are pooled with the history's.
    """
    k = differences.shape[-1]
    screen = t_critical(rule.alpha_screen, df) * sd * prediction_factor(n, 1, rule.shared)
    factor, level = prediction_factor(n, k, rule.shared), rule.alpha_each
    half_width = t_critical(level, df) * sd * factor
    unsteady = np.zeros(half_width.shape, dtype=np.bool_)
    if k > 1:
        today = differences.var(axis=-1, ddof=1) / (1 - rule.shared)
        joined, freedom = np.sqrt((df * np.square(sd) + (k - 1) * today) / (df + k - 1)), df + k - 1
        wider = t_critical(level, freedom) * joined * factor
        unsteady = wider > half_width
        half_width = np.where(unsteady, wider, half_width)
        sd, df = np.where(unsteady, joined, sd), np.where(unsteady, freedom, df)
    mean = half_width + rule.log_margin if rule.strict else np.maximum(half_width, rule.log_margin)
    return Hurdles(
        np.maximum(screen, rule.log_margin),
        mean,
        rule.log_margin / 2,
        half_width,
        np.asarray(sd),
        np.asarray(df),
        unsteady,
    )


def passes_screen(differences: Floats, limits: Hurdles) -> Flags:
    """Stage 1, shape (...): whether the first of the sessions (..., k) is worth measuring again."""
    return np.asarray(differences[..., 0] > limits.screen)


def is_called(differences: Floats, limits: Hurdles) -> Flags:
    """Both stages, shape (...): whether sessions (..., k) are a regression."""
    verdict = passes_screen(differences, limits) & (differences.mean(axis=-1) > limits.mean)
    if differences.shape[-1] > 1:
        verdict = verdict & (differences[..., -1] > limits.last)
    return np.asarray(verdict)
