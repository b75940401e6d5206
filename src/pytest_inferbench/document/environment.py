"""The machine that ran pytest, and the state of the repository around it. What could not be read is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_inferbench.document.part import Part


@dataclass(frozen=True, slots=True)
class Cpu(Part):
    """The processor."""

    model: str | None = None
    stepping: str | None = None
    microcode: str | None = None
    logical: int | None = None
    """Cores that the system schedules on."""
    physical: int | None = None


@dataclass(frozen=True, slots=True)
class GpuModel(Part):
    """A GPU of the machine."""

    name: str
    memory_bytes: int | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True, slots=True)
class Git(Part):
    """The state of the repository."""

    commit: str | None = None
    dirty: bool | None = None
    """Tracked files differ from the commit."""


@dataclass(frozen=True, slots=True)
class Environment(Part):
    """The machine that ran pytest and the repository. Of models and versions each case's `server` tells."""

    hardware: str | None = None
    """The hardware's name, as baselines are keyed; --hardware sets it."""
    read_at: str | None = None
    """When, ISO 8601."""
    cpu: Cpu | None = None
    memory_bytes: int | None = None
    os: str | None = None
    kernel: str | None = None
    machine: str | None = None
    """The processor's architecture."""
    virtual: bool | None = None
    """A hypervisor runs this machine."""
    container: bool | None = None
    """pytest itself ran in a container."""
    governor: str | None = None
    """The CPU's frequency governor."""
    gpus: tuple[GpuModel, ...] | None = None
    driver: str | None = None
    """The GPU driver's version."""
    cuda: str | None = None
    """The newest CUDA that the driver serves."""
    python: str | None = None
    packages: Mapping[str, str] | None = None
    """Those that measure, and the engines that are installed beside them."""
    git: Git | None = None
