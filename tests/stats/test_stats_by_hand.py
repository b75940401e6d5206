"""Formulas over arrays, held to the same written out in plain numbers, one gate and one session at a time."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_inferbench.stats.count_test import PastCounts, counts_called, day_factor, summarise_counts
from pytest_inferbench.stats.diagnostics import drift, step
from pytest_inferbench.stats.distributions import t_critical
from pytest_inferbench.stats.moderation import FLOOR_SD
from pytest_inferbench.stats.order import order_effect
from pytest_inferbench.stats.paired import sign_flip_p
from pytest_inferbench.stats.rounds import _expected_lag, resemblance, scatter_of
from pytest_inferbench.stats.rule import Rule
from stats.false_alarm_rates import seeded

few = settings(derandomize=True, max_examples=60)


@few
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(30, 400), st.integers(1, 2)), min_size=1, max_size=8).map(
        lambda rows: sorted(rows, key=lambda row: row[2])
    )
)
def test_the_overdispersion_is_chi_squared_drawn_towards_two(rows):
    """Each segment with any failure adds its chi-squared and its degrees of freedom, which count for half."""
    chi_square, df = 0.0, 0
    for segment in {row[2] for row in rows}:
        own = [(events, trials) for events, trials, of in rows if of == segment]
        rate = sum(events for events, _ in own) / sum(trials for _, trials in own)
        if 0 < rate < 1:
            chi_square += sum((events - trials * rate) ** 2 / (trials * rate * (1 - rate)) for events, trials in own)
            df += len(own) - 1
    events, trials, segments = (np.asarray(column, dtype=float) for column in zip(*rows, strict=True))
    found = summarise_counts(events, trials, segments.astype(int).tolist())
    assert float(found.df) == pytest.approx(6 + df / 2)
    assert float(found.factor) == pytest.approx(max(1.0, (6 * 2 + chi_square / 2) / (6 + df / 2)))
    last = [row for row in rows if row[2] == rows[-1][2]]
    assert (found.events, found.trials) == (sum(row[0] for row in last), sum(row[1] for row in last))


def test_sessions_of_one_day_share_a_part_of_what_scatters_them():
    """Of a factor of 3, two sessions that share half have 1 + 2 * 1.5; one alone has what it has."""
    assert day_factor(3.0, 1, 0.5) == 3.0
    assert day_factor(3.0, 2, 0.5) == 4.0
    assert day_factor(1.0, 3, 0.5) == 1.0


@pytest.mark.parametrize(("middle", "called"), [(138, False), (200, True)])
def test_sessions_together_must_be_beyond_the_step_too(middle, called):
    """The first and the last are far beyond it; a large one between them can hold the day within it."""
    past = PastCounts(400.0, 80_000.0, 1.0, 10.0)
    events, trials = np.asarray([8.0, middle, 8.0]), np.asarray([200.0, 10_000.0, 200.0])
    assert bool(counts_called(events, trials, past, Rule(confirmations=2), 0.01)) is called


@few
@given(
    st.lists(st.lists(st.floats(20.0, 60.0), min_size=2, max_size=6), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.3, 0.8]),
    st.booleans(),
)
def test_the_scatter_of_rounds_is_pooled_by_degrees_of_freedom(sessions, correlation, whole):
    """Each session's own variance, for the mean or the median of rounds that resemble each other."""
    total, freedom = 0.0, 0
    for rounds in sessions:
        logs, n = [math.log(figure) for figure in rounds], len(rounds)
        sums = sum(correlation ** abs(i - j) for i in range(n) for j in range(n))
        expected_variance = (n - sums / n) / (n - 1)  # of the rounds within their session
        factor = (1 / n if whole else math.pi / (2 * n + math.pi - 2)) * (sums / n) / expected_variance
        total += (n - 1) * statistics.variance(logs) * factor
        freedom += n - 1
    found = scatter_of(sessions, correlation, whole=[whole] * len(sessions))
    assert found.df == freedom
    assert found.variance == pytest.approx(total / freedom)


