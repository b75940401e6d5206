"""The A/A run: the site's own noise, its shared variance, and what comparisons there are worth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pytest_inferbench.stats.moderation import OwnSpread, assumed_prior, moderate
from pytest_inferbench.stats.rule import ASSUMED_DOUBT, ASSUMED_SHARED, Kind, Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.site import (
    PooledShare,
    Restarts,
    at_site,
    drawn_share,
    pooled_share,
    restarts,
    shared_variance,
    site_noise,
)
from pytest_inferbench.stats.two_stage import hurdles, is_called
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import DRAWS, seeded, spreads, standard_error
from stats.null_worlds import World, draw

PAIRS = 12
SESSION_SD, SHARE = 0.03, 0.5


def run(sessions=None, pairs: int = PAIRS, share=None, **rule):
    rng = seeded("aa", pairs)
    restart = SESSION_SD * math.sqrt(1 - SHARE)
    arms = 40 * np.exp(restart * rng.standard_normal((pairs, 2)))
    plan = Looks(PAIRS, PAIRS)
    return site_noise(
        [tuple(row) for row in arms.tolist()],
        Direction.LOWER,
        Rule(gates=20, **rule),
        looks=plan,
        sessions=sessions,
        share=share,
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
    sessions = moderate(OwnSpread("a", Kind.TYPICAL, SESSION_SD**2, 19), assumed_prior(Kind.TYPICAL))
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


def aa_run(rng, share, gates: int, n: int, sd: float, spread: float, common: float = 0.0):
    """Histories of `n`, one later day's two sessions, and each gate's restart variance from 12 pairs of an A/A run."""
    scale = np.exp(spread * rng.standard_normal((DRAWS, gates)))
    history, now = draw(World("", spread=0.0, share=share, common=common), rng, (DRAWS, gates), n, 2, sd)
    pairs = math.sqrt(common) * rng.standard_normal((DRAWS, 1, PAIRS))
    pairs = pairs + math.sqrt(1 - common) * rng.standard_normal((DRAWS, gates, PAIRS))
    restart = (sd * scale) ** 2 * (1 - share) * (pairs**2).mean(axis=-1)
    return history * scale[..., None], now * scale[..., None], restart


def judged(history, now, shared):
    """What is called, shape (draws, gates), with these shares."""
    location, own, df = spreads(history)
    away = now - location[..., None]
    rule = replace(Rule(gates=history.shape[1]), shared=shared)
    return is_called(away, hurdles(own, df, history.shape[-1], away, rule))


def pooled(history, restart):
    """The share of each run's gates together, shape (draws, 1)."""
    return drawn_share(restart, PAIRS, history.var(axis=-1, ddof=1), history.shape[-1] - 1)[0][:, None]


@pytest.mark.parametrize("common", [0.0, 0.8])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_judging_with_a_measured_share_keeps_the_ceiling(share, common):
    """With c from an A/A run of 12 pairs false alarms stay below .06 at every true share, 1 too.

    The assumed c gives up to .12 there. Equal and log-normally spread SDs alike, and gates that share their luck.
    """
    for spread, n in ((0.0, 3), (0.5, 8), (0.0, 20)):
        rng = seeded("measured share", share, spread, n, common)
        history, now, restart = aa_run(rng, share, 20, n, 0.04, spread, common)
        rate = judged(history, now, pooled(history, restart)).any(axis=-1).mean()
        assert rate <= 0.06 + 3 * standard_error(0.06)


def test_a_share_that_gates_differ_in_keeps_the_ceiling():
    """Where half of the gates share 20 % and half 80 %, the pooled c calls no more false alarms than .06."""
    rng = seeded("shares differ")
    halves = [aa_run(rng, share, 10, 8, 0.028, 0.5) for share in (0.2, 0.8)]
    history, now, restart = (np.concatenate(parts, axis=1) for parts in zip(*halves, strict=True))
    rate = judged(history, now, pooled(history, restart)).any(axis=-1).mean()
    assert rate <= 0.06 + 3 * standard_error(0.06)


