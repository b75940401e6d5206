"""The shipped rule itself, fed what it must not be fed, is caught by the same harness."""

from __future__ import annotations

import math

from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.two_stage import hurdles, is_called
from stats.false_alarm_rates import ALPHA, DRAWS, regressions, seeded, spreads
from stats.null_worlds import World, draw

SD = 0.04


def test_rounds_fed_as_sessions_fail():
    """Eight rounds of one session in the place of eight sessions: false alarms far beyond the level."""
    rng = seeded("rounds as sessions")
    session = SD * rng.standard_normal((DRAWS, 20, 2, 1))
    rounds = session + SD / 4 * rng.standard_normal((DRAWS, 20, 2, 8))
    history, now = rounds[..., 0, :], rounds[..., 1, :2]
    assert regressions(history, now, Rule(gates=20)).any(axis=-1).mean() > 0.5


def test_the_level_without_the_number_of_gates_fails():
    """Twenty gates each judged at alpha instead of alpha / m exceed the family-wise level."""
    rng = seeded("no bonferroni")
    history, now = draw(World("plain"), rng, (DRAWS, 20), 8, 2, SD)
    assert regressions(history, now, Rule(gates=1)).any(axis=-1).mean() > 3 * ALPHA


def test_a_spread_that_is_not_moderated_fails_or_sees_nothing():
    """Two sessions' own SD at alpha / m sees no change of 20 %, which the moderated spread mostly sees."""
    rng = seeded("not moderated")
    history, now = draw(World("plain"), rng, (DRAWS, 20), 2, 2, 0.02)
    rule = Rule(gates=20)
    away = now - history.mean(axis=-1, keepdims=True) + math.log1p(0.20)
    own = is_called(away, hurdles(history.std(axis=-1, ddof=1), 1.0, 2, away, rule)).mean()
    _, sd, df = spreads(history)
    pooled = is_called(away, hurdles(sd, df, 2, away, rule)).mean()
    assert own < 0.1
    assert pooled > 0.7


def test_a_confirmation_taken_for_independent_fails_where_days_are_shared():
    """With c taken as 0 where a day's sessions share all their variance, the level is exceeded threefold."""
    rng = seeded("independent confirmation")
    history, now = draw(World("shared", share=1.0), rng, (DRAWS, 20), 8, 2, SD)
    assert regressions(history, now, Rule(gates=20, shared=0.0)).any(axis=-1).mean() > 3 * ALPHA
