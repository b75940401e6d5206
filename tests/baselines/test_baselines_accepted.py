"""What is derived of a case's lines: its newest segment, its level, what a relative budget starts from."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.baseline_made import CASE, YAML, baseline, candidate, result, segment, session
from pytest_inferbench.baselines.accepted import Accepted, accepted_cases, reference
from pytest_inferbench.baselines.budget import Budget
from pytest_inferbench.baselines.check import check_budgets
from pytest_inferbench.baselines.comparable import comparable
from pytest_inferbench.stats.verdict import Verdict

TTFT = "ttft_ms.p50"


def at(number, ttft, **fields):
    return session(number, rounds={TTFT: [ttft]}, **fields)


def of(*lines):
    return accepted_cases(lines)[CASE]


def day(number):
    return f"2025-01-{number:02d}T12:00:00+00:00"


def test_the_order_of_lines_says_nothing():
    """A merge leaves the lines of two branches in any order: what is derived is the same."""
    lines = [at(1, 40.0), at(2, 42.0), segment("s", date=day(4)), at(4, 30.0, segment="s"), at(5, 31.0, segment="s")]
    shuffled = random.Random(3).sample(lines, len(lines))
    assert of(*shuffled) == of(*lines)
    assert [made.id for made in of(*shuffled).segment] == ["run-4", "run-5"]


def test_a_night_of_the_old_version_stays_in_its_segment():
    """A branch that went on measuring the old version after the other reseated does not move the new level."""
    found = of(at(1, 40.0), segment("s", date=day(3)), at(3, 30.0, segment="s"), at(6, 41.0))
    assert found.numbers == (1, 1, 2)
    assert found.figures([TTFT]) == {TTFT: 30.0}


def test_figures_are_medians_of_the_newest_segment():
    """Sessions of an earlier segment do not enter, and a figure that no session has is left out."""
    found = of(at(1, 90.0), segment("s", date=day(2)), *(at(n, 40.0 + n, segment="s") for n in (3, 4, 5)))
    assert found.figures([TTFT, "tpot_ms.p50"]) == {TTFT: 44.0}
    assert Accepted().figures([TTFT]) == {}


@pytest.mark.parametrize(("how", "start"), [("reseat", 30.0), ("accept", 40.0), ("changed", 40.0)])
def test_only_a_reseat_moves_what_budgets_start_from(how, start):
    """A regression that was accepted, or a segment opened for another reason, leaves the level where it was set."""
    found = of(at(1, 40.0), at(2, 40.0), at(3, 40.0), segment("s", how=how, date=day(4)), at(4, 30.0, segment="s"))
    assert reference(found.level, TTFT).value == start


def test_an_accepted_regression_does_not_fill_up_the_first_three():
    """Where the level has fewer sessions yet, they alone are what budgets start from, until the next reseat."""
    lines = [at(1, 40.0), at(2, 42.0), segment("s", how="accept", date=day(4)), at(4, 90.0, segment="s")]
    assert reference(of(*lines).level, TTFT).value == 41.0


def test_nothing_is_a_share_of_zero():
    """A figure of 0, as an older file may have one, is none to start from."""
    assert reference([at(1, 0.0)], TTFT) is None
    assert reference([at(1, 0.0), at(2, 42.0)], TTFT).value == 42.0


def test_a_creep_does_not_move_it():
    """The mean of the first three sessions stays what it is, however many follow."""
    found = of(*(at(n, 40.0 * 1.02**n) for n in range(12)))
    start = reference(found.level, TTFT)
    assert start.value == pytest.approx((40.0 + 40.8 + 41.616) / 3)
    assert [made.id for made in start.sessions] == ["run-0", "run-1", "run-2"]


def checked(limit, *lines, metric=TTFT, bound="max", **fields):
    """The relative budget of a case of 41 ms against what was accepted."""
    files, case = baseline(YAML, *lines), candidate(**fields)
    level = comparable(files, CASE, case.fingerprint).accepted.level
    (check,) = check_budgets(result(**fields), [Budget(metric, bound, limit, "q.yaml:3")], level)
    return check


def test_a_relative_budget_is_a_share_of_the_accepted_figure():
    """The check says the limit in the metric's unit, and in words what it is a share of."""
    check = checked("+25 %", at(0, 32.0), at(1, 33.0), at(2, 34.0), at(3, 99.0))
    assert (check.verdict, check.value, check.limit) == (Verdict.WITHIN_BUDGET, 41.0, 41.25)
    assert check.note == "+25 % of 33.0, accepted in 3 sessions from 2025-01-01 to 2025-01-03 (v0.8.1)"
    over = checked("+20%", at(0, 33.0))
    assert (over.verdict, over.limit) == (Verdict.OVER_BUDGET, pytest.approx(39.6))
    assert over.note == "+20% of 33.0, accepted in 1 session of 2025-01-01 (v0.8.1)"


def test_a_relative_budget_of_a_throughput():
    """What may not fall is limited from below."""
    lines = session(0, rounds={"output_tok_per_s": [1600.0]})
    check = checked("-20 %", lines, metric="output_tok_per_s", bound="min")
    assert (check.verdict, check.limit) == (Verdict.WITHIN_BUDGET, 1280.0)


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ((), {}),
        ((at(0, 1.0, workload_hash="other"),), {}),
        ((session(0, rounds={"tpot_ms.p50": [6.0]}),), {}),
    ],
    ids=["no session", "another workload", "no such figure"],
)
def test_without_an_accepted_figure_it_is_new(lines, fields):
    """Nothing comparable to start from: neither kept nor missed."""
    check = checked("+25 %", *lines, **fields)
    assert (check.verdict, check.value, check.limit) == (Verdict.NEW, 41.0, None)
    assert check.note == "the budget +25 % has no accepted ttft_ms.p50 to start from yet"


def test_what_was_not_measured_is_over_it():
    """A figure that is absent cannot meet a relative budget either."""
    check = checked("+25 %", at(0, 33.0), metric="ttft_ms.p99")
    assert (check.verdict, check.limit) == (Verdict.OVER_BUDGET, None)
    assert check.note.startswith("not measured")


@given(st.lists(st.floats(1, 1e4), min_size=1, max_size=8), st.integers(0, 300))
def test_the_first_three_keep_their_own_budget_on_average(values, percent):
    """The limit is the mean of at most three sessions and the share, whatever follows them."""
    level = [at(number, value) for number, value in enumerate(values)]
    first = values[:3]
    share = Budget(TTFT, "max", f"+{percent} %", "q.yaml:1").share
    assert reference(level, TTFT).value * (1 + share) == pytest.approx(sum(first) / len(first) * (1 + percent / 100))
