"""The gate of a share of requests: failed among sent, today's sessions against the accepted ones.

Idea: a share has a healthy 0, which has no ratio to anything; so the numbers behind it are compared, and a change is
told in percentage points. Stages and confirmation are those of every gate: the first session screens, then the
counts of all sessions of the day are added up.
Limits: counts in, Comparison out; nothing raises for data. The decision is `count_test`'s, here fed and put into words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_inferbench.stats.comparison import Comparison, Method, decide
from pytest_inferbench.stats.count_power import counts_needed, detectable_rate
from pytest_inferbench.stats.count_test import (
    PastCounts,
    counts_better,
    counts_called,
    counts_screened,
    day_factor,
    least_change,
    more_p,
    summarise_counts,
)
from pytest_inferbench.stats.sample import Note
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import for_share, points, rate_text
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.rule import Rule

RESOLVE = 0.10
"""OK is said where a rise by so many points would have been seen, or by `Rule.resolve` of the rate if that is more."""


@dataclass(frozen=True, slots=True)
class Count:
    """Events among trials of one session.

    Attributes:
        events: failed requests.
        trials: requests sent, at least 1.
        segment: number of the accepted session's segment.
    """

    events: int
    trials: int
    segment: int = 0


def judge_counts(now: Sequence[Count | None], past: Sequence[Count | None], rule: Rule, step: float) -> Comparison:
    """Judge the counts of one day's sessions, the first one first and its confirmations after it.

    Args:
        now: the sessions' counts; None where one has none.
        past: the accepted sessions', oldest first; None where the line does not have them.
        rule: the gate's settings.
        step: the smallest difference of the rate that is called.
    """
    known = [count for count in past if count is not None][-rule.window :]
    notes: tuple[Note, ...] = ()
    if dropped := sum(count is None for count in past):
        text = f"{dropped} of {len(past)} accepted sessions do not say how many requests failed of how many"
        notes = (Note("unusable_history", text),)
    blank = Comparison(Method.HISTORY, Verdict.NEW, Direction.LOWER, rule, rule.alpha_each, k=len(now), notes=notes)
    today = [count for count in now if count is not None]
    if not today or len(today) < len(now):
        fault = Note("unusable", "it is not known how many requests failed of how many")
        return replace(blank, verdict=Verdict.INVALID, notes=(*notes, fault))
    events, trials = count_arrays(today)
    fresh = replace(blank, now=float(events.sum() / trials.sum()))
    if not known or past[-1] is None:
        return replace(fresh, notes=(*notes, Note("new", "no accepted session to compare with")))
    segments = [count.segment for count in known]
    fresh = replace(fresh, n=segments.count(segments[-1]))
    return _compare(fresh, events, trials, summarise_counts(*count_arrays(known), segments), step)


def count_arrays(counts: Sequence[Count]) -> tuple[Floats, Floats]:
    """Events and trials."""
    return np.array([float(each.events) for each in counts]), np.array([float(each.trials) for each in counts])


def _compare(fresh: Comparison, events: Floats, trials: Floats, past: PastCounts, step: float) -> Comparison:
    rule, k, before = fresh.rule, fresh.k, float(past.rate)
    size = round(float(trials.mean()))
    seen = detectable_rate(size, past, rule, step)
    resolve = before + max(RESOLVE, rule.resolve * before)
    worse = bool(counts_called(events, trials, past, rule, step))
    better = bool(counts_better(events, trials, past, rule, step))
    verdict = decide(worse=worse, better=better, enough=seen is not None and seen <= resolve)
    told = f"{_of(events, trials)} requests failed now, {past.events:.0f} of {past.trials:.0f} before"
    notes = (*fresh.notes, Note("counts", f"{told}: {points(float(events.sum() / trials.sum()) - before)}"))
    needed, remedy = None, ""
    if verdict is Verdict.INCONCLUSIVE:
        needed = counts_needed(size, fresh.n, past, rule, step, resolve)
        remedy = for_share(resolve, needed)
    passed = bool(counts_screened(events, trials, past, rule, step))
    if k > 1 and passed and not worse:
        each = ", ".join(rate_text(rate) for rate in (events / trials).tolist())
        notes = (*notes, Note("not_confirmed", f"not confirmed: {each} failed in turn"))
    alive = k == 1 or float(events[-1] / trials[-1]) - before >= float(least_change(past, rule, step))
    factor = day_factor(past.factor, k, rule.shared)
    return replace(
        fresh,
        verdict=verdict,
        baseline=before,
        p=float(more_p(float(events.sum()), float(trials.sum()), past, factor)),
        detectable_at=seen,
        needed=needed,
        remedy=remedy,
        false_alarm=rule.alpha_each,
        screened=passed,
        confirmed=worse if passed and k > 1 else None,
        wants_more=passed and alive and k <= rule.confirmations,
        notes=notes,
    )


def _of(events: Floats, trials: Floats) -> str:
    return f"{events.sum():.0f} of {trials.sum():.0f}"
