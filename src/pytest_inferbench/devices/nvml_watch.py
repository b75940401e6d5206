"""Reading GPUs through NVML again and again, whatever they refuse.

Limits: the library is an argument. A figure that a GPU does not have, or that we may not see, is asked for once, told
in `refused`, and absent from then on; a GPU that is gone has no readings any more. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_inferbench.records import GpuReading

if TYPE_CHECKING:
    from pytest_inferbench.clock import Clock
    from pytest_inferbench.devices.gpu import Gpu

_MILLI, _PERCENT = 1000, 100
_LOST = ("GPU_IS_LOST", "NOT_FOUND", "UNINITIALIZED", "RESET_REQUIRED", "GPU_NOT_FOUND")
_NEVER = ("NOT_SUPPORTED", "NO_PERMISSION", "FUNCTION_NOT_FOUND", "ARGUMENT_VERSION_MISMATCH", "INVALID_ARGUMENT")

# Why clocks are held down: nvml.h, nvmlClocksEventReason*. Being idle, clocks set by hand or in step with
# other GPUs are no reasons.
THROTTLES: Mapping[int, str] = {
    0x04: "power_cap",
    0x08: "hardware",
    0x20: "thermal",
    0x40: "thermal_hardware",
    0x80: "power_brake",
}


def _processes_bytes(library: Any, handle: Any) -> float | None:  # noqa: ANN401 - a module without types
    """Memory of all compute processes; None where one's is kept from us (containers, WSL)."""
    held = [process.usedGpuMemory for process in library.nvmlDeviceGetComputeRunningProcesses(handle)]
    return None if any(each is None for each in held) else float(sum(held))


# energy_j counts from the driver's start; GPUs before Volta have no such counter.
_FIGURES: Mapping[str, Callable[[Any, Any], float | None]] = {
    "energy_j": lambda library, handle: library.nvmlDeviceGetTotalEnergyConsumption(handle) / _MILLI,
    "power_w": lambda library, handle: library.nvmlDeviceGetPowerUsage(handle) / _MILLI,
    "utilization": lambda library, handle: library.nvmlDeviceGetUtilizationRates(handle).gpu / _PERCENT,
    "memory_bytes": lambda library, handle: float(library.nvmlDeviceGetMemoryInfo(handle).used),
    "processes_bytes": _processes_bytes,
    "temperature_c": lambda library, handle: float(
        library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU)
    ),
    "sm_clock_mhz": lambda library, handle: float(library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_SM)),
    "memory_clock_mhz": lambda library, handle: float(library.nvmlDeviceGetClockInfo(handle, library.NVML_CLOCK_MEM)),
    "power_limit_w": lambda library, handle: library.nvmlDeviceGetEnforcedPowerLimit(handle) / _MILLI,
}
_THROTTLED = "throttled"


class NvmlWatch:
    """Some GPUs under watch.

    Args:
        library: the module `pynvml`; None where it is not installed.
        gpus: which.
        clock: stamps readings.

    Attributes:
        refused: why a figure or a GPU is absent.
    """

    def __init__(self, library: Any, gpus: tuple[Gpu, ...], clock: Clock) -> None:  # noqa: ANN401 - as above
        self.refused: list[str] = []
        self._library = library
        self._clock = clock
        self._open: dict[Gpu, Any] = {}
        self._asked: dict[Gpu, list[str]] = {}
        if library is None or not gpus:
            return
        try:
            library.nvmlInit()
        except library.NVMLError as error:
            self.refused.append(f"GPUs cannot be watched: {error}")
            self._library = None
            return
        for gpu in gpus:
            try:
                self._open[gpu] = library.nvmlDeviceGetHandleByUUID(gpu.uuid)
            except library.NVMLError as error:
                self.refused.append(f"{_called(gpu)} cannot be watched: {error}")
            self._asked[gpu] = [*_FIGURES, _THROTTLED]

    def read(self) -> tuple[GpuReading, ...]:
        """One reading of each GPU that still answers."""
        at_ns = self._clock.now_ns()
        readings = (self._read(gpu, at_ns) for gpu in tuple(self._open))
        return tuple(reading for reading in readings if reading is not None)

    def close(self) -> None:
        """Let go of NVML."""
        if self._library is not None:
            self._library.nvmlShutdown()
        self._library, self._open = None, {}

    def _read(self, gpu: Gpu, at_ns: int) -> GpuReading | None:
        values: dict[str, float] = {}
        throttled = None
        for name in tuple(self._asked[gpu]):
            try:
                if name == _THROTTLED:
                    throttled = self._read_throttling(self._open[gpu])
                else:
                    figure = _FIGURES[name](self._library, self._open[gpu])
                    values |= {} if figure is None else {name: figure}
            except self._library.NVMLError as error:
                if self._is(error, _LOST):
                    self.refused.append(f"{_called(gpu)} disappeared while it was watched: {error}")
                    del self._open[gpu]
                    return None
                if self._is(error, _NEVER):
                    self._asked[gpu].remove(name)
                    self.refused.append(f"{_called(gpu)} does not tell {name}: {error}")
        return GpuReading(at_ns, gpu.index, values, throttled)

    def _read_throttling(self, handle: Any) -> frozenset[str]:  # noqa: ANN401 - as above
        mask = self._library.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        return frozenset(reason for bit, reason in THROTTLES.items() if mask & bit)

    def _is(self, error: Any, names: tuple[str, ...]) -> bool:  # noqa: ANN401 - as above
        return error.value in {getattr(self._library, f"NVML_ERROR_{name}", None) for name in names}


def _called(gpu: Gpu) -> str:
    return f"GPU {gpu.index} ({gpu.name})"
