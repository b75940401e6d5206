"""What the accepted sessions of other models and backends on a hardware say of its noise.

Idea: noise is the machine's before it is a model's, so a gate's spread is steadied by every other case measured there.
Limits: pure. Which figures count is in the lines (a session has its gates), not in a config: whatever a run selects,
its verdicts are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.baselines.comparable import histories
from pytest_inferbench.baselines.gates import policy_layers
from pytest_inferbench.metrics.table import zero_of
from pytest_inferbench.policy import gates
from pytest_inferbench.stats.rule import DEFAULTS, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_inferbench.baselines.schema import Baseline
    from pytest_inferbench.metrics.table import Metric
    from pytest_inferbench.stats.moderation import OwnSpread
    from pytest_inferbench.stats.rule import Rule


def accepted_spreads(baseline: Baseline, metrics: Mapping[str, Metric]) -> tuple[OwnSpread, ...]:
    """The spread of each gated figure of each case that has one; the cases carry the file in their names.

    Without figures that can be 0: eight sessions of 0 say nothing of any other figure's noise.

    Args:
        baseline: both files.
        metrics: every metric by its name; a figure of another metric is left out.
    """

    def rules(key: str) -> dict[str, Rule]:
        own = baseline.of(key).sessions[-1].gates
        gated = gates(policy_layers(baseline.file, key, ())).value if own is None else own
        return {gate: DEFAULTS[kind_of(gate)] for gate in gated}

    return tuple(
        history.own_spread(f"{key} of {baseline.name}", DEFAULTS[kind_of(gate)], gate)
        for (key, gate), history in histories(baseline, metrics, rules).items()
        if history.df and zero_of(gate, metrics) is None
    )
