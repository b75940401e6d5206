"""Arm B against arm A, gate by gate, after each look at the pairs.

Idea: every case is measured in both arms of a pair; a gate's figures are paired in the order they were measured. The
cases of a cell steady each other's spread, so they are judged together.
Limits: pure. A change that was called at one look stays as it was called; all else is judged again at the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_inferbench.baselines.noise import DIFFERENT
from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.comparison import Site
from pytest_inferbench.document.figures import Check
from pytest_inferbench.judge.comparison import to_check
from pytest_inferbench.judge.history import Judged, unit_of
from pytest_inferbench.judge.zero import judge_zero_pairs, zero_gate
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.stats.comparison import Comparison
from pytest_inferbench.stats.order import common_order, take_out
from pytest_inferbench.stats.paired import judge_pairs, pair_priors
from pytest_inferbench.stats.site import restarts, site_noise
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

if TYPE_CHECKING:
    from pytest_inferbench.judge.zero import Gate
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.moderation import Prior, Spread
    from pytest_inferbench.stats.order import Order
    from pytest_inferbench.stats.rule import Rule
    from pytest_inferbench.stats.sample import Pair
    from pytest_inferbench.stats.sequential import Looks
    from pytest_inferbench.stats.site import PooledShare, Restarts

Measured: TypeAlias = tuple[CaseResult | None, CaseResult | None]
"""A case in arm A and in arm B of one pair; None where that measurement is not valid."""

Gates: TypeAlias = Mapping[str, Comparison]
"""Gate (`metric.statistic`) -> what is said of it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One case that is compared.

    Attributes:
        reference: a result of it, for units and directions.
        rules: its gates, each with the run's m.
        pairs: what was measured, in order.
        second: whether arm B was the second to be started, for each pair; empty where it is not known.
        refused: why a measurement is not valid, a sentence for each that is not.
        table: every metric by its name.
    """

    reference: CaseResult
    rules: Mapping[str, Rule]
    pairs: Sequence[Measured] = ()
    second: Sequence[bool] = ()
    refused: Sequence[str] = ()
    table: Mapping[str, Metric] = field(default_factory=lambda: METRICS)

    def gates(self) -> list[str]:
        """Those of its gates that it measures at all."""
        return [gate for gate in self.rules if self.reference.figure(gate) is not None]

    def figures(self, gate: str, order: Order | None = None) -> list[Pair]:
        """A gate's figures, (A, B) for each pair, without what was taken out of them."""
        return take_out(
            [(_figure(a, gate), _figure(b, gate)) for a, b in self.pairs], self.direction(gate), self.second, order
        )

    def zero(self, gate: str) -> Gate | None:
        """The gate, where its figures can be 0."""
        return zero_gate(gate, self.table)

    def spreading(self, gate: str, order: Order | None = None) -> list[Pair]:
        """The figures that other gates learn from: none of a gate whose figures can be 0."""
        return [] if self.zero(gate) else self.figures(gate, order)

    def direction(self, gate: str) -> Direction:
        """Which way a gate is better."""
        return Direction(self.reference.metrics[gate.partition(".")[0]].direction)


def look(cases: Mapping[str, Compared], before: Mapping[str, Gates], looks: Looks) -> dict[str, dict[str, Comparison]]:
    """Judge every gate in which no change was called yet.

    A gate that is OK is judged with the pairs that the others need: +7 % in one case among 20 gates, at an
    SD of 4 %, is then called in .78 of runs, not in .72, and false alarms are .047 for .044.

    Args:
        cases: by any name.
        before: what the last look found, by the same names; empty at the first.
        looks: the plan.
    """
    places = [(name, gate) for name, case in cases.items() for gate in case.gates()]
    measured = [(cases[name].spreading(gate), cases[name].direction(gate)) for name, gate in places]
    order = common_order(measured, next((case.second for case in cases.values()), ()))
    pooled = [(name, gate, cases[name].rules[gate].kind, cases[name].spreading(gate, order)) for name, gate in places]
    found: dict[str, dict[str, Comparison]] = {name: {} for name in cases}
    for (name, gate), (_, _, _, figures), prior in zip(places, pooled, pair_priors(pooled), strict=True):
        case, decided = cases[name], before.get(name, {}).get(gate)
        if decided is None or decided.wants_more or decided.verdict is Verdict.OK:
            decided = _judge_gate(case, gate, figures, prior, order, looks)
        found[name][gate] = decided
    return found


