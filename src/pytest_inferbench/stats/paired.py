"""Paired A/B: two arms measured in turn on fresh servers of one session, so that the day's own level cancels.

Idea: a pair is one figure, log(B / A) oriented so that + is worse; the arms differ if its mean does. Student's
one-sample t decides, at the level its look has (`sequential`); all sign flips of the pairs are an exact cross-check
that needs no normal distribution. A gate decided at one look stays decided: who looks keeps that Comparison.
Limits: figures in, Comparison out; nothing raises for data.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.comparison import Comparison, Method, decide, interval
from pytest_inferbench.stats.detectable import POWER
from pytest_inferbench.stats.distributions import t_critical, t_tail
from pytest_inferbench.stats.moderation import FLOOR_SD, OwnSpread, Spread, moderate, priors
from pytest_inferbench.stats.sample import Note, orient, relative, unorient, unusable
from pytest_inferbench.stats.sequential import Looks, nominal_levels
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import what_decides
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import FloatLike, Floats
    from pytest_inferbench.stats.moderation import Prior
    from pytest_inferbench.stats.rule import Kind, Rule
    from pytest_inferbench.stats.sample import Pair

PLAN = Looks()
LEAST_FLIPS = 6  # fewer pairs cannot reach .05 / 2 by sign flips alone
_MOST_FLIPS = 16  # 65,536 sums; beyond, the t test has no need of a cross-check
_FARTHEST = 64  # pairs; what needs more than this is not worth promising


def sign_flip_p(differences: Floats) -> float | None:
    """One-sided exact p-value of a positive mean under all sign flips; None for too few or too many pairs."""
    if not LEAST_FLIPS <= len(differences) <= _MOST_FLIPS:
        return None
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    observed = float(differences.sum())
    return float(np.mean(sums >= observed - 1e-12 * float(np.abs(differences).sum())))


def pair_variance(differences: Floats) -> Floats:
    """Own variance of the log-ratios (..., pairs), shape (...); never below what rounding leaves."""
    return np.asarray(np.maximum(differences.var(axis=-1, ddof=1), FLOOR_SD**2))


def pair_priors(gates: Sequence[tuple[str, str, Kind, Sequence[Pair]]]) -> tuple[Prior | None, ...]:
    """The prior of each gate from the other cases' pairs of the same run: (case, metric, kind, pairs so far), in order.

    None where no other case has pairs: a lone gate is judged by its own t. Pooling is what lets five pairs decide
    among many gates (20 gates, SD 4 %, +10 %: called .79 instead of .55, at the same error rate).
    """
    own = []
    for case, metric, kind, pairs in gates:
        differences = log_ratios(pairs, Direction.LOWER)  # either direction: a variance has none
        variance = float(pair_variance(differences)) if len(differences) > 1 else 0.0
        own.append(OwnSpread(case, kind, variance, max(0, len(differences) - 1), metric))
    return tuple(prior if prior.pooled else None for prior in priors(own))


def log_ratios(pairs: Sequence[Pair], direction: Direction) -> Floats:
    """The oriented log-ratios of the pairs that have both figures."""
    a, b = (orient([pair[arm] for pair in pairs], direction) for arm in (0, 1))
    return (b - a)[np.isfinite(b - a)]


def pair_level(n: int, rule: Rule, looks: Looks, prior_df: float) -> float:
    """The one-sided level of the look after n pairs; beyond the plan, that of its last look.

    Whole degrees of freedom, rounded down, are near enough for the boundaries, and few tables serve all gates.
    """
    return nominal_levels(looks, rule.alpha_each, math.floor(prior_df))[min(n, looks.most) - looks.fewest]


def pair_hurdle(sd: FloatLike, df: FloatLike, n: int, level: float, rule: Rule) -> tuple[Floats, Floats]:
    """(what the mean of n pairs must exceed, half the width of its interval), oriented log; elementwise."""
    half_width = t_critical(level, df) * sd / math.sqrt(n)
    return (half_width + rule.log_margin if rule.strict else np.maximum(half_width, rule.log_margin)), half_width


def pairs_detect(sd: float, df: float, n: int, level: float, rule: Rule) -> float:
    """The worsening, oriented log, that n pairs call with 80 % probability given their spread."""
    return float(pair_hurdle(sd, df, n, level, rule)[0] + t_critical(1 - POWER, df) * sd / math.sqrt(n))


def judge_pairs(
    pairs: Sequence[Pair], direction: Direction, rule: Rule, *, looks: Looks = PLAN, prior: Prior | None = None
) -> Comparison:
    """Judge arm B against arm A.

    Args:
        pairs: (A's figure, B's figure) in the metric's unit, in the order the pairs were measured.
        direction: which way the metric is better.
        rule: the gate's settings; `shared`, `confirmations` and `window` have no part here.
        looks: the plan: when pairs are judged.
        prior: this gate's, from `pair_priors`.
    """
    x, y = (orient([pair[arm] for pair in pairs], direction) for arm in (0, 1))
    known = np.isfinite(x) & np.isfinite(y)
    blank = Comparison(Method.PAIRS, Verdict.INCONCLUSIVE, direction, rule, rule.alpha_each, n=int(known.sum()), k=1)
    if not known.all():
        dropped = f"{int((~known).sum())} of {len(known)} pairs have no usable figure in one arm"
        blank = replace(blank, notes=(Note("unusable_pairs", dropped),))
    if pairs and not known.any():
        fault = unusable([figure for pair in pairs for figure in pair], direction)
        return replace(blank, verdict=Verdict.INVALID, notes=(*blank.notes, fault) if fault else blank.notes)
    if blank.n < looks.fewest:
        note = Note("few_pairs", f"{blank.n} pairs; judged from {looks.fewest} on")
        return replace(blank, needed=looks.fewest - blank.n, wants_more=True, notes=(*blank.notes, note))
    measured = replace(
        blank,
        baseline=unorient(float(x[known].mean()), direction),
        now=unorient(float(y[known].mean()), direction),
    )
    return _compare(measured, (y - x)[known], looks, prior)


def _compare(measured: Comparison, differences: Floats, looks: Looks, prior: Prior | None) -> Comparison:
    rule, n, direction = measured.rule, measured.n, measured.direction
    spread = _spread(float(pair_variance(differences)), n - 1, rule, prior)
    level = pair_level(n, rule, looks, spread.df - spread.own_df)
    hurdle, half_width = (float(x) for x in pair_hurdle(spread.sd, spread.df, n, level, rule))
    estimate, error = float(differences.mean()), spread.sd / math.sqrt(n)
    seen = pairs_detect(spread.sd, spread.df, n, level, rule)
    verdict = decide(worse=estimate > hurdle, better=-estimate > hurdle, enough=seen <= math.log1p(rule.resolve))
    p = float(t_tail(estimate / error, spread.df))
    flips = sign_flip_p(differences)
    open_ = verdict is Verdict.INCONCLUSIVE or (verdict is Verdict.OK and estimate > rule.log_margin)
    needed, remedy, notes = None, "", measured.notes
    if verdict is Verdict.INCONCLUSIVE:
        needed = pairs_needed(spread, n, rule, looks)
        remedy = what_decides(needed, "pair")
    if n > looks.most:
        notes = (*notes, Note("beyond_plan", f"{n} pairs where {looks.most} were planned: judged as the last look"))
    if verdict is Verdict.REGRESSED and flips is not None and flips > rule.alpha:
        notes = (*notes, Note("sign_flip", f"sign flips do not agree: p {flips:.3f}; one pair may carry the change"))
    return replace(
        measured,
        verdict=verdict,
        alpha_each=level,
        equivalent=abs(estimate) + half_width <= rule.log_margin,
        change=interval(estimate, half_width, level, direction),
        spread=spread,
        p=p,
        sign_flip_p=flips,
        screened=estimate > rule.log_margin and p < rule.alpha_screen,
        sessions=tuple(unorient(difference, direction) for difference in differences.tolist()),
        detectable=relative(seen),
        needed=needed,
        remedy=remedy,
        wants_more=open_ and n < looks.most,
        false_alarm=rule.alpha_each,
        notes=notes,
    )


def _spread(variance: float, df: int, rule: Rule, prior: Prior | None) -> Spread:
    if prior is not None:
        return moderate(OwnSpread("", rule.kind, variance, df), prior)
    return Spread(math.sqrt(variance), df, math.sqrt(variance), df, None)


def pairs_needed(spread: Spread, n: int, rule: Rule, looks: Looks) -> int | None:
    """How many more pairs bring the detectable change down to `rule.resolve`, at this spread; None: over 64."""
    target = math.log1p(rule.resolve)
    for total in range(n + 1, _FARTHEST + 1):
        level = pair_level(total, rule, looks, spread.df - spread.own_df)
        if pairs_detect(spread.sd, spread.df + total - n, total, level, rule) <= target:
            return total - n
    return None
