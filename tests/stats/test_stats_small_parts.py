"""Small parts that many figures are made of: shares, shifts, priors of other metrics, and what is said of nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.stats.detectable import detectable
from pytest_inferbench.stats.distributions import digamma, f_critical, trigamma
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import OwnSpread, Prior, Spread, assumed_prior, moderate, priors
from pytest_inferbench.stats.paired import pairs_detect
from pytest_inferbench.stats.rounds import round_scatter
from pytest_inferbench.stats.rule import ASSUMED_DOUBT, ASSUMED_SHARED, Kind, Rule
from pytest_inferbench.stats.sample import Past, orient, relative, unorient, unusable, usable
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.shifted import down, shift, unshift, up
from pytest_inferbench.stats.site import drawn_share, pooled_share, restarts, shared_variance, site_noise
from pytest_inferbench.stats.two_stage import hurdles
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import seeded

LOWER, HIGHER = Direction.LOWER, Direction.HIGHER
QUEUE = METRICS["server_queue_ms"].zero


def bias(df):
    """Mean of the logarithm of a variance estimate less that of the truth."""
    return float(digamma(df / 2)) - math.log(df / 2)


def share_by_hand(*gates):
    """(c, the doubt that is left) of gates (restart variance, its df, session variance, its df)."""
    weights, measured = [], []
    for restart, restart_df, session, session_df in gates:
        weights.append(1 / float(trigamma(restart_df / 2) + trigamma(session_df / 2)))
        measured.append(math.log(restart / session) - bias(restart_df) + bias(session_df))
    mean = sum(w * x for w, x in zip(weights, measured, strict=True)) / sum(weights)
    precision = max(sum(weights) / 3, *weights)
    doubt = 1 / (precision + 1 / ASSUMED_DOUBT)
    drawn = (precision * mean + math.log(1 - ASSUMED_SHARED) / ASSUMED_DOUBT) * doubt
    return min(max(1 - math.exp(drawn), 0.0), 0.95), doubt


@pytest.mark.parametrize(
    "gates",
    [
        [(0.0004, 12, 0.0009, 7)],
        [(0.0004, 12, 0.0009, 7), (0.0001, 12, 0.0009, 19)],
        [(0.0004, 12, 0.0009, 7)] * 9,
        [(0.0009, 12, 0.0001, 7)],
        [(0.000002, 200, 0.01, 200)],
    ],
)
def test_what_days_share_is_the_gates_mean_drawn_towards_what_is_assumed(gates):
    """Unbiased logarithms by their precision; many gates of one run count for a third of as many runs."""
    found = drawn_share(*np.asarray(gates, dtype=float).T)
    assert [float(each) for each in found] == pytest.approx(share_by_hand(*gates))


def test_gates_that_say_nothing_leave_what_is_assumed():
    """Without degrees of freedom on either side a gate has no weight."""
    known, nothing = (0.0004, 12.0, 0.0009, 7.0), (0.0004, 0.0, 0.0009, 7.0)
    assert [float(each) for each in drawn_share(*np.asarray([nothing]).T)] == pytest.approx(
        [ASSUMED_SHARED, ASSUMED_DOUBT]
    )
    assert [float(each) for each in drawn_share(*np.asarray([known, nothing]).T)] == pytest.approx(share_by_hand(known))


def test_the_interval_of_a_share_is_that_of_a_ratio_of_variances():
    """By the F distribution on the sessions' and the servers' degrees of freedom, within 0 and 1."""
    found = shared_variance(0.0004, 12, 0.0009, 7)
    assert found.estimate == pytest.approx(1 - 4 / 9)
    assert found.low == pytest.approx(max(0.0, 1 - 4 / 9 * f_critical(0.05, 7, 12)))
    assert found.high == pytest.approx(1 - 4 / 9 * f_critical(0.95, 7, 12))
    assert found.use == pytest.approx(share_by_hand((0.0004, 12, 0.0009, 7))[0])


def test_restarts_are_half_of_what_pairs_differ_by():
    """Two servers differ by the variance of both; the mean is known to be 0; pairs without a figure do not count."""
    pairs = [(40.0, 44.0), (42.0, 40.0), (None, 41.0), (40.0, 40.0)]
    found = restarts(pairs, LOWER)
    logs = [math.log(1.1), math.log(40 / 42), 0.0]
    assert found.pairs == 3
    assert found.sd == pytest.approx(math.sqrt(sum(each**2 for each in logs) / 3 / 2))
    assert restarts(pairs, HIGHER).sd == pytest.approx(found.sd)
    assert restarts([(None, 1.0)], LOWER) is None


def test_a_share_is_pooled_of_gates_that_scatter():
    """Those without pairs or without sessions that scatter are left out; of none there is no share."""
    some = restarts([(40.0, 44.0), (42.0, 40.0)], LOWER)
    own = OwnSpread("a", Kind.TYPICAL, 0.0009, 7)
    found = pooled_share([(some, own), (some, replace(own, df=0)), (replace(some, pairs=0), own)])
    assert (found.use, found.doubt) == pytest.approx(share_by_hand((some.sd**2, 2, 0.0009, 7)))
    assert found.gates == 1
    assert pooled_share([(some, replace(own, df=0))]) is None
    assert pooled_share([]) is None


def test_the_outlook_of_an_a_a_run_is_what_each_plan_would_see():
    """By the rule with the share that was found: sessions of today's scatter, and pairs as one fixed look each."""
    pairs = [(40.0 * (1 + 0.01 * (-1) ** at), 40.0 * (1 + 0.004 * (at % 3))) for at in range(8)]
    sessions = moderate(OwnSpread("a", Kind.TYPICAL, 0.0009, 7), Prior(0.03, 5.0, 4))
    found = site_noise(pairs, LOWER, Rule(gates=20), looks=Looks(8, 8), sessions=sessions)
    rule = Rule(gates=20, shared=found.shared.use)
    assert found.shared.gates == 1
    assert found.shared.use == pytest.approx(share_by_hand((found.restart_sd**2, 8, 0.0009, 7))[0])
    assert [n for n, _ in found.history] == [1, 3, 8, 20]
    for n, change in found.history:
        assert change == pytest.approx(relative(detectable(sessions.sd, 5.0 + n - 1, n, rule)))
    for n, change in found.pairs:
        assert change == pytest.approx(
            relative(pairs_detect(found.comparison.spread.sd, n - 1, n, rule.alpha_each, rule))
        )
    assert found.false_alarms_per_100 == pytest.approx(5.0)


