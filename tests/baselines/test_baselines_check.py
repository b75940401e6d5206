"""Budgets and the question whether there is a history, on values."""

import pytest

from baselines.baseline_made import TABLE, YAML, result
from pytest_inferbench.baselines.budget import Budget
from pytest_inferbench.baselines.check import check_budgets, effective_budgets
from pytest_inferbench.baselines.read import read_file
from pytest_inferbench.config.parse import parse
from pytest_inferbench.document.figures import Check
from pytest_inferbench.stats.verdict import Verdict

CASE = "concurrency[c08]"
FILE = read_file(parse(YAML, "q.yaml"), TABLE)


def check(metric, bound, limit, **fields):
    (only,) = check_budgets(result(**fields), [Budget(metric, bound, limit, "q.yaml:3")])
    return only


def test_hardware_overrides_the_case():
    """A hardware's budget replaces the case's for the same metric and bound; the others stay."""
    budgets = effective_budgets(FILE, CASE, "1x-nvidia-h200")
    assert [(b.metric, b.bound, b.limit, b.source) for b in budgets] == [
        ("ttft_ms.p95", "max", 250.0, "q.yaml:12"),
        ("output_tok_per_s", "min", 500.0, "q.yaml:8"),
    ]


def test_other_hardware_and_cases():
    """Unknown hardware has the case's budgets, an unknown case none."""
    assert [b.limit for b in effective_budgets(FILE, CASE, "cpu")] == [400.0, 500.0]
    assert effective_budgets(FILE, "single", "cpu") == []


def test_a_check_says_everything():
    """A check carries metric, value, limit, unit and where the limit is written."""
    assert check("output_tok_per_s", "min", 1300.0) == Check(
        metric="output_tok_per_s",
        kind="budget",
        verdict=Verdict.OVER_BUDGET,
        value=1280.0,
        bound="min",
        limit=1300.0,
        unit="tok/s",
        source="q.yaml:3",
    )


@pytest.mark.parametrize(
    ("metric", "bound", "limit", "within"),
    [
        ("ttft_ms.p50", "max", 41.0, True),
        ("ttft_ms.p50", "max", 40.999, False),
        ("output_tok_per_s", "min", 1280.0, True),
        ("output_tok_per_s", "min", 1280.001, False),
    ],
)
def test_the_limit_itself_is_within(metric, bound, limit, within):
    """A figure on its limit passes, a figure beyond it does not."""
    assert check(metric, bound, limit).verdict is (Verdict.WITHIN_BUDGET if within else Verdict.OVER_BUDGET)


@pytest.mark.parametrize(
    ("metric", "note"),
    [
        ("error_rate", "not measured"),
        ("ttft_ms.p99", "not measured of 96 samples; measured are ttft_ms.mean, ttft_ms.p50, ttft_ms.p90, ttft_ms.p95"),
        ("ttft_ms", "not measured; measured are ttft_ms.mean, ttft_ms.p50, ttft_ms.p90, ttft_ms.p95"),
        ("output_tok_per_s.p50", "not measured; measured are output_tok_per_s"),
    ],
)
def test_not_measured_is_over_budget(metric, note):
    """A figure that is absent cannot meet a budget, and the note says what there is instead."""
    made = check(metric, "max", 1e9)
    assert (made.verdict, made.value, made.note) == (Verdict.OVER_BUDGET, None, note)


@pytest.mark.parametrize(("n", "note"), [(499, "p95 of 499 requests is not steady; it needs 500"), (500, "")])
def test_small_samples_are_judged_with_a_warning(n, note):
    """A tail of few requests is judged all the same, and the reader is warned."""
    made = check("ttft_ms.p95", "max", 45.0, n=n)
    assert (made.verdict, made.note) == (Verdict.WITHIN_BUDGET, note)
