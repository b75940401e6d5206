"""The history gate, verdict by verdict."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.comparison import Record
from pytest_inferbench.stats.gate import judge
from pytest_inferbench.stats.history import read_history
from pytest_inferbench.stats.moderation import Prior, assumed_prior, priors
from pytest_inferbench.stats.rule import TYPICAL, Kind, Rule, kind_of
from pytest_inferbench.stats.sample import Past
from pytest_inferbench.stats.two_stage import hurdles
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction
from stats.false_alarm_rates import regressions, seeded
from stats.null_worlds import World, draw

LOWER, HIGHER = Direction.LOWER, Direction.HIGHER
PRIOR = Prior(sd=0.01, df=3.0, pooled=20)
LEVELS = (40.0, 40.4, 39.8, 40.1, 39.9, 40.3, 39.7, 40.2)
HISTORY = read_history([Past(value) for value in LEVELS], LOWER, 20)
MANY = Rule(gates=20)


def codes(comparison) -> set[str]:
    return {note.code for note in comparison.notes}


def test_a_large_confirmed_worsening_is_a_regression():
    """A session 20 % slower, and its confirmation, are REGRESSED with the figures a report prints."""
    found = judge([48.0, 48.5], HISTORY, MANY, PRIOR)
    assert found.verdict is Verdict.REGRESSED
    assert (found.n, found.k) == (8, 2)
    assert found.screened
    assert found.confirmed
    assert not found.wants_more
    assert found.baseline == pytest.approx(40.05, rel=1e-3)
    assert found.now == pytest.approx(math.sqrt(48.0 * 48.5))
    assert found.change.ratio == pytest.approx(found.now / found.baseline)
    assert 1.05 < found.change.low < found.change.ratio < found.change.high
    assert found.change.level == pytest.approx(1 - 2 * 0.05 / 20)
    assert found.sessions == pytest.approx((48.0 / found.baseline, 48.5 / found.baseline))
    assert found.p < 0.0025


def test_what_screens_asks_for_a_confirmation():
    """One session that screens is judged at alpha / m as it stands, and says that it wants to be measured again."""
    found = judge([48.0], HISTORY, MANY, PRIOR)
    assert found.verdict is Verdict.REGRESSED
    assert found.wants_more
    assert found.confirmed is None


def test_a_server_we_do_not_own_is_judged_once():
    """Without confirmations one session is final."""
    found = judge([48.0], HISTORY, replace(MANY, confirmations=0), PRIOR)
    assert found.verdict is Verdict.REGRESSED
    assert not found.wants_more


def test_what_a_fresh_server_does_not_repeat_is_not_a_regression():
    """A confirmation back at the old level takes the alarm back, and the report says what was seen."""
    found = judge([46.0, 40.0], HISTORY, MANY, PRIOR)
    assert found.verdict is Verdict.OK
    assert found.confirmed is False
    assert "not_confirmed" in codes(found)
    assert "+14.9 %, -0.1 %" in found.notes[-1].message
    # The further they are apart, the less can be said of a change that would matter.
    apart = judge([48.0, 40.0], HISTORY, MANY, PRIOR)
    assert apart.verdict is Verdict.INCONCLUSIVE
    assert apart.detectable > found.detectable > judge([40.0], HISTORY, MANY, PRIOR).detectable
    assert apart.remedy.startswith("measure again")


def test_the_last_session_alone_must_lie_beyond_half_the_margin():
    """However bad the first session makes the mean, a last one within half the margin confirms nothing."""
    found = judge([43.5, 40.9], HISTORY, Rule(margin=0.05), Prior(0.02, 30.0, 20))
    assert found.change.low > 1.0
    assert found.change.ratio > 1.05
    assert found.verdict is not Verdict.REGRESSED
    assert not found.wants_more


def test_a_second_confirmation_is_asked_for_only_while_it_can_confirm():
    """With two confirmations planned, the third session is wanted where the second agreed, and only there."""
    rule = replace(MANY, confirmations=2)
    assert judge([48.0, 48.0], HISTORY, rule, PRIOR).wants_more
    assert not judge([48.0, 40.0], HISTORY, rule, PRIOR).wants_more
    assert not judge([48.0, 48.0, 48.0], HISTORY, rule, PRIOR).wants_more


def test_an_improvement_is_measured_again_and_opens_a_level():
    """A session 20 % faster asks for a fresh server; IMPROVED by both, it opens a level of its own."""
    first = judge([32.0], HISTORY, MANY, PRIOR)
    assert first.screened
    assert first.wants_more
    found = judge([32.0, 32.5], HISTORY, MANY, PRIOR)
    assert found.verdict is Verdict.IMPROVED
    assert found.record is Record.OPENS
    assert found.confirmed
    assert not found.wants_more
    assert found.worsening == pytest.approx(found.now / found.baseline - 1)
    taken_back = judge([36.5, 40.0], HISTORY, MANY, PRIOR)
    assert taken_back.verdict is Verdict.OK
    assert taken_back.record is Record.JOINS


def test_a_change_within_the_margin_is_ok_however_significant():
    """With a millesimal spread a change of 3 % is certain, and does not matter."""
    found = judge([41.25], HISTORY, TYPICAL, Prior(0.001, 30.0, 20))
    assert found.change.low > 1.0
    assert found.verdict is Verdict.OK


def test_no_change_with_power_is_ok_and_says_what_it_would_have_seen():
    """OK always comes with the detectable change, and with `equivalent` where the interval is within the margin."""
    found = judge([40.0], HISTORY, MANY, PRIOR)
    assert found.verdict is Verdict.OK
    assert 0.05 < found.detectable <= MANY.resolve
    assert found.equivalent
    assert not judge([41.5], HISTORY, MANY, PRIOR).equivalent


def test_noise_that_hides_20_percent_is_inconclusive_and_says_what_would_decide():
    """One session and the stated prior among 20 gates cannot say OK; the number of sessions that could is given."""
    history = read_history([Past(40.0)], LOWER, 20)
    found = judge([41.0], history, MANY, assumed_prior(Kind.TYPICAL))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.detectable > MANY.resolve
    assert found.needed >= 1
    assert f"{found.needed} more sessions would decide" == found.remedy


def test_one_session_still_calls_a_large_change():
    """From the first session on, a change of 60 % among 3 gates is a regression, and one among 20 is not yet."""
    history = read_history([Past(40.0)], LOWER, 20)
    assert judge([64.0, 64.0], history, MANY, assumed_prior(Kind.TYPICAL)).verdict is Verdict.INCONCLUSIVE
    found = judge([64.0, 64.0], history, Rule(gates=3), assumed_prior(Kind.TYPICAL))
    assert found.verdict is Verdict.REGRESSED
    assert found.n == 1
    assert found.spread.own_sd is None


def test_sessions_that_scatter_today_are_unsteady_not_worse():
    """+118 % and then +11 % on fresh servers of one hour is no regression of one session's baseline, and says why."""
    history = read_history([Past(40.0)], LOWER, 20)
    found = judge([2.18 * 40, 1.11 * 40], history, Rule(gates=3), assumed_prior(Kind.TYPICAL))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.screened
    assert found.spread.sd > 0.2
    assert found.detectable > 1
    assert found.change.low < 1 < found.change.high
    assert "changed by +118.0 %, +11.0 % in turn, more scatter" in found.notes[0].message
    steady = judge([1.6 * 40, 1.58 * 40], history, Rule(gates=3), assumed_prior(Kind.TYPICAL))
    assert steady.verdict is Verdict.REGRESSED


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=3), st.floats(0.002, 0.2), st.floats(1, 30))
def test_today_s_scatter_never_narrows(differences, sd, df):
    """Whatever today's sessions do, the interval is at least the one of sessions that agree."""
    away = np.asarray(differences)
    found, agreed = (hurdles(sd, df, 3, each, MANY) for each in (away, np.full_like(away, 0.1)))
    assert found.half_width >= agreed.half_width
    assert found.screen == agreed.screen
    assert found.unsteady == (found.half_width > agreed.half_width)


