"""What a launch would start, without starting it: for `--bench-dry-run`.

Limits: reads the configuration, files and what is installed; asks a Docker engine at most which images it has. What
would make a cell's tests be skipped, or fail before anything starts, is told in the words they would say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.config.document import DEFAULT
from pytest_inferbench.errors import CellUnavailable, ConfigError
from pytest_inferbench.models.location import path_of
from pytest_inferbench.servers.container_spec import container_spec
from pytest_inferbench.servers.docker_engine import connect
from pytest_inferbench.servers.images import ImageWish, image_name
from pytest_inferbench.servers.launch import check_model, server_plan
from pytest_inferbench.servers.server import check_installed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_inferbench.backends.backend import Installed
    from pytest_inferbench.devices.gpu import Gpu
    from pytest_inferbench.plan.cell import Cell
    from pytest_inferbench.servers.container_spec import ContainerSpec
    from pytest_inferbench.servers.docker_engine import Engine
    from pytest_inferbench.servers.images import ImageName


@dataclass(frozen=True, slots=True)
class Preview:
    """One cell's server as it would be.

    Attributes:
        cell: the cell's id.
        rows: (what, words) in the order people read them: image, command, mounts, environment, port, GPUs.
        trouble: why it would not start here; "" where nothing is known against it.
    """

    cell: str
    rows: tuple[tuple[str, str], ...]
    trouble: str = ""


def preview(cell: Cell, rootdir: Path, there: Sequence[Gpu], installed: Installed) -> Preview:
    """What would be started for a cell.

    Args:
        cell: which.
        rootdir: what relative paths start from.
        there: the machine's GPUs.
        installed: what is installed here.
    """
    if cell.url is not None:
        return Preview(cell.id, (("server", f"{cell.url} (not ours: only asked)"), *_settings(cell)))
    wanted = len(there) if cell.gpus is None else cell.gpus
    gpus = ("GPUs", f"{wanted} of {len(there)}" if there or wanted else "none")
    if wanted > len(there):
        return Preview(cell.id, (gpus,), f"it needs {wanted} GPUs and this machine shows {len(there)}")
    look = _container if cell.provision == "docker" else _process
    try:
        rows, trouble = look(cell, rootdir, there[:wanted], installed)
    except (CellUnavailable, ConfigError) as error:
        return Preview(cell.id, (gpus,), str(error))
    return Preview(cell.id, (*rows, gpus, *_settings(cell)), trouble)


def _settings(cell: Cell) -> tuple[tuple[str, str], ...]:
    """Each setting's value with the place that gave it, of those that were not left to what is built in."""
    values = {
        **{name: getattr(cell, name) for name in ("backend", "version", "provision", "image", "image_type")},
        **{name: getattr(cell, name) for name in ("memory", "pids")},
        **{name: getattr(cell, name) for name in ("url", "program", "python", "engine_cache", "api_key", "hub_token")},
        **{f"args.{name}": value for name, value in cell.args},
    }
    said = [
        f"{name.removeprefix('args.')} {values[name]} ({where})"
        for name, where in cell.sources
        if values.get(name) is not None and where != str(DEFAULT)
    ]
    return (("set by", "; ".join(said)),) if said else ()


def _process(cell: Cell, rootdir: Path, gpus: Sequence[Gpu], installed: Installed) -> tuple[list[tuple[str, str]], str]:
    backend = backend_named(cell.backend)
    plan = server_plan(cell, backend, path_of(cell.location, rootdir, backend.formats), len(gpus))
    command = backend.command(plan, installed)
    try:
        version = check_installed(plan, backend, installed) or "it says itself"
        check_model(cell, backend, plan.model_path)
        trouble = ""
    except CellUnavailable as reason:
        version, trouble = cell.version, str(reason)
    rows = [
        ("version", version),
        ("runs", _line(command.argv)),
        ("sets", _names(command.env)),
        ("port", f"a free one of {plan.host}, in place of 0"),
    ]
    return [row for row in rows if row[1]], trouble


def _container(
    cell: Cell,
    rootdir: Path,
    gpus: Sequence[Gpu],
    installed: Installed,  # noqa: ARG001 - as for a process
) -> tuple[list[tuple[str, str]], str]:
    backend = backend_named(cell.backend)
    wish = ImageWish(cell.version, cell.image, cell.image_type, len(gpus))
    image = image_name(backend, wish, (rootdir / "docker",))
    assert backend.container is not None  # noqa: S101 - for the type checker: it has an image
    plan = server_plan(cell, backend, path_of(cell.location, rootdir, backend.formats), len(gpus))
    spec = container_spec(
        plan,
        backend.container,
        image.reference,
        gpus=[(gpu.uuid, gpu.name) for gpu in gpus],
        memory_bytes=cell.memory,
        pids=cell.pids,
        environ=os.environ,
    )
    try:
        engine, trouble = connect(), ""
    except CellUnavailable as reason:
        engine, trouble = None, str(reason)
    rows = [
        ("image", f"{image.reference} ({_origin(image, engine)})"),
        ("runs", _line((*(spec.entrypoint or ("(the image's own)",)), *spec.argv))),
        ("mounts", _mounts(spec)),
        ("sets", _names(spec.env)),
        ("port", f"{spec.port} in the container, a free one of 127.0.0.1 here"),
        ("memory", f"at most {spec.memory_bytes:,} bytes" if spec.memory_bytes else ""),
        ("processes", f"at most {spec.pids:,}, threads included; of root's capabilities {_kept(spec)}"),
    ]
    return [row for row in rows if row[1]], trouble


def _origin(image: ImageName, engine: Engine | None) -> str:
    made = {"build": f"built here with {image.dockerfile}", "prebuilt": "pulled", "given": "pulled where it is missing"}
    if engine is None:
        return made[image.origin]
    return "is here" if engine.image_id(image.reference) else f"not here yet: {made[image.origin]}"


def _line(argv: Sequence[str]) -> str:
    return " ".join(word if word and not set(word) & set(" '\"\\") else repr(word) for word in argv)


def _kept(spec: ContainerSpec) -> str:
    return ", ".join(spec.capabilities) or "none"


def _names(env: Mapping[str, str]) -> str:
    """Variables by name: a value may be a token."""
    return ", ".join(sorted(env))


def _mounts(spec: ContainerSpec) -> str:
    return ", ".join(
        f"{mount.source} as {mount.target}{' (read-only)' if mount.read_only else ''}" for mount in spec.mounts
    )
