"""What INCONCLUSIVE cases say: a line each of what would have been seen, and one line of what would decide them all.

Limits: forty cases on a noisy machine are forty lines and one remedy, not a page; every figure is in the run document.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.figures import Check
from pytest_inferbench.report.change import PAIRS, Gate, count, would_have_seen_each
from pytest_inferbench.report.escape import visible
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import TWICE_AS_BAD

_REASONS = frozenset({"machine_changed", "improvement_gone"})
"""Notes that are why nothing is called; the others tell of figures, and the item's own text has them."""


def undecided_line(case: CaseResult) -> str:
    """What kept a case from a verdict: `would have seen ttft_ms.p50 +34.2 %, tpot_ms.p50 +21.0 %; resolve is 20 %`."""
    checks = _inconclusive(case)
    gates = [Gate(check, check.comparison) for check in checks if check.comparison is not None]
    shown = [gate for gate in gates if (gate.found.detectable, gate.found.detectable_at) != (None, None)]
    resolve = sorted({gate.found.resolve for gate in shown if gate.found.detectable is not None})
    parts = [f"would have seen {would_have_seen_each(shown)}"] if shown else []
    if shown and all((gate.found.detectable or 0.0) > TWICE_AS_BAD for gate in shown):
        parts = ["twice as bad would not have been seen"]
    if resolve:
        ends = dict.fromkeys((resolve[0], resolve[-1]))
        parts.append(f"resolve is {' to '.join(f'{100 * each:g}' for each in ends)} %")
    notes: dict[str, list[str]] = {}
    for check in checks:
        if check.note and (check.comparison is None or _REASONS.intersection(check.comparison.notes)):
            notes.setdefault(visible(check.note), []).append(visible(check.metric))
    told = [note if len(of) == len(checks) else f"{', '.join(of)}: {note}" for note, of in notes.items()]
    return "; ".join([*parts, *told])


def what_decides(named: Iterable[tuple[str, CaseResult]]) -> str:
    """What would decide the cases, each remedy once: `2 more sessions (single), 6 more (rate[r05]); more requests ...`.

    "" where nothing is undecided.
    """
    more: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    cases = [(subject, gates) for subject, case in named if (gates := _to_be_decided(case))]
    for subject, gates in cases:
        found = [check.comparison for check in gates if check.comparison is not None]
        needed = max((each.needed or 0 for each in found), default=0)
        rest = [each.remedy or "" for each in found if not each.needed]
        if needed:
            unit = "pair" if gates[0].kind == PAIRS else "session"
            more.setdefault(count(needed, f"more {unit}"), []).append(subject)
        for remedy in dict.fromkeys(filter(None, rest)):
            others.setdefault(remedy, []).append(subject)
    parts = [_of(remedy, subjects, len(cases)) for remedy, subjects in (*more.items(), *others.items())]
    return "; ".join(parts)


def _inconclusive(case: CaseResult) -> list[Check]:
    if case.verdict is Verdict.INVALID:
        return []
    return [check for check in case.checks if check.verdict is Verdict.INCONCLUSIVE]


def _to_be_decided(case: CaseResult) -> list[Check]:
    """Those that are to be decided: an A/A run asks what the noise is, and not whether something changed."""
    return [check for check in _inconclusive(case) if check.comparison is None or check.comparison.site is None]


def _of(remedy: str, subjects: list[str], cases: int) -> str:
    """A remedy, and whose it is where it is not every undecided case's."""
    return visible(remedy) if len(subjects) == cases else f"{visible(remedy)} ({', '.join(subjects)})"
