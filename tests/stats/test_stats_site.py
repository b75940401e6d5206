"""The A/A run: the site's own noise, its shared variance, and what comparisons there are worth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from false_alarm_rates import seeded

from pytest_inferbench.stats.moderation import OwnSpread, moderate, stated
from pytest_inferbench.stats.rule import ASSUMED_SHARED, Kind, Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.site import shared_variance, site_noise
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

PAIRS = 12
SESSION_SD, SHARE = 0.03, 0.5


def run(sessions=None, pairs: int = PAIRS):
    rng = seeded("aa", pairs)
    restart = SESSION_SD * math.sqrt(1 - SHARE)
    arms = 40 * np.exp(restart * rng.standard_normal((pairs, 2)))
    plan = Looks(PAIRS, PAIRS)
    return site_noise(
        [tuple(row) for row in arms.tolist()], Direction.LOWER, Rule(gates=20), looks=plan, sessions=sessions
    )


def test_an_aa_run_without_history_knows_the_restarts_only():
    """Restart SD, pairs' worth and false alarms are there; session SD, c and history are absent, not guessed."""
    found = run()
    assert found.comparison.verdict is Verdict.OK
    assert found.restart_sd == pytest.approx(SESSION_SD * math.sqrt(0.5), rel=0.4)
    assert (found.session_sd, found.shared, found.history) == (None, None, None)
    assert found.false_alarms_per_100 == pytest.approx(5.0)
    assert [n for n, _ in found.pairs] == [5, 8, 12, 20]


def test_with_history_it_measures_what_days_share():
    """Against a session SD of 3 % the shared variance is estimated with its interval and used in the outlook."""
    sessions = moderate(OwnSpread("a", Kind.TYPICAL, SESSION_SD**2, 19), stated(Kind.TYPICAL))
    found = run(sessions)
    assert found.session_sd == pytest.approx(SESSION_SD)
    assert found.shared.low < found.shared.estimate < found.shared.high
    assert found.shared.low <= SHARE <= found.shared.high
    changes = [change for _, change in found.history]
    assert changes == sorted(changes, reverse=True)


def test_too_few_pairs_say_nothing():
    """An A/A run that was cut short reports that, and no noise."""
    found = run(pairs=3)
    assert found.comparison.verdict is Verdict.INCONCLUSIVE
    assert found.restart_sd is None


def test_little_evidence_stays_near_the_assumption():
    """Five pairs against three sessions hardly move c from .6; hundreds of both move it to the estimate."""
    weak, strong = shared_variance(0.0001, 5, 0.001, 2), shared_variance(0.0001, 500, 0.001, 500)
    assert strong.use == pytest.approx(0.9, abs=0.01)
    assert abs(weak.use - ASSUMED_SHARED) < abs(strong.use - ASSUMED_SHARED) / 2
    assert weak.high - weak.low > strong.high - strong.low


def test_shares_stay_shares():
    """Restarts noisier than days give 0, noiseless restarts give nearly 1."""
    assert shared_variance(0.01, 12, 0.001, 19).estimate == 0
    assert shared_variance(0.0, 500, 0.001, 500).use <= 0.95


def test_the_interval_covers():
    """The 90 % interval of c holds the truth about nine times in ten."""
    rng = seeded("coverage")
    restart = (1 - SHARE) * rng.chisquare(PAIRS, 1000) / PAIRS
    session = rng.chisquare(19, 1000) / 19
    found = [shared_variance(r, PAIRS, s, 19) for r, s in zip(restart.tolist(), session.tolist(), strict=True)]
    held = np.mean([shared.low <= SHARE <= shared.high for shared in found])
    assert 0.87 <= held <= 0.93
    # Drawn towards what is assumed (.6) it is nearer the truth than the bare estimate, and no less cautious.
    error = {name: [getattr(shared, name) - SHARE for shared in found] for name in ("use", "estimate")}
    assert np.std(error["use"]) < np.std(error["estimate"])
    assert -0.02 < np.mean(error["use"]) < 0.1
