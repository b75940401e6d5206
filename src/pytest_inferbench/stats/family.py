"""All gates of a run together: how the error rate is shared and what it comes to.

Idea: Bonferroni: m is known at collection, so every gate is judged at alpha / m inside its own item, in any process.
Limits: reported values only; nothing here changes a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.stats.rule import Rule


@dataclass(frozen=True, slots=True)
class Family:
    """The run's error rate.

    Attributes:
        gates: m.
        alpha: family-wise, one-sided.
        alpha_each: one gate's level.
        at_most_per_100: runs in 100 with any false alarm, nothing having changed, that the level allows.
        expected_per_100: the same from each gate's own noise and margin, where gates were judged: gates quieter than
            their margin use up less than their level.
    """

    gates: int
    alpha: float
    alpha_each: float
    at_most_per_100: float
    expected_per_100: float | None


def family(rule: Rule, false_alarms: Sequence[float | None]) -> Family:
    """The error rate of a run with these gates.

    Args:
        rule: the settings they were judged by.
        false_alarms: `Comparison.false_alarm` of each; fewer than m, and None, where gates were not judged.
    """
    known = [chance for chance in false_alarms if chance is not None]
    expected = 100 * sum(known) if known else None
    return Family(rule.gates, rule.alpha, rule.alpha_each, 100 * rule.alpha, expected)