def test_nothing_to_compare_with_is_new():
    """Without accepted sessions the verdict is NEW and the figure is kept for the report."""
    found = judge([40.0], read_history([], LOWER, 20), MANY, PRIOR)
    assert found.verdict is Verdict.NEW
    assert found.now == pytest.approx(40.0)
    assert found.change is None
    assert found.worsening is None


@pytest.mark.parametrize("value", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_figure_without_a_ratio_is_invalid_and_named(value):
    """An absent, zero, negative or infinite session cannot be compared, and the note says which and what to do."""
    found = judge([value], HISTORY, MANY, PRIOR)
    assert found.verdict is Verdict.INVALID
    assert ("absent" if value is None else str(value)) in found.notes[-1].message
    assert "budget" in found.notes[-1].message


def test_a_neutral_metric_cannot_regress():
    """A metric without a better direction is not judged."""
    assert judge([40.0], read_history([Past(40.0)], Direction.NEUTRAL, 20), MANY, PRIOR).verdict is Verdict.INVALID


def test_no_session_at_all_is_invalid():
    """Judging nothing is a finding, not an error."""
    assert judge([], HISTORY, MANY, PRIOR).verdict is Verdict.INVALID


def test_higher_is_better_mirrors():
    """A rate that falls by a sixth is the regression that a latency rising by a fifth is."""
    history = read_history([Past(1 / value) for value in LEVELS], HIGHER, 20)
    rate, latency = judge([1 / 48.0], history, MANY, PRIOR), judge([48.0], HISTORY, MANY, PRIOR)
    assert rate.verdict is latency.verdict is Verdict.REGRESSED
    assert rate.change.ratio == pytest.approx(1 / latency.change.ratio)
    assert rate.change.low == pytest.approx(1 / latency.change.high)
    assert rate.worsening == pytest.approx(latency.worsening)


def test_strict_wants_the_whole_interval_beyond_the_margin():
    """A worsening of 5.6 % is a regression, but strictly only where its whole interval is beyond 5 %."""
    now = [42.3, 42.3]
    plain, strict = judge(now, HISTORY, TYPICAL, PRIOR), judge(now, HISTORY, replace(TYPICAL, strict=True), PRIOR)
    assert plain.verdict is Verdict.REGRESSED
    assert plain.change.low < 1.05
    assert strict.verdict is Verdict.OK
    assert strict.detectable > plain.detectable


def test_an_accepted_upgrade_moves_the_location_and_keeps_the_spread():
    """After a new segment opens 30 % lower, the old level is a regression, judged with the old sessions' spread."""
    past = [Past(value) for value in LEVELS] + [Past(28.0, segment=1)]
    history = read_history(past, LOWER, 20)
    assert history.n == 1
    assert history.df == len(LEVELS) - 1
    assert history.variance == pytest.approx(HISTORY.variance)
    assert judge([40.0, 40.0], history, MANY, PRIOR).verdict is Verdict.REGRESSED
    assert judge([28.1], history, MANY, PRIOR).verdict is Verdict.OK


def test_only_the_window_counts():
    """Sessions before the window are forgotten."""
    history = read_history([Past(80.0)] * 5 + [Past(value) for value in LEVELS], LOWER, len(LEVELS))
    assert history.location == pytest.approx(HISTORY.location)
    assert history.n == len(LEVELS)


def test_unusable_sessions_are_left_out_and_counted():
    """A past session without a figure is dropped with a note; a segment opened by one is not comparable yet."""
    past = [Past(None), *(Past(value) for value in LEVELS), Past(0.0)]
    history = read_history(past, LOWER, 20)
    assert history.n == len(LEVELS)
    assert "2 of 10" in history.notes[0].message
    assert read_history([*past, Past(None, segment=1)], LOWER, 20).n == 0


def test_a_figure_that_never_moved_is_still_judged():
    """Identical sessions have no spread of their own; the prior's keeps the comparison honest."""
    history = read_history([Past(40.0)] * 8, LOWER, 20)
    assert judge([40.0], history, MANY, PRIOR).verdict is Verdict.OK
    assert judge([41.0], history, MANY, PRIOR).verdict is Verdict.OK
    assert judge([60.0, 60.0], history, MANY, PRIOR).verdict is Verdict.REGRESSED


def test_the_shipped_verdict_is_the_proof_s():
    """Judged one by one, drawn sessions are called exactly where the arrays of the proof call them."""
    rng = seeded("one by one")
    history, now = draw(World("any"), rng, (1, 60), 6, 2, 0.03)
    now = now + np.linspace(-0.3, 0.3, 60)[:, None]
    rule = Rule(gates=60)
    past = [read_history([Past(float(v)) for v in np.exp(row)], LOWER, 20) for row in history[0]]
    own = [summary.own_spread(f"case {i}", rule) for i, summary in enumerate(past)]
    verdicts = [
        judge(np.exp(sessions).tolist(), summary, rule, prior).verdict
        for sessions, summary, prior in zip(now[0], past, priors(own), strict=True)
    ]
    called = regressions(history, now, rule)[0]
    assert [verdict is Verdict.REGRESSED for verdict in verdicts] == called.tolist()
    assert 5 < called.sum() < 40


@pytest.mark.parametrize(("second", "alive"), [(40.2, False), (40.9, False), (41.3, True), (48.0, True), (32.0, False)])
def test_a_second_confirmation_is_worth_while_only_after_a_first_that_agrees(second, alive):
    """Where the fresh server's session is not half a margin worse, a third one could call nothing any more."""
    found = judge([48.0, second], HISTORY, replace(MANY, confirmations=2), PRIOR)
    assert found.screened
    assert found.wants_more is alive
    assert judge([1.0, 40.3], HISTORY, replace(MANY, confirmations=2), PRIOR).wants_more is False
    assert judge([1.0, 38.0], HISTORY, replace(MANY, confirmations=2), PRIOR).wants_more is True
    assert judge([48.0, 48.0, 48.0], HISTORY, replace(MANY, confirmations=2), PRIOR).wants_more is False


def test_equal_sessions_that_decide_nothing_are_not_told_to_be_of_two_levels():
    """Among noisy cases eight equal figures are not enough; less noise would decide, and no search for a step."""
    found = judge([40.3], read_history([Past(40.3)] * 8, LOWER, 20), MANY, Prior(0.5, 30.0, 10))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.remedy.startswith("more requests or rounds, or a quieter machine")


@pytest.mark.parametrize("again", [[None], [0.0, 48.0], [48.0, None]])
def test_a_fresh_server_without_the_figure_repeats_nothing(again):
    """It is judged by the first session alone, as where none can be had; the report says why, and asks for no more."""
    twice = replace(MANY, confirmations=2)
    found = judge([48.0, *again], HISTORY, twice, PRIOR)
    alone = judge([48.0], HISTORY, replace(twice, confirmations=0), PRIOR)
    assert "not_repeated" in codes(found)
    assert replace(found, notes=alone.notes) == alone
    assert (found.k, found.confirmed, found.wants_more) == (1, None, False)
    assert judge([None, 48.0], HISTORY, twice, PRIOR).verdict is Verdict.INVALID


LEVELS_APART = (40.0, 40.2, 39.9, 40.1, 50.1, 49.9, 50.0, 50.2)


@pytest.mark.parametrize(
    ("direction", "figures", "moved"),
    [(LOWER, LEVELS_APART, "+25.0 %"), (HIGHER, tuple(2000 / each for each in LEVELS_APART), "-20.0 %")],
)
def test_accepted_sessions_of_two_levels_are_the_remedy(direction, figures, moved):
    """Where no number of sessions decides since they are of two levels, it says from which on, and by how much."""
    history = read_history([Past(value) for value in figures], direction, 20)
    found = judge([figures[0]], history, MANY, Prior(0.3, 3.0, 10))
    assert (found.verdict, found.needed) == (Verdict.INCONCLUSIVE, None)
    assert found.remedy == (
        f"find out why the accepted sessions are of two levels, {moved} after the first 4 of 8: "
        "--baseline-mode reseat accepts the level of today"
    )


@pytest.mark.parametrize(
    ("days", "remedy"),
    [
        (1, "sessions of 2 more days are the least that decides"),
        (2, "sessions of 1 more day are the least that decides"),
        (3, "more requests or rounds, or a quieter machine"),
    ],
)
def test_a_few_days_are_the_least_that_decides(days, remedy):
    """Until a segment has sessions of three days, what lacks is days; then less noise."""
    history = read_history([Past(40.0 + 9 * number, day=number) for number in range(days)], LOWER, 20)
    found = judge([41.0], history, MANY, Prior(0.5, 30.0, 10))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize("now", [[40.0], [48.0], [48.0, 48.5], [33.0, 33.1]])
def test_what_is_decided_needs_nothing(now):
    """An OK, a regression and an improvement have neither sessions that are needed nor a remedy."""
    found = judge(now, HISTORY, MANY, PRIOR)
    assert found.verdict is not Verdict.INCONCLUSIVE
    assert (found.needed, found.remedy) == (None, "")


def test_a_change_that_scatters_too_much_today_wants_a_steady_machine():
    """Sessions of +118 % and +11 % tell that the machine is unsteady; no number of accepted ones would decide."""
    found = judge([87.3, 44.5], HISTORY, MANY, PRIOR)
    assert (found.verdict, found.needed) == (Verdict.INCONCLUSIVE, None)
    assert found.remedy == "measure again when the machine is steady"
    assert "more scatter than the accepted sessions explain" in found.notes[-2].message
    assert codes(found) == {"not_confirmed", "waits"}


def test_an_interval_within_the_margin_is_equivalence():
    """All of it, on either side; an unchanged figure whose interval is wider is OK and no more."""
    sure = read_history([Past(40.0 + 0.01 * (number % 3)) for number in range(20)], LOWER, 20)
    assert judge([40.1], sure, TYPICAL, Prior(0.005, 30.0, 20)).equivalent
    assert not judge([41.8], sure, TYPICAL, Prior(0.005, 30.0, 20)).equivalent
    assert not judge([38.2], sure, TYPICAL, Prior(0.005, 30.0, 20)).equivalent
    assert not judge([40.1], HISTORY, MANY, Prior(0.03, 3.0, 20)).equivalent


def test_a_comparison_is_plain_data():
    """A comparison crosses processes as JSON: plain types, nothing from numpy, no infinity."""
    found = judge([48.0, 40.0], HISTORY, MANY, PRIOR)
    assert json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False))["verdict"] == found.verdict.value


@pytest.mark.parametrize(
    ("figure", "kind"),
    [("ttft_ms.p50", "typical"), ("ttft_ms.p95", "tail"), ("e2e_ms.p99", "tail"), ("request_per_s", "typical")],
)
def test_tails_are_known_by_name(figure, kind):
    """The statistic's name decides the defaults."""
    assert kind_of(figure).value == kind
