"""Runs side by side: what is aligned, what is judged, and what is said where nothing can be."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made.cases import case, comparison, document, metrics
from pytest_inferbench.document.figures import Check
from pytest_inferbench.document.run import RunDocument
from pytest_inferbench.report import compare_text
from pytest_inferbench.report.side_by_side import by_cell, by_run
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import HOSTILE
from report.report_strategies import case_results


def run(run_id: str, ttft: float, **changes: Any) -> RunDocument:
    """A run of three cases whose times to first token are all `ttft`."""
    made = [
        case(
            f"concurrency[c{streams:02d}]", Verdict.OK, metrics=metrics(ttft, 6.1, 160.0, 1.2, 24), rounds=(), **changes
        )
        for streams in (1, 4, 8)
    ]
    return document(tuple(made), run_id=run_id)


def test_columns_are_runs_and_ratios_are_to_the_first() -> None:
    """Each run is a column, in the order given; every figure has its ratio to the first run's."""
    found = by_run([run("a", 40.0), run("b", 44.0)], ["ttft_ms.p50"])
    assert found.columns == ("a", "b")
    assert [row.case for row in found.rows] == ["concurrency[c01]", "concurrency[c04]", "concurrency[c08]"]
    assert found.rows[0].values == (40.0, 44.0)
    assert found.rows[0].ratios == (1.0, pytest.approx(1.1))


def test_one_session_against_one_can_call_a_large_change_only() -> None:
    """Two runs alone: 10 % is INCONCLUSIVE with what would have been seen, a factor of 2 is REGRESSED."""
    (small, *_) = by_run([run("a", 40.0), run("b", 44.0)], ["ttft_ms.p50"]).rows
    (large, *_) = by_run([run("a", 40.0), run("b", 80.0)], ["ttft_ms.p50"]).rows
    assert small.found.verdict is Verdict.INCONCLUSIVE
    assert "would have seen +" in compare_text.verdict_text(small)
    assert large.found.verdict is Verdict.REGRESSED


def test_more_runs_are_more_sessions() -> None:
    """Eight quiet runs before the last one let 10 % be called, in the direction of the metric."""
    before = [run(f"r{index}", 40.0 + 0.1 * (index % 3)) for index in range(8)]
    slower, faster = (by_run([*before, run("now", ttft)], ["ttft_ms.p50"]).rows[0] for ttft in (44.5, 36.0))
    assert slower.found.verdict is Verdict.REGRESSED
    assert faster.found.verdict is Verdict.IMPROVED
    assert slower.found.n == 8
    assert slower.found.rule.gates == 3, "three rows share the error rate"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hardware": "2x-cpu"}, "the hardware differs"),
        ({"workload": {"kind": "concurrency", "hash": "other"}}, "the workload differs"),
        ({"token_method": "chunks", "hardware": "2x-cpu"}, "the hardware and how tokens were counted differ"),
        ({"verdict": Verdict.INVALID}, "INVALID in one of the runs"),
    ],
)
def test_what_cannot_be_compared_is_not_judged_and_says_why(change, why) -> None:
    """Another machine, another load, another way to count or a bad measurement: ratios, no verdict, and the reason."""
    fields = {key: value for key, value in change.items() if key != "verdict"}
    other = document((case("single", change.get("verdict", Verdict.OK), **fields),), run_id="b")
    (row,) = by_run([document((case("single", Verdict.OK),), run_id="a"), other], ["ttft_ms.p50"]).rows
    assert row.found is None
    assert compare_text.verdict_text(row) == why
    assert row.ratios == (1.0, 1.0)


def test_other_hardware_is_said_once_for_all() -> None:
    """A note names the machine of each run."""
    found = by_run([run("a", 40.0), run("b", 44.0, hardware="2x-cpu")])
    assert found.notes == (
        "different hardware: a on 1x-nvidia-h200, b on 2x-cpu; ratios compare machines too, and nothing is judged",
    )


def test_a_case_that_one_run_lacks_is_a_row_with_a_gap() -> None:
    """Every case of any run is there; what a run lacks is absent, never 0."""
    found = by_run([run("a", 40.0), document((case("single", Verdict.OK),), run_id="b", interrupted=True)])
    row = found.rows[0]
    assert (row.values[1], row.ratios[1], compare_text.verdict_text(row)) == (None, None, "not in every run")
    assert found.notes == ("b was interrupted: cases are missing",)


