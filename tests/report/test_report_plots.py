"""What the plots draw, as figures."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from made.cases import case, series, summary
from pytest_inferbench.document.observed import Timeline
from pytest_inferbench.records import RequestRecord, RoundRecord, Usage
from pytest_inferbench.report.plots import BINS, CURVE, case_plots, detail_for, sweeps
from pytest_inferbench.report.sidecar import CaseRecords
from pytest_inferbench.stats.verdict import Verdict
from report.page_cases import MS, ORIGIN, WHOLE, records, whole_case, with_server_series
from report.report_cases import OVER, WITHIN


def request(index: int, sent_ms: int, arrivals_ms: tuple[int, ...], **changes: object) -> RequestRecord:
    arrivals = tuple(ORIGIN + at * MS for at in arrivals_ms)
    fields = {"usage": Usage(8, len(arrivals))} | changes
    return RequestRecord(index, 0, index, "", None, ORIGIN + sent_ms * MS, arrivals, None, arrivals[-1], **fields)


def plots(*requests: RequestRecord, detail: int = 100, thinned: frozenset[tuple[int, int]] = frozenset()) -> dict:
    kept = CaseRecords("x", (RoundRecord(0, requests, ()),), thinned)
    return case_plots(WITHIN, kept, detail)


def test_a_curve_is_the_sorted_sample() -> None:
    """Few samples are drawn each; the number of samples is said."""
    found = plots(request(0, 0, (50, 60)), request(1, 10, (40, 55)))
    ttft = next(curve for curve in found["ecdf"] if curve["metric"] == "ttft_ms")
    assert (ttft["x"], ttft["n"], ttft["unit"]) == ([30.0, 50.0], 2, "ms")


def test_a_long_curve_keeps_its_ends_and_its_median() -> None:
    """Many samples are thinned to quantiles, the smallest and the largest among them."""
    found = plots(*(request(index, 0, (index + 1, index + 2)) for index in range(1001)), detail=600)
    ttft = next(curve for curve in found["ecdf"] if curve["metric"] == "ttft_ms")
    assert len(ttft["x"]) == CURVE
    assert (ttft["x"][0], ttft["x"][-1]) == (1.0, 1001.0)
    assert ttft["x"][CURVE // 2] == pytest.approx(501, rel=0.02)
    assert len(found["timeline"]["requests"]) == 600
    assert found["timeline"]["of"] == 1001


def test_times_are_seconds_after_the_first_send() -> None:
    """Without a stated origin the first send is 0; the document's own origin wins."""
    found = plots(request(0, 100, (150, 200)))
    assert found["timeline"]["requests"] == [[0, 0.0, 0.05, 0.1, 0]]
    stated = replace(WITHIN, timeline=Timeline(ORIGIN, ()))
    kept = CaseRecords("x", (RoundRecord(0, (request(0, 100, (150, 200)),), ()),))
    assert case_plots(stated, kept, 100)["timeline"]["requests"] == [[0, 0.1, 0.15, 0.2, 0]]


def test_token_rates_hold_every_token() -> None:
    """The bins together have as many tokens as were generated."""
    found = plots(request(0, 0, (100, 150, 200)), request(1, 0, (100, 1600)))["tokens"]
    assert len(found["rate"]) == BINS
    assert sum(found["rate"]) * found["width_s"] == pytest.approx(5, rel=1e-3)


def test_thinned_requests_are_left_out_where_each_arrival_counts() -> None:
    """Gaps between arrivals that were not kept would be wrong: such a request has none, and the plot says so."""
    found = plots(request(0, 0, (50, 60)), request(1, 0, (50, 900)), thinned=frozenset({(0, 1)}))
    gaps = next(curve for curve in found["ecdf"] if curve["metric"] == "chunk_gap_ms")
    assert gaps["x"] == [10.0]
    assert found["tokens"]["thinned"] == 1


def test_a_sweep_needs_two_points_of_one_cell() -> None:
    """A test with one case is no curve; cells are lines of one plot, with the limit they share."""
    one = WITHIN
    two = [replace(OVER, case=f"concurrency[c{streams:02d}]", slo={"ttft_ms": 500.0}) for streams in (1, 8)]
    other = replace(two[0], backend="sglang")
    (found,) = sweeps([one, *two, other])
    assert found["test"] == "concurrency"
    assert [(line["cell"], len(line["points"])) for line in found["lines"]] == [
        ("qwen3-8b/vllm/v0.8.0", 2),
        ("qwen3-8b/sglang/v0.8.0", 1),
    ]
    assert found["slo_ttft_ms"] == [500.0]
    assert found["lines"][0]["points"][1]["label"] == "c08"
    assert found["output"] == "output tok/s"
    assert sweeps([one]) == []


