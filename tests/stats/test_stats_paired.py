"""Paired A/B, verdict by verdict, and its exact cross-check."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from pytest_inferbench.stats.distributions import t_critical, t_tail
from pytest_inferbench.stats.moderation import Prior
from pytest_inferbench.stats.paired import PLAN, judge_pairs, pair_priors, sign_flip_p
from pytest_inferbench.stats.rule import TYPICAL, Kind, Rule
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

LOWER = Direction.LOWER
NOISE = (0.01, -0.012, 0.004, -0.006, 0.009, -0.003, 0.002, -0.008, 0.006, -0.001, 0.003, -0.004)


def pairs(change: float, count: int, scale: float = 1.0) -> list[tuple[float, float]]:
    """Pairs on drifting days: the level moves by tens of per cent, the arms differ by `change`."""
    return [
        (40.0 * 1.1**i, 40.0 * 1.1**i * (1 + change) * math.exp(scale * noise)) for i, noise in enumerate(NOISE[:count])
    ]


def test_five_pairs_call_a_change_the_days_would_hide():
    """A worsening of 10 % is called by five pairs although the level drifts by half meanwhile."""
    found = judge_pairs(pairs(0.10, 5), LOWER, TYPICAL)
    assert found.verdict is Verdict.REGRESSED
    assert (found.n, found.k) == (5, 1)
    assert found.change.ratio == pytest.approx(1.10, rel=0.01)
    assert found.change.low > 1.0
    assert len(found.sessions) == 5
    assert not found.wants_more


def test_pairs_alone_are_judged_by_their_own_t():
    """The scatter of their log-ratios on one degree of freedom less than there are pairs, in p and interval."""
    both = pairs(0.10, 6)
    logs = np.log([b / a for a, b in both])
    found = judge_pairs(both, LOWER, TYPICAL, looks=Looks(6, 6))
    sd = float(logs.std(ddof=1))
    assert (found.spread.sd, found.spread.df, found.spread.own_sd, found.spread.own_df, found.spread.prior) == (
        pytest.approx(sd),
        5,
        pytest.approx(sd),
        5,
        None,
    )
    assert found.p == pytest.approx(float(t_tail(logs.mean() / (sd / math.sqrt(6)), 5)))
    half = float(t_critical(0.05, 5)) * sd / math.sqrt(6)
    assert (found.alpha_each, found.change.level) == (pytest.approx(0.05), pytest.approx(0.9))
    assert (found.change.low, found.change.high) == pytest.approx(
        (math.exp(logs.mean() - half), math.exp(logs.mean() + half))
    )
    assert found.baseline == pytest.approx(math.exp(np.log([a for a, _ in both]).mean()))


def test_swapping_the_arms_is_an_improvement():
    """B against A worse is A against B better, by the inverse ratio."""
    there, back = pairs(0.10, 5), [(b, a) for a, b in pairs(0.10, 5)]
    found, mirrored = judge_pairs(there, LOWER, TYPICAL), judge_pairs(back, LOWER, TYPICAL)
    assert mirrored.verdict is Verdict.IMPROVED
    assert mirrored.change.ratio == pytest.approx(1 / found.change.ratio)


def test_the_same_arm_twice_is_ok():
    """An A/A run without a difference is OK, with what it would have seen."""
    found = judge_pairs(pairs(0.0, 5), LOWER, TYPICAL)
    assert found.verdict is Verdict.OK
    assert found.detectable < TYPICAL.resolve
    assert not found.wants_more


def test_fewer_pairs_than_the_plan_are_not_judged():
    """Below the plan's fewest the verdict is INCONCLUSIVE and asks for the rest."""
    found = judge_pairs(pairs(0.5, 4), LOWER, TYPICAL)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert (found.needed, found.wants_more) == (1, True)
    assert judge_pairs([], LOWER, TYPICAL).needed == PLAN.fewest


def test_noise_asks_for_more_pairs_until_the_plan_ends():
    """Pairs of 20 % noise among 20 gates cannot say OK at five; at the plan's end they stop asking."""
    rule = Rule(gates=20)
    early, late = (judge_pairs(pairs(0.0, count, scale=20), LOWER, rule) for count in (5, 12))
    assert early.verdict is Verdict.INCONCLUSIVE
    assert early.wants_more
    assert early.needed > 5
    assert not late.wants_more


def test_a_worsening_that_is_not_yet_significant_asks_for_more_pairs():
    """An estimate beyond the margin short of significance is worth another pair even where OK could be said."""
    found = judge_pairs(pairs(0.06, 5, scale=3), LOWER, Rule(gates=20))
    assert found.verdict is Verdict.OK
    assert found.wants_more
    assert found.screened
    assert judge_pairs(pairs(0.06, 12, scale=3), LOWER, Rule(gates=20)).verdict is Verdict.REGRESSED


