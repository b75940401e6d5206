"""The first line of every report: how many cases came out how, in words.

Limits: it answers "is it all right?" alone: every finding counts, and what fails the run only because an option asks
for that is told with the option's name. A run that was ended early says so here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_inferbench.document.counts import count_verdicts
from pytest_inferbench.report import wording
from pytest_inferbench.stats.verdict import Verdict

if TYPE_CHECKING:
    from pytest_inferbench.document.listed import Outlined

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
REQUIRED = "require-baseline"
_STRICT = {Verdict.NEW: REQUIRED, Verdict.INCONCLUSIVE: "fail-inconclusive"}
"""What fails the run only where this setting is on."""


def headline(document: Outlined) -> list[tuple[str, str]]:
    """The counts, each with its style: `3 within budget`, `2 OVER BUDGET`, `1 NEW (--require-baseline)`, ..."""
    counter = count_verdicts(document.cases)  # an older document does not say
    skipped, errors = len(document.skipped), len(document.errors)
    strict = failing(document)
    parts = [
        (f"{counter[each]} {wording.word(each, strict)}{_by(each, strict)}", wording.style(each, strict))
        for each in _ORDER
        if each in counter
    ]
    if not parts:
        parts.append(("no cases measured", wording.UNDECIDED))
    if skipped:
        parts.append((f"{skipped} skipped", wording.UNDECIDED))
    if errors:
        parts.append((f"{errors} ERROR{'S' if errors > 1 else ''}", wording.BAD))
    if document.interrupted:
        parts.append(("INTERRUPTED before the last case", wording.BAD))
    return parts


def failing(document: Outlined) -> frozenset[Verdict]:
    """The verdicts that fail this run only because an option asks for that."""
    return frozenset(each for each, name in _STRICT.items() if is_on(document, name))


def _by(verdict: Verdict, strict: frozenset[Verdict]) -> str:
    """The option that makes a verdict fail; "" of one that does so itself, or does not."""
    return f" (--{_STRICT[verdict]})" if verdict in strict else ""


def is_on(document: Outlined, name: str) -> bool:
    """Whether a setting that is on or off was on in the run."""
    return any(each.name == name and each.value is True for each in document.settings)
