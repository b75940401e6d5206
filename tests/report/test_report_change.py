"""One comparison in words, the same in every report."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import tostring

import pytest

from made.cases import budget, case, comparison, history
from pytest_inferbench.document.figures import Check
from pytest_inferbench.report.change import (
    Gate,
    change,
    count,
    gates_of,
    in_a_line,
    interval,
    join_names,
    ratio,
    repeats_text,
    what_was_visible,
    would_have_seen,
    would_have_seen_each,
)
from pytest_inferbench.report.html_case import nested_list
from pytest_inferbench.stats.verdict import Verdict
from pytest_inferbench.units import Direction

CHANGED: dict[str, Any] = {"baseline": 41.2, "ratio": 1.265, "low": 1.192, "high": 1.341, "level": 0.98}


def gate(verdict=Verdict.REGRESSED, *, note="", kind="history", **found) -> Gate:
    check = Check("ttft_ms.p50", kind, verdict, 52.1, unit="ms", note=note, comparison=comparison(**found))
    return Gate(check, check.comparison)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (gate(**CHANGED), "ttft_ms.p50 52.1 ms, was 41.2 ms (8 sessions): +26.5 % (+19.2 to +34.1 %)"),
        (
            gate(**CHANGED, n=1, note="mind"),
            "ttft_ms.p50 52.1 ms, was 41.2 ms (1 session): +26.5 % (+19.2 to +34.1 %); mind",
        ),
        (gate(**CHANGED, kind="pairs", n=5), "ttft_ms.p50 52.1 ms, was 41.2 ms (5 pairs): +26.5 % (+19.2 to +34.1 %)"),
        (gate(Verdict.NEW, note="first"), "ttft_ms.p50 52.1 ms; first"),
        (
            gate(**CHANGED, confirmed=True, k=2, sessions=(1.264, 1.252)),
            (
                "ttft_ms.p50 52.1 ms, was 41.2 ms (8 sessions): +26.5 % (+19.2 to +34.1 %); "
                "measured twice: +26.4 %, +25.2 %"
            ),
        ),
    ],
    ids=["history", "one", "pairs", "new", "confirmed"],
)
def test_a_comparison_in_one_line(made, line) -> None:
    """The figure, what it was, by how much it changed, what a fresh server said, and what must be known."""
    assert in_a_line(made) == line


def test_what_is_not_there_is_a_dash() -> None:
    """Of a comparison without a change."""
    none = comparison()
    assert (change(none), ratio(none), interval(none)) == ("-", "-", "-")
    assert ratio(comparison(ratio=0.9)) == "-10.0 %"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (gate(confirmed=True, k=3, sessions=(1.1, 1.2, 1.3)), "measured 3 times: +10.0 %, +20.0 %, +30.0 %"),
        (gate(confirmed=True, k=2), "measured twice"),
        (gate(confirmed=False, k=2, sessions=(1.1, 1.0)), ""),
        (gate(k=1), ""),
        (gate(kind="pairs", confirmed=True, k=2), ""),
    ],
)
def test_only_what_a_fresh_server_confirmed_is_told_as_repeated(made, said) -> None:
    """Twice in a word, more often in a number."""
    assert repeats_text(made) == said


@pytest.mark.parametrize(
    ("made", "seen"),
    [
        (gate(Verdict.OK, detectable=0.066), "+6.6 %"),
        (gate(Verdict.OK, detectable=0.25, direction=Direction.HIGHER), "-20.0 %"),
        (gate(Verdict.OK, detectable_at=5.2), "5.20 ms"),
        (gate(Verdict.REGRESSED, detectable=0.066), "-"),
        (gate(Verdict.IMPROVED, detectable_at=5.2), "-"),
        (gate(Verdict.NEW), "-"),
    ],
)
def test_the_change_that_would_have_been_called(made, seen) -> None:
    """As the metric shows it, or as its own figure where it can be 0; nothing where one was called."""
    assert would_have_seen(made) == seen


def test_what_a_case_without_a_regression_shows() -> None:
    """What improved first, then what would have been seen of the others, then their notes."""
    better = history("tpot_ms.p50", Verdict.IMPROVED, 5.0, baseline=6.1, ratio=0.82, low=0.8, high=0.84, level=0.98)
    same = history("ttft_ms.p50", Verdict.OK, 41.0, "mind the gap", detectable=0.066)
    limit = budget("e2e_ms.p50", 41.2, "max 50", "ms", 7, over=False)
    shown = case("single", Verdict.OK, checks=(limit, same, better))
    assert what_was_visible(shown) == (
        "tpot_ms.p50 5.00 ms, was 6.10 ms (8 sessions): -18.0 % (-20.0 to -16.0 %); "
        "would have seen ttft_ms.p50 +6.6 %; ttft_ms.p50: mind the gap"
    )
    assert would_have_seen_each(gates_of(shown)) == "ttft_ms.p50 +6.6 %, tpot_ms.p50 -"
    only = case("single", Verdict.IMPROVED, checks=(better,))
    assert "would have seen" not in what_was_visible(only)


def test_numbers_of_things_and_names_in_a_sentence() -> None:
    """One is one; thousands have a comma; the last of several names has an `and` before it."""
    assert [count(number, "gate") for number in (0, 1, 3, 1200)] == ["0 gates", "1 gate", "3 gates", "1,200 gates"]
    assert join_names(["version"]) == "version"
    assert join_names(["version", "arguments", "machine"]) == "version, arguments and machine"


@pytest.mark.parametrize(
    ("value", "html"),
    [
        ({}, "<span>-</span>"),
        ("", "<span>-</span>"),
        (1.23456789, "<span>1.2346</span>"),
        (True, "<span>True</span>"),
        ([1, "a", 2.5], "<span>1, a, 2.5</span>"),
        ({"a": 1, "b": []}, "<dl><dt>a</dt><dd><span>1</span></dd><dt>b</dt><dd><span>-</span></dd></dl>"),
        ([{"a": 1}, "b"], "<ul><li><dl><dt>a</dt><dd><span>1</span></dd></dl></li><li><span>b</span></li></ul>"),
    ],
)
def test_any_json_value_is_lists_within_lists(value, html) -> None:
    """What is empty is a dash, plain values stand in a row, and a figure has five digits."""
    assert tostring(nested_list(value), encoding="unicode") == html
