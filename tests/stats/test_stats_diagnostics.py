"""Warnings about the order of figures: raised where it matters, silent where it is chance."""

from __future__ import annotations

import numpy as np
import pytest
from false_alarm_rates import seeded
from null_worlds import autoregressive

from pytest_inferbench.stats.diagnostics import drift, history_notes, lag1, round_shift

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


def test_a_round_that_warms_up_is_found():
    """A first half 10 % slower than the second is a finding with its size; chance is not."""
    rng = seeded("round")
    steady = 40 * np.exp(0.05 * rng.standard_normal(200))
    warming = np.where(np.arange(200) < 100, 1.1, 1.0) * steady
    assert round_shift(steady.tolist(), 0.05) is None
    found = round_shift(warming.tolist(), 0.05)
    assert found.code == "round_shift"
    assert "-" in found.message


def test_a_certain_but_small_shift_is_no_finding():
    """Half the margin is the least that is reported, and 40 requests the fewest that are looked at."""
    figures = [40.0 + 0.001 * i for i in range(100)]
    assert round_shift(figures, 0.05) is None
    assert round_shift([10.0] * 19 + [20.0] * 19 + [0.0, float("nan")], 0.05) is None


def test_a_step_without_noise_is_a_finding():
    """Halves that are constant each and differ by a fifth are found."""
    assert round_shift([10.0] * 20 + [12.0] * 20, 0.05) is not None
