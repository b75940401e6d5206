"""The A/A run: the same version against itself tells a site's own noise, and what its comparisons are worth.

Idea: the difference of two fresh servers minutes apart has the variance 2 (1 - c) s^2, sessions of different days have
s^2 each; their ratio gives c, the share of session variance that a day's sessions have in common.
Law: estimates with their intervals; a verdict changes only where somebody puts the measured c in the rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.detectable import detectable
from pytest_inferbench.stats.distributions import digamma, f_critical, trigamma
from pytest_inferbench.stats.moderation import FLOOR_SD
from pytest_inferbench.stats.paired import PLAN, judge_pairs, log_ratios, pairs_detect
from pytest_inferbench.stats.rule import ASSUMED_SHARED
from pytest_inferbench.stats.sample import relative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.comparison import Comparison
    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.moderation import OwnSpread, Spread
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Pair
    from pytest_inferbench.stats.sequential import Looks
    from pytest_inferbench.units import Direction

# How far a site's 1 - c lies from the assumed one before anything is measured: a factor of 1.6 is one SD.
_LOG_VARIANCE = math.log(1.6) ** 2
_LIMITS = (0.0, 0.95)
HISTORY_PLAN = (1, 3, 8, 20)
PAIR_PLAN = (5, 8, 12, 20)


@dataclass(frozen=True, slots=True)
class Shared:
    """The shared variance c of one or several metrics.

    Attributes:
        estimate: as measured, within 0 and 1.
        low, high: its 90 % interval (F distribution), within 0 and 1.
        use: what to judge with: the estimate, drawn towards the assumed c by what little it is worth.
    """

    estimate: float
    low: float
    high: float
    use: float


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
    use = float(drawn_share(restart_variance, restart_df, session_variance, session_df))
    return Shared(_unit(1 - own), _unit(low), _unit(high), use)


def drawn_share(
    restart_variance: FloatLike, restart_df: float, session_variance: FloatLike, session_df: float
) -> Floats:
    """The c to judge with: as measured, drawn towards what is assumed by what it lacks in evidence; elementwise."""
    floor = FLOOR_SD**2
    own = np.log(np.maximum(restart_variance, floor) / np.maximum(session_variance, floor))
    noise = trigamma(restart_df / 2) + trigamma(session_df / 2)
    measured = own - _log_bias(restart_df) + _log_bias(session_df)
    drawn = (measured / noise + math.log(1 - ASSUMED_SHARED) / _LOG_VARIANCE) / (1 / noise + 1 / _LOG_VARIANCE)
    return np.asarray(np.clip(1 - np.exp(drawn), *_LIMITS))


def at_site(rule: Rule, restart_sd: float, pairs: int, sessions: OwnSpread, source: str) -> Rule:
    """The rule with c as an A/A run and the accepted sessions have it, where nobody wrote one.

    Args:
        rule: the gate's.
        restart_sd: relative SD of one fresh server, from the A/A run.
        pairs: how many it had.
        sessions: what the gate's own sessions say; without scatter c stays as it is.
        source: the A/A run, for the report.
    """
    if rule.shared_measured or not sessions.df:
        return rule
    shared = shared_variance(restart_sd**2, pairs, sessions.variance, sessions.df)
    return replace(rule, shared=shared.use, shared_source=source)


def _log_bias(df: float) -> float:
    """Mean of the logarithm of a variance estimate less that of the truth."""
    return float(digamma(df / 2)) - math.log(df / 2)


def _unit(share: float) -> float:
    return min(1.0, max(0.0, share))


def site_noise(
    pairs: Sequence[Pair], direction: Direction, rule: Rule, *, looks: Looks = PLAN, sessions: Spread | None = None
) -> SiteNoise:
    """Read an A/A run.

    Args:
        pairs: the two arms' figures, in order.
        direction: which way the metric is better.
        rule: the settings comparisons at this site would be judged by.
        looks: the plan of the A/A pairs themselves.
        sessions: the metric's moderated session spread on this hardware, where there is a history.
    """
    comparison = judge_pairs(pairs, direction, rule, looks=looks)
    differences = log_ratios(pairs, direction)
    if comparison.spread is None:
        return SiteNoise(comparison, false_alarms_per_100=100 * rule.alpha)
    # Nothing differs in an A/A run but the order, which is random: the mean is known to be 0.
    n, restart_variance = len(differences), float((differences**2).mean()) / 2
    shared = None
    if sessions is not None and sessions.own_sd is not None:
        shared = shared_variance(restart_variance, n, sessions.own_sd**2, sessions.own_df)
        rule = replace(rule, shared=shared.use, shared_source="this A/A run")
    return SiteNoise(
        comparison,
        restart_sd=math.sqrt(restart_variance),
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
