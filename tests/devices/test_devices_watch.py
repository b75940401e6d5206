"""Watching GPUs: NVML's answers and refusals, on a stand-in for the library, and the fake that stands for it."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest

from fakes.devices import FakeDevices
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.devices.gpu import Gpu
from pytest_inferbench.devices.nvml import Nvml
from pytest_inferbench.devices.nvml_watch import THROTTLES, NvmlWatch

GPUS = (Gpu(0, "GPU-a", "NVIDIA H200", 10), Gpu(1, "GPU-b", "NVIDIA H200", 10))


class Library:
    """`pynvml` with GPUs that answer as told: its errors and constants, none of its library.

    Attributes:
        refusals: (function, GPU) -> error code.
    """

    def __init__(self):
        self.refusals = {}
        self.opened = 0
        self.mask = 0x04
        self.held = [1024, 2048]

    def __getattr__(self, name):
        if name.startswith("nvmlDeviceGet"):
            return lambda handle, *_: self._answer(name.removeprefix("nvmlDeviceGet"), handle)
        return getattr(pynvml, name)

    def nvmlInit(self):  # noqa: N802 - NVML's names
        self.opened += 1

    def nvmlShutdown(self):  # noqa: N802
        self.opened -= 1

    def _answer(self, what, gpu):
        code = self.refusals.get((what, gpu), self.refusals.get((what, None)))
        if code is not None:
            raise pynvml.NVMLError(code)
        return {
            "HandleByUUID": gpu,
            "TotalEnergyConsumption": 5_000,
            "PowerUsage": 350_500,
            "UtilizationRates": SimpleNamespace(gpu=87),
            "MemoryInfo": SimpleNamespace(used=4096),
            "ComputeRunningProcesses": [SimpleNamespace(usedGpuMemory=held) for held in self.held],
            "Temperature": 61,
            "ClockInfo": 1755,
            "EnforcedPowerLimit": 700_000,
            "CurrentClocksThrottleReasons": self.mask,
        }[what]


@pytest.fixture
def library():
    return Library()


def test_a_gpu_that_tells_everything(library):
    """Joules, watts, shares and bytes, in the product's units; both GPUs at one stamp."""
    watch = NvmlWatch(library, GPUS, SYSTEM_CLOCK)
    first, second = watch.read()
    assert first.values == {
        "energy_j": 5.0,
        "power_w": 350.5,
        "utilization": 0.87,
        "memory_bytes": 4096.0,
        "processes_bytes": 3072.0,
        "temperature_c": 61.0,
        "sm_clock_mhz": 1755.0,
        "memory_clock_mhz": 1755.0,
        "power_limit_w": 700.0,
    }
    assert (first.index, second.index, first.at_ns) == (0, 1, second.at_ns)
    assert first.throttled == {"power_cap"}
    assert watch.refused == []
    watch.close()
    watch.close()
    assert library.opened == 0
    assert watch.read() == ()


@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_NO_PERMISSION])
def test_what_a_gpu_does_not_tell_is_absent_and_said_once(library, code):
    """An older GPU has no energy counter, a container may not see processes: asked once, and never again."""
    library.refusals["TotalEnergyConsumption", "GPU-a"] = code
    watch = NvmlWatch(library, GPUS, SYSTEM_CLOCK)
    for _ in range(3):
        first, second = watch.read()
        assert "energy_j" not in first.values
        assert second.values["energy_j"] == 5.0
        assert first.values["power_w"] == 350.5
    assert watch.refused == [f"GPU 0 (NVIDIA H200) does not tell energy_j: {pynvml.NVMLError(code)}"]


def test_a_moment_s_trouble_is_no_refusal(library):
    """A figure that fails once is there again the next time."""
    library.refusals["PowerUsage", None] = pynvml.NVML_ERROR_UNKNOWN
    watch = NvmlWatch(library, GPUS, SYSTEM_CLOCK)
    assert "power_w" not in watch.read()[0].values
    library.refusals.clear()
    assert watch.read()[0].values["power_w"] == 350.5
    assert watch.refused == []


def test_a_gpu_that_disappears_has_no_readings_any_more(library):
    """It is said once; the other one goes on."""
    watch = NvmlWatch(library, GPUS, SYSTEM_CLOCK)
    assert len(watch.read()) == 2
    library.refusals["UtilizationRates", "GPU-a"] = pynvml.NVML_ERROR_GPU_IS_LOST
    assert [reading.index for reading in watch.read()] == [1]
    assert [reading.index for reading in watch.read()] == [1]
    assert len(watch.refused) == 1
    assert watch.refused[0].startswith("GPU 0 (NVIDIA H200) disappeared while it was watched")


def test_a_process_whose_memory_is_kept_from_us_leaves_no_sum(library):
    """The memory of some of the processes is not that of all."""
    library.held = [1024, None]
    assert "processes_bytes" not in NvmlWatch(library, GPUS, SYSTEM_CLOCK).read()[0].values


def test_a_gpu_that_cannot_be_opened_is_said(library):
    """The other one is watched."""
    library.refusals["HandleByUUID", "GPU-b"] = pynvml.NVML_ERROR_NOT_FOUND
    watch = NvmlWatch(library, GPUS, SYSTEM_CLOCK)
    assert [reading.index for reading in watch.read()] == [0]
    assert watch.refused[0].startswith("GPU 1 (NVIDIA H200) cannot be watched")


def test_nothing_to_watch_opens_nothing(library):
    """Without the package or without GPUs there are no readings and no complaint."""
    for watch in (NvmlWatch(library, (), SYSTEM_CLOCK), NvmlWatch(None, GPUS, SYSTEM_CLOCK)):
        assert (watch.read(), watch.refused) == ((), [])
        watch.close()


def test_a_driver_that_refuses_leaves_no_readings():
    """The real library without a driver: said, not raised."""
    watch = Nvml().watch(GPUS, SYSTEM_CLOCK)
    assert watch.read() == ()
    watch.close()


def test_throttle_reasons_are_the_header_s():
    """The bits are those of the constants of the library."""
    assert {
        pynvml.nvmlClocksEventReasonSwPowerCap: "power_cap",
        pynvml.nvmlClocksEventReasonHwSlowdown: "hardware",
        pynvml.nvmlClocksEventReasonSwThermalSlowdown: "thermal",
        pynvml.nvmlClocksEventReasonHwThermalSlowdown: "thermal_hardware",
        pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "power_brake",
    } == THROTTLES


def test_an_idle_gpu_is_not_throttled(library):
    """Idleness and clocks set by hand are no reasons."""
    library.mask = 0x01 | 0x02
    assert NvmlWatch(library, GPUS, SYSTEM_CLOCK).read()[0].throttled == frozenset()


def test_the_fake_reads_like_the_real_one(library):
    """The same names; energy grows with time by its power; one can lack a figure or disappear."""
    devices = FakeDevices(2, power_w=100.0, lacks=frozenset({"temperature_c"}), lost_after=1)
    watch = devices.watch(devices.gpus(), SYSTEM_CLOCK)
    first = watch.read()
    real = NvmlWatch(library, GPUS, SYSTEM_CLOCK).read()[0].values
    assert {*first[0].values, "temperature_c"} == set(real)
    later = watch.read()
    assert [reading.index for reading in later] == [0]
    grown = later[0].values["energy_j"] - first[0].values["energy_j"]
    assert grown == pytest.approx(100.0 * (later[0].at_ns - first[0].at_ns) / 1e9, rel=1e-3)
    assert len(watch.refused) == 3