def test_one_unusable_arm_drops_its_pair():
    """A pair with an absent or zero figure in one arm is left out and counted."""
    found = judge_pairs([*pairs(0.10, 6), (None, 40.0), (40.0, 0.0)], LOWER, TYPICAL)
    assert found.n == 6
    assert "2 of 8" in found.notes[0].message


def test_nothing_usable_is_invalid():
    """Pairs without any figure are INVALID and name what was measured."""
    found = judge_pairs([(None, 1.0)] * 6, LOWER, TYPICAL)
    assert found.verdict is Verdict.INVALID
    assert "absent" in found.notes[-1].message
    assert judge_pairs(pairs(0.1, 6), Direction.NEUTRAL, TYPICAL).verdict is Verdict.INVALID


def test_pairs_beyond_the_plan_are_judged_as_its_last_look_and_noted():
    """More pairs than planned are used, at the last look's level, and the report says so."""
    found = judge_pairs(pairs(0.0, 8), LOWER, TYPICAL, looks=Looks(5, 6))
    assert found.n == 8
    assert found.alpha_each == judge_pairs(pairs(0.0, 6), LOWER, TYPICAL, looks=Looks(5, 6)).alpha_each
    assert "beyond_plan" in {note.code for note in found.notes}


def test_a_prior_steadies_five_pairs():
    """With a prior from other cases the spread has more degrees of freedom and more is seen."""
    plain = judge_pairs(pairs(0.0, 5), LOWER, TYPICAL)
    steadied = judge_pairs(pairs(0.0, 5), LOWER, TYPICAL, prior=Prior(0.01, 4.0, 10))
    assert steadied.spread.df == plain.spread.df + 4
    assert steadied.detectable < plain.detectable


def test_other_cases_pairs_make_the_prior():
    """The prior comes from the other cases' pairs so far; a case alone, or among cases without pairs, has none."""
    quiet, loud = pairs(0.0, 5), pairs(0.2, 5, scale=10)
    among = pair_priors(
        [
            ("a", "ttft_ms.p50", Kind.TYPICAL, quiet),
            ("b", "ttft_ms.p50", Kind.TYPICAL, loud),
            ("c", "ttft_ms.p50", Kind.TYPICAL, loud),
        ]
    )
    assert [prior.pooled for prior in among] == [2, 2, 2]
    assert among[0].sd > among[1].sd
    lone = [
        ("a", "ttft_ms.p50", Kind.TYPICAL, quiet),
        ("a", "ttft_ms.p50", Kind.TYPICAL, loud),
        ("b", "ttft_ms.p50", Kind.TAIL, loud),
        ("c", "ttft_ms.p50", Kind.TYPICAL, quiet[:1]),
    ]
    assert pair_priors(lone)[:3] == (None, None, None)


def test_strict_pairs_want_the_whole_interval_beyond_the_margin():
    """A change of 5.5 % with an interval down to 4.5 % is a regression, but not strictly."""
    rule = Rule()
    assert judge_pairs(pairs(0.055, 5), LOWER, rule).verdict is Verdict.REGRESSED
    assert judge_pairs(pairs(0.055, 5), LOWER, replace(rule, strict=True)).verdict is Verdict.OK


def test_identical_pairs_are_judged_with_a_floor():
    """Ratios that agree to the last bit do not make the spread 0."""
    found = judge_pairs([(40.0, 48.0)] * 5, LOWER, TYPICAL)
    assert found.verdict is Verdict.REGRESSED
    assert found.spread.sd == pytest.approx(0.001)


@pytest.mark.parametrize("count", [6, 7, 9])
def test_sign_flips_are_all_counted(count):
    """The p-value is the share of all 2^n sign patterns whose sum is at least the observed one."""
    differences = np.asarray(NOISE[:count]) + 0.004
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=count)
    ]
    assert sign_flip_p(differences) == pytest.approx(np.mean(np.asarray(sums) >= differences.sum() - 1e-12))


def test_sign_flips_need_six_pairs_and_end_at_sixteen():
    """Five pairs cannot reach a small p by sign flips, seventeen take too many."""
    assert sign_flip_p(np.full(5, 0.1)) is None
    assert sign_flip_p(np.full(6, 0.1)) == pytest.approx(1 / 64)
    assert sign_flip_p(np.full(17, 0.1)) is None


def test_a_call_that_sign_flips_do_not_share_is_noted():
    """A prior that overrules six pairs of both signs is pointed out."""
    ratios = (1.5, 1.5, 1.3, 0.95, 0.9, 1.2)
    found = judge_pairs([(40.0, 40.0 * ratio) for ratio in ratios], LOWER, TYPICAL, prior=Prior(0.01, 30.0, 10))
    assert found.verdict is Verdict.REGRESSED
    assert "sign_flip" in {note.code for note in found.notes}
