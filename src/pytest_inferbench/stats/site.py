"""The A/A run: the same version against itself tells a site's own noise, and what its comparisons are worth.

Idea: the difference of two fresh servers minutes apart has the variance 2 (1 - c) s^2, sessions of different days have
s^2 each; their ratio gives c, the share of session variance that a day's sessions have in common. One gate's ratio is
worth little; c is the site's, so the gates of an A/A run are pooled.
Limits: estimates with their intervals; a verdict changes only where somebody puts the measured c in the rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.detectable import detectable
from pytest_inferbench.stats.distributions import digamma, f_critical, trigamma
from pytest_inferbench.stats.moderation import FLOOR_SD, OwnSpread
from pytest_inferbench.stats.paired import PLAN, judge_pairs, log_ratios, pairs_detect
from pytest_inferbench.stats.rule import ASSUMED_DOUBT, ASSUMED_SHARED
from pytest_inferbench.stats.sample import relative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.comparison import Comparison
    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.moderation import Spread
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Pair
    from pytest_inferbench.stats.sequential import Looks
    from pytest_inferbench.units import Direction

# Gates of one run share luck, so they are not worth more than this part of them would be were each on its own.
_APART = 1 / 3
_LIMITS = (0.0, 0.95)
HISTORY_PLAN = (1, 3, 8, 20)
PAIR_PLAN = (5, 8, 12, 20)


@dataclass(frozen=True, slots=True)
class Shared:
    """The shared variance c of one or several metrics.

    Attributes:
        estimate: as measured, within 0 and 1.
        low, high: its 90 % interval (F distribution), within 0 and 1.
        use: what to judge with: pooled over the gates, drawn towards the assumed c by what that lacks.
        gates: how many were pooled.
    """

    estimate: float
    low: float
    high: float
    use: float
    gates: int = 1


@dataclass(frozen=True, slots=True)
class Restarts:
    """What an A/A run measured of one gate.

    Attributes:
        sd: relative SD of one fresh server among those of its hour.
        pairs: how many pairs are behind it.
    """

    sd: float
    pairs: int


@dataclass(frozen=True, slots=True)
class PooledShare:
    """The shared variance c of a site.

    Attributes:
        use: what to judge with.
        doubt: the variance of log(1 - c) that is left.
        gates: how many gates say so.
    """

    use: float
    doubt: float
    gates: int


@dataclass(frozen=True, slots=True)
class SiteNoise:
    """What an A/A run says of one metric at this site.

    Attributes:
        comparison: the A/A pairs judged like any pairs; it should be OK.
        restart_sd: relative SD of one fresh server among those of its hour.
        session_sd: relative SD of one session among days; None without history.
        shared: c; None without a history of its own to measure it against.
        history: (accepted sessions, worsening seen with 80 % power) for 1, 3, 8 and 20 sessions; None without history.
        pairs: (pairs, worsening seen) for 5, 8, 12 and 20 pairs, each as a fixed plan.
        false_alarms_per_100: runs in 100 with a false alarm that the level allows.
    """

    comparison: Comparison
    restart_sd: float | None = None
    session_sd: float | None = None
    shared: Shared | None = None
    history: tuple[tuple[int, float], ...] | None = None
    pairs: tuple[tuple[int, float], ...] = ()
    false_alarms_per_100: float = 0.0


def shared_variance(restart_variance: float, restart_df: float, session_variance: float, session_df: float) -> Shared:
    """The share c = 1 - restart variance / session variance, with its interval."""
    own = max(restart_variance, FLOOR_SD**2) / max(session_variance, FLOOR_SD**2)
    low, high = (1 - own * f_critical(tail, session_df, restart_df) for tail in (0.05, 0.95))
    one = np.asarray([[restart_variance], [restart_df], [session_variance], [session_df]])
    return Shared(_unit(1 - own), _unit(low), _unit(high), float(drawn_share(*one)[0]))


def drawn_share(
    restart_variance: Floats, restart_df: FloatLike, session_variance: Floats, session_df: FloatLike
) -> tuple[Floats, Floats]:
    """(the c to judge with, the variance of log(1 - c) that is left), pooled over the last axis, which is of gates.

    Each gate counts by its precision; the mean is drawn towards what is assumed by what it lacks. Where nothing is
    measured, that is what is assumed.
    """
    floor = FLOOR_SD**2
    own = np.log(np.maximum(restart_variance, floor) / np.maximum(session_variance, floor))
    known = np.broadcast_to((np.asarray(restart_df) > 0) & (np.asarray(session_df) > 0), own.shape)
    restart_df, session_df = np.maximum(restart_df, 1.0), np.maximum(session_df, 1.0)
    weight = np.where(known, 1 / (trigamma(restart_df / 2) + trigamma(session_df / 2)), 0.0)
    measured = own - _log_bias(restart_df) + _log_bias(session_df)
    total = weight.sum(axis=-1)
    mean = (weight * measured).sum(axis=-1) / np.where(total > 0, total, 1.0)
    precision = np.maximum(total * _APART, weight.max(axis=-1, initial=0.0))
    doubt = 1 / (precision + 1 / ASSUMED_DOUBT)
    drawn = (precision * mean + math.log(1 - ASSUMED_SHARED) / ASSUMED_DOUBT) * doubt
    return np.clip(1 - np.exp(drawn), *_LIMITS), np.asarray(doubt)


def pooled_share(gates: Sequence[tuple[Restarts, OwnSpread]]) -> PooledShare | None:
    """The c of the gates of an A/A run, beside their accepted sessions; None where no gate's sessions scatter yet."""
    known = [(restarts, own) for restarts, own in gates if restarts.pairs and own.df]
    if not known:
        return None
    figures = [(restarts.sd**2, restarts.pairs, own.variance, own.df) for restarts, own in known]
    use, doubt = drawn_share(*np.asarray(figures, dtype=np.float64).T)
    return PooledShare(float(use), float(doubt), len(known))