def test_an_a_a_run_that_cannot_be_judged_still_says_what_its_level_allows():
    """Five runs in a hundred."""
    assert site_noise([], LOWER, Rule()).false_alarms_per_100 == pytest.approx(5.0)


def spreads(count, sd, metric, first=0):
    return [OwnSpread(f"case {first + at}", Kind.TYPICAL, sd**2, 9, metric) for at in range(count)]


@pytest.mark.parametrize("count", [3, 4])
def test_from_four_gates_of_its_own_metric_on_the_others_count_by_their_likeness(count):
    """A steadier metric of many gates drags three along as if they were alike, and four hardly."""
    noisy, quiet = spreads(1 + count, 0.10, "ttft_ms.p50"), spreads(30, 0.005, "tpot_ms.p50", 100)
    prior = priors([*noisy, *quiet])[0]
    assert (prior.sd > 0.05) is (count >= 4)
    assert prior.pooled == count + 30


def test_metrics_that_are_as_noisy_are_pooled_whole():
    """Where the others do not differ, they count as those of its own metric do."""
    for sd in (0.005, 0.03, 0.12):
        mixed = [*spreads(6, sd, "ttft_ms.p50"), *spreads(6, sd, "tpot_ms.p50", 100)]
        alike = [*spreads(6, sd, "ttft_ms.p50"), *spreads(6, sd, "ttft_ms.p50", 100)]
        found, expected = priors(mixed)[0], priors(alike)[0]
        assert (found.sd, found.df) == pytest.approx((expected.sd, expected.df))
        assert found.pooled == expected.pooled


@pytest.mark.parametrize(
    ("prior", "source"),
    [
        (Prior(0.03, 5.0, 0), "stated: SD 3.0 %, 5.0 df (no other case has a history here)"),
        (Prior(0.03, 5.0, 1), "SD 3.0 %, 5.0 df from 1 gate of other cases on this hardware"),
        (Prior(0.03, 5.0, 7), "SD 3.0 %, 5.0 df from 7 gates of other cases on this hardware"),
        (
            Prior(0.03, 5.0, 7, rounds=True),
            "SD 3.0 %, 5.0 df: what the scatter of the rounds alone comes to",
        ),
    ],
)
def test_a_prior_says_where_it_comes_from(prior, source):
    """In the words of every report."""
    assert prior.source == source


