"""What `inferbench doctor` looks at, one function a thing.

Limits: each looks, changes nothing, and returns findings; what it asks of the machine comes in as `Machine`. A finding
that is not well says how to mend it. No token is ever shown.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.backends.backend import Installed, ServerPlan
from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.errors import CellUnavailable, ConfigError, InferbenchError
from pytest_inferbench.models.builtin import cache_folder
from pytest_inferbench.models.hub import find_fetched
from pytest_inferbench.models.location import hub_format
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.plan.cells import plan_cells
from pytest_inferbench.servers.ports import free_port
from pytest_inferbench.servers.versions import fits

if TYPE_CHECKING:
    from pytest_inferbench.devices.gpu import Devices
    from pytest_inferbench.options import Settings
    from pytest_inferbench.servers.docker_engine import Engine

_GB = 1e9
_LITTLE_GB = 10.0


class State(StrEnum):
    """How a thing is: well, worth knowing (nothing here needs it), or in the way."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        about: what.
        state: how it is.
        seen: what was seen.
        remedy: what to do; empty where it is well.
    """

    about: str
    state: State
    seen: str
    remedy: str = ""

    def text(self) -> str:
        """All of it but the state, on one line or two."""
        return f"{self.about}: {self.seen}" + (f"\n-> {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine.

    Attributes:
        installed: programs and packages.
        devices: GPUs.
        connect: the Docker engine; raises CellUnavailable where there is none.
        environ: the environment.
        free_bytes: free space of the disk that holds a folder.
    """

    installed: Installed
    devices: Devices
    connect: Callable[[], Engine]
    environ: Mapping[str, str]
    free_bytes: Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk that holds a folder, or will."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free


