"""A case's own questions: what figure it has, and how many requests failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made.cases import case, comparison, summary
from pytest_inferbench.document.case import Difference
from pytest_inferbench.document.comparison import Interval

CASE = case(
    "single",
    metrics={"ttft_ms": summary("ms", n=120, p50=40.0, p95=60.0), "error_rate": summary("%", value=0.05)},
    rounds=({"ttft_ms.p50": 39.0, "ttft_ms.p95": 50.0}, {"ttft_ms.p50": 44.0, "ttft_ms.p95": 55.0}, {"wall_s": 3.0}),
    issued=40,
)


@pytest.mark.parametrize(
    ("name", "figure"),
    [("ttft_ms.p50", 40.0), ("error_rate", 0.05), ("ttft_ms.p99", None), ("ttft_ms", None), ("e2e_ms.p50", None)],
)
def test_a_figure_is_found_by_its_name(name, figure) -> None:
    """A metric that is one figure has no statistic in its name; what was not measured is None."""
    assert CASE.figure(name) == figure


def test_failed_requests_are_the_rate_of_those_sent() -> None:
    """Two of forty; None where nobody knows the rate, or how many were sent."""
    assert CASE.failed == 2
    assert replace(CASE, issued=None).failed is None
    assert replace(CASE, issued=0).failed is None
    assert replace(CASE, metrics={}).failed is None


def test_a_session_has_one_figure() -> None:
    """The median of the rounds that have it; of a tail the figure over all requests, unless rounds are asked for."""
    assert CASE.in_rounds("ttft_ms.p50") == [39.0, 44.0]
    assert CASE.session_figure("ttft_ms.p50") == 41.5
    assert CASE.session_figure("ttft_ms.p95") == 60.0
    assert CASE.session_figure("ttft_ms.p95", pooled=False) == 52.5
    assert CASE.session_figure("e2e_ms.p50") is None


def test_a_workload_that_is_not_named_has_no_hash() -> None:
    """A hash is a text; a document with anything else does not say it."""
    assert CASE.workload_hash == "5c1e0d9b"
    assert replace(CASE, workload={"kind": "single", "hash": 5}).workload_hash is None
    assert replace(CASE, workload={"kind": "single"}).workload_hash is None


def test_a_difference_reads_from_then_to_now() -> None:
    """What, was, now."""
    assert str(Difference("version", "v0.8.0", "v0.8.1")) == "version v0.8.0 -> v0.8.1"


@pytest.mark.parametrize("lacking", ["ratio", "low", "high"])
def test_a_change_is_whole_or_there_is_none(lacking) -> None:
    """An interval needs its estimate and both ends; a document that names no level has one of 0."""
    whole = comparison(ratio=1.1, low=1.0, high=1.2, level=0.98)
    assert whole.change == Interval(1.1, 1.0, 1.2, 0.98)
    assert replace(whole, level=None).change == Interval(1.1, 1.0, 1.2, 0.0)
    assert replace(whole, **{lacking: None}).change is None
