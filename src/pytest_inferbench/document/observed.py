"""What was watched beside the load: one time axis, the server's page and the GPUs over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pytest_inferbench.document.part import Count, Part


@dataclass(frozen=True, slots=True)
class Span(Part):
    """One round's place on the time axis: its first send and its last arrival, in seconds after the origin."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Timeline(Part):
    """The time axis that a case's rounds, series and request records share."""

    origin_ns: int
    """The case's first send: monotonic nanoseconds, as in the request records."""
    rounds: tuple[Span, ...]
    """Each round in order."""


@dataclass(frozen=True, slots=True)
class SampledLine(Part):
    """One line of a series."""

    unit: str
    """The unit's symbol, empty for a count; a figure in "%" is a fraction."""
    values: tuple[float, ...]
    """One for each moment of the series."""


@dataclass(frozen=True, slots=True)
class Series(Part):
    """Lines that were sampled at the same moments. Long ones are thinned evenly; statistics rest on every sample."""

    at_s: tuple[float, ...]
    """When, in seconds after the timeline's origin; may begin below 0."""
    lines: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], SampledLine]
    """By name; each has as many values as there are moments."""


@dataclass(frozen=True, slots=True)
class Observed(Part):
    """What was read from the server's metrics page while the case ran."""

    interval_ms: float
    """Between two readings as asked for; 0: only before and after each round."""
    pages: Count
    """Pages read."""
    missed: Count
    """Pages that could not be had, or came too late for their turn."""
    page_ms: float | None = None
    """Median time a page took."""
    series: Series | None = None
    """The server's lines; absent where too little was read."""


@dataclass(frozen=True, slots=True)
class GpuDevice(Part):
    """What one GPU did over the case."""

    index: Count
    """Its number in NVML's order."""
    name: str
    """Its product name."""
    memory_gib: float | None = None
    """Its memory."""
    memory_peak_gib: float | None = None
    """The most memory in use that was sampled."""
    processes_peak_gib: float | None = None
    """The most that its compute processes held, where the driver tells."""
    energy_j: float | None = None
    """Growth of its energy counter over the rounds."""
    power_w: float | None = None
    """Mean of the samples."""
    power_limit_w: float | None = None
    """The limit in force."""
    utilization: float | None = None
    """Mean of the samples, as a fraction."""
    temperature_c: float | None = None
    """The highest sample."""
    throttled: Mapping[str, float] | None = None
    """By reason, the share of samples in which clocks were held down for it; reasons never seen are left out."""
    series: Series | None = None
    """Its lines."""


@dataclass(frozen=True, slots=True)
class Gpus(Part):
    """What the case's GPUs did."""

    interval_ms: float
    """Between two readings as asked for."""
    devices: tuple[GpuDevice, ...]
    """Those that its server had."""
