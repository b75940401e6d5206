"""The A/A run: the site's own noise, its shared variance, and what comparisons there are worth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from false_alarm_rates import DRAWS, seeded, spreads, standard_error
from null_worlds import World, draw

from pytest_inferbench.stats.moderation import OwnSpread, moderate, stated
from pytest_inferbench.stats.rule import ASSUMED_SHARED, Kind, Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.site import at_site, drawn_share, shared_variance, site_noise
from pytest_inferbench.stats.two_stage import called, hurdles
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
    # Drawn towards what is assumed it is nearer the truth than the bare estimate, and no less cautious.
    error = {name: [getattr(shared, name) - SHARE for shared in found] for name in ("use", "estimate")}
    assert np.std(error["use"]) < np.std(error["estimate"])
    assert -0.02 < np.mean(error["use"]) < 0.1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_judging_with_a_measured_share_keeps_the_ceiling(share):
    """Each gate's c from its own A/A run of 12 pairs: false alarms stay below .06 at every true share, 1 too.

    The assumed c gives up to .12 there. Equal and log-normally spread SDs alike.
    """
    for spread, n in ((0.0, 3), (0.5, 8), (0.0, 20)):
        rng = seeded("measured share", share, spread, n)
        gates, sd = 20, 0.04
        scale = np.exp(spread * rng.standard_normal((DRAWS, gates)))
        history, now = draw(World("", spread=0.0, share=share), rng, (DRAWS, gates), n, 2, sd)
        history, now = history * scale[..., None], now * scale[..., None]
        restart = (sd * scale) ** 2 * (1 - share) * rng.chisquare(PAIRS, (DRAWS, gates)) / PAIRS
        location, own, df = spreads(history)
        shared = drawn_share(restart, PAIRS, history.var(axis=-1, ddof=1), n - 1)
        away = now - location[..., None]
        limits = hurdles(own, df, n, away, replace(Rule(gates=gates), shared=shared))
        rate = called(away, limits).any(axis=-1).mean()
        assert rate <= 0.06 + 3 * standard_error(0.06)


def test_a_share_that_somebody_wrote_is_not_measured_away():
    """`shared:` of a policy stands; so does the assumption where the sessions do not scatter yet."""
    own = OwnSpread("", Kind.TYPICAL, 0.0009, 7)
    written = Rule(shared=0.3, shared_source="models.yaml:4")
    assert at_site(written, 0.01, 12, own, "an A/A run") == written
    assert at_site(Rule(), 0.01, 12, OwnSpread("", Kind.TYPICAL, 0.0, 0), "an A/A run") == Rule()
    measured = at_site(Rule(), 0.01, 12, own, "an A/A run")
    assert measured.shared_source == "an A/A run"
    assert measured.shared == shared_variance(0.0001, 12, 0.0009, 7).use
