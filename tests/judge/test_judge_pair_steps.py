"""Pairs as a pure machine: fresh arms in a random, balanced order, and an end."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.judge.pair_steps import next_step, pairs_done, plan_pairs
from pytest_inferbench.judge.step import Done, Measure, Start
from pytest_inferbench.stats.sequential import Looks

LOOKS = Looks(5, 12)


def carried_out(plan, decided_after):
    """The steps of a plan whose cases are all decided after so many pairs."""
    steps = []
    while True:
        undecided = pairs_done(plan, len(steps)) < decided_after
        step = next_step(plan, len(steps), undecided=undecided)
        if isinstance(step, Done):
            return steps
        steps.append(step)


@given(st.integers(0, 14), st.integers(0, 1000))
def test_pairs_end_when_decided_within_the_plan(decided_after, seed):
    """Never fewer pairs than the fewest nor more than the most; in between it ends when all is decided."""
    plan = plan_pairs(("x", "y"), LOOKS, random.Random(seed))
    steps = carried_out(plan, decided_after)
    assert pairs_done(plan, len(steps)) == min(12, max(5, decided_after))
    assert len(steps) % 6 == 0, "a pair is always finished"


@given(st.integers(0, 1000))
def test_every_start_measures_every_case(seed):
    """Each start is followed by all cases in order, and each pair has both arms once."""
    steps = carried_out(plan_pairs(("x", "y"), LOOKS, random.Random(seed)), 12)
    arms = [step.arm for step in steps if isinstance(step, Start)]
    assert steps == [part for arm in arms for part in (Start(arm), Measure("x"), Measure("y"))]
    assert all({*pair} == {"a", "b"} for pair in zip(arms[::2], arms[1::2], strict=True))


@given(st.integers(0, 1000))
def test_the_order_is_balanced_and_drawn(seed):
    """Of every two pairs one begins with either arm; the draw is the seed's."""
    order = plan_pairs(("x",), LOOKS, random.Random(seed)).order
    assert all({first[0], second[0]} == {"a", "b"} for first, second in zip(order[::2], order[1::2], strict=True))
    assert order == plan_pairs(("x",), LOOKS, random.Random(seed)).order


def test_the_order_differs_between_seeds():
    """Nobody can tell in advance which arm comes first."""
    assert len({plan_pairs(("x",), LOOKS, random.Random(seed)).order for seed in range(40)}) > 20


def test_without_cases_nothing_is_started():
    """A cell whose tests recorded nothing starts no server."""
    assert next_step(plan_pairs((), LOOKS, random.Random(0)), 0, undecided=True) == Done()
