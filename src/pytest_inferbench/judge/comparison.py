"""A comparison as the run document holds it.

Law: JSON types, absent figures left out; a report needs nothing beside it to say what was compared and how well.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_inferbench.measure.result import Check
from pytest_inferbench.stats.comparison import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.comparison import Comparison
    from pytest_inferbench.stats.sample import Past


def to_check(metric: str, unit: str, comparison: Comparison, past: Sequence[Past] = ()) -> Check:
    """The comparison as a check of its case.

    Args:
        metric: `ttft_ms.p50`, or `output_tok_per_s` for a single figure.
        unit: the unit's symbol.
        comparison: the judged gate.
        past: the accepted sessions that count (`History.sessions`), oldest first.
    """
    accepted = [
        {"value": each.value, "segment": each.segment} | ({"aside": each.aside} if each.aside else {}) for each in past
    ]
    sessions = {"accepted": accepted} if accepted else {}
    return Check(
        metric=metric,
        kind=comparison.method.value,
        verdict=comparison.verdict,
        value=comparison.now,
        unit=unit,
        note="; ".join(note.message for note in comparison.notes),
        comparison=_plain(comparison) | sessions,
    )


def _plain(comparison: Comparison) -> dict[str, Any]:
    rule, spread, change = comparison.rule, comparison.spread, comparison.change
    found: dict[str, Any] = {
        "direction": comparison.direction.value,
        "baseline": comparison.baseline,
        "n": comparison.n,
        "days": comparison.days,
        "k": comparison.k,
        "worsening": comparison.worsening,
        "sessions": list(comparison.sessions),
        "screened": comparison.screened,
        "confirmed": comparison.confirmed,
        "together": comparison.together or None,
        "record": comparison.record.value if comparison.method is Method.HISTORY else None,
        "equivalent": comparison.equivalent,
        "p": comparison.p,
        "sign_flip_p": comparison.sign_flip_p,
        "detectable": comparison.detectable,
        "detectable_at": comparison.detectable_at,
        "needed": comparison.needed,
        "remedy": comparison.remedy or None,
        "false_alarm": comparison.false_alarm,
        "margin": rule.margin,
        "resolve": rule.resolve,
        "alpha": rule.alpha,
        "alpha_each": comparison.alpha_each,
        "gates": rule.gates,
        "gates_source": rule.gates_source or None,
        "shared": rule.shared,
        "shared_measured": rule.shared_measured,
        "shared_source": rule.shared_source,
        "confirmations": rule.confirmations,
        "notes": [note.code for note in comparison.notes],
    }
    if change is not None:
        found |= {"ratio": change.ratio, "low": change.low, "high": change.high, "level": change.level}
    if comparison.order is not None:
        found["order"] = asdict(comparison.order)
    if spread is not None:
        found |= {"sd": spread.sd, "df": spread.df, "own_sd": spread.own_sd}
        found |= {"prior": spread.prior.source} if spread.prior is not None else {}
    return {name: value for name, value in found.items() if value is not None}
