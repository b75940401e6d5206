"""Warnings about the order of figures: raised where it matters, silent where it is chance."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_inferbench.stats.diagnostics import drift, order_notes, resemblance, step
from stats.false_alarm_rates import seeded
from stats.null_worlds import autoregressive

DRAWS = 1000


def share(cases: np.ndarray, code: str) -> float:
    return float(np.mean([code in {note.code for note in order_notes(list(gates))} for gates in cases]))


@pytest.mark.parametrize("common", [0.0, 0.9])
@pytest.mark.parametrize("n", [8, 20])
def test_independent_sessions_are_rarely_warned_about(n, common):
    """At most 3 cases in 100 get a warning without cause, however much their three gates move together."""
    rng = seeded("independent", n, common)
    own, together = rng.standard_normal((DRAWS, 3, n)), rng.standard_normal((DRAWS, 1, n))
    cases = 0.02 * (np.sqrt(1 - common) * own + np.sqrt(common) * together)
    assert np.mean([bool(order_notes(list(gates))) for gates in cases]) <= 0.03


def test_a_drift_of_three_sds_is_found_and_said():
    """A history that gets worse by 12 % over 20 sessions of 2 % noise is named with its size."""
    cases = 0.02 * seeded("drift").standard_normal((50, 3, 20)) + np.linspace(0, np.log(1.12), 20)
    assert share(cases, "drift") > 0.95
    message = order_notes(list(cases[0]))[0].message
    assert "worse" in message
    assert "%" in message


def test_days_that_resemble_each_other_are_found():
    """Sessions correlated .5 from day to day get a warning in most cases of six gates, and in few of one."""
    series = autoregressive(0.02 * seeded("correlated").standard_normal((200, 6, 20)), 0.5)
    assert share(series, "history_correlated") + share(series, "drift") > 0.6
    assert share(series[:, :1], "history_correlated") < 0.5


@pytest.mark.parametrize("n", [0, 1, 7])
def test_sessions_too_few_to_tell_an_order_say_nothing(n):
    """A gate that no accepted session has, as one that was just written down, is no reason to warn either."""
    assert order_notes([np.linspace(0.0, 5.0, n)]) == ()
    assert order_notes([]) == ()
    assert order_notes([np.linspace(0.0, 5.0, 8)]) != ()


def test_the_score_of_a_resemblance_is_exact():
    """Its mean and variance are those of all orders of the sessions, counted out for five of them."""
    from itertools import permutations  # noqa: PLC0415

    logs = seeded("orders").standard_normal((2, 5))
    found = [resemblance(logs[:, list(order)])[0] for order in permutations(range(5))]
    r, z = resemblance(logs)
    assert z == pytest.approx((r - np.mean(found)) / np.std(found))


def test_a_step_among_the_accepted_sessions_is_found_where_it_is():
    """Eight sessions at one level and eight at one 20 % below it are told apart; noise alone is not."""
    noise = 0.01 * seeded("step").standard_normal((200, 16))
    stepped = noise - np.log(1.2) * (np.arange(16) >= 8)
    found = [step(logs) for logs in stepped]
    assert all(each is not None and each[0] == 8 for each in found)
    assert found[0][1] == pytest.approx(-np.log(1.2), abs=0.02)
    assert np.mean([step(logs) is not None for logs in noise]) <= 0.03
    assert step(stepped[0][:7]) is None


def test_short_or_constant_histories_say_nothing():
    """Seven sessions cannot tell, and a figure that never moves has no order."""
    assert order_notes([np.arange(7.0)]) == ()
    assert order_notes([np.full(20, np.log(40.0))]) == ()
    assert order_notes([]) == ()
    assert np.isnan(resemblance(np.zeros((1, 9)))[1])
    assert drift(np.arange(9.0))[1] > 100


@pytest.mark.parametrize("n", [8, 9, 10, 20])
def test_sessions_that_are_equal_are_of_one_level(n):
    """What rounding leaves of their differences is no step, however sure it looks beside a scatter of nothing."""
    assert step(np.full(n, np.log(40.3))) is None
    assert step(np.full(n, np.log(40.3)) + 1e-9 * (np.arange(n) >= 4)) is None
