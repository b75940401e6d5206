"""Histograms: differences that are true or none, and quantiles worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.metrics.histogram import growth, mean, merge, quantile
from pytest_inferbench.records import Histogram

BOUNDS = (0.1, 0.2, 0.4, math.inf)


def hist(*counts, total=None, bounds=BOUNDS):
    """Without a sum, one that fits: the middle of each bucket."""
    if total is None:
        edges = (0.0, *bounds[:-1], bounds[-2])
        new = (late - early for early, late in pairwise((0.0, *counts)))
        total = sum(n * (low + high) / 2 for n, (low, high) in zip(new, pairwise(edges), strict=True))
    return Histogram(bounds, counts, total)


@pytest.mark.parametrize(
    ("share", "value"),
    [
        (0.0, 0.0),
        (0.25, 0.05),  # rank 5: half of the first bucket, which begins at 0
        (0.5, 0.1),  # rank 10: the end of the first
        (0.75, 0.15),  # rank 15: half of the second
        (0.95, 0.2),  # rank 19: the end of the second
        (1.0, 0.4),
    ],
)
def test_quantiles_lie_evenly_in_their_bucket(share, value):
    """As Prometheus interpolates: 10, 9 and 1 observations in three buckets, and each rank by hand."""
    counts = (10, 20, 20, 20) if share == 0.75 else (10, 19, 20, 20)
    assert quantile(hist(*counts), share) == pytest.approx(value)


def test_an_empty_bucket_is_passed_over():
    """A rank that ends a bucket belongs to it, not to the empty ones behind."""
    assert quantile(hist(0, 4, 4, 4), 0.5) == pytest.approx(0.15)
    assert quantile(hist(0, 4, 4, 4), 1.0) == pytest.approx(0.2)


def test_what_lies_beyond_the_last_bound_cannot_be_told():
    """Prometheus answers with the last bound, which is only known to be too low; we answer with nothing."""
    assert quantile(hist(1, 1, 1, 10), 0.5) is None
    assert quantile(hist(0, 0, 0, 0), 0.5) is None


def test_a_bucket_too_wide_for_the_exact_sum_tells_nothing():
    """Ten waits of 10 us, all in a first bucket that ends at 100 ms: their median is not 50 ms."""
    assert quantile(hist(10, 10, 10, 10, total=0.0001), 0.5) is None
    assert quantile(hist(10, 10, 10, 10, total=0.5), 0.5) == pytest.approx(0.05)


def test_growth_is_the_difference():
    """What came between two readings; the mean is exact."""
    grown = growth(hist(1, 2, 3, 3, total=0.5), hist(1, 5, 6, 7, total=1.5))
    assert grown == hist(0, 3, 3, 4, total=1.0)
    assert mean(grown) == pytest.approx(0.25)
    assert mean(hist(0, 0, 0, 0)) is None


@pytest.mark.parametrize(
    "after",
    [
        hist(0, 2, 3, 3, total=1.0),  # a count fell
        hist(3, 2, 4, 4, total=1.0),  # cannot rise like this
        hist(1, 2, 3, 3, total=0.4),  # the sum fell
        hist(1, 2, 3, 3, total=1.0, bounds=(0.1, 0.3, 0.4, math.inf)),
    ],
    ids=["count", "shape", "sum", "bounds"],
)
def test_what_cannot_be_a_difference_is_none(after):
    """A restart, or another histogram, gives nothing."""
    assert growth(hist(1, 2, 3, 3, total=0.5), after) is None


def test_adding():
    """Rounds are one sample; histograms with other bounds are not."""
    assert merge([hist(1, 2, 3, 4, total=1.0), hist(0, 0, 1, 1, total=0.5)]) == hist(1, 2, 4, 5, total=1.5)
    assert merge([]) is None
    assert merge([hist(1, 1, 1, 1), hist(1, 1, bounds=(1.0, math.inf))]) is None


@given(samples=st.lists(st.floats(0.001, 0.399), min_size=1, max_size=50), share=st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(samples, share):
    """The interpolated figure and the sample of that rank are in one bucket."""
    made = hist(*(float(sum(each <= bound for each in samples)) for bound in BOUNDS), total=sum(samples))
    rank = max(1, math.ceil(share * len(samples)))
    truth = sorted(samples)[rank - 1]
    lower = max((bound for bound in (0.0, *BOUNDS) if bound < truth), default=0.0)
    upper = min(bound for bound in BOUNDS if bound >= truth)
    value = quantile(made, share)
    assert value is None or lower - 1e-9 <= value <= upper + 1e-9
