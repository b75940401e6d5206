"""The history gate: this session, and its confirmations, against the accepted sessions before it.

Limits: figures in, Comparison out; nothing raises for data. The decision itself is `standing.stand`, here only fed and
put into words.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.stats.comparison import Comparison, Method, Record, decide, interval
from pytest_inferbench.stats.detectable import detectable, sessions_needed
from pytest_inferbench.stats.diagnostics import step
from pytest_inferbench.stats.distributions import t_tail
from pytest_inferbench.stats.moderation import OwnSpread, moderate
from pytest_inferbench.stats.sample import Note, orient, relative, unorient, unusable, usable
from pytest_inferbench.stats.standing import TRIAL_DAYS, Before, stand
from pytest_inferbench.stats.two_stage import prediction_factor
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import what_decides
from pytest_inferbench.units import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.distributions import Floats
    from pytest_inferbench.stats.history import History
    from pytest_inferbench.stats.moderation import Prior, Spread
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.standing import Standing


_MEASURE_AGAIN = "measure again when the machine is steady"
_FURTHER_DAYS = "the sessions of further days decide"
_LACKING = Note("not_repeated", "the fresh server's session has no usable figure of it, so it is judged by the first")
_WAITS = {Record.WORSE: "its figure waits as a worse one", Record.BETTER: "its figure waits as a better one"}


def judge(
    now: Sequence[float | None],
    history: History,
    rule: Rule,
    prior: Prior,
    rounds: Sequence[float | None] = (),
    resemblance: float = 0.0,
    *,
    same_day: bool = False,
) -> Comparison:
    """Judge sessions of one day, the first one first and its confirmations after it, against the history.

    Args:
        now: the sessions' figures in the metric's unit; 1 to 1 + `rule.confirmations` of them.
        history: from `read_history`.
        rule: the gate's settings.
        prior: this gate's, from `moderation.priors`.
        rounds: the first session's figure in each of its rounds.
        resemblance: correlation of successive rounds (`rounds.resemblance`).
        same_day: whether the last accepted session is of the same day.
    """
    lacking = len(now) > 1 and usable(now[0]) and not all(usable(each) for each in now[1:])
    if lacking:  # as it would have stood, had it not been measured again
        now, rule = now[:1], replace(rule, confirmations=0)
    history = history.under(rule)
    blank = Comparison(
        Method.HISTORY,
        Verdict.NEW,
        history.direction,
        rule,
        rule.alpha_each,
        n=history.n,
        days=history.days,
        k=len(now),
        notes=(*history.notes, _LACKING) if lacking else history.notes,
    )
    if fault := unusable(now, history.direction):
        return replace(blank, verdict=Verdict.INVALID, notes=(*blank.notes, fault))
    logs = orient(now, history.direction)
    fresh = replace(blank, now=unorient(float(logs.mean()), history.direction))
    if not history.n:
        return replace(fresh, notes=(*fresh.notes, Note("new", "no accepted session to compare with")))
    heard = prior.raised(history.rounds(resemblance, rounds))
    spread = moderate(history.own_spread("", rule), heard)
    before = replace(_before(history, spread, rule), same_day=int(same_day and history.waiting is not None))
    return _compare(fresh, logs - history.location, history, spread, before)


def _compare(fresh: Comparison, differences: Floats, history: History, spread: Spread, before: Before) -> Comparison:
    rule, n = fresh.rule, history.worth
    found = stand(differences, before, rule)
    planned = spread.sd * float(prediction_factor(n, 1 + rule.confirmations, rule.shared))
    false_alarm = min(rule.alpha_each, float(t_tail(rule.log_margin / planned, spread.df)))
    limits = found.limits
    spread = replace(spread, sd=float(limits.sd), df=float(limits.df))
    seen = detectable(spread.sd, spread.df, n, rule)
    enough = seen <= math.log1p(rule.resolve) and not found.gone
    verdict = decide(worse=bool(found.regressed), better=bool(found.improved), enough=enough)
    estimate = float(differences.mean())
    error = spread.sd * float(prediction_factor(n, fresh.k, rule.shared))
    compared = replace(
        fresh,
        verdict=verdict,
        equivalent=abs(estimate) + float(limits.half_width) <= rule.log_margin,
        baseline=unorient(history.location, fresh.direction),
        change=interval(estimate, float(limits.half_width), rule.alpha_each, fresh.direction),
        spread=spread,
        p=float(t_tail(estimate / error, spread.df)),
        together=int(found.together),
        record=_record(found),
        sessions=tuple(unorient(difference, fresh.direction) for difference in differences.tolist()),
        detectable=relative(seen),
        false_alarm=false_alarm,
    )
    return _add_stages(_explain(compared, found, history), differences, found)


def _before(history: History, spread: Spread, rule: Rule) -> Before:
    """What is accepted, for `stand`."""
    waiting, earlier = history.waiting, history.earlier
    before = Before(history.worth, spread.sd, spread.df, spread.sd, spread.df)
    if waiting is not None and spread.prior is not None:
        apart = moderate(OwnSpread("", rule.kind, waiting.variance, waiting.df), spread.prior)
        before = replace(before, sd_apart=apart.sd, df_apart=apart.df, waiting=waiting.distance, days=waiting.days)
    if earlier is not None:
        before = replace(before, shift=earlier.shift, n_earlier=earlier.worth)
    return before


def _record(found: Standing) -> Record:
    if found.opens:
        return Record.OPENS
    if found.returns:
        return Record.RETURNS
    return {1: Record.WORSE, -1: Record.BETTER}.get(int(found.aside), Record.JOINS)


def _explain(compared: Comparison, found: Standing, history: History) -> Comparison:
    """Add why it is no plain verdict of today alone."""
    notes, needed, remedy = compared.notes, None, ""
    if found.together:
        notes = (*notes, Note("together", f"{int(found.together)} days in a row, judged together"))
    since = history.earlier.since if history.earlier else ""
    if found.returns:
        message = f"the improvement of {since} did not last: the level before it holds again"
        return replace(compared, notes=(*notes, Note("improvement_gone", message)))
    if found.gone:
        message = (
            f"the improvement of {since} may be gone: this lies beyond its level, and not beyond the one before it"
        )
        return replace(compared, notes=(*notes, Note("improvement_gone", message)), remedy=_FURTHER_DAYS)
    if compared.verdict is Verdict.INCONCLUSIVE and compared.spread:
        rule, spread = compared.rule, compared.spread
        unsteady = bool(found.limits.unsteady)
        needed = None if unsteady else sessions_needed(spread.sd, spread.df, history.worth, rule)
        remedy = _MEASURE_AGAIN if unsteady else what_decides(needed, "session")
        if not unsteady and needed is None:
            missing = TRIAL_DAYS - history.days
            few = f"sessions of {missing} more day{'' if missing == 1 else 's'} are the least that decides"
            remedy = few if missing > 0 else _step_remedy(history) or remedy
    return replace(compared, needed=needed, remedy=remedy, notes=notes)


def _step_remedy(history: History) -> str:
    """What would decide where the accepted sessions are of two levels; "" where they are of one."""
    logs = history.current
    if (found := step(logs)) is None:
        return ""
    place, size = found
    moved = percent(unorient(size, history.direction) - 1)
    return (
        f"find out why the accepted sessions are of two levels, {moved} after the first {place} of {len(logs)}: "
        "--baseline-mode reseat accepts the level of today"
    )


def _add_stages(compared: Comparison, differences: Floats, found: Standing) -> Comparison:
    """Add what the two stages found."""
    if not found.screened:
        return compared
    k, limits = compared.k, found.limits
    way = 1.0 if differences[0] > 0 else -1.0
    alive = k == 1 or way * float(differences[-1]) > limits.last
    decided = bool(found.regressed | found.improved | found.gone)
    notes = compared.notes
    if k > 1 and not decided:
        each = ", ".join(percent(ratio - 1) for ratio in compared.sessions)
        more = ", more scatter than the accepted sessions explain" if limits.unsteady else ""
        seen = "seen again, and too little is known to call it" if int(found.aside) else "not confirmed"
        notes = (*notes, Note("not_confirmed", f"{seen}: the sessions changed by {each} in turn{more}"))
    if compared.record in {Record.WORSE, Record.BETTER} and k > compared.rule.confirmations:
        notes = (*notes, Note("waits", f"{_WAITS[compared.record]}, if it is recorded, until further days have shown"))
    return replace(
        compared,
        screened=True,
        confirmed=decided if k > 1 else None,
        wants_more=alive and k <= compared.rule.confirmations,
        notes=notes,
    )
