"""What a history or pairs say of a case, as the text of a test's outcome: what a person reads who was woken by it.

Idea: what changed and by how much; since when, and what else changed; whether it was measured again; where to look
and what to run. How it was judged comes last, in one line.
Limits: monospaced, no colour, no width limit: it goes into JUnit files and logs as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.document.case import CaseResult, NextStep
from pytest_inferbench.document.figures import Check
from pytest_inferbench.report.change import (
    HISTORY,
    PAIRS,
    Gate,
    count,
    gates_of,
    interval,
    join_names,
    ratio,
    repeats_text,
    would_have_seen,
)
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.false_alarms import how_judged
from pytest_inferbench.report.figures import quantity
from pytest_inferbench.report.naming import cell_name
from pytest_inferbench.report.text_table import text_table
from pytest_inferbench.report.undecided import what_decides
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEADS = {
    HISTORY: ("metric", "accepted", "now", "change", "interval", "would have seen", "verdict"),
    PAIRS: ("metric", "A", "B", "change", "interval", "would have seen", "verdict"),
}
_TO_THE_MINUTE = len("2026-01-07 03:12")
_LEFT = frozenset({"metric", "verdict"})

Facts = list[tuple[str, str]]
"""Label and text, one line each; a line without a label goes on with the one above it."""


def comparison_table(case: CaseResult, verdict: Verdict | None, where: Sequence[NextStep] = ()) -> str:
    """Every gate of a case on a line, then what must be known of it; "" where no check has the verdict.

    Args:
        case: the case, judged.
        verdict: the one that the text is to explain.
        where: where to look, and what to run.
    """
    checks = [check for check in case.checks if check.kind in _HEADS]
    concerned = [check for check in checks if check.verdict == verdict]
    if verdict is None or not concerned:
        return ""
    gates = gates_of(case)
    share = f" ({len(concerned)} of {count(len(gates), 'gate')})" if gates else ""
    title = f"{verdict.label}: {visible(case.case)} of {cell_name(case)} on {visible(case.hardware)}{share}"
    facts = [*_facts(case, verdict, concerned, gates), *((step.label, step.text) for step in where)]
    return "\n".join([title, "", *(_table(gates) if gates else []), *([""] if gates else []), *fact_lines(facts)])


def steps_of(case: CaseResult) -> Facts:
    """Where to look and what to run after what failed of a case; none where nothing did."""
    return [(step.label, step.text) for step in case.next_steps or ()]


def since(case: CaseResult) -> Facts:
    """When it was last seen as it should be, and what changed beside it."""
    against = case.against
    if against is None:
        return []
    date = visible(against.since).replace("T", " ")[:_TO_THE_MINUTE]
    facts = [("since", f"{date} UTC, the last accepted session that was no worse ({against.sessions} of its level)")]
    changes = [visible(f"{each.what} {each.was} -> {each.now}") for each in against.changes]
    unknown = against.unknown or ()
    known = [part for part in ("version", "arguments", "machine") if part not in unknown]
    facts += _below("changed", changes or [f"nothing that is recorded: same {join_names(known)}"])
    if unknown:
        facts.append(("not known", f"{join_names(unknown)}: the server does not tell; look there what changed"))
    return facts


def _facts(
    case: CaseResult,
    verdict: Verdict,
    concerned: Sequence[Check],
    gates: Sequence[Gate],
) -> Facts:
    notes = _notes(concerned)
    facts: Facts = []
    if verdict is Verdict.REGRESSED:
        facts += since(case)
        of_history = [gate for gate in gates if gate.check.kind == HISTORY and gate.check.verdict is verdict]
        facts += _below("measured", _each({gate.check.metric: _how_often(case, gate) for gate in of_history}))
    if gates and gates[0].found.arms is not None:
        found = gates[0].found
        a, b = map(visible, gates[0].found.arms)
        facts.append(("compared", f"A is {a}, B is {b}, {count(found.n, 'pair')} of fresh servers"))
        if a == b and verdict in {Verdict.REGRESSED, Verdict.IMPROVED}:
            rate = f"{100 * found.alpha:g} runs in 100"
            facts.append(("", f"both arms are the same, so this is a false alarm; at most {rate} have one"))
    facts += _below("note" if gates else "why", notes)
    if decides := what_decides([("", case)]) if verdict is Verdict.INCONCLUSIVE else "":
        facts.append(("to decide", decides))
    return [*facts, *([("judged", how_judged(gates))] if gates else [])]


def _notes(checks: Sequence[Check]) -> list[str]:
    """What is noted of the checks; once what is noted of all of them."""
    notes = [check.note for check in checks]
    if len(notes) > 1 and len(set(notes)) == 1:
        return [visible(notes[0])] if notes[0] else []
    return [f"{_subject(check)}{visible(check.note)}" for check in checks if check.note]


def _how_often(case: CaseResult, gate: Gate) -> str:
    """Whether a fresh server confirmed a change, and if none did, why."""
    times, _, each = repeats_text(gate).removeprefix("measured ").partition(": ")
    if times:
        return f"{times}, each time on a server of its own" + (f": {each}" if each else "")
    once = (case.against and case.against.once) or ""
    if not once and not gate.found.confirmations:
        once = "its policy has confirmations: 0"
    return f"once, not again: {visible(once)}" if once else "once"


def _each(texts: Mapping[str, str]) -> list[str]:
    """A text for each metric; one alone where it is the same of all."""
    if len(set(texts.values())) == 1:
        return [*texts.values()][:1]
    return [f"{visible(metric)}: {text}" for metric, text in texts.items()]


def _subject(check: Check) -> str:
    return "" if check.metric in _HEADS else f"{visible(check.metric)}: "


def _below(label: str, texts: Sequence[str]) -> Facts:
    """Several texts under one label."""
    return [("" if place else label, text) for place, text in enumerate(texts)]


def fact_lines(facts: Sequence[tuple[str, str]]) -> list[str]:
    """Facts below each other, their labels in a column."""
    width = max((len(label) for label, _ in facts), default=0)
    return [f"  {label:<{width}}  {text}" for label, text in facts]


def _table(gates: Sequence[Gate]) -> list[str]:
    return text_table(_HEADS[gates[0].check.kind], [tuple(_row(gate)) for gate in gates], _LEFT)


def _row(gate: Gate) -> Iterator[str]:
    (check, found), unit = gate, gate.check.unit
    yield gate.metric
    yield visible(quantity(found.baseline, unit))
    yield visible(quantity(check.value, unit))
    yield ratio(found)
    yield interval(found)
    yield would_have_seen(gate)
    yield check.verdict.label
