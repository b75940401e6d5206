"""How many more would decide, and which rate is seen: what halving finds is what a look at every number finds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.stats.count_power import Stage, counts_needed, detectable_rate, least_called, rate_seen
from pytest_inferbench.stats.count_test import LEAST_EVENTS, PastCounts, least_change, worse
from pytest_inferbench.stats.detectable import detectable, sessions_needed
from pytest_inferbench.stats.distributions import negative_binomial_tail
from pytest_inferbench.stats.moderation import Spread
from pytest_inferbench.stats.paired import pair_level, pairs_detect, pairs_needed
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sequential import Looks

STEP = 0.01
PAST = PastCounts(4.0, 1600.0, 1.5, 9.5)
LOOKS = Looks(5, 12)


@pytest.mark.parametrize("sd", [0.02, 0.05, 0.06, 0.07, 0.15])
@pytest.mark.parametrize("n", [1.0, 2.6, 19.0, 20.0])
def test_the_sessions_that_are_needed_are_the_fewest_that_do(sd, n):
    """Each further session within the window brings a degree of freedom and a day; None where all are not enough."""
    rule = Rule(gates=20)
    enough = [
        more
        for more in range(1, rule.window - math.floor(n) + 1)
        if detectable(sd, 4.0 + more, n + more, rule) <= math.log1p(rule.resolve)
    ]
    assert sessions_needed(sd, 4.0, n, rule) == (enough[0] if enough else None)


@pytest.mark.parametrize("sd", [0.02, 0.05, 0.1, 0.2, 0.23, 0.24, 0.25, 0.26, 0.28, 0.5])
def test_the_pairs_that_are_needed_are_the_fewest_up_to_64_in_all(sd):
    """Beyond the plan a pair is judged as its last look; what needs more than 64 pairs is not promised."""
    rule, spread, n = Rule(gates=20), Spread(sd, 9.0, sd, 4.0, None), 5
    enough = [
        total - n
        for total in range(n + 1, 65)
        if pairs_detect(sd, 9.0 + total - n, total, pair_level(total, rule, LOOKS, 5.0), rule)
        <= math.log1p(rule.resolve)
    ]
    assert pairs_needed(spread, n, rule, LOOKS) == (enough[0] if enough else None)


def test_the_64th_pair_is_still_promised_and_the_65th_is_not():
    """The resolve that exactly so many pairs reach is promised; one that is a hair smaller is not."""
    spread = Spread(0.3, 9.0, 0.3, 4.0, None)
    rule = Rule()
    last = pairs_detect(0.3, 9.0 + 64 - 5, 64, pair_level(64, rule, LOOKS, 5.0), rule)
    assert pairs_needed(spread, 5, replace(rule, resolve=math.expm1(last) + 1e-9), LOOKS) == 59
    assert pairs_needed(spread, 5, replace(rule, resolve=math.expm1(last) - 1e-9), LOOKS) is None


@pytest.mark.parametrize("rule", [Rule(), Rule(gates=20), Rule(strict=True, margin=0.5)])
@pytest.mark.parametrize("trials", [1, 20, 200])
@pytest.mark.parametrize("k", [1, 2])
def test_the_fewest_events_that_are_called(rule, trials, k):
    """Three at least, beyond the step and beyond chance; one more than there are requests where none is enough."""
    far = (PAST.rate + least_change(PAST, rule, STEP)) * trials
    enough = [
        events
        for events in range(LEAST_EVENTS, trials + 1)
        if events >= far and worse(events, trials, k, PAST, rule.alpha_each, rule)
    ]
    assert least_called(trials, k, PAST, rule.alpha_each, rule, STEP) == (enough[0] if enough else trials + 1)


@pytest.mark.parametrize(
    "past", [PAST, PastCounts(0.0, 40.0, 2.0, 6.0), PastCounts(0.0, 100.0, 2.0, 6.0), PastCounts(60.0, 600.0, 3.0, 8.0)]
)
@pytest.mark.parametrize("resolve", [0.05, 0.1, 0.15, 0.2, 0.3])
def test_the_sessions_that_counts_need_are_the_fewest_that_do(past, resolve):
    """As many like those accepted, up to the window; None where even a full one does not see the rate."""
    rule, trials, n = Rule(gates=20, window=12), 60, 3

    def seen(total):
        grown = replace(past, events=past.events * total / n, trials=past.trials * total / n)
        return detectable_rate(trials, grown, rule, STEP)

    enough = [total - n for total in range(n + 1, 13) if (rate := seen(total)) is not None and rate <= resolve]
    assert counts_needed(trials, n, past, rule, STEP, resolve) == (enough[0] if enough else None)


@pytest.mark.parametrize("confirmations", [0, 1, 2])
def test_a_rate_is_seen_where_every_stage_lets_it_pass(confirmations):
    """The screen, all sessions together with what their day shares, and the last one's step where there is more."""
    rule, trials, k = Rule(gates=20, confirmations=confirmations), 200, 1 + confirmations
    far = float(PAST.rate + least_change(PAST, rule, STEP))
    stages = [
        Stage(least_called(trials, 1, PAST, rule.alpha_screen, rule, STEP), trials, 1.5),
        Stage(
            least_called(k * trials, k, PAST, rule.alpha_each, rule, STEP),
            k * trials,
            1 + 0.5 * (1 + confirmations * rule.shared),
        ),
        Stage(math.ceil(far * trials), trials, 1.5),
    ]
    assert detectable_rate(trials, PAST, rule, STEP) == rate_seen(stages if k > 1 else stages[:2], float(PAST.rate))


@settings(derandomize=True, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(60, 400), st.floats(1.05, 4.0)), min_size=1, max_size=3),
    st.floats(0.0, 0.3),
)
def test_the_rate_that_is_seen_is_missed_by_a_fifth(stages, before):
    """Where the chances to miss it come to 20 % together; at any smaller rate they are more, and None where none is."""
    found = rate_seen([Stage(*stage) for stage in stages], before)

    def missed(rate):
        return sum(
            1 - float(negative_binomial_tail(least, rate * trials, rate * trials / (factor - 1)))
            for least, trials, factor in stages
        )

    if found is None:
        assert missed(1.0) > 0.2
    else:
        assert before <= found <= 1
        assert missed(found) <= 0.2
        assert found - before < 1e-6 or missed(found - 1e-6) > 0.2


def test_a_rate_of_one_may_not_be_enough_to_be_seen():
    """All ten of ten are wanted where counts clump: every second time even a server that always fails has fewer."""
    assert rate_seen([Stage(10, 10, 2.0)], 0.1) is None
    assert rate_seen([Stage(11, 10, 1.0)], 0.1) is None
    assert rate_seen([Stage(3, 10, 2.0)], 0.1) is not None
