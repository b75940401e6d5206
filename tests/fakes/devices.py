"""GPUs that are not there.

Limits: stands in for `nvml.py` wherever `Devices` is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.devices.gpu import Gpu
from pytest_inferbench.records import GpuReading

if TYPE_CHECKING:
    from pytest_inferbench.clock import Clock


class FakeDevices:
    """A machine with any number of GPUs of one kind, each of which draws the same power all the time.

    Args:
        count: how many.
        name: their product name.
        memory_bytes: each one's memory.
        power_w: each one's power.
        lacks: figures that they do not tell.
        lost_after: readings after which the last of them is gone; None: it stays.
    """

    def __init__(
        self,
        count: int,
        name: str = "NVIDIA H200",
        memory_bytes: int = 150_754_820_096,
        power_w: float = 300.0,
        lacks: frozenset[str] = frozenset(),
        lost_after: int | None = None,
    ) -> None:
        self._gpus = tuple(Gpu(index, f"GPU-{index:08x}", name, memory_bytes, 700.0) for index in range(count))
        self._power_w = power_w
        self._lacks = lacks
        self._lost_after = lost_after

    def gpus(self) -> tuple[Gpu, ...]:
        """All of them."""
        return self._gpus

    def why_none(self) -> str:
        """As a machine without a driver."""
        return "no NVIDIA driver is loaded"

    def versions(self) -> Mapping[str, str]:
        """Those of a usual driver."""
        return {"driver": "570.86.15", "cuda": "12.8"} if self._gpus else {}

    def watch(self, gpus: tuple[Gpu, ...], clock: Clock) -> FakeWatch:
        """Open some of them for reading."""
        return FakeWatch(gpus, clock, self._power_w, self._lacks, self._lost_after)


class FakeWatch:
    """Readings made up from the clock; the arguments are those of `FakeDevices`."""

    def __init__(
        self, gpus: tuple[Gpu, ...], clock: Clock, power_w: float, lacks: frozenset[str], lost_after: int | None
    ) -> None:
        self.refused = [f"GPU {gpu.index} ({gpu.name}) does not tell {name}" for gpu in gpus for name in sorted(lacks)]
        self._gpus = gpus
        self._clock = clock
        self._power_w = power_w
        self._lacks = lacks
        self._lost_after = lost_after
        self._reads = 0

    def read(self) -> tuple[GpuReading, ...]:
        """One reading of each that is still there."""
        if self._lost_after is not None and self._reads == self._lost_after:
            self.refused.append(f"GPU {self._gpus[-1].index} disappeared while it was watched")
            self._gpus = self._gpus[:-1]
        self._reads += 1
        at_ns = self._clock.now_ns()
        values = {
            "energy_j": self._power_w * at_ns / NS_PER_S,
            "power_w": self._power_w,
            "power_limit_w": 700.0,
            "utilization": 0.9,
            "memory_bytes": 8.0 * 2**30,
            "processes_bytes": 7.5 * 2**30,
            "temperature_c": 55.0,
            "sm_clock_mhz": 1980.0,
            "memory_clock_mhz": 3201.0,
        }
        told = {name: value for name, value in values.items() if name not in self._lacks}
        return tuple(GpuReading(at_ns, gpu.index, told, frozenset()) for gpu in self._gpus)

    def close(self) -> None:
        """Nothing is open."""