def at_site(rule: Rule, share: PooledShare | None, source: str) -> Rule:
    """The rule with c as an A/A run and the accepted sessions have it, where nobody wrote one.

    Args:
        rule: the gate's.
        share: from `pooled_share`; without it c stays as it is.
        source: the A/A run, for the report.
    """
    if rule.shared_measured or share is None:
        return rule
    return replace(rule, shared=share.use, shared_source=source, shared_doubt=share.doubt)


def _log_bias(df: FloatLike) -> Floats:
    """Mean of the logarithm of a variance estimate less that of the truth."""
    return np.asarray(digamma(df / 2) - np.log(df / 2))


def _unit(share: float) -> float:
    return min(1.0, max(0.0, share))


def restarts(pairs: Sequence[Pair], direction: Direction) -> Restarts | None:
    """What the pairs of an A/A run say of one fresh server; None without pairs.

    Nothing differs in an A/A run but the order, which is random: the mean is known to be 0.
    """
    differences = log_ratios(pairs, direction)
    return Restarts(math.sqrt(float((differences**2).mean()) / 2), len(differences)) if len(differences) else None


def site_noise(
    pairs: Sequence[Pair],
    direction: Direction,
    rule: Rule,
    *,
    looks: Looks = PLAN,
    sessions: Spread | None = None,
    share: PooledShare | None = None,
) -> SiteNoise:
    """Read an A/A run.

    Args:
        pairs: the two arms' figures, in order.
        direction: which way the metric is better.
        rule: the settings comparisons at this site would be judged by.
        looks: the plan of the A/A pairs themselves.
        sessions: the metric's moderated session spread on this hardware, where there is a history.
        share: what the gates of the run say together; without it this gate speaks alone.
    """
    comparison = judge_pairs(pairs, direction, rule, looks=looks)
    measured = restarts(pairs, direction)
    if comparison.spread is None or measured is None:
        return SiteNoise(comparison, false_alarms_per_100=100 * rule.alpha)
    shared = None
    if sessions is not None and sessions.own_sd is not None:
        own = OwnSpread("", rule.kind, sessions.own_sd**2, sessions.own_df)
        pooled = share or pooled_share([(measured, own)])
        shared = shared_variance(measured.sd**2, measured.pairs, own.variance, own.df)
        rule = at_site(rule, pooled, "this A/A run")
        shared = replace(shared, use=rule.shared, gates=pooled.gates if pooled else 0)
    return SiteNoise(
        comparison,
        restart_sd=measured.sd,
        session_sd=sessions.own_sd if sessions else None,
        shared=shared,
        history=_history_plan(sessions, rule) if sessions else None,
        pairs=_pair_plan(comparison.spread, rule),
        false_alarms_per_100=100 * rule.alpha,
    )


def _history_plan(spread: Spread, rule: Rule) -> tuple[tuple[int, float], ...]:
    """What n sessions would see, were the spread as now and known from those n."""
    prior_df = spread.df - spread.own_df
    return tuple((n, relative(detectable(spread.sd, prior_df + n - 1, n, rule))) for n in HISTORY_PLAN)


def _pair_plan(spread: Spread, rule: Rule) -> tuple[tuple[int, float], ...]:
    """What n pairs would see as a fixed plan, were the spread as now."""
    return tuple((n, relative(pairs_detect(spread.sd, n - 1, n, rule.alpha_each, rule))) for n in PAIR_PLAN)
