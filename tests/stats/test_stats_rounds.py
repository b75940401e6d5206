"""What a session's rounds say of its noise widens the prior, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import assumed_prior
from pytest_inferbench.stats.rounds import NO_ROUNDS, median_factor, resemblance, round_scatter, scatter_of
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import ALPHA, DRAWS, regressions, seeded
from stats.null_worlds import World, autoregressive, draw_heard

LOWER, FEW, PRIOR = Direction.LOWER, Rule(gates=3), assumed_prior(Kind.TYPICAL)
QUIET, LOUD = (40.0, 40.1, 39.9), (30.0, 40.0, 60.0)


@pytest.mark.parametrize("rounds", [1, 3, 5, 9, 15])
def test_the_factor_is_the_normal_median_s(rounds):
    """The variance of the median of so many normal rounds is as drawn, to 4 %."""
    drawn = np.median(seeded("median", rounds).standard_normal((200_000, rounds)), axis=-1).var()
    assert median_factor(rounds) == pytest.approx(drawn, rel=0.04)


def test_a_tail_over_all_requests_is_as_steady_as_the_mean_of_the_rounds_tails():
    """p95 of 5 rounds of 100 log-normal requests: SD 5.5 % as the median of rounds, 4.8 % over all, as rounds tell."""
    draws = np.exp(0.5 * seeded("tails").standard_normal((8000, 5, 100)))
    rounds, whole = np.percentile(draws, 95, axis=-1), np.percentile(draws.reshape(8000, 500), 95, axis=-1)
    median, pooled_sd = np.log(np.median(rounds, axis=-1)).std(), np.log(whole).std()
    assert median == pytest.approx(0.055, abs=0.0015)
    assert pooled_sd == pytest.approx(0.048, abs=0.0015)
    assert median**2 / pooled_sd**2 == pytest.approx(1.3, abs=0.06)
    assert np.median(np.median(rounds, axis=-1) / whole) == pytest.approx(0.975, abs=0.01)
    told = [round_scatter(each, whole=True).variance for each in rounds[:2000].tolist()]
    assert math.sqrt(np.mean(told)) == pytest.approx(pooled_sd, rel=0.05)


def test_the_scatter_of_rounds_is_the_median_s_variance():
    """Rounds' sample variance of logarithms, times the median's factor, on one degree of freedom fewer than rounds."""
    found = round_scatter([10.0, 20.0, None, 40.0, 0.0])
    assert found.df == 2
    assert found.variance == pytest.approx(math.log(2) ** 2 * median_factor(3))


@pytest.mark.parametrize("rounds", [[], [40.0], [40.0, None], [0.0, -1.0, math.inf]])
def test_fewer_than_two_usable_rounds_say_nothing(rounds):
    """Without scatter there is no estimate, which is not an estimate of zero."""
    assert round_scatter(rounds) == NO_ROUNDS
    assert scatter_of([rounds] * 3, whole=[False] * 3) == NO_ROUNDS


def test_sessions_are_pooled_by_their_degrees_of_freedom():
    """A session of five rounds counts twice as much as one of three; one without scatter does not count."""
    three, five = [1.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0, 1.0]
    together = scatter_of([three, [40.0], five], whole=[False] * 3)
    assert together.df == 6
    assert together.variance == pytest.approx(round_scatter(three).variance / 3)


@pytest.mark.parametrize(("true", "least", "most"), [(0.0, 0.0, 0.1), (0.5, 0.4, 0.6), (0.8, 0.7, 0.9)])
@pytest.mark.parametrize("rounds", [3, 5, 8])
def test_rounds_that_resemble_each_other_are_known(true, least, most, rounds):
    """The correlation is found however few rounds a session has; without any, or equal ones, it is 0."""
    series = autoregressive(seeded("resemblance", true, rounds).standard_normal((2000, rounds)), true)
    assert least <= resemblance(np.exp(0.05 * series).tolist()) <= most
    assert resemblance([]) == resemblance([[40.0, 40.0, 40.0]]) == resemblance([[40.0, 41.0]]) == 0.0


def test_a_floor_of_resembling_rounds_is_what_sessions_scatter():
    """Five rounds correlated .8 from one to the next: sessions' medians scatter as the floor says, not by a third."""
    series = 0.1 * autoregressive(seeded("floor").standard_normal((4000, 5)), 0.8)
    scatter = np.median(series, axis=1).var()
    rounds = np.exp(series).tolist()
    told = scatter_of(rounds, resemblance(rounds), whole=[False] * len(rounds)).variance
    assert told == pytest.approx(scatter, rel=0.25)
    assert scatter_of(rounds, whole=[False] * len(rounds)).variance < scatter / 3


@given(st.lists(st.floats(0.1, 1e6), min_size=2, max_size=8), st.floats(0.01, 100))
def test_scale_and_direction_do_not_matter(rounds, factor):
    """Milliseconds or seconds, times or rates: the scatter is the same."""
    found = round_scatter(rounds).variance
    assert round_scatter([factor * each for each in rounds]).variance == pytest.approx(found, abs=1e-9)
    assert round_scatter([1 / each for each in rounds]).variance == pytest.approx(found, abs=1e-9)


def test_loud_rounds_raise_a_prior_and_quiet_ones_leave_it():
    """The prior becomes what the rounds come to, only where that is more, and says so."""
    raised = PRIOR.raised(round_scatter(LOUD))
    assert raised.sd == pytest.approx(math.sqrt(round_scatter(LOUD).variance))
    assert raised.df == PRIOR.df
    assert "scatter of the rounds" in raised.source
    assert PRIOR.raised(round_scatter(QUIET)) is PRIOR
    assert PRIOR.raised(NO_ROUNDS) is PRIOR


@pytest.mark.parametrize(("then", "today"), [(LOUD, QUIET), (QUIET, LOUD), (LOUD, LOUD)])
def test_one_session_of_loud_rounds_calls_nothing(then, today):
    """Among 3 gates +60 % over a single session is a regression; where rounds scatter by as much it is not."""
    quiet = read_history([Past(40.0, rounds=QUIET)], LOWER, 20)
    loud = read_history([Past(40.0, rounds=then)], LOWER, 20)
    assert judge([64.0, 64.0], quiet, FEW, PRIOR, QUIET).verdict is Verdict.REGRESSED
    found = judge([64.0, 64.0], loud, FEW, PRIOR, today)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.spread.sd > 0.1


def test_many_sessions_matter_more_than_their_rounds():
    """With 20 quiet sessions of loud rounds the sessions' own spread decides."""
    past = [Past(40.0 + 0.2 * (number % 3), rounds=LOUD) for number in range(20)]
    found = judge([44.0, 44.0], read_history(past, LOWER, 20), Rule(), PRIOR, QUIET)
    assert found.spread.own_df == 19
    assert found.spread.sd < math.sqrt(round_scatter(LOUD).variance) / 2


def test_without_the_rounds_one_session_fails():
    """Judged on the stated prior alone, one session whose rounds scatter by 40 % is far beyond the level."""
    rng = seeded("deaf")
    world = World("loud", rounds=3, round_sd=0.40)
    history, now, heard = draw_heard(world, rng, (DRAWS, 3), 1, 2, 0.02)
    rule = Rule(gates=3)
    assert regressions(history, now, rule).any(axis=-1).mean() > 0.1
    assert regressions(history, now, rule, heard).any(axis=-1).mean() < ALPHA
