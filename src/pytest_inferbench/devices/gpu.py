"""A GPU as everybody else sees it, and who can list them.

Limits: values and a protocol; the real list is NVML's (`nvml.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pytest_inferbench.clock import Clock
from pytest_inferbench.records import GpuReading


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        index: its number in NVML's order.
        uuid: its lasting name, as `GPU-...`.
        name: its product name.
        memory_bytes: its memory; None where the driver does not say (unified memory).
        power_limit_w: the limit in force; None where the driver does not say.
    """

    index: int
    uuid: str
    name: str
    memory_bytes: int | None
    power_limit_w: float | None = None


class GpuWatch(Protocol):
    """Some GPUs, opened for reading again and again.

    Attributes:
        refused: why a figure is absent, one sentence each, in the order in which it was met.
    """

    refused: list[str]

    def read(self) -> tuple[GpuReading, ...]:
        """One reading of each that still answers, all with one stamp; never raises."""
        ...

    def close(self) -> None:
        """Let go of them; may be called again."""
        ...


class Devices(Protocol):
    """Who knows the GPUs that this process may use."""

    def gpus(self) -> tuple[Gpu, ...]:
        """Those it may use, in order; empty where there are none."""
        ...

    def why_none(self) -> str:
        """Where `gpus` are none: what is true of that, and what to do where something is missing."""
        ...

    def versions(self) -> Mapping[str, str]:
        """`driver`, and `cuda`: the newest that it serves; what is not known is left out."""
        ...

    def watch(self, gpus: tuple[Gpu, ...], clock: Clock) -> GpuWatch:
        """Open some of them for reading."""
        ...


def visible(gpus: tuple[Gpu, ...], wanted: str | None) -> tuple[Gpu, ...]:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves, in its order.

    Args:
        gpus: all there are.
        wanted: the variable's value: numbers or (beginnings of) UUIDs; None where it is not set. As in CUDA, the first
            entry that names no GPU ends the list.
    """
    if wanted is None:
        return gpus
    left: list[Gpu] = []
    for word in wanted.split(","):
        entry = word.strip()
        found = [gpu for gpu in gpus if entry and (entry == str(gpu.index) or gpu.uuid.startswith(entry))]
        if len(found) != 1:
            break
        left += found
    return tuple(left)
