"""Formulas over the GPUs that a server had, read before, while and after a round ran.

Limits: as in `formulas`. Energy is the GPU's own counter, never power added up: between two readings it is taken to
grow evenly, and outside of them it is unknown. A figure of several GPUs is absent where one of them lacks it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

from pytest_inferbench.metrics import formulas
from pytest_inferbench.metrics.formulas import RoundView
from pytest_inferbench.records import GpuReading

_BYTES_PER_GIB = 2**30


def joule_per_token(view: RoundView) -> float | None:
    """Energy of all GPUs while the load ran, by their energy counters / output tokens."""
    energy, tokens = gpu_energy_j(view), formulas.generated_tokens(view)
    return energy / tokens if energy is not None and tokens else None


def gpu_energy_j(view: RoundView) -> float | None:
    """Energy of all GPUs while the load ran, by their energy counters."""
    spans = formulas.load_spans(view)
    parts = [energy_j(readings, spans) for readings in _by_gpu(view)]
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def gpu_power_w(view: RoundView) -> tuple[float, ...]:
    """Power of all GPUs together, sampled."""
    return _together(view, "power_w", sum)


def gpu_utilization(view: RoundView) -> tuple[float, ...]:
    """Share of time in which a kernel ran, sampled; of several GPUs the mean."""
    return _together(view, "utilization", lambda values: sum(values) / len(values))


def gpu_memory_peak_gib(view: RoundView) -> float | None:
    """The most memory in use, sampled; of several GPUs the sum of their peaks."""
    peaks = []
    for own in _by_gpu(view):
        used = [reading.values["memory_bytes"] for reading in own if "memory_bytes" in reading.values]
        if not used:
            return None
        peaks.append(max(used))
    return sum(peaks) / _BYTES_PER_GIB if peaks else None


def gpu_temperature_c(view: RoundView) -> tuple[float, ...]:
    """Temperature, sampled; of several GPUs the hottest."""
    return _together(view, "temperature_c", max)


def gpu_sm_clock_mhz(view: RoundView) -> tuple[float, ...]:
    """Clock of the multiprocessors, sampled; of several GPUs the slowest."""
    return _together(view, "sm_clock_mhz", min)


def gpu_throttled(view: RoundView) -> float | None:
    """Share of the samples in which the clocks of any GPU were held down by power, heat or a fault."""
    told = [reading.throttled for reading in _running(view) if reading.throttled is not None]
    return sum(bool(reasons) for reasons in told) / len(told) if told else None


def _by_gpu(view: RoundView) -> tuple[list[GpuReading], ...]:
    found: defaultdict[int, list[GpuReading]] = defaultdict(list)
    for reading in view.gpu:
        found[reading.index].append(reading)
    return tuple(found.values())


def _running(view: RoundView) -> list[GpuReading]:
    spans = formulas.load_spans(view)
    return [reading for reading in view.gpu if any(start <= reading.at_ns <= end for start, end in spans)]


def _together(view: RoundView, name: str, join: Callable[[Sequence[float]], float]) -> tuple[float, ...]:
    """A figure of all GPUs at each moment at which every one of them was read; they are read at one stamp."""
    count = len(_by_gpu(view))
    moments: defaultdict[int, list[float]] = defaultdict(list)
    for reading in _running(view):
        if name in reading.values:
            moments[reading.at_ns].append(reading.values[name])
    return tuple(join(values) for values in moments.values() if len(values) == count)


def energy_j(readings: Sequence[GpuReading], spans: Sequence[tuple[int, int]]) -> float | None:
    """How far one GPU's energy counter went within spans of time; None where it was not read around one, or fell."""
    points = [(reading.at_ns, reading.values["energy_j"]) for reading in readings if "energy_j" in reading.values]
    if not spans or any(late < early for (_, early), (_, late) in pairwise(points)):
        return None
    grown = 0.0
    for start_ns, end_ns in spans:
        start, end = _counter_at(points, start_ns), _counter_at(points, end_ns)
        if start is None or end is None:
            return None
        grown += end - start
    return grown


def _counter_at(points: Sequence[tuple[int, float]], at_ns: int) -> float | None:
    """What a counter stood at, between its two nearest readings."""
    for (early_ns, early), (late_ns, late) in pairwise(points):
        if early_ns <= at_ns <= late_ns:
            share = (at_ns - early_ns) / (late_ns - early_ns) if late_ns > early_ns else 0.0
            return early + (late - early) * share
    return None
