"""The moderated spread: what is pooled, how fast, and where it comes from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from pytest_inferbench.stats.moderation import OwnSpread, assumed_prior, fit_priors, moderate, priors
from pytest_inferbench.stats.rule import Kind


def own(case: str, sd: float, df: float, kind: Kind = Kind.TYPICAL) -> OwnSpread:
    return OwnSpread(case, kind, sd**2, df)


def limma(variance: np.ndarray, df: float) -> tuple[float, float]:
    """Smyth's estimator as published: unweighted moments of log-variances; d0 by bisection."""
    e = np.log(variance) - special.digamma(df / 2) + np.log(df / 2)
    target = e.var(ddof=1) - special.polygamma(1, df / 2)
    low, high = 1e-3, 1e4
    for _ in range(200):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if special.polygamma(1, middle) > target else (low, middle)
    return float(np.exp(e.mean() + special.digamma(low) - np.log(low))), 2 * low


@pytest.mark.parametrize("d0", [2.0, 4.0, 10.0])
def test_many_gates_give_limma_s_estimate(d0):
    """With thousands of gates the prior is Smyth's, and the truth."""
    rng = np.random.default_rng(1)
    truth = 0.02**2 * d0 / rng.chisquare(d0, 3000)
    variance = truth * rng.chisquare(9, 3000) / 9
    found = priors([own(f"case {i}", sd, 9) for i, sd in enumerate(np.sqrt(variance))])[0]
    scale, df = limma(variance, 9)
    assert found.sd**2 == pytest.approx(scale, rel=0.02)
    assert found.df == pytest.approx(df, rel=0.05)
    assert found.df == pytest.approx(d0, rel=0.15)
    assert found.sd == pytest.approx(0.02, rel=0.05)
    assert found.pooled == 2999


def test_nothing_to_pool_leaves_the_stated_prior():
    """A lone gate, or gates without degrees of freedom, get what is stated, doubted as the site's noise is unknown."""
    typical, tail = priors([own("a", 0.1, 5), own("b", 0.1, 5, Kind.TAIL)])
    assert typical == assumed_prior(Kind.TYPICAL)
    assert (typical.sd, typical.df, typical.pooled) == (
        pytest.approx(0.0234, rel=0.01),
        pytest.approx(1.39, abs=0.01),
        0,
    )
    assert (tail.sd / typical.sd, tail.df) == (pytest.approx(5 / 3), typical.df)
    assert "stated: SD 2.3 %, 1.4 df" in typical.source
    # The middle of what the site may be is 3 % still: half of its gates' SDs lie on either side of it.
    log_variance = np.log(typical.sd**2) - special.digamma(typical.df / 2) + np.log(typical.df / 2)
    assert log_variance == pytest.approx(np.log(0.03**2) - special.digamma(1.5) + np.log(1.5))
    assert priors([own("a", 0.0, 0), own("b", 0.0, 0)]) == (assumed_prior(Kind.TYPICAL),) * 2
    assert priors([]) == ()


def test_a_pool_informs_and_is_not_asked_for():
    """Gates of other models count like any other case, and only the first have a prior made."""
    gates = [own("a", 0.02, 5), own("b", 0.01, 9), own("t", 0.2, 9, Kind.TAIL)]
    pool = [own("x", 0.04, 3), own("x", 0.05, 3), own("y", 0.1, 3, Kind.TAIL)]
    assert priors(gates, pool) == priors([*gates, *pool])[:3]
    assert [prior.pooled for prior in priors(gates, pool)] == [3, 3, 1]


def test_gates_of_one_case_do_not_inform_each_other():
    """The figures of one case move together; only other cases count, and never the gate itself."""
    same = priors([own("a", 0.1, 19), own("a", 0.1, 19)])
    assert [prior.pooled for prior in same] == [0, 0]
    other = priors([own("a", 0.1, 19), own("b", 0.01, 19)])
    assert "from 1 gate of other cases" in other[0].source
    assert other[0].sd < 0.03 < other[1].sd


