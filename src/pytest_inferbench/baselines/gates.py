"""The gates of a case with their rules: the case's own policy over that of its model and its suite.

Limits: pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.policy import gate_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.baselines.schema import BaselineFile
    from pytest_inferbench.config.document import Section
    from pytest_inferbench.stats.rule import Rule


def policy_layers(file: BaselineFile, key: str, above: Sequence[Section]) -> tuple[Section, ...]:
    """The `policy:` sections that hold for a case, the nearest first.

    Args:
        file: the baseline file.
        key: the case's key; one that the file lacks has no policy of its own.
        above: those of its model and its suite (`plan.cell.Cell.policy`).
    """
    case = file.cases.get(key)
    return (*((case.policy,) if case else ()), *above)


def case_rules(file: BaselineFile, key: str, above: Sequence[Section]) -> dict[str, Rule]:
    """The rule of each gate of a case (`metric.statistic` -> rule); arguments as above.

    Raises:
        ConfigError: two of its settings contradict each other.
    """
    return gate_rules(policy_layers(file, key, above))
