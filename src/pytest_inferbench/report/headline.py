"""The first line of every report: how many cases came out how, in words.

Law: it answers "is it all right?" alone. A run that was ended early says so here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pytest_inferbench.report import wording
from pytest_inferbench.stats.verdict import Verdict

# Good news first, so that a bad word stands at the end of a line of small letters and is seen.
_ORDER = (
    Verdict.WITHIN_BUDGET,
    Verdict.OK,
    Verdict.IMPROVED,
    Verdict.OVER_BUDGET,
    Verdict.REGRESSED,
    Verdict.INVALID,
    Verdict.INCONCLUSIVE,
    Verdict.NEW,
)


def headline(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The counts, each with its style: `3 within budget`, `2 OVER BUDGET (1 REGRESSED too)`, `INTERRUPTED ...`."""
    counter = Counter(Verdict(case["verdict"]) for case in document["cases"])
    skipped, errors = len(document["skipped"]), len(document["errors"])
    both = sum(map(_regressed_too, document["cases"]))
    too = {Verdict.OVER_BUDGET: f" ({both} {wording.word(Verdict.REGRESSED)} too)"} if both else {}
    parts = [
        (f"{counter[each]} {wording.word(each)}{too.get(each, '')}", wording.style(each))
        for each in _ORDER
        if counter[each]
    ]
    if not parts:
        parts.append(("no cases measured", wording.UNDECIDED))
    if skipped:
        parts.append((f"{skipped} skipped", wording.UNDECIDED))
    if errors:
        parts.append((f"{errors} ERROR{'S' if errors > 1 else ''}", wording.BAD))
    if document["interrupted"]:
        parts.append(("INTERRUPTED before the last case", wording.BAD))
    return parts


def _regressed_too(case: Mapping[str, Any]) -> bool:
    """Whether a case that is counted as over its budget regressed as well: its verdict is the worse of the two."""
    verdicts = {check["verdict"] for check in case["checks"]}
    return case["verdict"] == Verdict.OVER_BUDGET.value and Verdict.REGRESSED.value in verdicts
