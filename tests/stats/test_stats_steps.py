"""Figures that can be 0, verdict by verdict: in steps near 0, in ratios far from it, and in their own unit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import assumed_prior
from pytest_inferbench.stats.paired import judge_pairs
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.sequential import Looks
from pytest_inferbench.stats.shifted import down, shift, up
from pytest_inferbench.stats.steps import Scale, judge_step_pairs, judge_steps
from pytest_inferbench.stats.verdict import Verdict
from stats.false_alarm_rates import seeded

THREE = Rule(gates=3)
LOOKS = Looks(5, 12)
NONE = [0.0] * 8


def scale(name):
    metric = METRICS[name]
    return Scale(metric.direction, metric.zero, metric.unit)


def judged(name, now, past, rule=THREE, rounds=()):
    own = scale(name)
    history = read_history([shift(Past(value, 1), own.zero) for value in past], own.direction, 20)
    return judge_steps(now, history, rule, own, rounds)


def test_preemptions_where_there_were_none_are_a_regression_once_confirmed():
    """0 in eight sessions and then 8: measured again, and called with its figures, since there is no ratio."""
    first = judged("server_preemptions", [8.0], NONE)
    assert first.screened
    assert first.wants_more
    found = judged("server_preemptions", [8.0, 9.0], NONE)
    assert (found.verdict, found.confirmed, found.wants_more) == (Verdict.REGRESSED, True, False)
    assert (found.baseline, found.change, found.sessions) == (0.0, None, ())
    assert 8.0 < found.now < 9.0
    assert found.notes[0].message == "8.49 now, 0 before; less than 5.00 is no change"


def test_a_healthy_zero_is_ok_and_says_which_figure_it_would_have_seen():
    """With eight sessions of 0, a little more than a step; with one it cannot be told."""
    found = judged("server_preemptions", [0.0], NONE)
    assert found.verdict is Verdict.OK
    assert 5.0 < found.detectable_at < 6.0
    one = judged("server_preemptions", [0.0], [0.0])
    assert one.verdict is Verdict.INCONCLUSIVE
    assert one.detectable_at > 10.0
    assert one.remedy == "3 more sessions would decide (10.0 is asked for)"


@pytest.mark.parametrize(
    ("name", "now", "past"),
    [
        ("server_preemptions", 4.0, NONE),
        ("server_queue_ms", 0.9, [0.2] * 8),
        ("gpu_throttled", 0.04, NONE),
        ("ttft_drift", 0.045, [-0.001, 0.001] * 4),
        ("goodput_per_s", 0.03, [0.039] * 8),
        ("max_streams", 7.6, [8.0] * 8),
    ],
)
def test_less_than_a_step_is_never_called(name, now, past):
    """However quiet the history: neither as a regression nor, the other way round, as an improvement."""
    assert judged(name, [now, now], past).verdict not in {Verdict.REGRESSED, Verdict.IMPROVED}
    assert judged(name, past[:1], [now] * 8).verdict not in {Verdict.REGRESSED, Verdict.IMPROVED}


@pytest.mark.parametrize(
    ("name", "healthy", "ill"),
    [
        ("server_queue_ms", 0.25, 12.0),
        ("server_waiting", 0.0, 6.0),
        ("gpu_throttled", 0.0, 0.35),
        ("ttft_drift", -0.01, 0.30),
        ("goodput_per_s", 5.0, 0.0),
        ("max_streams", 8.0, 0.0),
        ("max_rate", 2.5, 0.0),
    ],
)
def test_what_matters_is_called_both_ways(name, healthy, ill):
    """From healthy to ill it is a regression, back an improvement, and staying healthy is OK."""
    assert judged(name, [ill, ill], [healthy] * 8).verdict is Verdict.REGRESSED
    assert judged(name, [healthy], [ill] * 8).verdict is Verdict.IMPROVED
    assert judged(name, [healthy], [healthy] * 8).verdict is Verdict.OK


def test_far_from_0_it_is_the_rule_of_every_gate():
    """A queue of seconds is judged as without a step: the same verdict, ratio and interval, to a thousandth."""
    past = [3000.0 * (1 + away) for away in (0.0, 0.011, -0.009, 0.006, -0.012, 0.009, -0.004, 0.002)]
    direction = METRICS["server_queue_ms"].direction
    plain = read_history([Past(value, 1) for value in past], direction, 20)
    for factor in (1.0, 1.3, 0.7):
        mine = judged("server_queue_ms", [3000.0 * factor], past)
        theirs = judge([3000.0 * factor], plain, THREE, assumed_prior(Kind.TYPICAL))
        assert mine.verdict is theirs.verdict
        assert mine.change.ratio == pytest.approx(theirs.change.ratio, rel=1e-3)
        assert mine.change.high == pytest.approx(theirs.change.high, rel=1e-3)
        assert mine.detectable_at == pytest.approx(theirs.baseline * (1 + theirs.detectable), rel=2e-3)


def test_what_a_fresh_server_does_not_repeat_is_not_a_regression():
    """Eight preemptions and then none: the alarm is taken back with both figures."""
    found = judged("server_preemptions", [8.0, 0.0], NONE)
    assert (found.verdict, found.confirmed) == (Verdict.OK, False)
    assert found.notes[-1].message == "not confirmed: 8.00, 0 in turn"


def test_nothing_to_lose_is_inconclusive():
    """Where the accepted goodput is 0, no fall can be seen, and it says so; a rise is an improvement."""
    found = judged("goodput_per_s", [0.0], NONE)
    assert (found.verdict, found.detectable_at) == (Verdict.INCONCLUSIVE, None)
    assert "too near 0 for a fall" in found.remedy


def test_without_history_it_is_new_and_without_a_figure_invalid():
    """In the metric's unit, as for every gate."""
    new = judged("server_preemptions", [3.0], [])
    assert (new.verdict, new.now) == (Verdict.NEW, pytest.approx(3.0))
    assert judged("server_preemptions", [None], NONE).verdict is Verdict.INVALID