@pytest.mark.parametrize("rounds", [3, 5, 8])
def test_the_correlation_around_a_session_s_own_mean_is_biased_as_told(rounds):
    """Of independent rounds it comes to -1 / R exactly; of resembling ones to what is drawn."""
    expected = _expected_lag(rounds)
    assert expected[0] == pytest.approx(-1 / rounds, rel=1e-6)
    noise = seeded("lag", rounds).standard_normal((100_000, rounds))
    series = noise.copy()
    for at in range(1, rounds):
        series[:, at] = 0.5 * series[:, at - 1] + math.sqrt(0.75) * noise[:, at]
    away = series - series.mean(axis=1, keepdims=True)
    drawn = ((away[:, 1:] * away[:, :-1]).sum(axis=1) / (away**2).sum(axis=1)).mean()
    assert expected[20] == pytest.approx(drawn, abs=0.005)  # of 39 steps from 0 to .95, the one of .5


def test_sessions_of_many_rounds_say_more_of_how_they_resemble():
    """Each session's correlation counts by its degrees of freedom, after a standard error of their sum is taken off."""
    sessions = [[1.0, 2.0, 2.5, 2.0, 1.2], [3.0, 3.2, 3.1], [2.0, 2.4, 2.8, 3.0, 2.0]]

    def lag(rounds):
        logs = [math.log(figure) for figure in rounds]
        away = [each - statistics.fmean(logs) for each in logs]
        return sum(a * b for a, b in zip(away[1:], away, strict=False)) / sum(a * a for a in away)

    found = sum((len(rounds) - 1) * lag(rounds) for rounds in sessions)
    doubt = 4**2 * 2 * statistics.pvariance([lag(sessions[0]), lag(sessions[2])])  # one alone of its length has none
    expected = 4 * 2 * _expected_lag(5) + 2 * _expected_lag(3)
    told = np.interp(found - math.sqrt(doubt), expected, np.linspace(0.0, 0.95, 39))
    assert 0 < told < 0.95
    assert resemblance(sessions) == pytest.approx(told)


def order_by_hand(rows, side):
    """The effect and the part to take out, gate after gate."""
    n = len(side)
    s = [each - statistics.fmean(side) for each in side]
    power = sum(each * each for each in s)
    d = [[each - statistics.fmean(row) for each in row] for row in rows]
    along = [sum(x * y for x, y in zip(row, s, strict=True)) for row in d]
    rest = [(sum(x * x for x in row) - a * a / power) / (n - 2) for row, a in zip(d, along, strict=True)]
    variance = [max(each, FLOOR_SD**2) for each in rest]
    weight = [1 / (each + statistics.median(variance)) for each in variance]
    effect = sum(w * a for w, a in zip(weight, along, strict=True)) / (sum(weight) * power)
    left = [
        sum(w * (row[at] - effect * s[at]) for w, row in zip(weight, d, strict=True)) / sum(weight) for at in range(n)
    ]
    error = math.sqrt(sum(each * each for each in left) / (n - 2) / power)
    sure = max(abs(effect) - float(t_critical(0.025, n - 2)) * error, 0.0)
    return effect, math.copysign(sure, effect)


@few
@given(
    st.lists(st.lists(st.floats(-0.2, 0.2), min_size=6, max_size=6), min_size=1, max_size=4),
    st.sampled_from([(1, -1, -1, 1, 1, -1), (1, 1, 1, 1, 1, -1), (-1, 1, -1, -1, 1, -1)]),
    st.sampled_from([0.0, 0.0005, 0.3]),
)
def test_the_order_s_effect_is_the_weighted_mean_of_the_gates(rows, side, effect):
    """Louder gates count for less, none for more than twice the median one; only what is beyond its error is sure."""
    rows = [[each + effect * way for each, way in zip(row, side, strict=True)] for row in rows]
    found, sure = order_effect(np.asarray(rows), np.asarray(side, dtype=float))
    assert (float(found), float(sure)) == pytest.approx(order_by_hand(rows, side), abs=1e-12)


