"""Events among trials: how far today's share lies beyond the accepted one, where sessions scatter by more than chance.

Idea: given the accepted events, today's have a negative binomial distribution: the rate is known as well as those
events tell it, and a session's own rate scatters around it by the overdispersion, the factor by which the variance of
counts exceeds that of independent trials. With a factor of 1 this is the exact conditional test of two counts. The
factor is the sessions' own chi-squared per degree of freedom, drawn towards a stated one and never below 1; that it is
an estimate makes the level as much stricter as Student's t is wider than the normal.
Limits: elementwise over gates, no randomness; the proof under `tests/stats` draws against these very functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.distributions import negative_binomial_tail, normal_tail, t_critical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.rule import Rule

LEAST_EVENTS = 3
"""Fewer events are called nothing, however rare they were."""

# Failures come in clumps: where nothing is known, the variance of their number is taken to be twice that of chance.
STATED_FACTOR = 2.0
STATED_DF = 6.0
# A chi-squared of few clumped events varies by more than its degrees of freedom say: each counts for half.
_WORTH = 0.5


@dataclass(frozen=True, slots=True)
class PastCounts:
    """What the accepted sessions say, each an array over gates or a number.

    Attributes:
        events, trials: of the current segment.
        factor: the overdispersion of one session.
        df: how many degrees of freedom that rests on.
    """

    events: FloatLike
    trials: FloatLike
    factor: FloatLike
    df: FloatLike

    @property
    def rate(self) -> Floats:
        """Events a trial."""
        return np.asarray(np.asarray(self.events) / np.asarray(self.trials), dtype=np.float64)


def summarise_counts(events: Floats, trials: Floats, segments: Sequence[int]) -> PastCounts:
    """The last session's segment and the overdispersion within all of them.

    `events` and `trials` have shape (..., sessions), oldest first, `segments` one number a session.
    """
    label = np.asarray(segments)
    chi_square, df = np.zeros(events.shape[:-1]), np.zeros(events.shape[:-1])
    for segment in np.unique(label):
        own, sent = events[..., label == segment], trials[..., label == segment]
        rate = own.sum(axis=-1, keepdims=True) / sent.sum(axis=-1, keepdims=True)
        chance = sent * rate * (1 - rate)
        some = (rate > 0) & (rate < 1)  # without any event, sessions cannot differ
        away = np.where(some, (own - sent * rate) ** 2 / np.where(some, chance, 1.0), 0.0)
        chi_square = chi_square + away.sum(axis=-1)
        df = df + np.where(some[..., 0], own.shape[-1] - 1, 0)
    total = STATED_DF + _WORTH * df
    factor = np.maximum(1.0, (STATED_DF * STATED_FACTOR + _WORTH * chi_square) / total)
    current = label == label[-1]
    return PastCounts(events[..., current].sum(axis=-1), trials[..., current].sum(axis=-1), factor, total)


def day_factor(factor: FloatLike, k: int, shared: float) -> Floats:
    """The overdispersion of k sessions of one day together, which share the part `shared` of what scatters them."""
    return np.asarray(1 + (np.asarray(factor) - 1) * (1 + (k - 1) * shared))


def more_p(
    events: FloatLike, trials: FloatLike, past: PastCounts, factor: FloatLike, offset: FloatLike = 0.0
) -> Floats:
    """The probability of so many events or more; `offset`: of a rate that lies so far above the accepted one."""
    rate = (np.asarray(past.events) + past.factor) / past.trials
    return _tail(events, trials, rate + offset, past, rate, factor)


def fewer_p(
    events: FloatLike, trials: FloatLike, past: PastCounts, factor: FloatLike, offset: FloatLike = 0.0
) -> Floats:
    """The probability of so many events or fewer; `offset`: of a rate that lies so far below the accepted one."""
    rate = np.maximum(past.rate - offset, 0.0)
    return 1 - _tail(np.asarray(events) + 1, trials, rate, past, past.rate, factor)


def _tail(
    least: FloatLike, trials: FloatLike, rate: Floats, past: PastCounts, known: Floats, factor: FloatLike
) -> Floats:
    own = rate * (np.asarray(factor) - 1) / trials
    variance = own + known * past.factor / np.asarray(past.trials)
    safe = np.maximum(variance, np.finfo(float).tiny)
    return negative_binomial_tail(least, np.maximum(rate, np.finfo(float).tiny) * trials, rate**2 / safe + 1e-12)


def exact_level(alpha: float, df: FloatLike) -> Floats:
    """The level that stands for `alpha` where the overdispersion is known with `df` degrees of freedom."""
    return normal_tail(t_critical(alpha, df))


def least_change(past: PastCounts, rule: Rule, step: float) -> Floats:
    """The smallest change of the rate that is called: the step, or the margin where that is more."""
    return np.maximum(step, rule.margin * past.rate)


def worse(events: FloatLike, trials: FloatLike, k: int, past: PastCounts, alpha: float, rule: Rule) -> Floats:
    """Whether so many events of k sessions together are beyond chance at `alpha`; the step is not asked for here."""
    offset = rule.margin * past.rate if rule.strict else 0.0
    p = more_p(events, trials, past, day_factor(past.factor, k, rule.shared), offset)
    return np.asarray((p <= exact_level(alpha, past.df)) & (np.asarray(events) >= LEAST_EVENTS))


def counts_screened(events: Floats, trials: Floats, past: PastCounts, rule: Rule, step: float) -> Floats:
    """Stage 1, shape (...): whether the first of the sessions (..., k) is worth measuring again."""
    first, sent = events[..., 0], trials[..., 0]
    far = first / sent - past.rate >= least_change(past, rule, step)
    return np.asarray(np.logical_and(far, worse(first, sent, 1, past, rule.alpha_screen, rule)))


def counts_called(events: Floats, trials: Floats, past: PastCounts, rule: Rule, step: float) -> Floats:
    """Both stages, shape (...): whether the sessions (..., k) together are a regression, and the last one agrees."""
    k, least = events.shape[-1], least_change(past, rule, step)
    together, sent = events.sum(axis=-1), trials.sum(axis=-1)
    verdict = counts_screened(events, trials, past, rule, step)
    verdict = verdict & (together / sent - past.rate >= least)
    verdict = verdict & worse(together, sent, k, past, rule.alpha_each, rule)
    return np.asarray(verdict & (events[..., -1] / trials[..., -1] - past.rate >= least))


def counts_better(events: Floats, trials: Floats, past: PastCounts, rule: Rule, step: float) -> Floats:
    """The mirror image: whether the sessions have fewer events than chance explains, of accepted ones that had some."""
    together, sent = events.sum(axis=-1), trials.sum(axis=-1)
    least = least_change(past, rule, step)
    offset = rule.margin * past.rate if rule.strict else 0.0
    p = fewer_p(together, sent, past, day_factor(past.factor, events.shape[-1], rule.shared), offset)
    some = np.asarray(past.events) >= LEAST_EVENTS
    return np.asarray(some & (past.rate - together / sent >= least) & (p <= exact_level(rule.alpha_each, past.df)))
