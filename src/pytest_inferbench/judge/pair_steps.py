"""Pairs: two arms measured in turn, each time on a fresh server, until every case is decided.

Idea: the order within a pair is drawn in blocks of two pairs (one AB, one BA, in random order), so that a machine that
warms up or is loaded more and more favours neither arm, and nobody can tell which comes next.
Limits: pure; randomness is an argument. A pair is always finished: looks are between pairs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from pytest_inferbench.judge.step import Done, Measure, Start, Step
from pytest_inferbench.stats.sequential import Looks

A: Final = "a"
B: Final = "b"
_BLOCK: Final = ((A, B), (B, A))


@dataclass(frozen=True, slots=True)
class PairPlan:
    """What is fixed before the first pair.

    Attributes:
        cases: what is measured on each start, in order.
        order: for each pair up to the most, its arms in the order they are started.
        looks: from which pair on, and up to which, there is a look.
    """

    cases: tuple[str, ...]
    order: tuple[tuple[str, str], ...]
    looks: Looks


def plan_pairs(cases: tuple[str, ...], looks: Looks, rng: random.Random) -> PairPlan:
    """Draw the order of a plan."""
    order: list[tuple[str, str]] = []
    while len(order) < looks.most:
        order += rng.sample(_BLOCK, 2)
    return PairPlan(cases, tuple(order[: looks.most]), looks)


def pairs_done(plan: PairPlan, taken: int) -> int:
    """How many pairs are complete after so many steps."""
    return taken // _steps_of_a_pair(plan)


def next_step(plan: PairPlan, taken: int, *, undecided: bool) -> Step:
    """The step after `taken` others.

    Args:
        plan: the plan.
        taken: steps carried out, starts and measurements alike.
        undecided: whether any case wants another pair; asked between pairs.
    """
    pair, within = divmod(taken, _steps_of_a_pair(plan))
    if not plan.cases or pair >= plan.looks.most or (not within and pair >= plan.looks.fewest and not undecided):
        return Done()
    arm, place = divmod(within, 1 + len(plan.cases))
    return Measure(plan.cases[place - 1]) if place else Start(plan.order[pair][arm])


def _steps_of_a_pair(plan: PairPlan) -> int:
    return 2 * (1 + len(plan.cases))
