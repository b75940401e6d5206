"""A gate on a share of requests, verdict by verdict; its test against exact figures, and its calibration."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.count_test import PastCounts, exact_level, fewer_p, more_p, summarise_counts
from pytest_inferbench.stats.counts import Count, judge_counts
from pytest_inferbench.stats.rule import Rule
from pytest_inferbench.stats.verdict import Verdict
from stats.count_rates import DRAWS, WORLDS, draw_counts, head, lines, measure, past_of, power
from stats.false_alarm_rates import seeded
from stats.golden_table import differing, golden

STEP = 0.01
THREE = Rule(gates=3)
HEALTHY = [(0, 200)] * 8


def judged(now, past, rule=THREE):
    segments = [count if len(count) == 3 else (*count, 1) for count in past]
    return judge_counts([Count(*count) for count in now], [Count(*count) for count in segments], rule, STEP)


def codes(found):
    return [note.code for note in found.notes]


def test_errors_where_there_were_none_are_a_regression_once_confirmed():
    """0 in eight sessions and then 5 % of 200 requests screens; a fresh server with as many confirms it."""
    first = judged([(10, 200)], HEALTHY)
    assert first.screened
    assert first.wants_more
    found = judged([(10, 200), (10, 200)], HEALTHY)
    assert (found.verdict, found.confirmed, found.wants_more) == (Verdict.REGRESSED, True, False)
    assert (found.baseline, found.now, found.n, found.k) == (0.0, 0.05, 8, 2)
    assert found.notes[0].message == "20 of 400 requests failed now, 0 of 1600 before: +5.0 percentage points"


def test_a_healthy_zero_is_ok_and_says_what_it_would_have_seen():
    """Nothing failed before and nothing fails now."""
    found = judged([(0, 200)], HEALTHY)
    assert found.verdict is Verdict.OK
    assert 0.02 < found.detectable_at < 0.05
    assert not found.wants_more


def test_fewer_errors_are_an_improvement_or_ok():
    """5 % that go are IMPROVED at once; 1 % of 200 requests are two, whose absence may be chance."""
    assert judged([(0, 200)], [(10, 200)] * 8).verdict is Verdict.IMPROVED
    assert judged([(0, 200)], [(2, 200)] * 8).verdict is Verdict.OK


def test_what_a_fresh_server_does_not_repeat_is_not_a_regression():
    """Ten failures and then none: the alarm is taken back, and both are told; a last one within the step ends it."""
    found = judged([(10, 200), (0, 200)], HEALTHY)
    assert (found.verdict, found.confirmed) == (Verdict.OK, False)
    assert "5 %, 0 % failed in turn" in found.notes[-1].message
    twice = replace(THREE, confirmations=2)
    assert judged([(30, 200), (2, 200)], HEALTHY, twice).wants_more
    apart = judged([(30, 200), (1, 200)], HEALTHY, twice)
    assert not apart.wants_more
    assert apart.verdict is not Verdict.REGRESSED


def test_only_an_alarm_that_was_taken_back_is_told_as_one():
    """Neither a first session, nor a confirmed rise, nor two healthy sessions are `not confirmed`."""
    assert "not_confirmed" in codes(judged([(10, 200), (0, 200)], HEALTHY))
    for now in ([(10, 200)], [(10, 200), (10, 200)], [(0, 200), (0, 200)], [(0, 200), (10, 200)]):
        assert codes(judged(now, HEALTHY)) == ["counts"]


def test_the_last_session_s_own_share_keeps_an_alarm_alive():
    """Two of 400 are within the step, of whatever size the session before was; two of 40 are not."""
    twice = replace(THREE, confirmations=2)
    assert not judged([(30, 200), (2, 400)], HEALTHY, twice).wants_more
    assert judged([(30, 400), (2, 40)], HEALTHY, twice).wants_more


def test_a_run_says_what_its_level_allows():
    """The figures that are no verdict: the level of one gate, its false alarms, and the chance of so many failures."""
    found = judged([(3, 200)], [(2, 200)] * 8)
    assert (found.alpha_each, found.false_alarm) == (0.05 / 3, 0.05 / 3)
    past = summarise_counts(np.full(8, 2.0), np.full(8, 200.0), [1] * 8)
    assert found.p == pytest.approx(float(more_p(3, 200, past, past.factor)))
    assert (found.confirmed, found.needed, found.remedy) == (None, None, "")


def test_the_first_session_screens_whatever_comes_after_it():
    """A healthy first session is no regression, though the fresh servers after it fail; nor is a healthy last one."""
    twice = replace(THREE, confirmations=2)
    assert judged([(20, 200)] * 3, HEALTHY, twice).verdict is Verdict.REGRESSED
    for healthy in (0, 2):
        now = [(0 if at == healthy else 20, 200) for at in range(3)]
        assert judged(now, HEALTHY, twice).verdict is not Verdict.REGRESSED
    assert judged([(20, 200), (0, 200), (20, 200)], HEALTHY, twice).verdict is Verdict.REGRESSED


def test_an_improvement_needs_failures_that_are_gone_and_a_change_that_matters():
    """Two failures before prove no rate, however many requests now have none; .8 points less do not matter."""
    assert judged([(0, 20_000)], [(2, 20)]).verdict is not Verdict.IMPROVED
    assert judged([(0, 20_000)], [(3, 20)]).verdict is Verdict.IMPROVED
    past = [(20_000, 1_000_000)] * 8
    assert judged([(12_000, 1_000_000)], past).verdict is Verdict.OK
    assert judged([(9_000, 1_000_000)], past).verdict is Verdict.IMPROVED


@pytest.mark.parametrize(("now", "plain", "strict"), [(0.105, True, False), (0.125, True, True)])
def test_strict_counts_want_more_than_the_margin_beyond_chance(now, plain, strict):
    """Of a rate of 8 % with a margin of a quarter, 10.5 % are beyond it; surely beyond it are only 12.5 %."""
    rule = replace(THREE, margin=0.25)
    past, today = [(800, 10_000)] * 8, [(round(now * 10_000), 10_000)] * 2
    assert (judged(today, past, rule).verdict is Verdict.REGRESSED) is plain
    assert (judged(today, past, replace(rule, strict=True)).verdict is Verdict.REGRESSED) is strict
    back = [(round((0.16 - now) * 10_000), 10_000)] * 2
    assert (judged(back, past, rule).verdict is Verdict.IMPROVED) is plain
    assert (judged(back, past, replace(rule, strict=True)).verdict is Verdict.IMPROVED) is strict


@pytest.mark.parametrize("events", [1, 2])
def test_a_few_events_are_called_nothing(events):
    """One or two failures are no regression, though a million requests before had none."""
    found = judged([(events, 50)], [(0, 125_000)] * 8, Rule(confirmations=0))
    assert found.p < 0.001
    assert found.verdict is not Verdict.REGRESSED
    assert judged([(3, 50)], [(0, 125_000)] * 8, Rule(confirmations=0)).verdict is Verdict.REGRESSED


def test_a_change_below_the_step_is_never_called():
    """.9 percentage points more are certain among a million requests, and do not matter; 1.1 do."""
    past = [(10_000, 1_000_000)] * 8
    assert judged([(19_000, 1_000_000)] * 2, past).verdict is Verdict.OK
    assert judged([(21_000, 1_000_000)] * 2, past).verdict is Verdict.REGRESSED
    # Of a rate of half, the margin of 5 % is more than the step.
    assert judged([(520_000, 1_000_000)] * 2, [(500_000, 1_000_000)] * 8).verdict is Verdict.OK


def test_few_requests_are_inconclusive_and_say_what_would_decide():
    """One session of 96 requests could not show a rise by 10 points; some more could, among twenty gates none."""
    found = judged([(0, 96)], [(0, 96)])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.detectable_at > 0.10
    assert found.needed
    assert judged([(0, 96)], [(0, 96)] * (1 + found.needed)).verdict is Verdict.OK
    none = judged([(0, 20)], [(0, 20)], Rule(gates=20))
    assert (none.verdict, none.detectable_at, none.needed) == (Verdict.INCONCLUSIVE, None, None)
    assert none.remedy == "more requests a session would decide (10 % is asked for)"


def test_without_history_it_is_new_and_without_a_count_invalid():
    """No accepted session, none with counts, a segment that begins with none; and no count today."""
    known = Count(0, 200)
    assert judge_counts([known], [], THREE, STEP).verdict is Verdict.NEW
    older = judge_counts([known], [None, None], THREE, STEP)
    assert (older.verdict, codes(older)) == (Verdict.NEW, ["unusable_history", "new"])
    assert judge_counts([known], [known, None], THREE, STEP).verdict is Verdict.NEW
    mixed = judge_counts([known], [None, *[known] * 8], THREE, STEP)
    assert (mixed.verdict, mixed.n) == (Verdict.OK, 8)
    assert "1 of 9 accepted sessions do not say" in mixed.notes[0].message
    assert judge_counts([known, None], [known], THREE, STEP).verdict is Verdict.INVALID


def test_the_level_is_the_newest_segment_s_and_the_scatter_all_segments():
    """After an accepted rise to 10 % the old 1 % is an improvement; clumps of the old segment still widen."""
    past = [(2, 200, 1)] * 8 + [(20, 200, 2)] * 3
    assert judged([(22, 200)], past).verdict is Verdict.OK
    assert judged([(2, 200)], past).verdict is Verdict.IMPROVED
    clumped = [(0, 200, 1), (40, 200, 1)] * 4 + [(2, 200, 2)] * 3
    events, trials, segments = (np.array(column, dtype=float) for column in zip(*clumped, strict=True))
    found = summarise_counts(events, trials, segments.astype(int).tolist())
    assert (found.events, found.trials) == (6, 600)
    assert found.factor > 5
    assert judged([(12, 200)] * 2, clumped).verdict is not Verdict.REGRESSED
    assert judged([(12, 200)] * 2, [(2, 200)] * 3).verdict is Verdict.REGRESSED


def test_without_overdispersion_it_is_the_exact_conditional_test():
    """Of all events so far, today's share is binomial: 7 today and 5 before among three times as many requests."""
    past = PastCounts(5, 600, 1.0, 1e9)
    exact = sum(comb(12, y) * 0.25**y * 0.75 ** (12 - y) for y in range(7, 13))
    assert float(more_p(7, 200, past, 1.0)) == pytest.approx(exact, rel=1e-6)
    mirrored = sum(comb(6, x) * 0.75**x * 0.25 ** (6 - x) for x in range(5, 7))
    assert float(fewer_p(1, 200, past, 1.0)) == pytest.approx(mirrored, rel=1e-6)


