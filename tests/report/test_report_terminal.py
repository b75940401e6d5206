"""The terminal summary, as people see it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from made.cases import case, document, summary
from pytest_inferbench.document.run import Setting
from pytest_inferbench.report.terminal import render_summary
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import HOSTILE, INVALID, NEW, OVER, RUNS, UNMEASURED, WARNED, WITHIN


@pytest.mark.parametrize("width", [80, 160], ids="w{:03d}".format)
@pytest.mark.parametrize("name", RUNS)
def test_summary_looks_as_agreed(golden, name, width) -> None:
    """Each kind of run is drawn as its golden file shows it."""
    golden(f"{name}-{width}.txt", render_summary(RUNS[name], width, colour=False) + "\n")


def test_first_line_tells_the_verdicts_in_words() -> None:
    """The first line alone says whether the run is all right."""
    run = document((WITHIN, WITHIN, WITHIN, OVER, NEW))
    assert render_summary(run, 80, colour=False).splitlines()[0] == "3 within budget, 1 OVER BUDGET, 1 new"


def test_verdicts_of_failure_are_seen_without_colour() -> None:
    """What fails a test is in capitals in its row, and what does not is not."""
    rows = render_summary(document((WITHIN, OVER, INVALID, NEW)), 80, colour=False).splitlines()[6:10]
    assert [re.split(r"  +", row)[-1] for row in rows] == ["within budget", "OVER BUDGET", "INVALID", "new"]


def test_colour_is_there_when_asked_for() -> None:
    """With colours a failing verdict is red and a good one green."""
    text = render_summary(document((WITHIN, OVER)), 80, colour=True)
    assert "\x1b[1;31mOVER BUDGET" in text
    assert "\x1b[32mwithin budget" in text


def test_environment_of_the_process_changes_nothing(monkeypatch) -> None:
    """The text depends on the arguments alone, not on COLUMNS, NO_COLOR or TERM."""
    run = RUNS["every_outcome"]
    before = [render_summary(run, 90, colour=colour) for colour in (False, True)]
    for name, value in {"COLUMNS": "30", "NO_COLOR": "1", "TERM": "dumb", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert [render_summary(run, 90, colour=colour) for colour in (False, True)] == before


def test_markup_and_escapes_are_shown_as_text() -> None:
    """A name with rich markup, an emoji code or terminal escapes appears as the characters it is made of."""
    hostile = document((case(HOSTILE[:60], Verdict.OK),))
    text = render_summary(hostile, 200, colour=True)
    assert r"bad\nname\r\x1b[31mred\x1b[0m [bold]not bold[/bold] :boom:" in text
    assert "\x1b[31mred" not in text


def test_columns_go_in_the_stated_order() -> None:
    """As the terminal narrows, columns leave in one order, none comes back, and name and verdict stay."""
    run = document((WITHIN, OVER, INVALID, case("single", Verdict.OK, version="v0.8.1")))
    names = ("TPOT p95", "TTFT p95", "client", "requests", "req/s", "errors", "TPOT p50", "output", "TTFT p50")
    left: list[str] = []
    for width in range(160, 39, -1):
        lines = render_summary(run, width, colour=False).splitlines()
        rule = next(index for index, line in enumerate(lines) if line.startswith("─"))
        top, bottom, row = lines[rule - 2], lines[rule - 1], lines[rule + 1]
        assert row.startswith("single ")
        assert row.endswith(" within budget")
        shown = {
            "TPOT p95": bottom.count("p95 ms") == 2,
            "TTFT p95": "p95 ms" in bottom,
            "client": "client" in top,
            "requests": "requests" in bottom,
            "req/s": "req/s" in bottom,
            "errors": "errors" in top,
            "TPOT p50": "TPOT" in top,
            "output": "output" in top,
            "TTFT p50": "TTFT" in top,
        }
        left += [name for name in names if not shown[name] and name not in left]
        assert not any(shown[name] for name in left)
    assert left == list(names)


def test_cells_with_equal_cases_are_told_apart_at_any_width() -> None:
    """Rows of two versions never look the same, however narrow the terminal is."""
    run = document((WITHIN, case("single", Verdict.WITHIN_BUDGET, version="v0.8.1")))
    for width in (40, 60, 80, 120):
        text = render_summary(run, width, colour=False)
        assert re.search(r"^single +v0\.8\.0 ", text, re.MULTILINE)
        assert re.search(r"^single +v0\.8\.1 ", text, re.MULTILINE)


def test_decimal_points_stand_under_each_other() -> None:
    """In a column of figures with different digits, the points (or last whole digits) are in one place."""
    lines = render_summary(document((WITHIN, OVER, UNMEASURED)), 80, colour=False).splitlines()[6:9]
    places = {line.index(figure) + len(figure) for line, figure in zip(lines, ("41", "238", "97"), strict=True)}
    assert len(places) == 1


def test_error_rate_has_a_column_only_where_requests_failed() -> None:
    """A run without failed requests does not spend a column on saying so."""
    assert "errors" not in render_summary(document((WITHIN,)), 160, colour=False)
    assert "errors" in render_summary(document((WITHIN, INVALID)), 160, colour=False)


@pytest.mark.parametrize(
    ("kind", "figures", "shown"),
    [
        ("saturation", {"max_streams": ("streams", 12.0)}, "carries 12 streams"),
        ("saturation", {"max_rate": ("req/s", 4.12)}, "carries 4.12 req/s"),
        ("cold_start", {"cold_start_s": ("s", 2.314)}, "starts in 2.31 s"),
        ("soak", {"ttft_drift": ("%", 0.012), "tpot_drift": ("%", -0.003)}, "TTFT drifts +1.2 %"),
        ("prefix", {"server_prefix_hit_rate": ("%", 0.74)}, "74.0 % cached"),
    ],
)
def test_what_a_case_was_run_for_has_a_column(kind, figures, shown) -> None:
    """A load that was carried, a start, a drift, a hit rate: found once, beside cases that have none."""
    own = {name: summary(unit, value=value) for name, (unit, value) in figures.items()}
    sought = case(kind, Verdict.NEW, metrics={**WITHIN.metrics, **own})
    text = render_summary(document((WITHIN, sought)), 160, colour=False)
    head, row = (next(line for line in text.splitlines() if word in line) for word in ("verdict", kind))
    assert "found" in head
    assert shown in row
    assert "found" not in render_summary(document((WITHIN,)), 160, colour=False)


def test_a_run_that_records_does_not_advise_to_record() -> None:
    """With --update-baselines given, why a case is new is all there is to say."""
    run = document((NEW,))
    assert "--update-baselines records one" in render_summary(run, 100, colour=False)
    recorded = replace(run, settings=(Setting("update-baselines", True, "command line"),))
    text = render_summary(recorded, 100, colour=False)
    assert "new: no baseline" in text
    assert "--update-baselines" not in text


def test_client_error_has_a_column_only_where_it_was_measured() -> None:
    """Without a self-check there is no column of dashes; with one case checked, the others have a dash."""
    assert "adds ms" not in render_summary(document((NEW,)), 160, colour=False)
    assert "adds ms" in render_summary(document((NEW, WITHIN)), 160, colour=False)


def test_invalid_case_is_not_judged_in_the_reasons() -> None:
    """Of an invalid measurement the findings are told with their remedy, and no budget."""
    text = " ".join(render_summary(document((INVALID,)), 80, colour=False).split())
    assert "limit 60.2 ms; start more load workers: --bench-workers 4" in text
    assert "limit 250" not in text


def test_same_warning_of_many_cases_is_said_once() -> None:
    """Warnings and notes that several cases share are counted, not repeated."""
    text = render_summary(document((WARNED,) * 3), 160, colour=False)
    assert text.count("500 carry it") == 1
    assert text.count("(and 2 more cases)") == 2


def test_narrower_than_readable_is_drawn_for_forty_columns() -> None:
    """A terminal that says it has no columns gets a summary all the same."""
    assert render_summary(RUNS["two_cells"], 0, colour=False) == render_summary(RUNS["two_cells"], 40, colour=False)


@pytest.mark.parametrize("name", RUNS)
def test_rows_fit_the_narrowest_terminals(name) -> None:
    """From 40 columns on, the longest names beside the longest verdict still keep to the width."""
    for width in range(40, 64):
        assert max(map(cell_len, render_summary(RUNS[name], width, colour=False).splitlines())) <= width
