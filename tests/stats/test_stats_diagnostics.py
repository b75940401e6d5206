"""Warnings about the order of figures: raised where it matters, silent where it is chance."""

from __future__ import annotations

import numpy as np
import pytest
from false_alarm_rates import seeded
from null_worlds import autoregressive

from pytest_inferbench.stats.diagnostics import drift, history_notes, lag1

DRAWS = 1000


def share(histories: np.ndarray, code: str) -> float:
    return float(np.mean([code in {note.code for note in history_notes(history)} for history in histories]))


@pytest.mark.parametrize("n", [8, 20])
def test_independent_sessions_are_rarely_warned_about(n):
    """At most 3 histories in 100 get a warning without cause."""
    histories = 0.02 * seeded("independent", n).standard_normal((DRAWS, n))
    assert np.mean([bool(history_notes(history)) for history in histories]) <= 0.03


def test_a_drift_of_three_sds_is_found_and_said():
    """A history that gets worse by 12 % over 20 sessions of 2 % noise is named with its size."""
    histories = 0.02 * seeded("drift").standard_normal((50, 20)) + np.linspace(0, np.log(1.12), 20)
    assert share(histories, "drift") > 0.95
    message = history_notes(histories[0])[0].message
    assert "worse" in message
    assert "%" in message


def test_days_that_resemble_each_other_are_found():
    """Sessions correlated .8 from day to day get a warning more often than not."""
    series = autoregressive(0.02 * seeded("correlated").standard_normal((200, 20)), 0.8)
    assert share(series, "history_correlated") + share(series, "drift") > 0.5


def test_short_or_constant_histories_say_nothing():
    """Seven sessions cannot tell, and a figure that never moves has no order."""
    assert history_notes(np.arange(7.0)) == ()
    assert history_notes(np.full(20, np.log(40.0))) == ()
    assert np.isnan(lag1(np.zeros(9)))
    assert drift(np.arange(9.0))[1] > 100