def test_quiet_gates_are_not_quieter_than_their_rounding():
    """Gates of a variance below the floor weigh alike, and beside a louder one by the floor."""
    side = (1, -1, -1, 1, 1, -1)
    rows = [[0.00001 * at for at in (1, 2, -3, 2, 0, 1)], [0.004 * at for at in (1, -1, 2, 3, -2, 1)]]
    found, sure = order_effect(np.asarray(rows), np.asarray(side, dtype=float))
    assert (float(found), float(sure)) == pytest.approx(order_by_hand(rows, side), rel=1e-9)


@pytest.mark.parametrize("count", [3, 4, 6])
def test_no_order_is_told_from_fewer_than_four_pairs(count):
    """Nor where all pairs have one order: there is nothing to compare."""
    differences = np.asarray([[0.1, -0.1, 0.1, -0.1, 0.1, -0.1][:count]])
    assert bool(order_effect(differences, np.asarray([1.0, -1.0] * 3)[:count])[0]) is (count >= 4)
    assert order_effect(differences, np.ones(count)) == (0.0, 0.0)


def test_all_sign_patterns_of_no_difference_are_alike():
    """Where nothing differs, every pattern's sum is the observed one: p is 1, not 0."""
    assert sign_flip_p(np.zeros(6)) == 1.0
    assert sign_flip_p(np.full(6, -0.1)) == 1.0


@pytest.mark.parametrize("place", [2, 3, 5, 6])
def test_a_step_may_lie_two_sessions_from_either_end(place):
    """Its place and its size are told, up and down; one session on its own is no level."""
    noise = np.asarray([0.001, -0.001, 0.0005, 0.0, -0.0005, 0.001, -0.001, 0.0])
    for size in (0.2, -0.2):
        found = step(noise + size * (np.arange(8) >= place))
        assert found is not None
        assert found[0] == place
        assert found[1] == pytest.approx(size, abs=0.002)
    assert step(noise[:7] + 0.2 * (np.arange(7) >= place)) is None


@pytest.mark.parametrize("place", [2, 4, 7])
def test_a_step_is_told_where_its_t_is_beyond_chance_at_all_places(place):
    """Two means with one scatter around them, on n - 2 degrees of freedom, at 1 in 100 shared by the places."""
    noise = 0.01 * np.asarray([1.0, -0.5, 0.3, -1.2, 0.7, 0.1, -0.9, 0.6, -0.2, 0.4])
    before, after = noise[:place] - noise[:place].mean(), noise[place:] - noise[place:].mean()
    logs = np.concatenate([before, after])
    rest = float((logs**2).sum()) / 8
    hurdle = float(t_critical(0.005 / 7, 8)) * math.sqrt(rest * (1 / place + 1 / (10 - place)))
    above = np.arange(10) >= place
    assert step(logs + 1.001 * hurdle * above) == (place, pytest.approx(1.001 * hurdle))
    assert step(logs + 0.999 * hurdle * above) is None


def test_a_step_without_any_noise_is_found():
    """Levels that do not scatter at all are as sure as can be."""
    assert step(np.repeat([0.0, 0.2], 4)) == (4, pytest.approx(0.2))


def test_a_drift_is_the_least_squares_line():
    """From the first to the last session, with its t on n - 2 degrees of freedom; without noise it is beyond doubt."""
    logs = np.asarray([0.0, 0.3, 0.1, 0.5, 0.4])
    slope, intercept = np.polyfit(np.arange(5), logs, 1)
    error = math.sqrt(((logs - slope * np.arange(5) - intercept) ** 2).sum() / 3 / 10)
    assert drift(logs) == pytest.approx((4 * slope, slope / error))
    assert drift(np.asarray([0.0, 1.0, 2.0, 3.0])) == (3.0, math.inf)
