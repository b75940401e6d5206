"""Budgets that no measurement can keep: told as they are made, before a case is measured, and where it came short."""

from __future__ import annotations

import inspect
import math
from pathlib import Path

import pytest

from baselines.baseline_made import result
from made.cases import summary
from pytest_inferbench.baselines.budget import Budget
from pytest_inferbench.baselines.limits import budget_problems, certainly_too_few, too_few
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.measure.aggregate import MIN_SAMPLES
from pytest_inferbench.metrics.table import METRICS


def test_a_budget_knows_the_line_that_makes_it(monkeypatch):
    """Relative to the working directory; a file's own place stays."""
    monkeypatch.chdir(Path(__file__).parents[1])
    made = Budget("ttft_ms.p50", "max", 5)
    assert made.source == f"baselines/test_baselines_limits.py:{inspect.currentframe().f_lineno - 1}"
    assert Budget("ttft_ms.p50", "max", 5, "q.yaml:3").source == "q.yaml:3"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("ttft_ms.p50", "most", 5), "got the bound 'most', expected 'max' or 'min'"),
        (
            ("ttft_ms.p50", "max", "5"),
            "got the limit '5', expected a number, or a share of the accepted figure such as +25 %",
        ),
        (("tpot_ms.p50", "max", "-5 %"), "got the limit '-5 %', expected +5 %: else the accepted figure itself"),
        (("ttft_ms.p50", "max", True), "got the limit true, expected a finite number"),
        (("ttft_ms.p50", "max", math.nan), "got the limit nan, expected a finite number"),
        ((5, "max", 5), "Budget: got 5, expected a metric such as 'ttft_ms.p50'"),
    ],
)
def test_what_is_no_budget_is_refused_as_it_is_made(given, words):
    """With its line."""
    with pytest.raises(ConfigError) as error:
        Budget(*given)
    assert words in str(error.value)
    assert f"test_baselines_limits.py:{inspect.currentframe().f_lineno - 2}: " in str(error.value)


@pytest.mark.parametrize(
    ("metric", "bound", "words"),
    [
        ("tfft_ms.p50", "max", "t.py:3: unknown metric 'tfft_ms'; did you mean 'ttft_ms'?"),
        ("ttft_ms", "max", "t.py:3: ttft_ms: it has a distribution, so say which figure of it"),
        ("ttft_ms.p59", "max", "t.py:3: ttft_ms.p59: unknown statistic 'p59'; known are mean, p50, p90, p95, p99"),
        ("output_tok_per_s.p50", "min", "t.py:3: output_tok_per_s.p50: output_tok_per_s is one figure"),
        ("ttft_ms.p50", "min", "t.py:3: ttft_ms.p50: got min: 9, but lower is better; write {max: 9}"),
        ("output_tok_per_s", "max", "t.py:3: output_tok_per_s: got max: 9, but higher is better; write {min: 9}"),
    ],
)
def test_a_budget_that_nothing_can_keep(metric, bound, words):
    """Told as a baseline file's is, with the test's line."""
    (problem,) = budget_problems([Budget(metric, bound, 9, "t.py:3")], METRICS)
    assert problem.startswith(words)


@pytest.mark.parametrize("statistic", MIN_SAMPLES)
def test_requests_that_cannot_be_enough(statistic):
    """As many requests as the statistic needs are enough, one fewer is not; a case without a number may be."""
    needed, budgets = MIN_SAMPLES[statistic], [Budget(f"ttft_ms.{statistic}", "max", 9, "t.py:3")]
    assert certainly_too_few(budgets, needed, 1, METRICS) == []
    assert certainly_too_few(budgets, None, 1, METRICS) == []
    if needed > 1:
        (problem,) = certainly_too_few(budgets, needed - 1, 1, METRICS)
        assert f"{statistic} needs {needed} samples, and {needed - 1} requests in each of 1 rounds" in problem


def test_rounds_count_and_what_is_not_of_requests_does_not():
    """Chunks, samples of a page and single figures may be more than requests."""
    names = ("itl_ms.p95", "gpu_power_w.p95", "server_ttft_ms.p95")
    others = [*(Budget(name, "max", 9, "t.py:3") for name in names), Budget("output_tok_per_s", "min", 9, "t.py:3")]
    assert certainly_too_few(others, 10, 3, METRICS) == []
    tail = [Budget("ttft_ms.p95", "max", 9, "t.py:3")]
    assert certainly_too_few(tail, 20, 5, METRICS) == []
    (problem,) = certainly_too_few(tail, 10, 3, METRICS)
    assert problem.startswith(
        "t.py:3: ttft_ms.p95: p95 needs 100 samples, and 10 requests in each of 3 rounds are 30; "
    )
    assert problem.endswith("; measure more requests or rounds, or limit ttft_ms.p90")


def test_samples_that_were_too_few_are_a_finding():
    """How many the statistic needs and how many there were; a figure that is there is none."""
    case = result(metrics={"ttft_ms": summary("ms", n=30, mean=4.0, p50=4.0, p90=6.0)})
    (found,) = too_few(case, [Budget("ttft_ms.p95", "max", 9, "t.py:3"), Budget("ttft_ms.p90", "max", 9, "t.py:4")])
    assert (found.code, found.invalid, found.figure, found.limit) == ("too_few_samples", True, 30, 100)
    assert found.message == "the budget on ttft_ms.p95 (t.py:3) needs 100 samples, and there are 30"
    assert found.remedy == "measure more requests or rounds, or limit ttft_ms.p90"