def test_points_are_joined_where_only_the_load_differs() -> None:
    """Streams move load and requests follow them; another prompt length is another curve."""
    asked = [(1, 64), (4, 64), (1, 512), (4, 512)]
    cases = [
        replace(
            WITHIN,
            case=f"sweep[{streams}-{prompt}]",
            workload={"kind": "concurrency", "streams": streams, "requests": 3 * streams, "prompt_tokens": prompt},
        )
        for streams, prompt in asked
    ]
    (found,) = sweeps(cases)
    assert [point["group"] for point in found["lines"][0]["points"]] == [0, 0, 1, 1]


def test_an_open_loop_has_a_sweep_too() -> None:
    """Without steady windows all points of a plot are of the whole run."""
    figures = {**WITHIN.metrics, "output_tok_per_s_run": summary("tok/s", "higher", value=99.0)}
    unsteady = {name: each for name, each in figures.items() if name != "output_tok_per_s"}
    cases = [replace(WITHIN, case="rate[0]", metrics=unsteady), replace(WITHIN, case="rate[1]", metrics=figures)]
    (found,) = sweeps(cases)
    assert found["output"] == "output tok/s of the whole run"
    assert [point["output"] for point in found["lines"][0]["points"]] == [99.0, 99.0]


def test_changes_are_shares_of_the_baseline() -> None:
    """A ratio of 1.14 is a change of +14 %, with its interval, margin and sessions."""
    change = case_plots(whole_case(8), None, 100)["changes"][0]
    assert change["change"] == pytest.approx(0.14)
    assert (change["low"], change["high"]) == (pytest.approx(0.10), pytest.approx(0.18))
    assert change["sessions"] == [pytest.approx(0.13), pytest.approx(0.152)]


def test_a_history_has_its_segments_and_this_runs_interval() -> None:
    """Accepted sessions keep their segment; the interval is in the metric's unit, around the baseline."""
    history = case_plots(whole_case(8), None, 100)["history"][0]
    assert [segment for _, segment in history["accepted"]] == [0] * 4 + [1] * 6
    assert history["now"] == pytest.approx(66 * 1.14, rel=1e-4)
    assert (history["low"], history["high"]) == (pytest.approx(66 * 1.10), pytest.approx(66 * 1.18))


def test_a_line_that_is_0_throughout_is_named_and_not_drawn() -> None:
    """It says next to nothing, and nothing at all where each sample was taken between rounds."""
    lines = {"requests_running": ("", [0.0, 0.0]), "generated_tok_per_s": ("tok/s", [0.0, 40.0])}
    (server, _) = case_plots(with_server_series(whole_case(8), series((0.2, 0.7), **lines)), None, 100)["series"]
    assert server["lines"] == [{"name": "generated tok/s", "unit": "tok/s", "values": [0, 40]}]
    assert (server["zero"], server["during"]) == (["requests running"], True)
    between = with_server_series(whole_case(8), series((0.6, 0.7), **lines))
    assert case_plots(between, None, 100)["series"][0]["during"] is False


def test_what_was_not_observed_is_no_plot() -> None:
    """A case without records, series and comparisons has nothing to draw; so has one that sent nothing."""
    assert case_plots(case("x", Verdict.NEW), None, 100) == {}
    assert case_plots(case("x", Verdict.NEW), CaseRecords("x", ()), 100) == {}


def test_a_page_of_many_cases_draws_less_of_each() -> None:
    """Series and timelines shrink with the number of cases, within bounds."""
    assert (detail_for(0), detail_for(1), detail_for(200), detail_for(10**6)) == (600, 600, 300, 60)
    case_ = whole_case(4)
    drawn = case_plots(case_, records(4, 4), 60)["series"]
    assert {len(each["at"]) for each in drawn} == {60}
    assert len(WHOLE.cases) == 5


def test_an_interval_beyond_all_numbers_is_left_out() -> None:
    """A damaged document may hold figures whose product no float holds: the page has the level alone."""
    made = whole_case(8)
    checks = tuple(
        check if check.comparison is None else replace(check, comparison=replace(check.comparison, baseline=1.7e308))
        for check in made.checks
    )
    history = case_plots(replace(made, checks=checks), None, 100)["history"]
    assert all(gate["baseline"] == 1.7e308 for gate in history)
    assert not history[0].keys() & {"low", "high"}
    json.dumps(history, allow_nan=False)