def test_pooling_is_what_makes_an_a_a_run_worth_its_while():
    """21 gates, 8 sessions that scatter by 2.8 %: a true c of .8 is known for the level, one of .2 for power.

    As docs/verdicts.md has them: as assumed, from each gate alone, pooled.
    """
    alarms, seen = [], []
    for share, change, found in ((0.8, 0.0, alarms), (0.2, math.log1p(0.1), seen)):
        history, now, restart = aa_run(seeded("worth", share), share, 21, 8, 0.028, 0.5)
        alone = drawn_share(restart[..., None], PAIRS, history.var(axis=-1, ddof=1)[..., None], 7)[0]
        for shared in (ASSUMED_SHARED, alone, pooled(history, restart)):
            says = judged(history, now + change, shared)
            found.append(float(says.mean() if change else says.any(axis=-1).mean()))
    assert alarms == pytest.approx([0.069, 0.0695, 0.044], abs=0.002)
    assert seen == pytest.approx([0.55, 0.57, 0.61], abs=0.01)


def gates_of(count, share=0.8, df=7, sd=0.03):
    """Gates of an A/A run of 12 pairs whose figures say exactly this share."""
    return [
        (Restarts(sd * math.sqrt(1 - share), PAIRS), OwnSpread(str(n), Kind.TYPICAL, sd**2, df)) for n in range(count)
    ]


def test_gates_of_one_run_count_for_a_third():
    """The pool is worth what a third of its gates would be, but no less than its best gate; then doubt is left."""
    one, three, twenty = (pooled_share(gates_of(count)) for count in (1, 3, 21))
    assert (one.gates, twenty.gates) == (1, 21)
    assert one.use == pytest.approx(three.use)
    assert one.doubt == pytest.approx(three.doubt)
    worth = 1 / one.doubt - 1 / ASSUMED_DOUBT
    assert 1 / twenty.doubt == pytest.approx(7 * worth + 1 / ASSUMED_DOUBT)
    assert ASSUMED_SHARED < one.use < twenty.use < 0.8


def test_a_gate_counts_by_its_precision():
    """A gate with one degree of freedom moves the pool less than one with nineteen; one without any not at all."""
    few, many = (pooled_share([*gates_of(6), *gates_of(1, share=0.0, df=df)]).use for df in (1, 19))
    assert many < few
    assert pooled_share([*gates_of(6), *gates_of(1, share=0.0, df=0)]) == pooled_share(gates_of(6))


def test_without_scatter_nothing_is_known():
    """Gates whose sessions do not scatter yet have no share; a run without pairs has none either."""
    assert pooled_share([]) is None
    assert pooled_share(gates_of(3, df=0)) is None
    assert restarts([(None, 40.0)], Direction.LOWER) is None


def test_a_share_that_somebody_wrote_is_not_measured_away():
    """`shared:` of a policy stands; so does the assumption where nothing is known. What is measured has less doubt."""
    share = pooled_share(gates_of(3))
    written = Rule(shared=0.3, shared_source="models.yaml:4", shared_doubt=0.0)
    assert at_site(written, share, "an A/A run") == written
    assert at_site(Rule(), None, "an A/A run") == Rule()
    measured = at_site(Rule(), share, "an A/A run")
    assert (measured.shared, measured.shared_source) == (share.use, "an A/A run")
    assert 0 < measured.shared_doubt == share.doubt < Rule().shared_doubt


def test_the_report_of_a_run_tells_what_will_be_judged_with():
    """All gates' share where they were pooled, and the policy's own where it says one."""
    sessions = moderate(OwnSpread("a", Kind.TYPICAL, SESSION_SD**2, 19), assumed_prior(Kind.TYPICAL))
    share = PooledShare(0.7, 0.01, 21)
    assert (run(sessions, share=share).shared.use, run(sessions, share=share).shared.gates) == (0.7, 21)
    assert run(sessions, share=share, shared=0.3, shared_source="models.yaml:4").shared.use == 0.3
    assert run(sessions).shared.gates == 1
