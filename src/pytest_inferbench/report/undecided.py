"""What INCONCLUSIVE cases say: a line each of what would have been seen, and one line of what would decide them all.

Law: forty cases on a noisy machine are forty lines and one remedy, not a page; every figure is in the run document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_inferbench.report.change import PAIRS, counted, seen
from pytest_inferbench.report.escape import visible
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import TWICE_AS_BAD

_REASONS = frozenset({"machine_changed", "improvement_gone"})
"""Notes that are why nothing is called; the others tell of figures, and the item's own text has them."""

Case = Mapping[str, Any]


def undecided_line(case: Case) -> str:
    """What kept a case from a verdict: `would have seen ttft_ms.p50 +34.2 %, tpot_ms.p50 +21.0 %; resolve is 20 %`."""
    gates = _undecided(case)
    shown = [check for check in gates if _found(check).keys() & {"detectable", "detectable_at"}]
    resolve = sorted({found["resolve"] for check in shown if "detectable" in (found := _found(check))})
    parts = [f"would have seen {seen(shown)}"] if shown else []
    if shown and all(_found(check).get("detectable", 0.0) > TWICE_AS_BAD for check in shown):
        parts = ["twice as bad would not have been seen"]
    if resolve:
        ends = dict.fromkeys((resolve[0], resolve[-1]))
        parts.append(f"resolve is {' to '.join(f'{100 * each:g}' for each in ends)} %")
    notes: dict[str, list[str]] = {}
    for check in gates:
        if check["note"] and (not _found(check) or _REASONS.intersection(_found(check)["notes"])):
            notes.setdefault(visible(check["note"]), []).append(visible(check["metric"]))
    told = [note if len(of) == len(gates) else f"{', '.join(of)}: {note}" for note, of in notes.items()]
    return "; ".join([*parts, *told])


def what_decides(named: Iterable[tuple[str, Case]]) -> str:
    """What would decide the cases, each remedy once: `2 more sessions (single), 6 more (rate[r05]); more requests ...`.

    "" where nothing is undecided.
    """
    more: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    cases = [(subject, gates) for subject, case in named if (gates := _asked(case))]
    for subject, gates in cases:
        needed = [_found(check).get("needed", 0) for check in gates]
        rest = [_found(check).get("remedy", "") for check, many in zip(gates, needed, strict=True) if not many]
        if max(needed):
            unit = "pair" if gates[0]["kind"] == PAIRS else "session"
            more.setdefault(counted(max(needed), f"more {unit}"), []).append(subject)
        for remedy in dict.fromkeys(filter(None, rest)):
            others.setdefault(remedy, []).append(subject)
    parts = [_of(remedy, subjects, len(cases)) for remedy, subjects in (*more.items(), *others.items())]
    return "; ".join(parts)


def _undecided(case: Case) -> list[Mapping[str, Any]]:
    if case["verdict"] == Verdict.INVALID:
        return []
    return [check for check in case["checks"] if check["verdict"] == Verdict.INCONCLUSIVE]


def _asked(case: Case) -> list[Mapping[str, Any]]:
    """Those that are to be decided: an A/A run asks what the noise is, and not whether something changed."""
    return [check for check in _undecided(case) if "site" not in _found(check)]


def _found(check: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = check.get("comparison", {})
    return found


def _of(remedy: str, subjects: list[str], cases: int) -> str:
    """A remedy, and whose it is where it is not every undecided case's."""
    return visible(remedy) if len(subjects) == cases else f"{visible(remedy)} ({', '.join(subjects)})"
