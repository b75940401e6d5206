"""Pairs of a share of requests: the failed requests of both arms, added up over the pairs so far.

Idea: the arms are measured in turn, so the day's own rate of failures is in both; what is left is how much servers of
one hour scatter, which the sessions of each arm show. B has more failures than A, or A than B: the same test, mirrored.
Limits: counts in, Comparison out; nothing raises for data. The level of a look is that of every pair (`sequential`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_inferbench.stats.comparison import Comparison, Method, decide
from pytest_inferbench.stats.count_power import Stage, least_called, rate_seen
from pytest_inferbench.stats.count_test import PastCounts, least_change, more_p, summarise_counts, worse
from pytest_inferbench.stats.counts import RESOLVE, Count, count_arrays
from pytest_inferbench.stats.paired import PLAN, pair_level
from pytest_inferbench.stats.sample import Note
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import for_share, points
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sequential import Looks

CountPair: TypeAlias = tuple[Count | None, Count | None]

# The boundaries of the looks are those of a known spread: `exact_level` makes up for the estimate.
_KNOWN_DF = 1000.0


def judge_count_pairs(pairs: Sequence[CountPair], rule: Rule, step: float, *, looks: Looks = PLAN) -> Comparison:
    """Judge arm B against arm A.

    Args:
        pairs: (A's count, B's count) in the order the pairs were measured; None where an arm has none.
        rule: the gate's settings; `shared`, `confirmations` and `window` have no part here.
        step: the smallest difference of the rate that is called.
        looks: the plan: when pairs are judged.
    """
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    blank = Comparison(Method.PAIRS, Verdict.INCONCLUSIVE, Direction.LOWER, rule, rule.alpha_each, n=len(known), k=1)
    if dropped := len(pairs) - len(known):
        text = f"{dropped} of {len(pairs)} pairs have no count in one arm"
        blank = replace(blank, notes=(Note("unusable_pairs", text),))
    if pairs and not known:
        return replace(blank, verdict=Verdict.INVALID)
    if len(known) < looks.fewest:
        note = Note("few_pairs", f"{len(known)} pairs; judged from {looks.fewest} on")
        return replace(blank, needed=looks.fewest - len(known), wants_more=True, notes=(*blank.notes, note))
    return _compare(blank, [a for a, _ in known], [b for _, b in known], step, looks)


def _compare(blank: Comparison, a: Sequence[Count], b: Sequence[Count], step: float, looks: Looks) -> Comparison:
    rule, n = blank.rule, blank.n
    level = pair_level(n, rule, looks, _KNOWN_DF)
    past, other = _arm(b, a), _arm(a, b)
    trials = round(float(other.trials))
    stage = Stage(least_called(trials, 1, past, level, rule, step), trials, float(past.factor))
    before, now = float(past.rate), float(other.rate)
    seen = rate_seen([stage], before)
    resolve = before + max(RESOLVE, rule.resolve * before)
    verdict = decide(
        worse=_worse(other, past, level, rule, step),
        better=_worse(past, other, level, rule, step),
        enough=seen is not None and seen <= resolve,
    )
    told = f"{other.events:.0f} of {other.trials:.0f} requests of B failed, {past.events:.0f} of {past.trials:.0f} of A"
    notes = (*blank.notes, Note("counts", f"{told}: {points(now - before)}"))
    remedy = for_share(resolve, None) if verdict is Verdict.INCONCLUSIVE else ""
    far = now - before >= float(least_change(past, rule, step))
    undecided = verdict is Verdict.INCONCLUSIVE or (verdict is Verdict.OK and far)
    p = float(more_p(other.events, other.trials, past, past.factor))
    return replace(
        blank,
        verdict=verdict,
        alpha_each=level,
        baseline=before,
        now=now,
        p=p,
        screened=far and p < rule.alpha_screen,
        detectable_at=seen,
        remedy=remedy,
        wants_more=undecided and n < looks.most,
        false_alarm=rule.alpha_each,
        notes=notes,
    )


def _arm(other: Sequence[Count], own: Sequence[Count]) -> PastCounts:
    """One arm's counts, with the overdispersion that both arms show."""
    events, trials = count_arrays([*other, *own])
    return summarise_counts(events, trials, [0] * len(other) + [1] * len(own))


def _worse(now: PastCounts, before: PastCounts, level: float, rule: Rule, step: float) -> bool:
    far = now.rate - before.rate >= least_change(before, rule, step)
    return bool(np.logical_and(far, worse(now.events, now.trials, 1, before, level, rule)))
