"""Pairs of an error rate: when they decide, and how often looking after each cries wolf."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_inferbench.stats.count_pairs import judge_count_pairs
from pytest_inferbench.stats.counts import Count
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.verdict import Verdict
from stats.count_rates import REQUESTS, STEP, Clumps, draw_counts
from stats.false_alarm_rates import seeded

LOOKS = Looks(5, 12)


def pairs(count, a, b, issued=200):
    return [(Count(a, issued), Count(b, issued))] * count


def test_pairs_are_judged_from_the_fewest_on():
    """Four pairs want a fifth; none with counts is INVALID."""
    found = judge_count_pairs(pairs(4, 0, 20), Rule(), STEP, looks=LOOKS)
    assert (found.verdict, found.needed, found.wants_more) == (Verdict.INCONCLUSIVE, 1, True)
    assert judge_count_pairs([(None, None)], Rule(), STEP, looks=LOOKS).verdict is Verdict.INVALID


def test_what_is_decided_wants_no_more_pairs():
    """A regression and an improvement stand; an OK whose difference may yet be one is worth another pair."""
    worse, better = (judge_count_pairs(pairs(5, *ab), Rule(), STEP, looks=LOOKS) for ab in ((0, 20), (20, 0)))
    assert (worse.verdict, worse.wants_more, worse.screened) == (Verdict.REGRESSED, False, True)
    assert (better.verdict, better.wants_more, better.screened) == (Verdict.IMPROVED, False, False)
    same = judge_count_pairs(pairs(5, 4, 4, 400), Rule(), STEP, looks=LOOKS)
    assert (same.verdict, same.wants_more) == (Verdict.OK, False)
    near = judge_count_pairs(pairs(5, 4, 9, 400), Rule(gates=20), STEP, looks=LOOKS)
    assert (near.verdict, near.wants_more) == (Verdict.OK, True)
    assert not judge_count_pairs(pairs(12, 4, 8, 400), Rule(gates=20), STEP, looks=LOOKS).wants_more


def test_pairs_of_counts_are_told_in_numbers():
    """Both arms' failures, what they differ by, and how many pairs were left out."""
    found = judge_count_pairs([*pairs(6, 1, 3), (Count(1, 200), None)], Rule(), STEP, looks=LOOKS)
    assert [note.code for note in found.notes] == ["unusable_pairs", "counts"]
    assert found.notes[0].message == "1 of 7 pairs have no count in one arm"
    assert found.notes[1].message == ("18 of 1200 requests of B failed, 6 of 1200 of A: +1.0 percentage points")
    assert (found.n, found.k, found.baseline, found.now) == (6, 1, 0.005, 0.015)


def test_few_requests_want_more_pairs():
    """Five pairs of 20 requests cannot show a rise by 10 points among twenty gates; twelve say so and end."""
    found = judge_count_pairs(pairs(5, 0, 0, 20), Rule(gates=20), STEP, looks=LOOKS)
    assert (found.verdict, found.wants_more) == (Verdict.INCONCLUSIVE, True)
    assert found.remedy == "more requests a session would decide (10 % is asked for)"
    assert not judge_count_pairs(pairs(12, 0, 0, 20), Rule(gates=20), STEP, looks=LOOKS).wants_more


def test_clumps_in_both_arms_are_no_difference():
    """Forty failures of one server among none elsewhere are its clump, not its version's."""
    calm = [(Count(0, 200), Count(0, 200))] * 4
    found = judge_count_pairs([*calm, (Count(0, 200), Count(40, 200))], Rule(), STEP, looks=LOOKS)
    assert found.verdict is not Verdict.REGRESSED
    assert judge_count_pairs(pairs(5, 0, 8), Rule(), STEP, looks=LOOKS).verdict is Verdict.REGRESSED


@pytest.mark.parametrize(("correlation", "gates"), [(0.0, 1), (0.01, 1), (0.01, 20)])
def test_looking_after_each_pair_keeps_the_level(correlation, gates):
    """Arms that are alike differ at any look in at most 5 of 100 runs, 20 gates together."""
    draws = 60 if gates > 1 else 300
    rng = seeded("count pairs", correlation, gates)
    a, b = draw_counts(Clumps(correlation, 0.0), rng, (draws, gates), 12, 12)
    alarms = np.zeros((draws, gates), dtype=bool)
    for place in np.ndindex(draws, gates):
        both = [(Count(int(x), REQUESTS), Count(int(y), REQUESTS)) for x, y in zip(a[place], b[place], strict=True)]
        for n in (5, 8, 12):
            found = judge_count_pairs(both[:n], Rule(gates=gates), STEP, looks=LOOKS)
            alarms[place] |= found.verdict is Verdict.REGRESSED
    assert alarms.any(axis=-1).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
