"""What waits, what opens a level, and what a history hides no more: single nights and long runs of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from benchmarks.perf.proof.stories import Story, red_nights, told

from pytest_inferbench.stats.comparison import Record
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import Prior
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.standing import Before, stand
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import seeded

UNSURE = Prior(sd=0.012, df=2.0, pooled=3)
LOWER, PRIOR, RULE = Direction.LOWER, Prior(sd=0.01, df=3.0, pooled=20), Rule(gates=20)
LEVELS = (40.0, 40.4, 39.8, 40.1, 39.9, 40.3, 39.7, 40.2)


def past(*values: float, **fields) -> list[Past]:
    return [Past(value, day=number, **fields) for number, value in enumerate(values)]


def codes(found) -> list[str]:
    return [note.code for note in found.notes]


def test_what_is_repeated_and_not_called_waits():
    """One accepted session cannot prove +20 %; the session does not join, and the report says so."""
    found = judge([48.0, 47.8], read_history(past(40.0), LOWER, 20), RULE, UNSURE)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.record is Record.WORSE
    assert "waits" in codes(found)
    assert judge([40.2], read_history(past(40.0), LOWER, 20), RULE, PRIOR).record is Record.JOINS
    better = judge([33.0, 33.2], read_history(past(40.0), LOWER, 20), RULE, UNSURE)
    assert better.record is Record.BETTER


def test_a_session_that_waits_moves_no_level_and_counts_for_the_scatter():
    """The location is that of the others; the variance has its distance, and without it for the days to come."""
    waits = [*past(40.0, 40.4), Past(48.0, day=2, aside=1)]
    found = read_history(waits, LOWER, 20)
    assert (found.n, found.worth) == (2, pytest.approx(2))
    assert found.location == pytest.approx(np.log([40.0, 40.4]).mean())
    assert found.variance == pytest.approx(np.log([40.0, 40.4, 48.0]).var(ddof=1))
    assert found.waiting.variance == pytest.approx(np.log([40.0, 40.4]).var(ddof=1))
    assert found.waiting.distance == pytest.approx(math.log(48.0) - found.location)
    # Once a further day does not screen it joins, and counts like any other.
    joined = read_history([*waits, Past(40.2, day=3)], LOWER, 20)
    assert (joined.n, joined.waiting) == (4, None)


def test_the_third_day_in_a_row_decides():
    """Two days wait; the third is judged with them, and regresses where one day alone cannot."""
    two = [Past(40.0, day=0), Past(48.0, day=1, aside=1), Past(48.4, day=2, aside=1)]
    third = judge([47.9, 48.1], read_history(two, LOWER, 20), RULE, UNSURE)
    assert third.verdict is Verdict.REGRESSED
    assert third.together == 3
    assert "together" in codes(third)
    second = judge([47.9, 48.1], read_history(two[:2], LOWER, 20), RULE, UNSURE)
    assert (second.verdict, second.record) == (Verdict.INCONCLUSIVE, Record.WORSE)
    # Two sessions of one day are one day.
    afternoon = [two[0], two[1], Past(48.4, day=1, aside=1)]
    assert judge([47.9, 48.1], read_history(afternoon, LOWER, 20), RULE, UNSURE).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("far", "together"), [(0.3, 0), (0.6, 3)])
def test_three_days_are_called_only_beyond_what_three_days_could_be_by_chance(far, together):
    """Each of them screens and is repeated; their mean over the days has a hurdle of its own, in both directions."""
    for way in (1, -1):
        before = Before(1.0, 0.05, 3.0, 0.05, 3.0, waiting=way * 2 * far, days=2)
        found = stand(np.asarray([way * far, way * far]), before, RULE)
        assert (bool(found.screened), int(found.together)) == (True, together)
        assert bool(found.regressed if way > 0 else found.improved) is (together > 0)
        assert int(found.aside) == (0 if together else way)
    mixed = Before(1.0, 0.05, 3.0, 0.05, 3.0, waiting=-2 * far, days=2)
    assert int(stand(np.asarray([far, far]), mixed, RULE).together) == 0, "the days before looked the other way"


def test_days_below_the_level_open_one_where_no_fresh_server_can_be_had():
    """An improvement seen once is said and opens nothing; the third day in a row opens a level of its own."""
    once = Rule(gates=20, confirmations=0)
    first = judge([32.0], read_history(past(*LEVELS), LOWER, 20), once, PRIOR)
    assert (first.verdict, first.record) == (Verdict.IMPROVED, Record.BETTER)
    two = [*past(*LEVELS), Past(32.0, day=10, aside=-1), Past(32.3, day=11, aside=-1)]
    third = judge([32.1], read_history(two, LOWER, 20), once, PRIOR)
    assert (third.verdict, third.record, third.together) == (Verdict.IMPROVED, Record.OPENS, 3)


def on_trial(*values: float) -> list[Past]:
    """Eight sessions at 40, then those of a level that an improvement opened."""
    later = [
        Past(value, 2, day=20 + number, improved="2025-01-21", aside=1 if value > 36 else 0)
        for number, value in enumerate(values)
    ]
    return [*past(*LEVELS, segment=1), *later]


def test_an_improvement_on_trial_may_be_gone():
    """Back at the old level after one fast night is no regression yet, and says which improvement is in doubt."""
    found = judge([40.1, 40.0], read_history(on_trial(32.0), LOWER, 20), RULE, PRIOR)
    assert (found.verdict, found.record) == (Verdict.INCONCLUSIVE, Record.WORSE)
    assert "the improvement of 2025-01-21 may be gone" in found.notes[-2].message
    worse = judge([48.1, 48.0], read_history(on_trial(32.0), LOWER, 20), RULE, PRIOR)
    assert worse.verdict is Verdict.REGRESSED, "beyond the old level too"


def test_three_days_back_take_the_old_level_up_again():
    """On the third day at the old level the improvement did not last: no failure, and the old level holds again."""
    found = judge([40.1, 40.0], read_history(on_trial(32.0, 40.2, 39.9), LOWER, 20), RULE, PRIOR)
    assert (found.verdict, found.record) == (Verdict.INCONCLUSIVE, Record.RETURNS)
    assert "did not last" in found.notes[-1].message


def test_the_return_from_a_proven_improvement_is_a_regression():
    """After four fast nights the old level is 25 % worse than what users had yesterday."""
    found = judge([40.1, 40.0], read_history(on_trial(32.0, 32.2, 31.9, 32.1), LOWER, 20), RULE, PRIOR)
    assert found.verdict is Verdict.REGRESSED
    # The session that opened the level was chosen for its luck, and does not make it.
    assert found.baseline == pytest.approx(np.exp(np.log([32.2, 31.9, 32.1]).mean()))


def test_a_level_on_trial_whose_forerunner_is_forgotten_is_judged_on_its_own():
    """Where the window no longer reaches the level before the improvement, there is none to go back to."""
    history = read_history(on_trial(32.0, 32.1), LOWER, 2)
    assert (history.n, history.earlier) == (2, None)
    assert judge([40.1, 40.0], history, RULE, PRIOR).verdict is Verdict.REGRESSED


def test_the_level_before_the_one_on_trial_is_that_of_its_own_segment():
    """Not of those before it; its distance and what it is worth."""
    before = [*past(60.0, 61.0, segment=0), *on_trial(32.0)]
    found = read_history(before, LOWER, 20).earlier
    assert found.since == "2025-01-21"
    assert found.shift == pytest.approx(np.log(LEVELS).mean() - math.log(32.0))
    assert found.worth == pytest.approx(len(LEVELS))


def test_sessions_wait_in_one_direction_and_never_all():
    """The last ones that look the same way wait; one of the other way, and one that looks like the level, end it."""
    two = [Past(48.0, day=8, aside=1), Past(48.2, day=9, aside=1)]
    assert read_history([*past(*LEVELS), *two], LOWER, 20).waiting.days == 2
    other = [Past(33.0, day=8, aside=-1), two[1]]
    assert read_history([*past(*LEVELS), *other], LOWER, 20).waiting.days == 1
    ended = [two[0], Past(40.0, day=9), Past(48.2, day=10, aside=1)]
    assert read_history([*past(*LEVELS), *ended], LOWER, 20).waiting.days == 1
    first = read_history([Past(48.0, day=0, aside=1), Past(48.2, day=1, aside=1)], LOWER, 20)
    assert (first.n, first.waiting.days) == (1, 1)
    assert read_history([Past(48.0, day=0, aside=1)], LOWER, 20).waiting is None


def test_two_waiting_sessions_of_one_day_are_one_day_s_distance():
    """Each waiting day counts with the mean of its sessions."""
    waiting = [Past(48.0, day=8, aside=1), Past(50.0, day=8, aside=1), Past(47.0, day=9, aside=1)]
    found = read_history([*past(*LEVELS), *waiting], LOWER, 20)
    days = [math.log(48.0 * 50.0) / 2 - found.location, math.log(47.0) - found.location]
    assert (found.waiting.days, found.waiting.distance) == (2, pytest.approx(sum(days)))


def test_arrays_and_single_gates_stand_alike():
    """Gate by gate, `stand` says what it says of all of them at once."""
    rng = seeded("standing")
    away = rng.normal(0, 0.15, (200, 2))
    before = Before(
        rng.integers(1, 9, 200),
        rng.uniform(0.005, 0.04, 200),
        rng.uniform(2, 20, 200),
        rng.uniform(0.005, 0.03, 200),
        rng.uniform(2, 20, 200),
        rng.normal(0, 0.1, 200),
        rng.integers(0, 4, 200),
        np.where(rng.random(200) < 0.5, math.nan, rng.normal(0.1, 0.05, 200)),
        rng.integers(1, 9, 200),
    )
    together = stand(away, before, RULE)
    fields = [np.broadcast_to(getattr(before, name), 200) for name in Before.__slots__]
    for gate in range(200):
        alone = stand(away[gate], Before(*(each[gate] for each in fields)), RULE)
        for name in ("regressed", "improved", "gone", "opens", "returns", "aside", "together", "screened"):
            assert getattr(alone, name) == getattr(together, name)[gate], name
    assert 10 < together.regressed.sum() < 190
    assert (together.aside != 0).any()


@pytest.mark.parametrize(("gates", "sd"), [(21, 0.028), (3, 0.028)])
def test_nights_without_a_change_are_red_as_rarely_at_the_end_as_at_the_start(gates, sd):
    """Over 60 nights of recording at most .06 are red, and those of the last 20 no more than of any."""
    red = red_nights(gates, sd, runs=160)
    error = math.sqrt(0.06 * 0.94 / (160 * 20))
    assert red.mean() <= 0.06
    assert red[40:].mean() <= 0.06 + 3 * error
    assert red.mean() > 0.002, "the harness calls at all"


@pytest.mark.parametrize(
    ("story", "least"),
    [
        (Story("20 % faster for four nights, and back", first=8, change=-0.2, nights=4), 0.95),
        (Story("20 % faster for ten nights, and back", first=8, change=-0.2, nights=10), 0.95),
        (Story("+20 % from the second session on", first=1, change=0.2, nights=3), 0.9),
        (Story("+20 % from the fourth session on", first=3, change=0.2, nights=3), 0.95),
    ],
)
def test_what_the_history_hid_is_called(story, least):
    """Within three nights, at a noise of 2.8 % among 21 gates."""
    assert told(story, gates=21, sd=0.028, runs=60).within_three >= least
