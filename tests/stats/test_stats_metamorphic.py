"""Relations that must hold whatever the figures are, and that no figure makes it fall over."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import OwnSpread, Prior, assumed_prior, priors
from pytest_inferbench.stats.paired import judge_pairs, pair_priors
from pytest_inferbench.stats.rule import Kind, Rule
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.site import site_noise
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

LOWER, HIGHER = Direction.LOWER, Direction.HIGHER
steady = settings(deadline=None, derandomize=True, max_examples=60)

figure = st.floats(20.0, 80.0)
histories = st.lists(st.floats(36.0, 44.0), min_size=1, max_size=20)
sessions = st.lists(figure, min_size=1, max_size=3)
measured_pairs = st.lists(st.tuples(figure, figure), min_size=5, max_size=12)
rules = st.builds(Rule, gates=st.integers(1, 50), confirmations=st.integers(0, 2), strict=st.booleans())
anything = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1.7e308])
MIRROR = {Verdict.REGRESSED: Verdict.IMPROVED, Verdict.IMPROVED: Verdict.REGRESSED}


def gate(now, past, rule, direction=LOWER):
    history = read_history([Past(value) for value in past], direction, 20)
    return judge(now, history, rule, Prior(0.02, 3.0, 9))


def same(one, other) -> bool:
    """The same verdict and evidence, up to rounding."""
    return (
        one.verdict is other.verdict
        and one.screened == other.screened
        and one.confirmed == other.confirmed
        and one.p == pytest.approx(other.p, rel=1e-6, abs=1e-9)
        and one.detectable == pytest.approx(other.detectable, rel=1e-6)
    )


@steady
@given(sessions, histories, rules, st.sampled_from([1e-3, 0.1, 7.0, 1e4]))
def test_the_unit_does_not_matter(now, past, rule, factor):
    """Scaling history and sessions alike leaves the verdict, where the figures are not rounded ones."""
    assume(len(set(past)) == len(past))
    assert same(gate(now, past, rule), gate([x * factor for x in now], [x * factor for x in past], rule))


@steady
@given(sessions, histories, rules, st.randoms(use_true_random=False))
def test_the_order_of_the_history_does_not_matter(now, past, rule, random):
    """Permuting the sessions of a segment leaves the verdict."""
    shuffled = list(past)
    random.shuffle(shuffled)
    assert same(gate(now, past, rule), gate(now, shuffled, rule))


@steady
@given(sessions, histories, rules)
def test_times_and_rates_are_judged_alike(now, past, rule):
    """A metric and its inverse, better the other way round, get the same verdict, where neither is rounded."""
    assume(len(set(past)) == len(past))
    assert same(gate(now, past, rule), gate([1 / x for x in now], [1 / x for x in past], rule, HIGHER))


@steady
@given(sessions, histories, rules)
def test_the_other_direction_mirrors(now, past, rule):
    """The same figures, better the other way round: regressions become improvements and the reverse."""
    found, mirrored = gate(now, past, rule), gate(now, past, rule, HIGHER)
    assert mirrored.verdict is MIRROR.get(found.verdict, found.verdict)
    assert mirrored.change.ratio == pytest.approx(found.change.ratio)
    assert mirrored.change.low == pytest.approx(found.change.low)


@steady
@given(histories, rules, st.floats(1.0, 3.0), st.floats(1.0, 1.5))
def test_a_worse_session_is_never_better_news(past, rule, first, more):
    """From the history's own level on, making every session worse never turns a regression into anything else."""
    now = [44.0 * first] * (1 + rule.confirmations)
    if gate(now, past, rule).verdict is Verdict.REGRESSED:
        assert gate([x * more for x in now], past, rule).verdict is Verdict.REGRESSED


@steady
@given(sessions, histories, rules)
def test_significance_and_interval_agree(now, past, rule):
    """What is called has an interval on one side of 1; what contains 1 is never called."""
    found = gate(now, past, rule)
    if found.verdict is Verdict.REGRESSED:
        assert found.change.low > 1
    if found.verdict is Verdict.IMPROVED:
        assert found.change.high < 1
    if found.equivalent:
        assert found.verdict in {Verdict.OK, Verdict.INCONCLUSIVE}


@steady
@given(measured_pairs, rules)
def test_swapping_arms_flips_the_pairs(pairs, rule):
    """B against A is the mirror image of A against B."""
    found = judge_pairs(pairs, LOWER, rule)
    swapped = judge_pairs([(b, a) for a, b in pairs], LOWER, rule)
    assert swapped.verdict is MIRROR.get(found.verdict, found.verdict)
    assert swapped.change.ratio == pytest.approx(1 / found.change.ratio)
    assert swapped.detectable == pytest.approx(found.detectable)


@steady
@given(measured_pairs, rules, st.lists(st.floats(0.1, 10.0), min_size=12, max_size=12))
def test_what_a_pair_has_in_common_does_not_matter(pairs, rule, factors):
    """A factor common to both arms of a pair, a different one for each pair, leaves the verdict."""
    moved = [(a * f, b * f) for (a, b), f in zip(pairs, factors, strict=False)]
    assert same(judge_pairs(pairs, LOWER, rule), judge_pairs(moved, LOWER, rule))


@steady
@given(measured_pairs, rules)
def test_pairs_of_times_and_of_rates_are_judged_alike(pairs, rule):
    """Inverted figures, better the other way round, get the same verdict."""
    assert same(judge_pairs(pairs, LOWER, rule), judge_pairs([(1 / a, 1 / b) for a, b in pairs], HIGHER, rule))


@steady
@given(
    st.lists(anything, max_size=4),
    st.lists(st.builds(Past, anything, st.integers(0, 2)), max_size=12),
    st.sampled_from(Direction),
    rules,
)
def test_no_figure_makes_the_gate_fall_over(now, past, direction, rule):
    """Whatever was measured, the gate answers with a comparison that JSON can carry."""
    history = read_history(past, direction, 20)
    prior = priors([history.own_spread("a", rule), OwnSpread("b", Kind.TYPICAL, 4.0, 3)])[0]
    json.dumps(dataclasses.asdict(judge(now, history, rule, prior)), allow_nan=False)


@steady
@given(st.lists(st.tuples(anything, anything), max_size=14), st.sampled_from(Direction), rules)
def test_no_figure_makes_the_pairs_fall_over(pairs, direction, rule):
    """Whatever was measured, pairs and the A/A report answer with values that JSON can carry."""
    pooled = pair_priors([("a", "x", rule.kind, pairs), ("b", "x", rule.kind, [(40.0, 41.0), (40.0, 39.0)])])[0]
    for prior in (None, assumed_prior(rule.kind), pooled):
        json.dumps(dataclasses.asdict(judge_pairs(pairs, direction, rule, prior=prior)), allow_nan=False)
    json.dumps(dataclasses.asdict(site_noise(pairs, direction, rule)), allow_nan=False)
