"""One comparison in words: what changed, by how much, and what would have been seen.

Law: one convention for every change: as the metric shows it, so a throughput that fell is negative. No figure is told
here that another report tells another way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_inferbench.report.escape import visible
from pytest_inferbench.report.figures import ABSENT, quantity
from pytest_inferbench.stats import words
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction, percent

HISTORY = "history"
PAIRS = "pairs"
_TWICE = 2
_UNITS = {HISTORY: "session", PAIRS: "pair"}


def compared(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The checks of a case that compare it with something."""
    return [check for check in case["checks"] if "comparison" in check]


def counted(count: int, noun: str) -> str:
    """A number of things: `1 gate`, `3 gates`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `version, arguments and machine`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def in_a_line(check: Mapping[str, Any]) -> str:
    """A comparison in one line: `ttft_ms.p50 52.1 ms, was 41.2 ms (8 sessions): +26.5 % (+19.2 to +34.1 %)`."""
    found, unit = check["comparison"], check["unit"]
    parts = [f"{visible(check['metric'])} {quantity(check.get('value'), unit)}"]
    if "ratio" in found:
        against = counted(found["n"], _UNITS[check["kind"]])
        parts.append(f"was {quantity(found['baseline'], unit)} ({against}): {change(found)}")
    return "; ".join(part for part in (", ".join(parts), repeated(check), visible(check["note"])) if part)


def change(found: Mapping[str, Any]) -> str:
    """A comparison's change with its interval: `+26.5 % (+19.2 to +34.1 %)`; "-" where there is none."""
    return f"{percent(found['ratio'] - 1)} ({interval(found)})" if "ratio" in found else ABSENT


def interval(found: Mapping[str, Any]) -> str:
    """Its interval: `+19.2 to +34.1 %`; "-" where there is none."""
    if "ratio" not in found:
        return ABSENT
    return f"{percent(found['low'] - 1).removesuffix(' %')} to {percent(found['high'] - 1)}"


def would_have_seen(check: Mapping[str, Any]) -> str:
    """The change that would have been called with 80 % probability, as the metric shows it.

    "-" where it is not known, or where a change was called.
    """
    found = check["comparison"]
    direction, verdict = Direction(found["direction"]), Verdict(check["verdict"])
    if "detectable_at" in found and verdict not in {Verdict.REGRESSED, Verdict.IMPROVED}:
        return quantity(found["detectable_at"], check["unit"])
    return words.would_have_seen(found.get("detectable"), direction, verdict) or ABSENT


def what_was_visible(case: Mapping[str, Any]) -> str:
    """What a case that did not regress shows: what improved and by how much, and what of the others had been seen."""
    gates = compared(case)
    better = [in_a_line(check) for check in gates if check["verdict"] == Verdict.IMPROVED]
    others = [check for check in gates if check["verdict"] != Verdict.IMPROVED]
    notes = [f"{visible(check['metric'])}: {visible(check['note'])}" for check in others if check["note"]]
    return "; ".join([*better, *([f"would have seen {seen(others)}"] if others else []), *notes])


def seen(gates: list[Mapping[str, Any]]) -> str:
    """What would have been seen of each gate: `ttft_ms.p50 +6.6 %, output_tok_per_s -6.2 %`."""
    return ", ".join(f"{visible(check['metric'])} {would_have_seen(check)}" for check in gates)


def repeated(check: Mapping[str, Any]) -> str:
    """What a fresh server said of a change that was called: `measured twice: +26.4 %, +25.2 %`; "" without one."""
    found = check["comparison"]
    if check["kind"] != HISTORY or not found.get("confirmed"):
        return ""
    each = ", ".join(percent(ratio - 1) for ratio in found["sessions"])
    times = "twice" if found["k"] == _TWICE else f"{found['k']} times"
    return f"measured {times}" + (f": {each}" if each else "")
