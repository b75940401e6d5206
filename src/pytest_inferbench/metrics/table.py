"""The metric table: every figure the product reports, with its unit, its better direction and its formula.

Limits: a metric is one row of `_ROWS`, which `METRICS` has by name; nothing else in the product knows a metric's unit
or direction by heart.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.metrics import formulas, gpu_formulas, server_formulas
from pytest_inferbench.metrics.formulas import RequestView, RoundView
from pytest_inferbench.records import Histogram
from pytest_inferbench.units import (
    CELSIUS,
    COUNT,
    GIB,
    JOULES,
    JOULES_PER_TOKEN,
    MEGAHERTZ,
    MS,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    STREAMS,
    TOKENS,
    TOKENS_PER_SECOND,
    WATTS,
    Direction,
    Unit,
    Zero,
)


class Kind(StrEnum):
    """What one figure of a metric stands for."""

    REQUEST = "request"
    CHUNK = "chunk"
    SAMPLE = "sample"
    ROUND = "round"
    TOTAL = "total"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class SampleMetric:
    """A metric with a distribution; `formula` gives the samples of one completed request, none where it has none."""

    name: str
    unit: Unit
    direction: Direction
    kind: Kind
    formula: Callable[[RequestView], tuple[float, ...]]
    zero: Zero | None = None


@dataclass(frozen=True, slots=True)
class SeriesMetric:
    """A metric that was sampled while a round ran; `formula` gives the round's samples, none where it has none."""

    name: str
    unit: Unit
    direction: Direction
    formula: Callable[[RoundView], tuple[float, ...]]
    kind: Kind = Kind.SAMPLE
    zero: Zero | None = None


@dataclass(frozen=True, slots=True)
class HistogramMetric:
    """A metric that the server keeps as a histogram; `formula` gives the round's, in the metric's unit."""

    name: str
    unit: Unit
    direction: Direction
    formula: Callable[[RoundView], Histogram | None]
    kind: Kind = Kind.SAMPLE
    zero: Zero | None = None


@dataclass(frozen=True, slots=True)
class ValueMetric:
    """A metric that is one figure, by `formula` for each round.

    A case's figure is the median over its rounds (`Kind.ROUND`), their sum, absent where a round lacks it
    (`Kind.TOTAL`), or the formula over all its requests (`Kind.CASE`).
    """

    name: str
    unit: Unit
    direction: Direction
    kind: Kind
    formula: Callable[[RoundView], float | None]
    zero: Zero | None = None


Metric = SampleMetric | SeriesMetric | HistogramMetric | ValueMetric


def _goodput_per_s(view: RoundView) -> float | None:
    """Requests that met every limit / the whole run; absent without limits, or where a limited metric is."""
    good = met_slo(view)
    return None if good is None else formulas.per_second(sum(good), view)


def met_slo(view: RoundView) -> tuple[bool, ...] | None:
    """For each issued request whether it met every limit of `view.slo`; a failed one did not.

    None without limits, or where no completed request has a metric that is limited.

    Raises:
        ConfigError: a limit is on something that is no per-request metric.
    """
    limits = [(slo_metric(name), limit) for name, limit in view.slo.items()]
    judgeable = all(any(metric.formula(request) for request in view.completed) for metric, _ in limits)
    if not limits or not judgeable:
        return None
    return tuple(
        request.completed and all(_meets(request, metric, limit) for metric, limit in limits)
        for request in view.requests
    )


_PACES = frozenset({"chunk_gap_ms", "tpot_ms", "itl_ms", "generation_tok_per_s"})


def _meets(view: RequestView, metric: SampleMetric, limit: float) -> bool:
    """Every sample within the limit. A pace that the request is too short to have cannot be missed; a wait can."""
    samples = metric.formula(view)
    if not samples:
        return metric.name in _PACES
    if metric.direction is Direction.HIGHER:
        return min(samples) >= limit
    return max(samples) <= limit


_LOWER, _HIGHER, _NEUTRAL = Direction.LOWER, Direction.HIGHER, Direction.NEUTRAL

