"""Figures of a case: what a metric came to, what must be known of it, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from pytest_inferbench.document.comparison import GateComparison
from pytest_inferbench.document.part import Count, Part
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

Bound = Literal["max", "min"]
"""Which side of a limit is kept: at most it, or at least it."""

STATISTICS = ("value", "mean", "p50", "p90", "p95", "p99")
"""What a summary may have: `value` where the metric is one figure, the others of a distribution."""


@dataclass(frozen=True, slots=True)
class Summary(Part):
    """One metric over all rounds of a case: either a value, or a distribution of n samples."""

    unit: str
    """The unit's symbol; a figure in "%" is a fraction (0.01 is 1 %)."""
    direction: Direction
    """Which way is better."""
    n: Count | None = None
    """Samples behind the statistics; absent of a single value."""
    value: float | None = None
    """Of a metric that is one figure: a rate, a total."""
    mean: float | None = None
    p50: float | None = None
    """A percentile is absent where the sample cannot carry it."""
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None

    def statistics(self) -> dict[str, float]:
        """The figures that exist, by statistic name (`p50`, `mean`, ...), or `{"value": x}`."""
        return {name: figure for name in STATISTICS if (figure := getattr(self, name)) is not None}


Metrics = Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Summary]
"""Summaries by metric name."""


@dataclass(frozen=True, slots=True)
class Finding(Part):
    """Something about the measurement itself that a reader must know."""

    code: str
    """A stable name: `error_rate`, `client_cpu`, `clumps`."""
    invalid: bool
    """true: the case must not be judged. false: a warning."""
    message: str
    """One sentence with the figure and the limit."""
    remedy: str
    """What to do."""
    figure: float | None = None
    """The number behind it, where there is one."""
    limit: float | None = None
    """What it may be."""
    source: str = "default"
    """Where the limit comes from."""


@dataclass(frozen=True, slots=True)
class Check(Part):
    """One judged figure."""

    metric: str
    """metric.statistic, or the metric where it is one figure."""
    kind: Literal["budget", "history", "pairs"]
    """What it is held against: a limit, accepted sessions, or another arm."""
    verdict: Verdict
    """What is said of it."""
    value: float | None = None
    """What was measured; absent where nothing was, which fails a budget."""
    bound: Bound | None = None
    """Of a budget: which side of the limit is wrong."""
    limit: float | None = None
    """The budget's figure."""
    unit: str = ""
    """The unit's symbol."""
    source: str = ""
    """Where the limit is written, file:line."""
    note: str = ""
    """What a reader needs beside the figures."""
    comparison: GateComparison | None = None
    """What a history or pairs say; absent of a budget, and where there was none."""
