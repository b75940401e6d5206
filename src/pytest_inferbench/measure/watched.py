"""What was watched beside the load, as the result holds it: one time axis, the server's lines and the GPUs'.

Limits: pure. Lines are thinned for drawing; figures rest on every sample. What was not there is left out, and
the notes say so once.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S
from pytest_inferbench.devices.gpu import Gpu
from pytest_inferbench.document.observed import GpuDevice, Gpus, Observed, SampledLine, Series, Span, Timeline
from pytest_inferbench.metrics.formulas import RoundView, load_spans
from pytest_inferbench.metrics.gpu_formulas import energy_j
from pytest_inferbench.metrics.growth import restart
from pytest_inferbench.records import GpuReading, RequestRecord, RoundRecord, ServerReading

_MOST_POINTS = 240
_GIB = 2**30
_DIGITS = 6
_RATE = "generated_tok_per_s"
_SERVER_LINES = {"requests_running": "", "requests_waiting": "", "kv_cache_use": "%"}
# Line -> (its name on a reading, its unit, what one unit of it is on a reading).
_GPU_LINES = {
    "power_w": ("power_w", "W", 1),
    "utilization": ("utilization", "%", 1),
    "memory_gib": ("memory_bytes", "GiB", _GIB),
    "temperature_c": ("temperature_c", "°C", 1),
    "sm_clock_mhz": ("sm_clock_mhz", "MHz", 1),
}


@dataclass(frozen=True, slots=True)
class Watched:
    """How a case was watched.

    Attributes:
        interval_ms: from one reading to the next, as asked for.
        gpus: the GPUs that its server had.
        notes: why something was not watched, a sentence each.
    """

    interval_ms: float = 0.0
    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = ()


def timeline(rounds: Sequence[RoundRecord]) -> Timeline | None:
    """The case's time axis; None where a round had no request."""
    if not rounds or not all(round_.requests for round_ in rounds):
        return None
    spans = [_span(round_.requests) for round_ in rounds]
    origin_ns = min(start for start, _ in spans)
    return Timeline(origin_ns, tuple(Span(_after(start, origin_ns), _after(end, origin_ns)) for start, end in spans))


def server_observed(rounds: Sequence[RoundRecord], watched: Watched, origin_ns: int) -> Observed | None:
    """What the server's page said over the case; None where it has none."""
    pages = [page for round_ in rounds for page in round_pages(round_)]
    if not pages:
        return None
    took = statistics.median(page.took_ns for page in pages) / NS_PER_MS
    step = _step(len(pages))  # before rates are made, so that a rate holds for all the time between two points
    points = [point for round_ in rounds for point in _server_points(round_pages(round_)[::step])]
    return Observed(
        interval_ms=watched.interval_ms,
        pages=len(pages),
        missed=sum(round_.missed for round_ in rounds),
        page_ms=_short(took),
        series=_series(points, {**_SERVER_LINES, _RATE: "tok/s"}, origin_ns),
    )


def gpu_observed(
    rounds: Sequence[RoundRecord], views: Sequence[RoundView], watched: Watched, origin_ns: int
) -> Gpus | None:
    """What the GPUs did over the case; None where none was watched."""
    if not any(round_.gpu for round_ in rounds):
        return None
    spans = [load_spans(view) for view in views]
    devices = []
    for gpu in watched.gpus:
        own = [[reading for reading in round_.gpu if reading.index == gpu.index] for round_ in rounds]
        devices.append(_device(gpu, own, spans, origin_ns))
    return Gpus(watched.interval_ms, tuple(devices))


def round_pages(round_: RoundRecord) -> tuple[ServerReading, ...]:
    """The server's readings from just before a round to just after it, in order."""
    around = (round_.before, *round_.pages, round_.after)
    return tuple(page for page in around if page is not None)


