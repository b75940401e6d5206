"""Days: what sessions of one day are worth, against the model that they are drawn from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.days import days_of, plan
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import seeded

START = datetime(2025, 1, 1, 10, tzinfo=UTC)


def at(*hours: float) -> list[datetime]:
    return [START + timedelta(hours=each) for each in hours]


@pytest.mark.parametrize(
    ("hours", "days"),
    [
        ((0, 1, 2), (0, 0, 0)),
        ((0, 11.9, 12, 24), (0, 0, 1, 2)),
        ((24, 0, 48), (1, 0, 2)),
        ((0, 6, 12, 18), (0, 0, 1, 1)),
        ((), ()),
    ],
)
def test_sessions_less_than_twelve_hours_apart_are_one_day(hours, days):
    """A day lasts twelve hours from its first session, in whatever order they are given."""
    assert days_of(at(*hours)) == days


@given(st.lists(st.integers(0, 200), max_size=12))
def test_days_are_counted_in_order(hours):
    """A later session is never of an earlier day, and no day lasts twelve hours."""
    found = sorted(zip(at(*hours), days_of(at(*hours)), strict=True))
    assert [day for _, day in found] == sorted(day for _, day in found)
    for _, day in found:
        own = [moment for moment, each in found if each == day]
        assert max(own) - min(own) < timedelta(hours=12)


def test_sessions_on_days_of_their_own_are_what_they_were():
    """Then the level is their mean and the variance theirs, whatever c is."""
    logs = seeded("own days").standard_normal((5, 8))
    made = plan((1,) * 8, tuple(range(8)), (True,) * 8, 0.7, 0.2)
    assert (made.n, made.df) == (pytest.approx(8), 7)
    assert made.level(logs) == pytest.approx(logs.mean(axis=1))
    assert made.variance(logs) == pytest.approx(logs.var(axis=1, ddof=1))


def test_one_day_is_worth_little():
    """Eight sessions of an afternoon count as 1 / (c + (1 - c) / 8), and their scatter as that of the part 1 - c."""
    logs = seeded("one day").standard_normal((5, 8))
    made = plan((1,) * 8, (3,) * 8, (True,) * 8, 0.5, 0.0)
    assert made.n == pytest.approx(1 / (0.5 + 0.5 / 8))
    assert made.df == 7
    assert made.variance(logs) == pytest.approx(logs.var(axis=1, ddof=1) / 0.5)
    doubted = plan((1,) * 8, (3,) * 8, (True,) * 8, 0.5, 0.22)
    assert 3 < doubted.df < 6
    assert doubted.variance(logs) == pytest.approx(made.variance(logs))


@pytest.mark.parametrize("days", [(0, 0, 1, 1, 2, 3), (0, 1, 1, 1, 1, 2), (0,) * 6])
def test_level_and_variance_are_those_of_the_model(days):
    """Drawn from a day's part and a session's own, both come out right on average, and so does the level's variance."""
    rng, c = seeded("model", days), 0.6
    own = np.sqrt(1 - c) * rng.standard_normal((40000, len(days)))
    logs = own + np.sqrt(c) * rng.standard_normal((40000, 4))[:, list(days)]
    made = plan((1,) * len(days), days, (True,) * len(days), c, 0.0)
    assert made.variance(logs).mean() == pytest.approx(1, rel=0.03)
    assert made.level(logs).var() == pytest.approx(1 / made.n, rel=0.03)


def test_segments_scatter_within_themselves():
    """A step between segments is no scatter, and the level is the chosen sessions' alone."""
    logs = np.asarray([0.0, 0.1, 5.0, 5.2])
    made = plan((1, 1, 2, 2), (0, 1, 2, 3), (False, False, True, True), 0.5, 0.2)
    assert (made.level(logs), made.df) == (pytest.approx(5.1), 2)
    assert made.variance(logs) == pytest.approx((0.005 + 0.02) / 2)


def test_a_history_says_that_it_is_of_one_day():
    """Its note has the sessions and what they count as; a second day ends it, and another c changes what they count."""
    past = [Past(40.0 + 0.2 * (number % 3), day=0) for number in range(8)]
    found = read_history(past, Direction.LOWER, 20)
    assert (found.n, found.days) == (8, 1)
    assert [note.message for note in found.notes] == [
        "its 8 accepted sessions are of one day and count as 1.8; accept some of other days"
    ]
    assert found.under(Rule(shared=0.2)).worth == pytest.approx(1 / (0.2 + 0.8 / 8))
    assert read_history([*past, Past(40.1, day=1)], Direction.LOWER, 20).notes == ()
    assert read_history(past[:1], Direction.LOWER, 20).notes == ()
