"""The history gate: this session, and its confirmations, against the accepted sessions before it.

Law: figures in, Comparison out; nothing raises for data. The decision itself is `two_stage.called`, here only fed and
put into words.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.stats.comparison import Comparison, Engine, decide, interval
from pytest_inferbench.stats.detectable import detectable, sessions_needed
from pytest_inferbench.stats.distributions import t_tail
from pytest_inferbench.stats.moderation import moderate
from pytest_inferbench.stats.rounds import pooled, round_scatter
from pytest_inferbench.stats.sample import Note, oriented, relative, unoriented, unusable
from pytest_inferbench.stats.two_stage import called, hurdles, prediction_factor, screened
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import what_decides, why_inconclusive
from pytest_inferbench.units import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.history import History
    from pytest_inferbench.stats.moderation import Prior, Spread
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.two_stage import Hurdles


_MEASURE_AGAIN = "measure again when the machine is steady"


def judge(
    now: Sequence[float | None],
    history: History,
    rule: Rule,
    prior: Prior,
    rounds: Sequence[float | None] = (),
) -> Comparison:
    """Judge sessions of one day, the first one first and its confirmations after it, against the history.

    Args:
        now: the sessions' figures in the metric's unit; 1 to 1 + `rule.confirmations` of them.
        history: from `read_history`.
        rule: the gate's settings.
        prior: this gate's, from `moderation.priors`.
        rounds: the first session's figure in each of its rounds.
    """
    blank = Comparison(
        Engine.HISTORY,
        Verdict.NEW,
        history.direction,
        rule,
        rule.alpha_each,
        n=history.n,
        k=len(now),
        notes=history.notes,
    )
    if fault := unusable(now, history.direction):
        return replace(blank, verdict=Verdict.INVALID, notes=(*blank.notes, fault))
    logs = oriented(now, history.direction)
    fresh = replace(blank, now=unoriented(float(logs.mean()), history.direction))
    if not history.n:
        return replace(fresh, notes=(*fresh.notes, Note("new", "no accepted session to compare with")))
    heard = prior.raised(pooled([history.rounds, round_scatter(rounds)]))
    return _compared(fresh, logs - history.location, history, moderate(history.own_spread("", rule), heard))


def _compared(fresh: Comparison, differences: Floats, history: History, spread: Spread) -> Comparison:
    rule, n = fresh.rule, history.n
    limits = hurdles(spread.sd, spread.df, n, differences, rule)
    planned = spread.sd * float(prediction_factor(n, 1 + rule.confirmations, rule.shared))
    false_alarm = min(rule.alpha_each, float(t_tail(rule.log_margin / planned, spread.df)))
    spread = replace(spread, sd=float(limits.sd), df=float(limits.df))
    worse, better = bool(called(differences, limits)), bool(called(-differences, limits))
    seen = detectable(spread.sd, spread.df, n, rule)
    verdict = decide(worse=worse, better=better, enough=seen <= math.log1p(rule.resolve))
    estimate = float(differences.mean())
    change = interval(estimate, float(limits.half_width), rule.alpha_each, fresh.direction)
    needed, notes = None, fresh.notes
    if verdict is Verdict.INCONCLUSIVE:
        needed = None if limits.unsteady else sessions_needed(spread.sd, spread.df, n, rule)
        remedy = _MEASURE_AGAIN if limits.unsteady else what_decides(needed, "session")
        notes = (*notes, why_inconclusive(relative(seen), rule.resolve, remedy, fresh.direction))
    error = spread.sd * float(prediction_factor(n, fresh.k, rule.shared))
    compared = replace(
        fresh,
        verdict=verdict,
        equivalent=abs(estimate) + float(limits.half_width) <= rule.log_margin,
        baseline=unoriented(history.location, fresh.direction),
        change=change,
        spread=spread,
        p=float(t_tail(estimate / error, spread.df)),
        sessions=tuple(unoriented(difference, fresh.direction) for difference in differences.tolist()),
        detectable=relative(seen),
        needed=needed,
        false_alarm=false_alarm,
        notes=notes,
    )
    return _staged(compared, differences, limits, worse=worse)


def _staged(compared: Comparison, differences: Floats, limits: Hurdles, *, worse: bool) -> Comparison:
    """Add what the two stages found."""
    passed = bool(screened(differences, limits))
    if not passed:
        return compared
    k = compared.k
    alive = k == 1 or float(differences[-1]) > limits.last
    notes = compared.notes
    if k > 1 and not worse:
        each = ", ".join(percent(ratio - 1) for ratio in compared.sessions)
        more = ", more scatter than the accepted sessions explain" if limits.unsteady else ""
        notes = (*notes, Note("not_confirmed", f"not confirmed: the sessions changed by {each} in turn{more}"))
    return replace(
        compared,
        screened=True,
        confirmed=worse if k > 1 else None,
        wants_more=alive and k <= compared.rule.confirmations,
        notes=notes,
    )
