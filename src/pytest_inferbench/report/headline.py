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
    """The counts, each with its style: `3 within budget`, `1 OVER BUDGET`, `INTERRUPTED before the last case`."""
    counter = Counter(Verdict(case["verdict"]) for case in document["cases"])
    skipped, errors = len(document["skipped"]), len(document["errors"])
    parts = [(f"{counter[each]} {wording.word(each)}", wording.style(each)) for each in _ORDER if counter[each]]
    if not parts:
        parts.append(("no cases measured", wording.UNDECIDED))
    if skipped:
        parts.append((f"{skipped} skipped", wording.UNDECIDED))
    if errors:
        parts.append((f"{errors} ERROR{'S' if errors > 1 else ''}", wording.BAD))
    if document["interrupted"]:
        parts.append(("INTERRUPTED before the last case", wording.BAD))
    return parts