def test_an_uncertain_overdispersion_makes_the_level_stricter():
    """With many degrees of freedom it is the level itself; the fewer, the stricter."""
    levels = [float(exact_level(0.01, df)) for df in (6, 20, 1e7)]
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(0.01, rel=1e-4)


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 300), st.integers(1, 300), st.integers(1, 30))
def test_more_events_are_never_less_suspicious(events, more, before, trials, gates):
    """No counts raise; a further failure today never turns a regression into something better."""
    rule = Rule(gates=gates, confirmations=0)
    sent, past = max(trials, events + more), [(before, before + trials)] * 3
    less, worse = judged([(events, sent)], past, rule), judged([(events + more, sent)], past, rule)
    assert worse.p <= less.p + 1e-12
    if less.verdict is Verdict.REGRESSED:
        assert worse.verdict is Verdict.REGRESSED


def test_the_golden_table_is_what_the_rule_does():
    """False alarms of a beta-binomial rate with a mean of 2 %, within its ceilings and as the table has them."""
    rows = list(head())
    for world in WORLDS:
        cells = measure(world)
        assert all(cell.rate <= cell.limit for cell in cells)
        rows += lines(world, cells)
    assert not differing(rows, golden("counts.txt"), "counts.txt")


@pytest.mark.parametrize(("gates", "before"), [(1, 0.0), (3, 0.0), (20, 0.0), (3, 0.02)])
def test_the_rate_that_would_have_been_seen_is_seen(gates, before):
    """A rise to the stated rate is called in .75 to .95 of sessions with the stated overdispersion."""
    assert 0.75 <= power(gates, before) <= 0.95


def test_a_world_s_counts_have_its_overdispersion():
    """The drawn histories scatter as their correlation says."""
    rng = seeded("counts themselves")
    history, _ = draw_counts(WORLDS[2], rng, (DRAWS, 1), 8, 2)
    rate = history.mean() / 200
    variance = float(history.var(axis=(0, 2)).mean() / (200 * rate * (1 - rate)))
    assert variance == pytest.approx(WORLDS[2].factor, rel=0.1)
    assert past_of(history).factor.shape == (DRAWS, 1)