def test_rounds_that_scatter_between_0_and_many_tell_of_noise():
    """One session of 0, 0, 60 preemptions in its rounds proves that 20 are nothing."""
    rule = Rule(confirmations=0)
    assert judged("server_preemptions", [30.0], [0.0], rule).verdict is Verdict.REGRESSED
    found = judged("server_preemptions", [30.0], [0.0], rule, rounds=(0.0, 30.0, 400.0))
    assert found.verdict is Verdict.INCONCLUSIVE


def pairs(count, a, b):
    return [(a, b)] * count


def test_pairs_in_steps():
    """The same of two arms: called both ways beyond a step, nothing within it, and few pairs are too few."""

    def found(a, b, count=5):
        return judge_step_pairs(pairs(count, a, b), THREE, scale("server_preemptions"), looks=LOOKS)

    assert found(0.0, 8.0).verdict is Verdict.REGRESSED
    assert found(8.0, 0.0).verdict is Verdict.IMPROVED
    assert (found(0.0, 4.0).verdict, found(0.0, 4.0).wants_more) == (Verdict.OK, False)
    assert found(0.0, 0.0).detectable_at == pytest.approx(5.0, abs=0.1)
    assert found(0.0, 8.0, 4).wants_more
    assert found(None, 8.0).verdict is Verdict.INVALID


def test_pairs_in_steps_want_more_until_they_are_decided_or_the_plan_ends():
    """Noise of a few steps is undecided; what is called, and what is surely within a step, wants no more."""

    def found(both):
        return judge_step_pairs(both, THREE, scale("server_preemptions"), looks=LOOKS)

    noisy = [(0.0, 12.0), (14.0, 0.0), (0.0, 9.0), (10.0, 0.0), (2.0, 14.0), (9.0, 1.0)] * 2
    assert (found(noisy[:6]).verdict, found(noisy[:6]).wants_more) == (Verdict.INCONCLUSIVE, True)
    assert (found(noisy).verdict, found(noisy).wants_more) == (Verdict.INCONCLUSIVE, False)
    called = found([(10.0, 40.0), (11.0, 41.0), (10.0, 42.0), (9.0, 40.0), (10.0, 39.0)])
    assert (called.verdict, called.screened, called.wants_more) == (Verdict.REGRESSED, True, False)
    same = found([(40.0, 40.0), (41.0, 41.0), (40.0, 41.0), (40.0, 39.0), (40.0, 40.0)])
    assert (same.verdict, same.screened, same.wants_more) == (Verdict.OK, False, False)


@pytest.mark.parametrize(
    ("base", "noise", "verdict"), [(0.0, 0.5, "ok"), (10.0, 1.5, "ok"), (0.0, 5.0, "inconclusive")]
)
def test_what_pairs_in_steps_would_have_seen(base, noise, verdict):
    """A step and the luck of their mean, or what the ratio's rule sees if that is more; OK says within two steps."""
    own = scale("server_preemptions")
    both = [(base + noise * a, base + noise * b) for a, b in ((0, 1), (1, 0), (2, 1), (0, 1), (1, 1), (0, 2))]
    found = judge_step_pairs(both, THREE, own, looks=LOOKS)
    shifted = judge_pairs([(up(a, own.zero), up(b, own.zero)) for a, b in both], own.direction, THREE, looks=LOOKS)
    luck = 0.8416 * shifted.spread.sd / math.sqrt(6) * shifted.baseline
    far = max(own.zero.step + luck, shifted.baseline * shifted.detectable)
    assert found.verdict.value == verdict
    assert found.detectable_at == pytest.approx(found.baseline + far, rel=1e-4)


