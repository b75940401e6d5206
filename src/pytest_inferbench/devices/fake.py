"""GPUs that are not there, for tests and for seeing what a plan would do on another machine.

Law: stands in for `nvml.py` wherever `Devices` is asked for.
"""

from __future__ import annotations

from pytest_inferbench.devices.gpu import Gpu


class FakeDevices:
    """A machine with any number of GPUs of one kind.

    Args:
        count: how many.
        name: their product name.
        memory_bytes: each one's memory.
    """

    def __init__(self, count: int, name: str = "NVIDIA H200", memory_bytes: int = 150_754_820_096) -> None:
        self._gpus = tuple(Gpu(index, f"GPU-{index:08x}", name, memory_bytes) for index in range(count))

    def gpus(self) -> tuple[Gpu, ...]:
        """All of them."""
        return self._gpus

    def why_none(self) -> str:
        """As a machine without a driver."""
        return "no NVIDIA driver is loaded"
