"""Alpha spending on t: looking costs exactly what the plan says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_inferbench.stats.distributions import t_critical
from pytest_inferbench.stats.sequential import Looks, _Angles, _r_of_t, _t_of_r, alpha_spent, nominal_levels
from stats.false_alarm_rates import seeded


def test_one_look_has_all_of_alpha():
    """A fixed number of pairs is the plain t test."""
    assert nominal_levels(Looks(5, 5), 0.05) == (pytest.approx(0.05),)


def test_alpha_is_spent_from_nothing_to_all():
    """The spending function starts at 0, ends at alpha and never falls."""
    parts = [alpha_spent(t, 0.05) for t in np.linspace(0, 1, 11)]
    assert parts[0] == 0
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(0.05)
    assert alpha_spent(1.5, 0.05) == pytest.approx(0.05)


def test_the_first_look_has_what_its_pairs_have_earned():
    """Five of twelve pairs spend alpha ln(1 + (e - 1) 5 / 12)."""
    assert nominal_levels(Looks(5, 12), 0.05)[0] == pytest.approx(alpha_spent(5 / 12, 0.05))


@pytest.mark.parametrize(
    ("looks", "alpha", "prior_df"), [(Looks(5, 12), 0.05, 0.0), (Looks(5, 20), 0.01, 0.0), (Looks(5, 12), 0.05, 3.0)]
)
def test_all_looks_together_cross_with_probability_alpha(looks, alpha, prior_df):
    """Under no change, with a true prior or none, the share ever called is alpha within 3 SE of 60,000 draws."""
    rng, draws = np.random.default_rng(7), 60_000
    sd = np.sqrt(prior_df / rng.chisquare(prior_df, (draws, 1))) if prior_df else 1.0
    sums = np.cumsum(x := sd * rng.standard_normal((draws, looks.most)), axis=1)
    squares = np.cumsum(x**2, axis=1)
    called = np.zeros(draws, dtype=bool)
    for n, level in enumerate(nominal_levels(looks, alpha, prior_df), start=looks.fewest):
        mean, df = sums[:, n - 1] / n, n - 1 + prior_df
        variance = (squares[:, n - 1] - n * mean**2 + prior_df) / df
        called |= mean > t_critical(level, df) * np.sqrt(variance / n)
    assert called.mean() == pytest.approx(alpha, abs=3 * np.sqrt(alpha * (1 - alpha) / draws))


def test_every_level_is_below_alpha_and_together_above_it():
    """Looks are positively correlated: each level is less than alpha, their sum more."""
    levels = nominal_levels(Looks(5, 12), 0.05)
    assert len(levels) == 8
    assert max(levels) < 0.05 < sum(levels)


@pytest.mark.parametrize("prior_df", [0.0, 3.0])
@pytest.mark.parametrize("n", [5, 12])
def test_t_and_the_share_of_the_mean_in_all_squares_are_one_figure(n, prior_df):
    """R = S / sqrt(Q) of n pairs, with the squares of a prior seen beforehand, is Student's t and back."""
    for t in (-3.0, 0.0, 0.5, 4.0):
        r = _r_of_t(t, n, prior_df)
        assert float(_t_of_r(r, n, prior_df)) == pytest.approx(t)
        assert abs(r) < math.sqrt(n)
    pairs = seeded("share of the mean", n).standard_normal(n)
    squares = float((pairs**2).sum())
    t = pairs.mean() / (pairs.std(ddof=1) / math.sqrt(n))
    assert _r_of_t(float(t), n, 0.0) == pytest.approx(float(pairs.sum()) / math.sqrt(squares))


@pytest.mark.parametrize("before", [-1.5, 0.0, 0.8])
@pytest.mark.parametrize("r", [-1.6, -0.4, 0.0, 0.3, 1.4, 2.5])
def test_one_more_pair_moves_the_figure_as_drawn(before, r):
    """R cos(phi) + sin(phi) beyond r, where tan(phi) sqrt(df) is Student's t: as a hundred thousand draws have it."""
    df = 4.0
    phi = np.arctan(seeded("angles").standard_t(df, 100_000) / math.sqrt(df))
    drawn = float(np.mean(before * np.cos(phi) + np.sin(phi) > r))
    assert float(_Angles(df).exceed(np.asarray(r), np.asarray(before))) == pytest.approx(drawn, abs=0.006)