def test_pairs_in_steps_are_told_in_the_metric_s_unit():
    """Far from 0 with a ratio, its interval and each pair's; the rule is the one that was given."""
    found = judge_step_pairs(
        [(30.0, 60.0), (31.0, 62.0), (30.0, 61.0), (29.0, 59.0), (30.0, 58.0)], THREE, scale("server_preemptions")
    )
    assert (found.baseline, found.now) == (pytest.approx(30.0, abs=0.02), pytest.approx(60.0, abs=0.05))
    assert found.change.ratio == pytest.approx(2.0, abs=0.01)
    assert found.change.low < found.change.ratio < found.change.high
    assert found.sessions == pytest.approx((2.0, 2.0, 2.033, 2.033, 1.933), abs=0.05)
    assert (found.rule, found.detectable, found.spread, found.needed, found.remedy) == (THREE, None, None, None, "")
    assert "steps" not in {note.code for note in found.notes}


@pytest.mark.parametrize(
    ("now", "said"), [([8.0], False), ([8.0, 0.0], True), ([8.0, 9.0], False), ([0.0, 0.0], False)]
)
def test_only_an_alarm_that_was_taken_back_is_told_as_one(now, said):
    """A first session has not been repeated yet, a confirmed one was, and a healthy one has nothing to repeat."""
    found = judged("server_preemptions", now, NONE)
    assert ("not_confirmed" in {note.code for note in found.notes}) is said
    unsure = judged("server_preemptions", [20.0], [0.0], Rule(gates=20))
    assert (unsure.screened, unsure.verdict, unsure.confirmed) == (True, Verdict.INCONCLUSIVE, None)
    assert "not_confirmed" not in {note.code for note in unsure.notes}


def test_what_is_undecided_says_what_is_asked_for_in_the_unit():
    """Two steps near 0, a fifth of the figure far from it, downwards where more is better and never below 0."""
    one = Rule(gates=20)
    near, far = judged("server_preemptions", [0.0], [0.0], one), judged("server_preemptions", [100.0], [100.0], one)
    assert near.remedy.endswith("would decide (10.0 is asked for)")
    assert far.remedy.endswith("(120 is asked for)")
    low = judged("max_streams", [20.0], [20.0], one)
    assert low.remedy.endswith("(16.0 streams is asked for)")
    assert [near.needed, low.needed] == [8, 2]
    assert judged("goodput_per_s", [0.0], NONE, one).needed is None


def test_one_clump_in_one_pair_is_no_difference():
    """Thirty preemptions of one server of five are that server's: more pairs are wanted, or nothing is called."""
    both = [*pairs(4, 0.0, 0.0), (0.0, 30.0)]
    assert judge_step_pairs(both, THREE, scale("server_preemptions"), looks=LOOKS).verdict is not Verdict.REGRESSED


@given(st.floats(0, 1e9), st.sampled_from(sorted(name for name, row in METRICS.items() if row.zero)))
def test_a_shift_is_undone(figure, name):
    """What goes in comes out, to nine decimals or the float's own precision."""
    zero = METRICS[name].zero
    assert down(up(figure, zero), zero) == pytest.approx(figure, abs=1e-8, rel=1e-12)


@given(
    st.lists(st.one_of(st.none(), st.floats(-1, 1e12)), min_size=1, max_size=2),
    st.lists(st.one_of(st.none(), st.floats(-1, 1e12)), max_size=4),
    st.sampled_from(sorted(name for name, row in METRICS.items() if row.zero)),
)
def test_nothing_raises_for_data(now, past, name):
    """Any figures, absent, 0 or huge, give a verdict; a change is only told where there is a ratio."""
    found = judged(name, now, past)
    assert found.worsening is None or math.isfinite(found.worsening)
    paired = judge_step_pairs([(each, now[0]) for each in past], THREE, scale(name), looks=Looks(2, 4))
    assert paired.verdict in set(Verdict)


def test_clumped_preemptions_raise_few_false_alarms():
    """Negative binomial counts of a mean of 4 and 8, twice as variable as chance: at most 5 of 100 cases of 3 gates."""
    rng = seeded("preemptions")
    alarms = []
    for mean in (4, 8):
        events = rng.negative_binomial(mean, 0.5, (60, 3, 10)).astype(float)
        for case in events:
            found = [judged("server_preemptions", own[8:].tolist(), own[:8].tolist(), THREE) for own in case]
            alarms.append(any(each.verdict is Verdict.REGRESSED for each in found))
    assert np.mean(alarms) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(alarms))


def test_the_margin_of_a_policy_still_holds():
    """A change of steps that is within the margin of a large figure is nothing."""
    past = [1000.0] * 8
    assert judged("server_preemptions", [1030.0, 1030.0], past).verdict is Verdict.OK
    assert judged("server_preemptions", [1200.0, 1200.0], past, replace(THREE, margin=0.3, resolve=0.4)).verdict is (
        Verdict.OK
    )
