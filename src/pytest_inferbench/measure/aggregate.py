"""Aggregation: samples and figures of each round to statistics, of a round and of a case.

Limits: pure. A percentile is the linear interpolation between order statistics (definition 7 of Hyndman and Fan,
"Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996; numpy's `method="linear"`).
A statistic that the case's sample cannot carry is absent from the case and from its rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from pytest_inferbench.document.figures import Summary
from pytest_inferbench.metrics import histogram
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.metrics.table import (
    METRICS,
    HistogramMetric,
    Kind,
    Metric,
    SampleMetric,
    SeriesMetric,
    ValueMetric,
)
from pytest_inferbench.records import Histogram

MIN_SAMPLES: Mapping[str, int] = {"mean": 1, "p50": 1, "p90": 10, "p95": 100, "p99": 662}
"""Fewest samples of a case for a statistic to be shown.

p90 has then one sample beyond it and p95 five. From 662 on the second largest sample lies beyond the true 99th
percentile with 99 % confidence (binomial), so that p99, which interpolates below it, is not the largest sample's luck.
"""

_PERCENTS = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a case.

    Attributes:
        metrics: metric name -> summary over all rounds.
        rounds: for each round, `metric.statistic` or `metric` -> figure.
    """

    metrics: Mapping[str, Summary]
    rounds: tuple[Mapping[str, float], ...]


def aggregate(rounds: Sequence[RoundView], table: Mapping[str, Metric] = METRICS) -> Figures:
    """Every metric of a table that the rounds have, over all of them and for each.

    A distribution is pooled over the rounds. A round has the statistics that its case can carry, also where its own
    sample is smaller than `MIN_SAMPLES`: their median over the rounds is a session's figure.
    """
    metrics: dict[str, Summary] = {}
    per_round: list[dict[str, float]] = [{} for _ in rounds]
    for name, metric in table.items():
        if isinstance(metric, SampleMetric | SeriesMetric):
            summary, figures = _distribution(metric, rounds)
        elif isinstance(metric, HistogramMetric):
            summary, figures = _histogram(metric, rounds)
        else:
            summary, figures = _value(metric, rounds)
        if summary is None:
            continue
        metrics[name] = summary
        for target, found in zip(per_round, figures, strict=True):
            target.update(found)
    return Figures(metrics, tuple(per_round))


def percentiles(samples: Samples | Sequence[float], names: Sequence[str]) -> dict[str, float]:
    """The percentiles called `names` (`p50`, ...) of at least one sample."""
    values = np.percentile(samples, [_PERCENTS[name] for name in names], method="linear")
    return dict(zip(names, values.tolist(), strict=True))


def _statistics(samples: Samples, names: Sequence[str]) -> dict[str, float]:
    figures = percentiles(samples, [name for name in names if name in _PERCENTS])
    return {"mean": float(samples.mean()), **figures}


def _distribution(
    metric: SampleMetric | SeriesMetric, rounds: Sequence[RoundView]
) -> tuple[Summary | None, list[dict[str, float]]]:
    samples = [_samples(metric, view) for view in rounds]
    n = sum(map(len, samples))
    if n == 0:
        return None, []
    carried = [name for name, least in MIN_SAMPLES.items() if n >= least]
    pooled = _statistics(np.concatenate(samples), carried)
    summary = Summary(metric.unit.symbol, metric.direction, n=n, **pooled)
    per_round = [_statistics(own, carried) if len(own) else {} for own in samples]
    return summary, [{f"{metric.name}.{name}": x for name, x in figures.items()} for figures in per_round]


def _samples(metric: SampleMetric | SeriesMetric, view: RoundView) -> Samples:
    if isinstance(metric, SeriesMetric):
        return np.array(metric.formula(view), dtype=np.float64)
    values = chain.from_iterable(metric.formula(request) for request in view.completed)
    return np.fromiter(values, dtype=np.float64)


def _histogram(metric: HistogramMetric, rounds: Sequence[RoundView]) -> tuple[Summary | None, list[dict[str, float]]]:
    found = [metric.formula(view) for view in rounds]
    whole = histogram.merge([own for own in found if own is not None])
    if whole is None or whole.n < 1:
        return None, []
    carried = [name for name, least in MIN_SAMPLES.items() if whole.n >= least]
    summary = Summary(metric.unit.symbol, metric.direction, n=round(whole.n), **_read_off(whole, carried))
    per_round = [{} if own is None else _read_off(own, carried) for own in found]
    return summary, [{f"{metric.name}.{name}": x for name, x in figures.items()} for figures in per_round]


def _read_off(own: Histogram, names: Sequence[str]) -> dict[str, float]:
    """The statistics of a histogram; without those that lie beyond its last bound."""
    figures = {name: histogram.quantile(own, _PERCENTS[name] / 100) for name in names if name in _PERCENTS}
    figures["mean"] = histogram.mean(own)
    return {name: figure for name, figure in figures.items() if figure is not None}


def _value(metric: ValueMetric, rounds: Sequence[RoundView]) -> tuple[Summary | None, list[dict[str, float]]]:
    figures = [metric.formula(view) for view in rounds]
    known = [figure for figure in figures if figure is not None]
    if metric.kind is Kind.CASE:
        whole = metric.formula(RoundView(tuple(chain.from_iterable(view.requests for view in rounds))))
    elif metric.kind is Kind.TOTAL:
        whole = sum(known) if known and len(known) == len(rounds) else None
    else:
        whole = statistics.median(known) if known else None
    if whole is None:
        return None, []
    summary = Summary(metric.unit.symbol, metric.direction, value=whole)
    return summary, [{} if figure is None else {metric.name: figure} for figure in figures]
