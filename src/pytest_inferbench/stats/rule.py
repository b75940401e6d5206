"""The settings a comparison is judged by, and the gates it shares its error rate with.

Limits: values only; they are checked where they are read (policy in the baseline file), never here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a figure is of its distribution: tails are noisier, so they have wider defaults."""

    TYPICAL = "typical"
    TAIL = "tail"


# c where no A/A run measured it. Family-wise false alarms then stay below .06 up to a true share of .6 (20 gates,
# normal noise), and the confirmation still pays.
ASSUMED_SHARED = 0.5
ASSUMED = "assumed"
# How far a site's 1 - c lies from the assumed one before anything is measured: a factor of 1.6 is one SD.
ASSUMED_DOUBT = math.log(1.6) ** 2

_TAILS = frozenset({"p90", "p95", "p99"})


def kind_of(figure: str) -> Kind:
    """The kind of `metric.statistic`: p90 and beyond are tails, all else is typical.

    >>> kind_of("ttft_ms.p95").value, kind_of("output_tok_per_s").value
    ('tail', 'typical')
    """
    return Kind.TAIL if figure.rpartition(".")[2] in _TAILS else Kind.TYPICAL


@dataclass(frozen=True, slots=True)
class Rule:
    """How one gate is judged.

    Attributes:
        kind: what the figure is of its distribution; chooses the stated prior and whom to pool with.
        margin: the smallest worsening that matters, relative (.05 is 5 %).
        resolve: the largest detectable change with which OK may be said, relative.
        alpha: family-wise one-sided error rate of the run.
        gates: m, the gates that alpha is shared by: the run's own, known at collection, or as many as people say.
        gates_source: the option that says so; "" where the run's own are counted.
        shared: c, the share of session variance that sessions of one host and day have in common.
        shared_source: who says so: `ASSUMED`, the place of a policy, or an A/A run.
        shared_doubt: the variance of log(1 - c) that is left: 0 where a policy says c, less than the default where an
            A/A run measured it.
        confirmations: further sessions on a fresh server for what screens: 0, 1 or 2.
        window: the most recent accepted sessions that are looked at.
        strict: REGRESSED only where the whole interval lies beyond the margin.
    """

    kind: Kind = Kind.TYPICAL
    margin: float = 0.05
    resolve: float = 0.20
    alpha: float = 0.05
    gates: int = 1
    gates_source: str = ""
    shared: float = ASSUMED_SHARED
    shared_source: str = ASSUMED
    shared_doubt: float = ASSUMED_DOUBT
    confirmations: int = 1
    window: int = 20
    strict: bool = False

    @property
    def shared_measured(self) -> bool:
        """Whether somebody measured `shared`."""
        return self.shared_source != ASSUMED

    @property
    def alpha_each(self) -> float:
        """The level of one gate: Bonferroni, so that each gate is judged alone in its own item."""
        return self.alpha / max(1, self.gates)

    @property
    def alpha_screen(self) -> float:
        """The level of stage 1: alpha, but at least twice stage 2's.

        A screen as strict as the decision itself makes the confirmation cost power (one gate, SD 4 %, 8 sessions:
        .64 against .70 at +10 %); the error rate is stage 2's either way.
        """
        return max(self.alpha, 2 * self.alpha_each)

    @property
    def log_margin(self) -> float:
        """The margin on the oriented log scale: the same size for both directions of better."""
        return math.log1p(self.margin)


TYPICAL = Rule()
TAIL = Rule(kind=Kind.TAIL, margin=0.10, resolve=0.30)
DEFAULTS = {Kind.TYPICAL: TYPICAL, Kind.TAIL: TAIL}