def examine(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """Look at everything, in the order that is shown."""
    yield Finding("Python", State.OK, f"{platform.python_version()}, pytest {version('pytest')}, {sys.executable}")
    finding, cells = _config(settings)
    yield finding
    for cell in cells:
        yield _cell(cell, machine.installed, settings.rootdir)
    wants_docker = any(cell.provision == "docker" for cell in cells)
    yield from _docker(machine, needed=wants_docker)
    yield _gpus(machine.devices)
    yield _disk("disk for models", cache_folder(), "INFERBENCH_CACHE", machine)
    yield _disk("disk for results", settings.path("results"), "--bench-results", machine)
    yield _ports()
    yield from _keys(cells, machine.environ)
    yield _token(cells, machine.environ)


def _config(settings: Settings) -> tuple[Finding, tuple[Cell, ...]]:
    path = settings.path("config")
    if not path.exists() and settings.source("config") == "default" and not settings.model:
        seen = f"no {settings.config} in {settings.rootdir}"
        return Finding("config", State.NOTE, seen, "run this in your project, or write one: inferbench init"), ()
    try:
        cells = plan_cells(settings)
    except ConfigError as error:
        return Finding("config", State.PROBLEM, str(error), "correct it; docs/configuration.md has every key"), ()
    models = ", ".join(dict.fromkeys(cell.model for cell in cells))
    return Finding("config", State.OK, f"{settings.config} is read; models: {models}"), cells


def _cell(cell: Cell, installed: Installed, root: Path) -> Finding:
    about = f"server {cell.id}"
    if cell.url is not None:
        return Finding(about, State.OK, f"at {cell.url}, which is asked when it is measured")
    if cell.provision == "docker":
        return Finding(about, State.OK, f"in a container ({cell.image or cell.image_type})")
    backend = backend_named(cell.backend)
    plan = ServerPlan(cell.backend, cell.location, cell.model, cell.version, python=cell.python, program=cell.program)
    try:
        backend.command(plan, installed)
    except InferbenchError as reason:
        return Finding(about, State.PROBLEM, "its tests would be skipped", str(reason))
    there = backend.installed_version(plan, installed)
    if not fits(cell.version, there):
        remedy = f"install {cell.version}, name an installation with `program:` or `python:`, or change the version"
        return Finding(about, State.PROBLEM, f"{there} is installed, {cell.version} is asked for", remedy)
    from_hub = None if backend.pulls else hub_format(cell.location, root, backend.formats)
    if from_hub is not None and find_fetched(cell.location, from_hub) is None:
        remedy = f"inferbench fetch --model {cell.model}"
        return Finding(about, State.PROBLEM, f"its model {cell.location} is not on this machine", remedy)
    return Finding(about, State.OK, f"{there or 'an unknown version'} is installed")


def _docker(machine: Machine, *, needed: bool) -> Iterable[Finding]:
    missing = State.PROBLEM if needed else State.NOTE
    try:
        engine = machine.connect().facts()
    except CellUnavailable as reason:
        said, _, remedy = str(reason).rpartition("; ")
        return [Finding("Docker", missing, said, remedy)]
    found = [Finding("Docker", State.OK, f"engine {engine.version}, images in {engine.folder}")]
    if machine.devices.gpus() and not engine.gives_gpus:
        remedy = "install NVIDIA's container toolkit, then `nvidia-ctk runtime configure` and restart the engine"
        found.append(Finding("Docker GPUs", missing, "the engine has no runtime for GPUs", remedy))
    return found


def _gpus(devices: Devices) -> Finding:
    gpus = devices.gpus()
    if not gpus:
        return Finding("GPUs", State.NOTE, f"none seen: {devices.why_none()}", "servers run on the CPU")
    kinds = {gpu.name: [one for one in gpus if one.name == gpu.name] for gpu in gpus}
    words = [f"{len(same)} x {name}" + _memory(same[0].memory_bytes) for name, same in kinds.items()]
    return Finding("GPUs", State.OK, ", ".join(words))


def _memory(size: int | None) -> str:
    return "" if size is None else f" ({size / _GB:.0f} GB)"


def _disk(about: str, folder: Path, elsewhere: str, machine: Machine) -> Finding:
    free_gb = machine.free_bytes(folder) / _GB
    seen = f"{free_gb:.0f} GB free for {folder}"
    if free_gb < _LITTLE_GB:
        return Finding(about, State.NOTE, seen, f"that may not do: free some, or name another folder by {elsewhere}")
    return Finding(about, State.OK, seen)


def _ports() -> Finding:
    try:
        port = free_port()
    except OSError as error:
        remedy = "let this user open ports on 127.0.0.1; servers are published there only"
        return Finding("ports", State.PROBLEM, f"no port of 127.0.0.1 can be had: {error.strerror}", remedy)
    return Finding("ports", State.OK, f"127.0.0.1 gives ports, {port} for one")


def _keys(cells: Iterable[Cell], environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that the config names and that are not set."""
    named = {(key, dict(cell.sources)[key], name) for cell in cells for key, name in _variables(cell)}
    for key, where, name in sorted(named):
        if not environ.get(name):
            yield Finding(key, State.PROBLEM, f"{where} names {name}, which is not set", f"export {name}=...")


def _variables(cell: Cell) -> Iterator[tuple[str, str]]:
    if cell.api_key is not None:
        yield "api_key", cell.api_key
    if cell.hub_token is not None:
        yield "hub_token", cell.hub_token


def _token(cells: Iterable[Cell], environ: Mapping[str, str]) -> Finding:
    from_hub = any(cell.location and cell.url is None and "/" in cell.location for cell in cells)
    home = Path(environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    if environ.get("HF_TOKEN"):
        return Finding("token", State.OK, "HF_TOKEN is set")
    if (home / "token").is_file():
        return Finding("token", State.OK, f"{home / 'token'} holds one")
    seen = "none for the model hub" + ("" if from_hub else "; no model of the config comes from there")
    return Finding("token", State.NOTE, seen, "only models with restricted access need one: export HF_TOKEN=...")
