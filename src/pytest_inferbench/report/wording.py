"""Verdicts in words and colours.

Law: a reader without colours must see what is bad, so a verdict that makes a test fail or error is in capitals and
every other one is in small letters.
"""

from __future__ import annotations

from pytest_inferbench.stats.verdict import Verdict

BAD = "bold red"
UNDECIDED = "yellow"
GOOD = "green"
QUIET = "dim"
HEADING = "bold"

_FAILING = frozenset({Verdict.INVALID, Verdict.OVER_BUDGET, Verdict.REGRESSED})
_OPEN = frozenset({Verdict.INCONCLUSIVE, Verdict.NEW})


def word(verdict: Verdict) -> str:
    """`OVER BUDGET`, `within budget`."""
    return verdict.label if verdict in _FAILING else verdict.label.lower()


def style(verdict: Verdict) -> str:
    """The rich style of a verdict."""
    if verdict in _FAILING:
        return BAD
    return UNDECIDED if verdict in _OPEN else GOOD