@pytest.mark.parametrize("confirmations", [0, 1, 2])
@pytest.mark.parametrize(("sd", "margin", "shared"), [(0.2, 0.3, 0.0), (0.05, 0.05, 0.5), (0.15, 0.4, 0.2)])
def test_the_detectable_change_passes_four_times_in_five(confirmations, sd, margin, shared):
    """The screen, the mean and the last session together, of sessions drawn as the model has them, to 1.5 %."""
    rule, n, df = Rule(margin=margin, shared=shared, confirmations=confirmations), 30.0, 200.0
    rng, draws, k = seeded("detectable", confirmations, sd), 100_000, 1 + confirmations
    true = sd * np.sqrt(df / rng.chisquare(df, draws))
    common = rng.standard_normal(draws) * math.sqrt(shared + 1 / n)
    noise = true[:, None] * (common[:, None] + math.sqrt(1 - shared) * rng.standard_normal((draws, k)))
    limits = hurdles(sd, df, n, noise, rule)
    needed = np.maximum(limits.screen - noise[:, 0], limits.mean - noise.mean(axis=1))
    if k > 1:
        needed = np.maximum(needed, limits.last - noise[:, -1])
    assert detectable(sd, df, n, rule) == pytest.approx(float(np.quantile(needed, 0.8)), rel=0.015)


def test_a_spread_of_no_sessions_is_the_prior_s():
    """What its own sessions say is absent, not 0."""
    prior = assumed_prior(Kind.TAIL)
    assert moderate(OwnSpread("a", Kind.TAIL, 0.0, 0), prior) == Spread(
        pytest.approx(prior.sd), prior.df, None, 0, prior
    )


def test_a_figure_that_can_be_0_is_shifted_and_back():
    """Values and rounds go up by the metric's shift; a figure that is absent stays so."""
    past = Past(3.0, 2, (1.0, None), day=4)
    there = shift(past, QUEUE)
    assert (there.value, there.rounds) == (3.0 + QUEUE.added, (1.0 + QUEUE.added, None))
    assert unshift(there, QUEUE) == replace(past, rounds=there.rounds)
    assert shift(Past(None), QUEUE) == unshift(Past(None), QUEUE) == Past(None)
    assert up(None, QUEUE) is None
    assert math.copysign(1.0, down(QUEUE.added, QUEUE)) == 1.0


@pytest.mark.parametrize("value", [None, 0.0, -1.0, math.nan, math.inf, -math.inf])
def test_a_figure_without_a_logarithm_is_not_usable(value):
    """It keeps its place among the others as NaN, and is named."""
    assert not usable(value)
    assert np.isnan(orient([1.0, value], LOWER)).tolist() == [False, True]
    assert unusable([1.0, value], LOWER).code == "unusable"
    assert usable(5e-324)


def test_changes_too_large_for_a_float_are_the_largest_that_there_is():
    """Both the ratio and the relative change stay finite."""
    assert unorient(1000.0, LOWER) == unorient(-1000.0, HIGHER) == math.exp(700.0)
    assert relative(1000.0) == math.expm1(700.0)
    assert unorient(-1000.0, LOWER) == 0.0


def test_no_figure_at_all_is_named_too():
    """A list of nothing cannot be compared; usable figures can, and of a neutral metric none."""
    assert unusable([], LOWER).message.startswith("a ratio needs positive figures, measured: none;")
    assert unusable([1.0], LOWER) is None
    assert unusable([1.0], Direction.NEUTRAL).code == "neutral"


def test_what_a_past_session_does_not_say_is_the_usual():
    """Of its own day, the first segment, a median of rounds, not set aside, opened by no improvement."""
    assert Past(1.0) == Past(1.0, 0, (), pooled=False, day=None, aside=0, improved="")
    assert not read_history([Past(40.0)], LOWER, 20).of_all_requests
    assert read_history([], LOWER, 20).of_all_requests


def test_rounds_of_a_history_count_as_its_figures_are_made():
    """A figure over all requests is as steady as a mean of rounds; today's rounds count like the last session's."""
    rounds = (40.0, 41.0, 43.0)
    for pooled in (False, True):
        history = read_history([Past(41.0, rounds=rounds, pooled=pooled)], LOWER, 20)
        assert history.rounds(today=rounds).variance == pytest.approx(round_scatter(rounds, whole=pooled).variance)
        assert history.rounds(today=rounds).df == 4
