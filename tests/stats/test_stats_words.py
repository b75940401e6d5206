"""A change in words: in the metric's own direction, and with what would decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.stats.words import change_text, what_decides, would_have_seen
from pytest_inferbench.units import Direction


@pytest.mark.parametrize(
    ("worsening", "direction", "words"),
    [
        (0.25, Direction.LOWER, "+25.0 %"),
        (0.25, Direction.HIGHER, "-20.0 %"),
        (7.238, Direction.LOWER, "+723.8 %"),
        (7.238, Direction.HIGHER, "-87.9 %"),
        (-0.2, Direction.HIGHER, "+25.0 %"),
        (0.0, Direction.HIGHER, "+0.0 %"),
    ],
)
def test_a_worsening_as_the_metric_shows_it(worsening, direction, words):
    """A latency rises, a throughput falls."""
    assert change_text(worsening, direction) == words


@given(st.floats(0, 1e300))
def test_a_throughput_never_falls_by_more_than_all_of_it(worsening):
    """However large the worsening."""
    assert -100 <= float(change_text(worsening, Direction.HIGHER).removesuffix(" %")) <= 0


def test_what_would_have_been_seen_is_said_where_nothing_was_called():
    """Beside a change that was called it would read as a contradiction."""
    said = {verdict: would_have_seen(0.25, Direction.HIGHER, verdict) for verdict in Verdict}
    assert {verdict for verdict, words in said.items() if not words} == {Verdict.REGRESSED, Verdict.IMPROVED}
    assert said[Verdict.OK] == "-20.0 %"
    assert would_have_seen(None, Direction.LOWER, Verdict.OK) == ""


def test_what_hides_twice_as_bad_is_told_as_no_figure():
    """Beyond it an interval's tail would read as a measurement: `> +100 %` of a latency, `< -50 %` of a throughput."""
    assert would_have_seen(7.238, Direction.LOWER, Verdict.INCONCLUSIVE) == "> +100 %"
    assert would_have_seen(1e300, Direction.HIGHER, Verdict.INCONCLUSIVE) == "< -50 %"
    assert would_have_seen(1.0, Direction.HIGHER, Verdict.INCONCLUSIVE) == "-50.0 %"


def test_what_would_decide():
    """A number of sessions or pairs, or what else there is to do."""
    assert what_decides(1, "pair") == "1 more pair would decide"
    assert what_decides(2, "session") == "2 more sessions would decide"
    assert what_decides(None, "session").startswith("more requests or rounds, or a quieter machine")
