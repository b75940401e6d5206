"""Aggregation: which statistics there are, and how they are worked out."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.observed import failed, request
from pytest_inferbench.measure.aggregate import MIN_SAMPLES, aggregate, percentiles
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.table import HistogramMetric
from pytest_inferbench.metrics.tokens import TokenMethod, request_views
from pytest_inferbench.records import Histogram
from pytest_inferbench.units import MS, Direction


def view(*requests, windows=()):
    return RoundView(request_views(requests, TokenMethod.CHUNKS), windows)


def ttfts(*milliseconds):
    return view(*(request(index, out=(ms,)) for index, ms in enumerate(milliseconds)))


def test_percentiles_interpolate():
    """Definition 7: of 10, 20, 30, 40 the 90th percentile lies .7 between the last two."""
    assert percentiles([40, 10, 30, 20], ("p50", "p90")) == pytest.approx({"p50": 25.0, "p90": 37.0})


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_percentiles_are_monotone(samples):
    """A higher percentile is never a smaller figure, and none leaves the sample."""
    figures = list(percentiles(samples, ("p50", "p90", "p95", "p99")).values())
    assert figures == sorted(figures)
    assert min(samples) <= figures[0]
    assert figures[-1] <= max(samples)


@pytest.mark.parametrize(
    ("n", "shown"),
    [
        (1, {"mean", "p50"}),
        (9, {"mean", "p50"}),
        (10, {"mean", "p50", "p90"}),
        (99, {"mean", "p50", "p90"}),
        (100, {"mean", "p50", "p90", "p95"}),
        (661, {"mean", "p50", "p90", "p95"}),
        (662, {"mean", "p50", "p90", "p95", "p99"}),
    ],
)
def test_a_statistic_needs_its_sample(n, shown):
    """Each statistic appears with its first sufficient sample."""
    summary = aggregate([ttfts(*range(1, n + 1))]).metrics["ttft_ms"]
    assert summary.n == n
    assert set(summary.statistics()) == shown
    assert shown <= set(MIN_SAMPLES)


def test_a_case_pools_its_rounds():
    """Two rounds of 10, 20 and of 30, 40, 80 ms."""
    figures = aggregate([ttfts(10, 20), ttfts(30, 40, 80)])
    summary = figures.metrics["ttft_ms"]
    assert (summary.n, summary.mean, summary.p50) == (5, pytest.approx(36.0), pytest.approx(30.0))
    assert (summary.unit, summary.direction, summary.value) == ("ms", "lower", None)
    assert [each["ttft_ms.p50"] for each in figures.rounds] == pytest.approx([15.0, 40.0])


def test_a_round_has_what_its_case_can_carry():
    """Two rounds of 50 carry a p95 together, so each shows its own for the median over rounds."""
    figures = aggregate([ttfts(*range(1, 51)), ttfts(*range(51, 101))])
    assert [each["ttft_ms.p95"] for each in figures.rounds] == pytest.approx([47.55, 97.55])
    assert all("ttft_ms.p99" not in each for each in figures.rounds)


def test_a_rate_is_the_median_of_its_rounds():
    """Rounds of 10, 20 and 100 ms for one request: 100, 50 and 10 a second."""
    figures = aggregate([ttfts(10), ttfts(20), ttfts(100)])
    assert figures.metrics["request_per_s"].value == pytest.approx(50.0)
    assert [each["request_per_s"] for each in figures.rounds] == pytest.approx([100.0, 50.0, 10.0])


def test_totals_are_the_cases():
    """Tokens add up over the rounds; the error rate is over all issued requests."""
    figures = aggregate([view(request(0)), view(request(0), failed(1), failed(2))])
    assert figures.metrics["generated_tokens"].value == pytest.approx(6.0)
    assert figures.metrics["error_rate"].value == pytest.approx(0.5)
    assert [each["error_rate"] for each in figures.rounds] == pytest.approx([0.0, 2 / 3])


def test_a_round_without_a_completed_request_has_no_latency():
    """The other round's samples are the case's; the failed one only has its error rate."""
    figures = aggregate([view(failed()), ttfts(10)])
    assert figures.rounds[0] == {"error_rate": 1.0}
    assert figures.metrics["ttft_ms"].n == 1


def test_nothing_gives_nothing():
    """No rounds, no figures."""
    figures = aggregate([])
    assert (dict(figures.metrics), figures.rounds) == ({}, ())


def of_histograms(*found):
    """The figures of a metric whose rounds have these histograms."""
    views, left = [view() for _ in found], iter(found)
    metric = HistogramMetric("server_queue_ms", MS, Direction.LOWER, lambda _: next(left))
    return aggregate(views, {metric.name: metric})


def queue(*counts, total):
    return Histogram((10.0, 20.0, math.inf), counts, total)


def test_a_histogram_of_a_case_is_that_of_all_its_rounds():
    """Twelve and eight observations are twenty: enough for a p90, which each round then has too."""
    figures = of_histograms(queue(6, 12, 12, total=130.0), queue(4, 8, 8, total=80.0))
    summary = figures.metrics["server_queue_ms"]
    assert (summary.n, summary.mean, summary.p50) == (20, pytest.approx(10.5), pytest.approx(10.0))
    assert summary.p90 == pytest.approx(18.0)
    assert summary.p95 is None
    assert figures.rounds[1] == pytest.approx(
        {"server_queue_ms.p50": 10.0, "server_queue_ms.p90": 18.0, "server_queue_ms.mean": 10.0}
    )


def test_a_round_without_a_histogram_has_no_figures_of_it():
    """The case has those of the others; where no round has one, or none observed anything, there is no metric."""
    figures = of_histograms(None, queue(5, 9, 9, total=80.0))
    assert (figures.metrics["server_queue_ms"].n, figures.rounds[0]) == (9, {})
    assert set(figures.rounds[1]) == {"server_queue_ms.p50", "server_queue_ms.mean"}
    assert of_histograms(None, None).metrics == {}
    assert of_histograms(queue(0, 0, 0, total=0.0)).metrics == {}


def test_what_lies_beyond_the_last_bound_is_absent():
    """A median that the histogram cannot tell is left out; the mean is exact."""
    figures = of_histograms(queue(1, 2, 9, total=270.0))
    assert figures.metrics["server_queue_ms"].statistics() == {"mean": 30.0}
