"""One comparison in words: what changed, by how much, and what would have been seen.

Limits: one convention for every change: as the metric shows it, so a throughput that fell is negative. No figure is
told here that another report tells another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_inferbench.document.case import CaseResult
from pytest_inferbench.document.comparison import GateComparison
from pytest_inferbench.document.figures import Check
from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import ABSENT, quantity
from pytest_inferbench.stats import words
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import percent

HISTORY = "history"
PAIRS = "pairs"
_TWICE = 2
_UNITS = {HISTORY: "session", PAIRS: "pair"}


class Gate(NamedTuple):
    """A check that was compared with something, and what that found."""

    check: Check
    found: GateComparison

    @property
    def metric(self) -> str:
        """Its figure's name, to be printed."""
        return visible(self.check.metric)


def gates_of(case: CaseResult) -> list[Gate]:
    """The checks of a case that compare it with something."""
    return [Gate(check, check.comparison) for check in case.checks if check.comparison is not None]


def count(count: int, noun: str) -> str:
    """A number of things: `1 gate`, `3 gates`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def join_names(names: Sequence[str]) -> str:
    """Names in a sentence: `version, arguments and machine`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def in_a_line(gate: Gate) -> str:
    """A comparison in one line: `ttft_ms.p50 52.1 ms, was 41.2 ms (8 sessions): +26.5 % (+19.2 to +34.1 %)`."""
    (check, found), unit = gate, gate.check.unit
    parts = [f"{gate.metric} {quantity(check.value, unit)}"]
    if found.change is not None:
        against = count(found.n, _UNITS[check.kind])
        parts.append(f"was {quantity(found.baseline, unit)} ({against}): {change(found)}")
    return "; ".join(part for part in (", ".join(parts), repeats_text(gate), visible(check.note)) if part)


def change(found: GateComparison) -> str:
    """A comparison's change with its interval: `+26.5 % (+19.2 to +34.1 %)`; "-" where there is none."""
    return ABSENT if found.change is None else f"{ratio(found)} ({interval(found)})"


def ratio(found: GateComparison) -> str:
    """The change alone: `+26.5 %`; "-" where there is none."""
    return ABSENT if found.ratio is None else percent(found.ratio - 1)


def interval(found: GateComparison) -> str:
    """Its interval: `+19.2 to +34.1 %`; "-" where there is none."""
    if found.change is None:
        return ABSENT
    return f"{percent(found.change.low - 1).removesuffix(' %')} to {percent(found.change.high - 1)}"


def would_have_seen(gate: Gate) -> str:
    """The change that would have been called with 80 % probability, as the metric shows it.

    "-" where it is not known, or where a change was called.
    """
    check, found = gate
    if found.detectable_at is not None and check.verdict not in {Verdict.REGRESSED, Verdict.IMPROVED}:
        return quantity(found.detectable_at, check.unit)
    return words.would_have_seen(found.detectable, found.direction, check.verdict) or ABSENT


def what_was_visible(case: CaseResult) -> str:
    """What a case that did not regress shows: what improved and by how much, and what of the others had been seen."""
    gates = gates_of(case)
    better = [in_a_line(gate) for gate in gates if gate.check.verdict is Verdict.IMPROVED]
    others = [gate for gate in gates if gate.check.verdict is not Verdict.IMPROVED]
    notes = [f"{gate.metric}: {visible(gate.check.note)}" for gate in others if gate.check.note]
    return "; ".join([*better, *([f"would have seen {would_have_seen_each(others)}"] if others else []), *notes])


def would_have_seen_each(gates: Sequence[Gate]) -> str:
    """What would have been seen of each gate: `ttft_ms.p50 +6.6 %, output_tok_per_s -6.2 %`."""
    return ", ".join(f"{gate.metric} {would_have_seen(gate)}" for gate in gates)


def repeats_text(gate: Gate) -> str:
    """What a fresh server said of a change that was called: `measured twice: +26.4 %, +25.2 %`; "" without one."""
    check, found = gate
    if check.kind != HISTORY or not found.confirmed:
        return ""
    each = ", ".join(percent(ratio - 1) for ratio in found.sessions)
    times = "twice" if found.k == _TWICE else f"{found.k} times"
    return f"measured {times}" + (f": {each}" if each else "")
