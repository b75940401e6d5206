"""The formats that programs read: each is what its reader expects, whatever the run holds."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from made.cases import case, document
from pytest_inferbench.report.bencher import to_bencher
from pytest_inferbench.report.csv_report import COLUMNS, to_csv
from pytest_inferbench.report.formats import FORMATS
from pytest_inferbench.report.github_action import to_github_action
from pytest_inferbench.report.openmetrics import to_openmetrics
from pytest_inferbench.stats.verdict import Verdict
from report.report_cases import HOSTILE, INVALID, NEW, OVER, RUNS, WARNED, WITHIN
from report.report_strategies import case_results

READ_BY_PROGRAMS = {"csv", "markdown", "bencher", "github-action", "openmetrics"}
_ANY = settings(deadline=None, derandomize=True, max_examples=50)
_SEVERAL = st.lists(case_results, max_size=3).map(tuple)

# https://bencher.dev/bmf.json, with the limits that the same site states in words.
BENCHER = Draft7Validator(
    {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": 1024},
        "additionalProperties": {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
                "required": ["value"],
            },
        },
    }
)
# The README of github-action-benchmark, "Examples": name, unit and value are needed, range and extra are text.
GITHUB_ACTION = Draft7Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "unit": {"type": "string"},
                "value": {"type": "number"},
                "range": {"type": "string"},
                "extra": {"type": "string"},
            },
            "required": ["name", "unit", "value"],
        },
    }
)


@pytest.mark.parametrize("name", ["every_outcome", "two_cells", "hostile", "nothing_measured"])
@pytest.mark.parametrize(
    "form", [form for form in FORMATS if form.name in READ_BY_PROGRAMS], ids=lambda form: form.name
)
def test_each_format_looks_as_agreed(golden, form, name) -> None:
    """Each kind of run is written as its golden files show it."""
    texts = form.render(RUNS[name], lambda _: None)
    for file, text in zip(form.files, texts, strict=True):
        golden(f"{name}.{file}", text)


@_ANY
@given(results=_SEVERAL)
def test_bencher_and_github_action_files_fit_their_schemas(results) -> None:
    """Any run gives files that their readers accept, with no benchmark named twice."""
    run = document(results)
    BENCHER.validate(json.loads(to_bencher(run)))
    for direction in ("lower", "higher"):
        entries = json.loads(to_github_action(run, direction))
        GITHUB_ACTION.validate(entries)
        assert len({entry["name"] for entry in entries}) == len(entries)


def test_names_survive_an_upgrade_and_tell_cells_apart() -> None:
    """A benchmark's name has no version, except where two versions were measured in one run."""
    assert list(json.loads(to_bencher(document((WITHIN, OVER))))) == [
        "single qwen3-8b/vllm",
        "concurrency[c08] qwen3-8b/vllm",
    ]
    newer = case("single", Verdict.OK, version="v0.8.1")
    assert list(json.loads(to_bencher(document((WITHIN, newer, newer))))) == [
        "single qwen3-8b/vllm/v0.8.0",
        "single qwen3-8b/vllm/v0.8.1",
        "single qwen3-8b/vllm/v0.8.1 #2",
    ]


def test_a_name_longer_than_the_limit_stays_its_own() -> None:
    """Names that agree in their first 1,024 characters are still two."""
    run = document((case("x" * 2000 + "a", Verdict.OK), case("x" * 2000 + "b", Verdict.OK)))
    names = list(json.loads(to_bencher(run)))
    assert [len(name) for name in names] == [1024, 1024]
    assert len(set(names)) == 2


def test_an_invalid_case_is_not_tracked() -> None:
    """What must not be judged makes no point in anybody's chart."""
    run = document((INVALID, NEW))
    assert list(json.loads(to_bencher(run))) == ["rate[r04] qwen3-8b/vllm"]
    assert "c32" not in to_github_action(run, "lower")


def test_shares_are_in_per_cent_where_the_unit_says_so() -> None:
    """github-action-benchmark prints the value beside the unit, so 1 % is 1."""
    failing = case("single", Verdict.OK, metrics=INVALID.metrics)
    (rate,) = (e for e in json.loads(to_github_action(document((failing,)), "lower")) if e["unit"] == "%")
    assert rate["value"] == pytest.approx(1.72)


def test_the_range_of_the_rounds_holds_the_figure() -> None:
    """The figure lies between the lowest and the highest of its rounds."""
    metric = json.loads(to_bencher(document((WITHIN,))))["single qwen3-8b/vllm"]["ttft-ms-p50"]
    assert metric == {"value": 41.237, "lower_value": 41.2, "upper_value": 41.3}


@_ANY
@given(results=_SEVERAL)
def test_csv_reads_back_with_every_figure(results) -> None:
    """Any run gives rows of the same columns, and each figure comes back to its last digit."""
    run = document(results)
    head, *rows = csv.reader(StringIO(to_csv(run), newline=""))
    assert tuple(head) == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert not [cell for row in rows for cell in row[:12] if cell.startswith(("=", "@", "+", "-"))]
    statistics = ("value", "mean", "p50", "p90", "p95", "p99")
    figures = [
        figure
        for each in run.cases
        for summary in each.metrics.values()
        for name in statistics
        if (figure := getattr(summary, name)) is not None
    ]
    assert [float(row[-1]) for row in rows if row[-1]] == figures


def test_csv_has_no_formula() -> None:
    """A name that a spreadsheet would run is text there."""
    run = document((case("=cmd|' /C calc'!A0", Verdict.OK, model="@SUM(1)"),))
    row = list(csv.reader(StringIO(to_csv(run))))[1]
    assert row[3:5] == ["'=cmd|' /C calc'!A0", "'@SUM(1)"]


@_ANY
@given(results=_SEVERAL)
def test_openmetrics_is_read_by_the_reference_parser(results) -> None:
    """Any run gives a page that the parser of prometheus_client takes, which knows the standard's rules."""
    families = list(text_string_to_metric_families(to_openmetrics(document(results))))
    assert "inferbench_run_interrupted" in {family.name for family in families}


def test_openmetrics_has_base_units_and_all_labels() -> None:
    """Milliseconds become seconds, and a hostile name is a label's value, character for character."""
    run = document((WARNED, case(HOSTILE, Verdict.OK, model='a"b\\c')))
    families = {family.name: family for family in text_string_to_metric_families(to_openmetrics(run))}
    ttft = families["inferbench_ttft_seconds"]
    assert (ttft.type, ttft.unit) == ("summary", "seconds")
    median = next(sample for sample in ttft.samples if sample.labels.get("quantile") == "0.5")
    assert math.isclose(median.value, 0.009871)
    assert ttft.samples[-1].labels["model"] == 'a"b\\c'
    states = [sample for sample in families["inferbench_verdict"].samples if sample.value]
    assert [sample.labels["inferbench_verdict"] for sample in states] == ["within_budget", "ok"]


def test_openmetrics_of_the_same_figures_are_the_same_page() -> None:
    """Nothing on it is of the run: a merge request's widget would show a change in it each time."""
    run = document((WITHIN, OVER))
    again = replace(run, run_id="20990101-000000-ffff", started="2099-01-01T00:00:00+00:00")
    assert to_openmetrics(again) == to_openmetrics(run)
