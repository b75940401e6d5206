"""Tails over all requests beside older lines that have only the rounds: never mixed in a level, never blind."""

import pytest

from baselines.baseline_made import CASE, YAML, baseline, candidate, result, segment, session
from made.cases import summary
from pytest_inferbench.baselines.accepted import accepted_cases
from pytest_inferbench.baselines.tails import ENOUGH
from pytest_inferbench.judge.history import Histories
from pytest_inferbench.metrics.table import METRICS
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

P95 = "ttft_ms.p95"
MEDIAN, WHOLE = 100.0, 103.0  # of one and the same server


def old(number, segment="1"):
    return session(number, segment=segment, rounds={P95: [MEDIAN, MEDIAN * 1.1, MEDIAN * 0.9]})


def new(number, segment="1"):
    return old(number, segment).model_copy(update={"pooled": {P95: WHOLE}})


def history(*lines):
    return accepted_cases(lines)[CASE].history(P95, Direction.LOWER, 20)


def values(found):
    return [each.value for each in found.sessions]


def test_a_session_keeps_its_tails_over_all_requests():
    """The line has both: the tail of each round, and that of all requests to six digits; medians only the rounds."""
    rounds = ({P95: 100.0, "ttft_ms.p50": 40.0}, {P95: 110.0, "ttft_ms.p50": 41.0})
    ttft = {"ttft_ms": summary("ms", n=500, p50=40.5, p95=106.1234567)}
    made = candidate(rounds=rounds, metrics=ttft).to_session("r", "2025-01-02", "1", [P95])
    assert (made.rounds[P95], made.pooled) == ((100.0, 110.0), {P95: 106.123})
    assert '"pooled":{"ttft_ms.p95":106.123}' in made.to_text()
    assert "pooled" not in candidate().to_session("r", "2025-01-02", "1", []).to_text()


def test_new_sessions_are_compared_over_all_requests():
    """One is enough to begin with; the rounds still say how steady it can be."""
    found = history(new(1))
    assert values(found) == [WHOLE]
    assert found.of_all_requests
    assert found.notes == ()
    assert found.rounds().variance == pytest.approx(history(old(1)).rounds().variance * (1 / 3) / 0.4399, rel=0.01)


def test_older_sessions_are_compared_by_their_rounds_until_there_are_enough_new_ones():
    """Seven new ones beside three older: all ten by their medians. With the eighth the older ones are left out."""
    older = [old(number) for number in range(3)]
    mixed = history(*older, *(new(number) for number in range(3, 3 + ENOUGH - 1)))
    assert values(mixed) == [MEDIAN] * (3 + ENOUGH - 1)
    assert not mixed.of_all_requests
    assert [note.code for note in mixed.notes] == ["median_tails"]
    enough = history(*older, *(new(number) for number in range(3, 3 + ENOUGH)))
    assert values(enough) == [WHOLE] * ENOUGH
    assert "3 of 11 accepted sessions have no ttft_ms.p95 over all requests" in enough.notes[0].message


def test_an_older_segment_keeps_its_scatter():
    """After an accepted upgrade the level is of the new sessions, the noise also of the older ones' medians."""
    lines = [old(number) for number in range(4)] + [segment("up"), new(8, "up")]
    found = history(*lines)
    assert (values(found), found.n, found.df) == ([MEDIAN] * 4 + [WHOLE], 1, 3)
    assert found.of_all_requests


def judged(*lines):
    text = YAML.replace("[ttft_ms.p50, tpot_ms.p50, output_tok_per_s]", f"[{P95}]")
    rounds = tuple({P95: MEDIAN * way} for way in (1.0, 1.1, 0.9))
    today = result(rounds=rounds, metrics={"ttft_ms": summary("ms", n=500, p95=WHOLE)})
    (check,) = Histories(baseline(text, *lines), METRICS, (), {}).judge([today], 1).checks
    return check


def test_the_change_of_the_figure_is_no_change_of_the_server():
    """Today's figure is the history's kind: an unchanged server is exactly as before, with either and with both."""
    olds, news = [old(number) for number in range(9)], [new(number) for number in range(9, 18)]
    for lines, value in ((olds, MEDIAN), (news, WHOLE), ([*olds, *news], WHOLE), ([*olds, *news[:3]], MEDIAN)):
        check = judged(*lines)
        assert (check.value, check.comparison.ratio) == (pytest.approx(value), pytest.approx(1.0))
        assert check.verdict in {Verdict.OK, Verdict.INCONCLUSIVE}


def test_what_is_shown_as_accepted_is_what_is_compared():
    """The figure of the newest segment is of the kind that a new session is compared with."""
    assert accepted_cases([new(1), new(2)])[CASE].figures([P95]) == {P95: WHOLE}
    assert accepted_cases([old(1), new(2)])[CASE].figures([P95]) == {P95: MEDIAN}