def test_backends_stand_beside_each_other_under_the_same_load() -> None:
    """By cell, two backends of one run are two columns, a row for each level of load."""
    levels = (1, 5, 10, 50)
    made = [
        case(
            f"concurrency[c{level:02d}]",
            Verdict.OK,
            backend=name,
            metrics=metrics(ttft * level, 6, 100, 1, 24),
            rounds=(),
        )
        for name, ttft in (("vllm", 10.0), ("sglang", 12.0))
        for level in levels
    ]
    found = by_cell([document(tuple(made))], ["ttft_ms.p50"])
    assert found.columns == ("vllm", "sglang")
    assert [compare_text.cells(row)[3:5] for row in found.rows] == [
        ["10.0", "12.0 (1.20x)"],
        ["50.0", "60.0 (1.20x)"],
        ["100", "120 (1.20x)"],
        ["500", "600 (1.20x)"],
    ]
    assert all(row.found is None for row in found.rows)
    assert "judges two of them in pairs" in found.notes[-1]


def test_a_sessions_figure_is_the_median_of_its_rounds() -> None:
    """As in baselines: the rounds speak, not the pooled requests."""
    rounds = ({"ttft_ms.p50": 40.0}, {"ttft_ms.p50": 42.0}, {"ttft_ms.p50": 90.0})
    made = document((case("single", Verdict.OK, rounds=rounds),))
    assert by_run([made, made], ["ttft_ms.p50"]).rows[0].values == (42.0, 42.0)


@pytest.mark.parametrize("form", ["markdown", "csv", "json", "page"])
def test_each_format_looks_as_agreed(golden, form) -> None:
    """The same comparison in every format."""
    found = by_run([run("20250301-a", 40.0), run("20250302-b", 80.0), run("20250303-c", 41.0)], ["ttft_ms.p50"])
    text = getattr(compare_text, f"to_{form}")(found)
    name = {"markdown": "compare.md", "csv": "compare.csv", "json": "compare.json", "page": "compare.html.txt"}[form]
    golden(name, text if form != "page" else text.partition("<style>")[0] + text.partition("</style>")[2])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(results=st.lists(st.lists(case_results, max_size=2).map(tuple), min_size=2, max_size=3))
def test_any_runs_can_be_compared(results) -> None:
    """Whatever runs hold, each format is made and reads back."""
    found = by_run([document(cases, run_id=str(index)) for index, cases in enumerate(results)])
    assert len(list(csv.reader(StringIO(compare_text.to_csv(found))))) == len(found.rows) + 1
    assert len(json.loads(compare_text.to_json(found))["rows"]) == len(found.rows)
    assert compare_text.to_page(found).count("<tr>") == len(found.rows) + 1
    assert compare_text.to_markdown(found).count("\n") >= len(found.rows) + 2
    assert all(line[0].isprintable() for line in compare_text.terminal_rows(found))


def test_hostile_names_stay_text() -> None:
    """Names from a file are characters in the page and in the table."""
    made = document((case(HOSTILE + "<script>", Verdict.OK),), run_id="<b>")
    found = by_run([made, made])
    assert "<script>" not in compare_text.to_page(found)
    assert "<b>" not in compare_text.to_page(found).partition("</style>")[2]
    assert "<script>" not in compare_text.to_markdown(found)


def test_rows_of_a_sweep_are_told_apart_in_a_terminal() -> None:
    """Names that are too long lose what they have in common, and each case has a line of its own."""
    names = [f"my_concurrency_sweep[streams-{streams}-output_tokens-16]" for streams in ("01", "02")]
    run = document(tuple(case(name, Verdict.OK) for name in names))
    shown = [row[0] for row in compare_text.terminal_rows(by_run([run, run])) if not row[0].startswith(" ")]
    assert len(set(shown)) == 2
    assert ["01" in name for name in shown] == [True, False]


def test_figures_of_a_row_have_one_number_of_decimals() -> None:
    """0.496 beside 12.3 is read without counting digits."""
    low, high = (
        document((case("x", Verdict.OK, metrics=metrics(ttft, 1, 1, 1, 9), rounds=()),)) for ttft in (0.5, 12.3)
    )
    (row, *_) = by_run([low, high]).rows
    assert compare_text.cells(row)[3:5] == ["0.500", "12.300 (24.60x)"]


def test_figures_of_a_run_of_pairs_are_said_to_be_of_its_second_side() -> None:
    """A run of A..B has B's figures alone, and says so beside another run."""
    check = Check("ttft_ms.p50", "pairs", Verdict.OK, comparison=comparison(arms=("v1", "v2")))
    pairs = document((case("x", Verdict.OK, checks=(check,)),), run_id="pairs")
    (note,) = by_run([pairs, document((case("x", Verdict.OK),))]).notes
    assert note.startswith("pairs compares A, v1, with B, v2, and the figures here are B's")
