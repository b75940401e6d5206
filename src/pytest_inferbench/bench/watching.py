"""What of a cell's server can be watched, and the words for what cannot.

Limits: what is absent is said once in a run, not once a case. The GPUs of a server on another machine are not
this machine's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.bench.machine_lock import runs_here
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.devices.gpu import Devices, Gpu, GpuWatch
from pytest_inferbench.errors import ConfigError
from pytest_inferbench.measure.watched import Watched

if TYPE_CHECKING:
    from pytest_inferbench.options import Settings
    from pytest_inferbench.records import RoundRecord
    from pytest_inferbench.servers.server import Server

_LEAST_MS = 10.0


class GpusOf:
    """The GPUs of one server, open for as long as it is measured.

    Args:
        server: the server.
        devices: who knows this machine's GPUs.
    """

    def __init__(self, server: Server, devices: Devices) -> None:
        self.server = server
        self._here = server.kind != "url" or runs_here(server.endpoint.base_url)
        # Of a server that somebody else started here nobody knows which it has: all that are visible are watched.
        self.gpus: tuple[Gpu, ...] = devices.gpus() if server.kind == "url" and self._here else server.gpus
        self.watch: GpuWatch | None = devices.watch(self.gpus, SYSTEM_CLOCK) if self.gpus else None
        self._devices = devices

    def notes(self) -> tuple[str, ...]:
        """Why figures of them are absent."""
        if self.watch is not None:
            return tuple(self.watch.refused)
        return (f"gpu_* and joule_per_token are absent: {self._why_none()}",)

    def _why_none(self) -> str:
        if not self._here:
            return "the server is on another machine"
        there = len(self._devices.gpus())
        return f"the server was given none of this machine's {there}" if there else self._devices.why_none()

    def close(self) -> None:
        """Let go of them."""
        if self.watch is not None:
            self.watch.close()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a case is watched: from one sample to the next (0: none), and whether the GPUs too."""

    interval_ms: float
    gpus: bool


def sampling_in_force(settings: Settings, interval_ms: float | None, gpus: bool | None) -> Sampling:
    """What holds for a case.

    Args:
        settings: the run's; the interval of the command line wins, and so does leaving GPUs alone.
        interval_ms: what the test or the experiment asks for; None for the run's own.
        gpus: likewise.

    Raises:
        ConfigError: an interval shorter than can be read without disturbing what is measured.
    """
    own: float = settings.sample_interval_ms
    interval = own if interval_ms is None or settings.source("sample_interval_ms") == "command line" else interval_ms
    if interval != 0 and not (_LEAST_MS <= interval < math.inf):
        raise ConfigError(
            f"--bench-sample-interval-ms: got {interval:g}; expected at least {_LEAST_MS:g}, or 0 for no samples"
        )
    return Sampling(interval, gpus is not False and not settings.no_gpu_metrics)


def how_watched(
    server: Server, rounds: Sequence[RoundRecord], gpus: GpusOf | None, sampling: Sampling, told: set[str]
) -> Watched:
    """How a case was watched, with what was not told yet in this run of what is absent.

    Args:
        server: its server.
        rounds: its rounds.
        gpus: its GPUs; None where nobody wants them.
        sampling: how often they were read.
        told: what was said before; added to.
    """
    notes = list(gpus.notes()) if gpus is not None else []
    if not any(round_.before for round_ in rounds):
        path = server.backend.metrics_path
        why = f"{server.backend.name} has no metrics page" if path is None else f"its {path} shows nothing known"
        notes.append(f"server_* figures are absent: {why}")
    new = tuple(note for note in notes if note not in told)
    told.update(new)
    return Watched(sampling.interval_ms, gpus.gpus if gpus is not None else (), new)
