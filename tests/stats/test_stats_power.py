"""What the rule says it would have seen is what it sees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_inferbench.stats.detectable import POWER, detectable, sessions_needed
from pytest_inferbench.stats.distributions import t_critical
from pytest_inferbench.stats.moderation import posterior
from pytest_inferbench.stats.paired import pair_hurdle
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.two_stage import hurdles, is_called
from stats.false_alarm_rates import DRAWS, seeded, standard_error
from stats.golden_table import differing, golden
from stats.pair_rates import measure as measure_pairs
from stats.pair_rates import table as pair_table
from stats.power_rates import table as power_table

D0, S0 = 3.0, 0.03


def test_the_power_table_is_the_committed_one():
    """Power at +3, 5, 10 and 20 % for every SD, history, family and number of confirmations is as documented."""
    assert not differing(power_table(), golden("power.txt"), "power.txt")


def test_pairs_keep_their_level_and_their_table():
    """Looking after every pair costs no more than alpha in any noise, and all figures are as documented."""
    measured = measure_pairs()
    over = [
        (noise.name, gates, rate)
        for (noise, gates), rates in measured.items()
        for rate in rates
        if rate > noise.ceiling + 3 * standard_error(noise.ceiling)
    ]
    assert not over
    assert not differing(pair_table(measured), golden("pairs.txt"), "pairs.txt")


@pytest.mark.parametrize("confirmations", [0, 1, 2])
@pytest.mark.parametrize("gates", [1, 20])
@pytest.mark.parametrize("n", [1, 3, 8, 20])
def test_the_detectable_change_is_called_four_times_in_five(n, gates, confirmations):
    """A change as large as the history says it would see is called with 80 % probability where the prior is true."""
    rng = seeded("calibration", n, gates, confirmations)
    rule, draws, k = Rule(gates=gates, confirmations=confirmations), DRAWS // 2, 1 + confirmations
    sd = S0 * np.sqrt(D0 / rng.chisquare(D0, draws))
    history = sd[:, None] * rng.standard_normal((draws, n))
    day = rng.standard_normal((draws, 1))
    now = sd[:, None] * (math.sqrt(rule.shared) * day + math.sqrt(1 - rule.shared) * rng.standard_normal((draws, k)))
    own = history.var(axis=-1, ddof=1) if n > 1 else np.zeros(draws)
    variance, df = posterior(own, n - 1, S0**2, D0)
    away = now - history.mean(axis=-1, keepdims=True)
    limits = hurdles(np.sqrt(variance), df, n, away, rule)
    says = np.asarray([detectable(s, D0 + n - 1, n, rule) for s in np.sqrt(variance).tolist()])
    seen = is_called(away + says[:, None], limits).mean()
    assert abs(seen - POWER) <= 3 * standard_error(POWER, draws) + 0.005


@pytest.mark.parametrize(("sd", "change"), [(0.014, 0.061), (0.028, 0.125)])
def test_one_session_against_eight_at_the_published_change(sd, change):
    """SD 1.4 and 2.8 %, alpha .01, no prior: changes of 6.1 and 12.5 % are called with 80 % power."""
    rng = seeded("one against eight", sd)
    draws = 20_000
    history = sd * rng.standard_normal((draws, 8))
    now = sd * rng.standard_normal((draws, 1)) + math.log1p(change)
    rule = Rule(alpha=0.01, margin=0.0, confirmations=0)
    away = now - history.mean(axis=-1, keepdims=True)
    limits = hurdles(history.std(axis=-1, ddof=1), 7, 8, away, rule)
    assert is_called(away, limits).mean() == pytest.approx(POWER, abs=0.02)


@pytest.mark.parametrize(("sd", "change"), [(0.014, 0.044), (0.028, 0.090)])
def test_five_pairs_at_the_published_change(sd, change):
    """Servers of SD 1.4 and 2.8 %, alpha .01: changes of 4.4 and 9.0 % are called by five pairs with 80 % power."""
    rng = seeded("five pairs", sd)
    differences = math.sqrt(2) * sd * rng.standard_normal((20_000, 5)) + math.log1p(change)
    hurdle, _ = pair_hurdle(differences.std(axis=-1, ddof=1), 4, 5, 0.01, Rule(margin=0.0))
    assert (differences.mean(axis=-1) > hurdle).mean() == pytest.approx(POWER, abs=0.02)


@pytest.mark.parametrize("n", [1, 3, 8, 20])
def test_without_confirmation_the_detectable_change_has_a_closed_form(n):
    """With one session the lattice gives the hurdle plus Student's 80 % point, to half a per cent."""
    rule, sd, df = Rule(gates=20, confirmations=0), 0.03, 3.0 + n - 1
    scale = sd * math.sqrt(1 + 1 / n)
    exact = max(float(t_critical(rule.alpha_each, df)) * scale, rule.log_margin) + float(t_critical(0.2, df)) * scale
    assert detectable(sd, df, n, rule) == pytest.approx(exact, rel=0.006)


def test_more_sessions_less_noise_and_fewer_gates_see_more():
    """The detectable change falls with sessions, and rises with noise and with the number of gates."""
    rule = Rule(gates=20)
    by_sessions = [detectable(0.03, 3.0 + n - 1, n, rule) for n in range(1, 21)]
    by_noise = [detectable(sd, 10.0, 8, rule) for sd in (0.01, 0.02, 0.03, 0.05)]
    by_gates = [detectable(0.03, 10.0, 8, Rule(gates=gates)) for gates in (1, 5, 20, 100)]
    assert by_sessions == sorted(by_sessions, reverse=True)
    assert by_noise == sorted(by_noise)
    assert by_gates == sorted(by_gates)


def test_the_sessions_needed_are_the_fewest_that_resolve():
    """With that many more sessions the detectable change is within resolve, with one fewer it is not."""
    rule, sd, df, n = Rule(gates=20), 0.04, 5.0, 3
    more = sessions_needed(sd, df, n, rule)
    assert more is not None
    assert detectable(sd, df + more, n + more, rule) <= math.log1p(rule.resolve)
    assert detectable(sd, df + more - 1, n + more - 1, rule) > math.log1p(rule.resolve)


def test_noise_beyond_the_window_needs_something_else():
    """Where even a full window would not resolve, or the window is full, no number of sessions is promised."""
    assert sessions_needed(0.2, 5.0, 3, Rule(gates=20)) is None
    assert sessions_needed(0.08, 22.0, 20, Rule(gates=20)) is None