def _judge_gate(
    case: Compared, gate: str, figures: Sequence[Pair], prior: Prior | None, order: Order | None, looks: Looks
) -> Comparison:
    """One gate at one look; what the order did is not told of figures that have no ratio."""
    if zero := case.zero(gate):
        return judge_zero_pairs(zero, case.pairs, case.rules[gate], looks)
    found = judge_pairs(figures, case.direction(gate), case.rules[gate], looks=looks, prior=prior)
    return replace(found, order=order)


def want_more_pairs(found: Mapping[str, Gates]) -> bool:
    """Whether any gate wants another pair."""
    return any(comparison.wants_more for gates in found.values() for comparison in gates.values())


def conclude(case: Compared, gates: Gates, arms: tuple[str, str]) -> Judged:
    """What is said of a case after the last look; `arms`: the names of A and B."""
    if not gates:
        names = ", ".join(case.rules) or "none"
        return Judged((Check("pairs", "pairs", Verdict.NEW, None, note=f"it measures none of its gates ({names})"),))
    checks = [to_check(gate, unit_of(case.reference, gate), found) for gate, found in gates.items()]
    told = tuple(
        replace(each, comparison=replace(each.comparison, arms=arms)) for each in checks if each.comparison is not None
    )
    latest = max(gates.values(), key=lambda comparison: comparison.n).order
    notes = [latest.note.message] if latest is not None and latest.note is not None else []
    if case.refused:
        count, why = len(case.refused), "; ".join(dict.fromkeys(case.refused))
        notes.append(f"INVALID and left out, with its pair: {count} of {2 * len(case.pairs)} measurements: {why}")
    return Judged(told, tuple(notes))


def restarts_of(case: Compared, gates: Gates) -> dict[str, Restarts]:
    """What the pairs of an A/A run say of one fresh server, by gate; nothing where its arms differed.

    Args:
        case: the case.
        gates: what the last look found.
    """
    if any(found.verdict in DIFFERENT for found in gates.values()):
        return {}
    told = {gate: restarts(case.figures(gate, found.order), case.direction(gate)) for gate, found in gates.items()}
    return {gate: measured for gate, measured in told.items() if measured is not None}


def with_site(
    judged: Judged,
    case: Compared,
    gates: Gates,
    looks: Looks,
    spreads: Mapping[str, Spread],
    share: PooledShare | None,
) -> Judged:
    """The same for an A/A run, with what it says of the site's noise.

    Args:
        judged: from `conclude`.
        case: the case.
        gates: what the last look found.
        looks: the plan of the pairs.
        spreads: the session spread of each gate that has a history on this hardware.
        share: what all its cases say together; None where they say nothing.
    """

    def told(check: Check) -> Check:
        gate = check.metric
        if check.comparison is None or case.zero(gate):
            return check
        noise = site_noise(
            case.figures(gate, gates[gate].order),
            case.direction(gate),
            case.rules[gate],
            looks=looks,
            sessions=spreads.get(gate),
            share=share,
        )
        site = Site(
            pairs=noise.pairs,
            false_alarms_per_100=noise.false_alarms_per_100,
            restart_sd=noise.restart_sd,
            session_sd=noise.session_sd,
            shared=noise.shared,
            history=noise.history,
        )
        return replace(check, comparison=replace(check.comparison, site=site))

    return replace(judged, checks=tuple(told(check) for check in judged.checks))


def _figure(case: CaseResult | None, gate: str) -> float | None:
    return None if case is None else case.session_figure(gate)
