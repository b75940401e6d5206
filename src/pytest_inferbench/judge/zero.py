"""The gates whose figures can be 0: by the numbers behind them, or in steps.

Limits: pure; which way a metric goes is said by its row in the table (`units.Zero`), never by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.stats.count_pairs import judge_count_pairs
from pytest_inferbench.stats.counts import Count, judge_counts
from pytest_inferbench.stats.moderation import OwnSpread
from pytest_inferbench.stats.shifted import unshift
from pytest_inferbench.stats.steps import Scale, judge_step_pairs, judge_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_inferbench.baselines.accepted import Accepted
    from pytest_inferbench.document.case import CaseResult
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.comparison import Comparison
    from pytest_inferbench.stats.history import History
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Past
    from pytest_inferbench.stats.sequential import Looks
    from pytest_inferbench.units import Zero


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate whose figures can be 0.

    Attributes:
        name: `metric.statistic`.
        scale: how its figures are compared.
    """

    name: str
    scale: Scale

    @property
    def zero(self) -> Zero:
        """Its step, and whether it is counted."""
        return self.scale.zero


def zero_gate(name: str, table: Mapping[str, Metric]) -> Gate | None:
    """The gate of that name; None where its figures cannot be 0, or nobody knows its metric."""
    metric = table.get(name.partition(".")[0])
    if metric is None or metric.zero is None:
        return None
    return Gate(name, Scale(metric.direction, metric.zero, metric.unit))


def apart(case: str, rule: Rule) -> OwnSpread:
    """What such a gate says to the others of its noise: nothing, since sessions of 0 do not scatter."""
    return OwnSpread(case, rule.kind, 0.0, 0)


def past_of(history: History, gate: Gate | None) -> tuple[Past, ...]:
    """The accepted sessions in the metric's unit."""
    return history.sessions if gate is None else tuple(unshift(each, gate.zero) for each in history.sessions)


def judge_zero(
    gate: Gate, sessions: Sequence[CaseResult], accepted: Accepted, history: History, rule: Rule
) -> Comparison:
    """Today's sessions against the accepted ones.

    Args:
        gate: the gate and its metric.
        sessions: the case's, the first one first.
        accepted: what they are compared with.
        history: the gate's, of shifted figures.
        rule: the gate's settings.
    """
    if gate.zero.counted:
        return judge_counts([count_of(each) for each in sessions], accepted.counts(), rule, gate.zero.step)
    now = [each.session_figure(gate.name, pooled=history.of_all_requests) for each in sessions]
    return judge_steps(now, history, rule, gate.scale, sessions[0].in_rounds(gate.name))


def judge_zero_pairs(
    gate: Gate, pairs: Sequence[tuple[CaseResult | None, CaseResult | None]], rule: Rule, looks: Looks
) -> Comparison:
    """Arm B against arm A.

    Args:
        gate: the gate and its metric.
        pairs: the case in both arms, in the order the pairs were measured; None where it is not valid.
        rule: the gate's settings.
        looks: the plan.
    """
    if gate.zero.counted:
        return judge_count_pairs([(count_of(a), count_of(b)) for a, b in pairs], rule, gate.zero.step, looks=looks)

    def figure(case: CaseResult | None) -> float | None:
        return None if case is None else case.session_figure(gate.name)

    return judge_step_pairs([(figure(a), figure(b)) for a, b in pairs], rule, gate.scale, looks=looks)


def count_of(case: CaseResult | None) -> Count | None:
    """How many of a session's requests failed; None where that is not known."""
    return None if case is None or case.failed is None or not case.issued else Count(case.failed, case.issued)
