"""What a tool that follows figures over time is given: one name a case that an upgrade keeps, and its figures.

Limits: a name has no version and no node id in it, so that an upgrade continues the line of what it replaces; only
where two cases of one run would share a name does their version tell them apart. Cases that must not be judged
(INVALID), and figures of which no direction is better, are not tracked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.files import short_hash
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

NAME_LIMIT = 1024
"""Characters of a name: the shortest limit of the tools that read it (Bencher's)."""

_UNTRACKED = frozenset({"mean", "p90"})
_DIGEST = 13


@dataclass(frozen=True, slots=True)
class Figure:
    """One tracked figure.

    Attributes:
        metric: the metric's name.
        statistic: "p50" and so on; "" where the metric is one figure.
        value: over all rounds.
        unit: the unit's symbol; a figure in "%" is a fraction.
        direction: "lower" or "higher" is better.
        lowest, highest: of the rounds; None where the rounds do not hold it.
        rounds: how many do.
    """

    metric: str
    statistic: str
    value: float
    unit: str
    direction: str
    lowest: float | None
    highest: float | None
    rounds: int

    @property
    def name(self) -> str:
        """`ttft_ms.p95`, or `output_tok_per_s`."""
        return f"{self.metric}.{self.statistic}" if self.statistic else self.metric


def tracked_cases(document: RunDocument) -> list[tuple[str, CaseResult]]:
    """Name and case of each case that is tracked, in the order they ran; no name comes twice."""
    cases = [case for case in document.cases if case.verdict is not Verdict.INVALID]
    stable = [_name(case, ("model", "backend", "variant")) for case in cases]
    often = Counter(stable)
    names = [
        name if often[name] == 1 else _name(case, ("model", "backend", "version", "variant"))
        for name, case in zip(stable, cases, strict=True)
    ]
    return list(zip(_distinct(names), cases, strict=True))


def figures(case: CaseResult) -> Iterator[Figure]:
    """The tracked figures of a case, in the document's order."""
    for metric, summary in case.metrics.items():
        if summary.direction is Direction.NEUTRAL:
            continue
        for statistic, value in summary.statistics().items():
            if statistic not in _UNTRACKED:
                word = "" if statistic == "value" else statistic
                seen = case.in_rounds(f"{metric}.{word}".rstrip("."))
                yield Figure(
                    metric,
                    word,
                    value,
                    summary.unit,
                    summary.direction,
                    lowest=min([value, *seen]) if seen else None,
                    highest=max([value, *seen]) if seen else None,
                    rounds=len(seen),
                )


def _name(case: CaseResult, parts: Sequence[str]) -> str:
    name = f"{visible(case.case)} {cell_name(case, parts)}".strip() or "case"
    if len(name) <= NAME_LIMIT:
        return name
    digest = short_hash(name, _DIGEST - 1)
    return f"{name[: NAME_LIMIT - _DIGEST]}-{digest}"


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """The names, a number added to those that came before (the same test run twice)."""
    taken: set[str] = set()
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name[: NAME_LIMIT - _DIGEST]} #{number}"
        taken.add(free)
        yield free