def _device(
    gpu: Gpu, own: Sequence[Sequence[GpuReading]], spans: Sequence[Sequence[tuple[int, int]]], origin_ns: int
) -> GpuDevice:
    running = [
        reading
        for readings, during in zip(own, spans, strict=True)
        for reading in readings
        if any(start <= reading.at_ns <= end for start, end in during)
    ]
    energies = [energy_j(readings, during) for readings, during in zip(own, spans, strict=True)]
    grown = [energy for energy in energies if energy is not None]
    samples: defaultdict[str, list[float]] = defaultdict(list)
    for reading in running:
        for name, value in reading.values.items():
            samples[name].append(value)
    figures = {
        "memory_gib": None if gpu.memory_bytes is None else gpu.memory_bytes / _GIB,
        "memory_peak_gib": _highest(samples["memory_bytes"], _GIB),
        "processes_peak_gib": _highest(samples["processes_bytes"], _GIB),
        "energy_j": sum(grown) if grown and len(grown) == len(energies) else None,
        "power_w": statistics.fmean(samples["power_w"]) if samples["power_w"] else None,
        "power_limit_w": samples["power_limit_w"][-1] if samples["power_limit_w"] else gpu.power_limit_w,
        "utilization": statistics.fmean(samples["utilization"]) if samples["utilization"] else None,
        "temperature_c": _highest(samples["temperature_c"]),
    }
    step = _step(sum(map(len, own)))
    points = [(reading.at_ns, _gpu_point(reading)) for readings in own for reading in readings[::step]]
    return GpuDevice(
        index=gpu.index,
        name=gpu.name,
        throttled=_throttle_shares(running),
        series=_series(points, {line: unit for line, (_, unit, _) in _GPU_LINES.items()}, origin_ns),
        **{name: _short(figure) for name, figure in figures.items() if figure is not None},
    )


def _throttle_shares(running: Sequence[GpuReading]) -> dict[str, float] | None:
    told = [reading.throttled for reading in running if reading.throttled is not None]
    if not told:
        return None
    seen = Counter(reason for reasons in told for reason in reasons)
    return {reason: _short(count / len(told)) for reason, count in sorted(seen.items())}


def _gpu_point(reading: GpuReading) -> dict[str, float]:
    values = reading.values
    return {line: values[name] / scale for line, (name, _, scale) in _GPU_LINES.items() if name in values}


def _server_points(pages: Sequence[ServerReading]) -> list[tuple[int, dict[str, float]]]:
    """The lines at each page but the first, from which the growth to the second is counted."""
    points = []
    for earlier, later in pairwise(pages):
        if later.at_ns <= earlier.at_ns or restart((earlier, later)):
            continue
        point = {name: later.values[name] for name in _SERVER_LINES if name in later.values}
        if "generated_tokens" in earlier.values and "generated_tokens" in later.values:
            grown = later.values["generated_tokens"] - earlier.values["generated_tokens"]
            point[_RATE] = grown * NS_PER_S / (later.at_ns - earlier.at_ns)
        points.append((later.at_ns, point))
    return points


def _series(
    points: Sequence[tuple[int, Mapping[str, float]]], units: Mapping[str, str], origin_ns: int
) -> Series | None:
    """Lines over the moments at which all of them are known; None where there is none."""
    names = [name for name in units if any(name in point for _, point in points)]
    whole = [(at_ns, point) for at_ns, point in points if names and len(point) == len(names)]
    if not whole:
        return None
    lines = {name: SampledLine(units[name], tuple(_short(point[name]) for _, point in whole)) for name in names}
    return Series(tuple(_after(at_ns, origin_ns) for at_ns, _ in whole), lines)


def _step(points: int) -> int:
    """Every how many points one is drawn."""
    return max(1, -(-points // _MOST_POINTS))


def _span(records: Sequence[RequestRecord]) -> tuple[int, int]:
    """First send to last arrival; a request that was never sent counts from when it failed."""
    starts = (record.end_ns if record.sent_ns is None else record.sent_ns for record in records)
    ends = (record.output_ns[-1] if record.output_ns else record.end_ns for record in records)
    return min(starts), max(ends)


def _after(at_ns: int, origin_ns: int) -> float:
    return round((at_ns - origin_ns) / NS_PER_S, _DIGITS)


def _short(figure: float) -> float:
    """Six digits: nothing here is known better, and a run document stays small."""
    return float(f"{figure:.{_DIGITS}g}")


def _highest(samples: Sequence[float], scale: float = 1) -> float | None:
    return max(samples) / scale if samples else None
