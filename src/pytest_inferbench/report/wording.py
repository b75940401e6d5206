"""Verdicts in words and colours.

Limits: a reader without colours must see what is bad, so a verdict that makes a test fail or error is in capitals and
every other one is in small letters. What fails only because the run's options ask for that is `strict`.
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


def word(verdict: Verdict, strict: frozenset[Verdict] = frozenset()) -> str:
    """`OVER BUDGET`, `within budget`."""
    return verdict.label if verdict in _FAILING or verdict in strict else verdict.label.lower()


def style(verdict: Verdict, strict: frozenset[Verdict] = frozenset()) -> str:
    """The rich style of a verdict."""
    if verdict in _FAILING or verdict in strict:
        return BAD
    return UNDECIDED if verdict in _OPEN else GOOD
