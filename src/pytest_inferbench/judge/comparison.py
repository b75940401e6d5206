"""A comparison as the run document holds it.

Limits: values alone; a report needs nothing beside it to say what was compared and how well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_inferbench.document.comparison import AcceptedSession, GateComparison
from pytest_inferbench.document.figures import Check
from pytest_inferbench.stats.comparison import Method

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_inferbench.stats.comparison import Comparison
    from pytest_inferbench.stats.sample import Past


_ASIDE: Mapping[int, Literal[-1, 1] | None] = {-1: -1, 0: None, 1: 1}


def to_check(metric: str, unit: str, comparison: Comparison, past: Sequence[Past] = ()) -> Check:
    """The comparison as a check of its case.

    Args:
        metric: `ttft_ms.p50`, or `output_tok_per_s` for a single figure.
        unit: the unit's symbol.
        comparison: the judged gate.
        past: the accepted sessions that count (`History.sessions`), oldest first.
    """
    return Check(
        metric=metric,
        kind=comparison.method.value,
        verdict=comparison.verdict,
        value=comparison.now,
        unit=unit,
        note="; ".join(note.message for note in comparison.notes),
        comparison=_of(comparison, past),
    )


def _of(comparison: Comparison, past: Sequence[Past]) -> GateComparison:
    rule, change, spread = comparison.rule, comparison.change, comparison.spread
    accepted = tuple(
        AcceptedSession(each.value, each.segment, _ASIDE[each.aside]) for each in past if each.value is not None
    )
    return GateComparison(
        direction=comparison.direction,
        baseline=comparison.baseline,
        n=comparison.n,
        k=comparison.k,
        ratio=None if change is None else change.ratio,
        low=None if change is None else change.low,
        high=None if change is None else change.high,
        level=None if change is None else change.level,
        worsening=comparison.worsening,
        sessions=comparison.sessions,
        accepted=accepted or None,
        screened=comparison.screened,
        confirmed=comparison.confirmed,
        days=comparison.days,
        together=comparison.together or None,
        record=comparison.record if comparison.method is Method.HISTORY else None,
        equivalent=comparison.equivalent,
        p=comparison.p,
        sign_flip_p=comparison.sign_flip_p,
        detectable=comparison.detectable,
        detectable_at=comparison.detectable_at,
        needed=comparison.needed,
        remedy=comparison.remedy or None,
        false_alarm=comparison.false_alarm,
        sd=None if spread is None else spread.sd,
        df=None if spread is None else spread.df,
        own_sd=None if spread is None else spread.own_sd,
        prior=spread.prior.source if spread is not None and spread.prior is not None else None,
        margin=rule.margin,
        resolve=rule.resolve,
        alpha=rule.alpha,
        alpha_each=comparison.alpha_each,
        gates=rule.gates,
        gates_source=rule.gates_source or None,
        shared=rule.shared,
        shared_measured=rule.shared_measured,
        shared_source=rule.shared_source,
        confirmations=rule.confirmations,
        notes=tuple(note.code for note in comparison.notes),
        order=comparison.order,
    )