_ROWS: tuple[Metric, ...] = (
    SampleMetric("ttft_ms", MS, _LOWER, Kind.REQUEST, formulas.ttft_ms),
    SampleMetric("ttft_scheduled_ms", MS, _LOWER, Kind.REQUEST, formulas.ttft_scheduled_ms),
    SampleMetric("time_to_answer_ms", MS, _LOWER, Kind.REQUEST, formulas.time_to_answer_ms),
    SampleMetric("chunk_gap_ms", MS, _LOWER, Kind.CHUNK, formulas.chunk_gap_ms),
    SampleMetric("tpot_ms", MS, _LOWER, Kind.REQUEST, formulas.tpot_ms),
    SampleMetric("itl_ms", MS, _LOWER, Kind.CHUNK, formulas.itl_ms),
    SampleMetric("e2e_ms", MS, _LOWER, Kind.REQUEST, formulas.e2e_ms),
    SampleMetric("generation_tok_per_s", TOKENS_PER_SECOND, _HIGHER, Kind.REQUEST, formulas.generation_tok_per_s),
    SampleMetric("cached_share", RATIO, _NEUTRAL, Kind.REQUEST, formulas.cached_share),
    ValueMetric("output_tok_per_s", TOKENS_PER_SECOND, _HIGHER, Kind.ROUND, formulas.output_tok_per_s),
    ValueMetric("output_tok_per_s_run", TOKENS_PER_SECOND, _HIGHER, Kind.ROUND, formulas.output_tok_per_s_run),
    ValueMetric("request_per_s", REQUESTS_PER_SECOND, _HIGHER, Kind.ROUND, formulas.request_per_s),
    ValueMetric("goodput_per_s", REQUESTS_PER_SECOND, _HIGHER, Kind.ROUND, _goodput_per_s, Zero(0.01)),
    ValueMetric("wall_s", SECONDS, _LOWER, Kind.ROUND, formulas.wall_s),
    ValueMetric("prompt_tokens", TOKENS, _NEUTRAL, Kind.CASE, formulas.prompt_tokens),
    ValueMetric("generated_tokens", TOKENS, _NEUTRAL, Kind.CASE, formulas.generated_tokens),
    ValueMetric("error_rate", RATIO, _LOWER, Kind.CASE, formulas.error_rate, Zero(0.01, counted=True)),
    ValueMetric("max_streams", STREAMS, _HIGHER, Kind.ROUND, formulas.max_streams, Zero(0.5)),
    ValueMetric("max_rate", REQUESTS_PER_SECOND, _HIGHER, Kind.ROUND, formulas.max_rate, Zero(0.01)),
    ValueMetric("cold_start_s", SECONDS, _LOWER, Kind.ROUND, formulas.cold_start_s),
    ValueMetric("ttft_drift", RATIO, _LOWER, Kind.ROUND, formulas.ttft_drift, Zero(0.05, shift=1.0)),
    ValueMetric("tpot_drift", RATIO, _LOWER, Kind.ROUND, formulas.tpot_drift, Zero(0.05, shift=1.0)),
    HistogramMetric("server_ttft_ms", MS, _LOWER, server_formulas.server_ttft_ms),
    ValueMetric("server_ttft_gap_ms", MS, _NEUTRAL, Kind.ROUND, server_formulas.server_ttft_gap_ms),
    HistogramMetric("server_itl_ms", MS, _LOWER, server_formulas.server_itl_ms),
    HistogramMetric("server_e2e_ms", MS, _LOWER, server_formulas.server_e2e_ms),
    HistogramMetric("server_queue_ms", MS, _LOWER, server_formulas.server_queue_ms, zero=Zero(1.0)),
    SeriesMetric("server_running", COUNT, _NEUTRAL, server_formulas.server_running),
    SeriesMetric("server_waiting", COUNT, _LOWER, server_formulas.server_waiting, zero=Zero(1.0)),
    SeriesMetric("server_kv_cache_use", RATIO, _NEUTRAL, server_formulas.server_kv_cache_use),
    ValueMetric("server_prefix_hit_rate", RATIO, _NEUTRAL, Kind.ROUND, server_formulas.server_prefix_hit_rate),
    ValueMetric("server_preemptions", COUNT, _LOWER, Kind.TOTAL, server_formulas.server_preemptions, Zero(5.0)),
    ValueMetric("server_generated_tokens", TOKENS, _NEUTRAL, Kind.TOTAL, server_formulas.server_generated_tokens),
    ValueMetric("joule_per_token", JOULES_PER_TOKEN, _LOWER, Kind.ROUND, gpu_formulas.joule_per_token),
    ValueMetric("gpu_energy_j", JOULES, _LOWER, Kind.TOTAL, gpu_formulas.gpu_energy_j),
    SeriesMetric("gpu_power_w", WATTS, _LOWER, gpu_formulas.gpu_power_w),
    SeriesMetric("gpu_utilization", RATIO, _NEUTRAL, gpu_formulas.gpu_utilization),
    ValueMetric("gpu_memory_peak_gib", GIB, _LOWER, Kind.ROUND, gpu_formulas.gpu_memory_peak_gib),
    SeriesMetric("gpu_temperature_c", CELSIUS, _LOWER, gpu_formulas.gpu_temperature_c),
    SeriesMetric("gpu_sm_clock_mhz", MEGAHERTZ, _NEUTRAL, gpu_formulas.gpu_sm_clock_mhz),
    ValueMetric("gpu_throttled", RATIO, _LOWER, Kind.ROUND, gpu_formulas.gpu_throttled, Zero(0.05)),
)

METRICS: Mapping[str, Metric] = MappingProxyType({row.name: row for row in _ROWS})
"""Every metric by name, in the order in which reports show them."""


def zero_of(gate: str, table: Mapping[str, Metric] = METRICS) -> Zero | None:
    """How figures of `metric.statistic` that can be 0 are compared; None where they cannot be."""
    metric = table.get(gate.partition(".")[0])
    return metric.zero if metric is not None else None


def metric_named(name: str) -> Metric:
    """The row called `name` (`ttft_ms`, without a statistic).

    Raises:
        ConfigError: there is no such metric; the message names the nearest.
    """
    metric = METRICS.get(name)
    if metric is None:
        near = difflib.get_close_matches(name, METRICS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(METRICS)}"
        raise ConfigError(f"there is no metric {reprlib.repr(name)}; {hint}")
    return metric


def slo_metric(name: str) -> SampleMetric:
    """The row of a metric that a single request can meet a limit of.

    Raises:
        ConfigError: there is no such metric, or it is no request's.
    """
    metric = metric_named(name)
    if isinstance(metric, SampleMetric):
        return metric
    raise ConfigError(
        f"{reprlib.repr(name)} is one figure a {metric.kind}, which no single request can meet: not an SLO metric"
    )
