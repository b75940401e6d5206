"""A GPU as everybody else sees it, and who can list them.

Law: values and a protocol; the real list is NVML's (`nvml.py`), the fake one is beside it (`fake.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        index: its number in NVML's order.
        uuid: its lasting name, as `GPU-...`.
        name: its product name.
        memory_bytes: its memory; None where the driver does not say (unified memory).
    """

    index: int
    uuid: str
    name: str
    memory_bytes: int | None


class Devices(Protocol):
    """Who knows the GPUs that this process may use."""

    def gpus(self) -> tuple[Gpu, ...]:
        """Those it may use, in order; empty where there are none."""
        ...

    def why_none(self) -> str:
        """Where there are none: what is missing, and how to get it."""
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
