"""Confirmation: what looked like a regression is measured again, all of a cell's such cases on one fresh server.

Idea: the second sessions of a cell share a start, and a third one is on yet another server.
Limits: pure. Whether a case wants another session is its judgement's to say (`Comparison.wants_more`), not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.judge.step import Done, Measure, Start, Step

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How far a cell's confirmation has come.

    Attributes:
        sessions: how often each case has been measured, its test's own time included; in the order of the tests.
        wants: the cases that want one more session.
        servers: fresh servers started so far.
    """

    sessions: Mapping[str, int]
    wants: frozenset[str]
    servers: int = 0


def next_step(state: Confirmation) -> Step:
    """The next step: cases with the fewest sessions first, each further session on a further server."""
    waiting = [case for case in state.sessions if case in state.wants]
    if not waiting:
        return Done()
    fewest = min(state.sessions[case] for case in waiting)
    if state.servers < fewest:
        return Start()
    return Measure(next(case for case in waiting if state.sessions[case] == fewest))
