"""What the accepted sessions of other models and backends on a hardware say of its noise.

Idea: noise is the machine's before it is a model's, so a gate's spread is steadied by every other case measured there.
Law: pure. Which figures count is in the files (`accepted` has those that were gated), not in a config: whatever a run
selects, its verdicts are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.comparable import histories
from pytest_inferbench.stats.rule import DEFAULTS, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.moderation import OwnSpread
    from pytest_inferbench.stats.rule import Rule


def accepted_spreads(baseline: Baseline, metrics: Mapping[str, Metric]) -> tuple[OwnSpread, ...]:
    """The spread of each accepted figure of each case that has one; the cases carry model and backend in their names.

    Args:
        baseline: both files.
        metrics: every metric by its name; a figure of another metric is left out.
    """

    def rules(key: str) -> dict[str, Rule]:
        case = baseline.file.cases.get(key)
        entry = case.hardware.get(baseline.hardware) if case else None
        accepted = entry.accepted if entry else None
        return {gate: DEFAULTS[kind_of(gate)] for gate in (accepted.figures if accepted else ())}

    place = f"{baseline.file.model} on {baseline.file.backend}"
    return tuple(
        history.own_spread(f"{key} of {place}", DEFAULTS[kind_of(gate)])
        for (key, gate), history in histories(baseline, metrics, rules).items()
        if history.df
    )
