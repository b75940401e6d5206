"""Histograms: what happened between two readings, and what its quantiles are.

Limits: pure. A difference that cannot be one (a bound that is new, a count that fell) is None, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from pytest_inferbench.records import Histogram

_ROUNDING = 1 + 1e-9


def growth(before: Histogram, after: Histogram) -> Histogram | None:
    """What was observed from `before` to `after`; None where these are not two readings of one histogram."""
    if before.bounds != after.bounds:
        return None
    counts = tuple(late - early for early, late in zip(before.counts, after.counts, strict=True))
    total = after.total - before.total
    rising = all(early <= late for early, late in pairwise((0.0, *counts)))
    return Histogram(after.bounds, counts, total) if rising and total >= 0 else None


def merge(parts: Sequence[Histogram]) -> Histogram | None:
    """All observations together; None of no parts, or where their bounds differ."""
    if not parts or any(part.bounds != parts[0].bounds for part in parts):
        return None
    counts = tuple(map(sum, zip(*(part.counts for part in parts), strict=True)))
    return Histogram(parts[0].bounds, counts, sum(part.total for part in parts))


def mean(histogram: Histogram) -> float | None:
    """The exact mean; None of no observations."""
    return histogram.total / histogram.n if histogram.n > 0 else None


def quantile(histogram: Histogram, share: float) -> float | None:
    """The value that a `share` (0 to 1) of the observations does not exceed, by linear interpolation in its bucket.

    As Prometheus' `histogram_quantile` (promql/quantile.go, bucketQuantile): observations lie evenly in their bucket,
    and the first bucket begins at 0. The truth can lie anywhere in that bucket. None where it cannot be told: in the
    last bucket, which has no end, and where the figure contradicts the exact sum. Of durations a share of 1 - `share`
    is at least as long as the quantile, so it is at most mean / (1 - share) (Markov's inequality): a queue of 0.1 ms
    has no median of 150 ms, though its first bucket ends at 300.
    """
    value = _interpolate(histogram, share)
    average = mean(histogram)
    if value is None or average is None or value * (1 - share) > average * _ROUNDING:
        return None
    return value


def _interpolate(histogram: Histogram, share: float) -> float | None:
    rank = share * histogram.n
    lower, below = 0.0, 0.0
    for bound, count in zip(histogram.bounds, histogram.counts, strict=True):
        if count >= rank and count > below:
            return None if math.isinf(bound) else lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return None
