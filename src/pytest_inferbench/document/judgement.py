"""What a regression item says of a case that its test has measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pytest_inferbench.document.case import Against, CaseResult, NextStep
from pytest_inferbench.document.figures import Check
from pytest_inferbench.document.part import Part
from pytest_inferbench.stats.verdict import worst


@dataclass(frozen=True, slots=True)
class Judgement(Part):
    """The comparison of one case: `id` and `case` name it as `CaseResult` does."""

    id: str
    case: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    against: Against | None = None
    next_steps: tuple[NextStep, ...] | None = None


def judgement_of(case: CaseResult) -> Judgement:
    """What a case says that has its comparisons alone."""
    return Judgement(case.id, case.case, case.checks, case.notes, case.against, case.next_steps)


def with_judgement(case: CaseResult, judged: Iterable[Judgement]) -> CaseResult:
    """A case with what was said of it, where that is among `judged`."""
    found = next((each for each in judged if (each.id, each.case) == (case.id, case.case)), None)
    if found is None:
        return case
    checks = (*case.checks, *found.checks)
    return replace(
        case,
        checks=checks,
        notes=(*case.notes, *found.notes),
        verdict=worst(check.verdict for check in checks) or case.verdict,
        against=found.against or case.against,
        next_steps=found.next_steps or case.next_steps,
    )