def test_kinds_are_pooled_apart():
    """Noisy tails do not make typical figures noisy."""
    gates = [own(f"t{i}", 0.2, 19, Kind.TAIL) for i in range(20)] + [own(f"m{i}", 0.01, 19) for i in range(20)]
    found = priors(gates)
    assert found[0].sd > 0.1
    assert found[-1].sd < 0.02


def test_the_pool_takes_over_as_it_grows():
    """From the stated 3 % the prior moves to the site's 1 % as cases and sessions come in, and never jumps."""
    seen = [
        priors([own(f"c{i}", 0.01, df) for i in range(count)])[0].sd for count, df in ((1, 1), (2, 1), (4, 2), (40, 19))
    ]
    assert seen[0] == pytest.approx(assumed_prior(Kind.TYPICAL).sd)
    assert seen[-1] == pytest.approx(0.01, rel=0.15)
    dfs = [
        priors([own(f"c{i}", 0.01, df) for i in range(count)])[0].df for count, df in ((1, 1), (2, 1), (4, 2), (40, 19))
    ]
    assert dfs == sorted(dfs)


def test_a_mature_gate_outweighs_a_young_one():
    """A neighbour with 19 degrees of freedom counts more than one with 1."""
    young_is_noisy = priors([own("me", 0.0, 0), own("a", 0.05, 1), own("b", 0.01, 19)])[0].sd
    mature_is_noisy = priors([own("me", 0.0, 0), own("a", 0.01, 1), own("b", 0.05, 19)])[0].sd
    assert young_is_noisy < mature_is_noisy


def test_own_sessions_take_over_from_the_prior():
    """The moderated spread goes from the prior's to the gate's own as sessions come in."""
    prior = assumed_prior(Kind.TYPICAL)
    seen = [moderate(own("a", 0.01, df), prior).sd for df in (0, 1, 5, 19, 1000)]
    assert seen[0] == pytest.approx(prior.sd)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == pytest.approx(0.01, rel=0.02)


def test_the_moderated_spread_says_what_went_in():
    """It carries its degrees of freedom, the gate's own part and the prior; absent stays absent."""
    prior = assumed_prior(Kind.TAIL)
    alone, with_own = moderate(own("a", 0.0, 0), prior), moderate(own("a", 0.02, 7), prior)
    assert (alone.own_sd, alone.df) == (None, prior.df)
    assert (with_own.own_sd, with_own.own_df, with_own.df) == (pytest.approx(0.02), 7, 7 + prior.df)
    assert with_own.prior is prior


def test_a_spread_of_nothing_but_rounding_does_not_sink_the_pool():
    """Gates that never moved count as .1 %, not as minus infinity."""
    found = priors([own("me", 0.0, 0), *(own(f"flat {i}", 0.0, 9) for i in range(5))])[0]
    assert 0.0005 < found.sd < 0.02


def test_gates_that_agree_make_a_firm_prior_and_gates_that_do_not_a_loose_one():
    """The prior's degrees of freedom say how alike the site's gates are."""
    alike = priors([own(f"c{i}", 0.02, 19) for i in range(40)])[0]
    apart = priors([own(f"c{i}", 0.002 if i % 2 else 0.2, 19) for i in range(40)])[0]
    assert alike.df > 10
    assert apart.df < 2


def test_arrays_of_draws_are_fitted_as_each_alone():
    """Drawing by the thousand and judging one by one are one formula."""
    rng = np.random.default_rng(2)
    variance = 0.03**2 * rng.chisquare(4, (7, 12)) / 4
    others = 1 - np.eye(12)
    together = fit_priors(variance, np.asarray(4.0), others, 0.03)
    for row in range(7):
        alone = fit_priors(variance[row], np.asarray(4.0), others, 0.03)
        np.testing.assert_allclose(together[0][row], alone[0])
        np.testing.assert_allclose(together[1][row], alone[1])
