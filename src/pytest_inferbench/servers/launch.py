"""A cell's server, however it is provided: the three ways, and the GPUs it gets.

Limits: who asks gets a `Server` or an error, never a server half up; GPUs are leased before a start and given back with
the server.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_inferbench.backends.backend import INSTALLED, Backend, ServerPlan
from pytest_inferbench.backends.catalogue import backend_named
from pytest_inferbench.backends.container import ENGINE_CACHE
from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.config.variables import content
from pytest_inferbench.devices.nvml import NVML
from pytest_inferbench.errors import CellUnavailable, ProvisionError
from pytest_inferbench.models.builtin import cache_folder
from pytest_inferbench.models.facts import model_facts
from pytest_inferbench.models.location import file_of
from pytest_inferbench.plan.cell import RUNNING, Cell
from pytest_inferbench.plan.request import request_headers
from pytest_inferbench.plan.secrets import HUB_TOKEN
from pytest_inferbench.servers.docker import ContainerStart
from pytest_inferbench.servers.docker_engine import connect
from pytest_inferbench.servers.gpu_leases import Lease, Leased, lease_gpus
from pytest_inferbench.servers.images import Image, Images, ImageWish
from pytest_inferbench.servers.orphans import reap_orphans, remove_run
from pytest_inferbench.servers.server import Server, start_process
from pytest_inferbench.servers.url import attach_url

if TYPE_CHECKING:
    from pytest_inferbench.servers.context import LaunchContext

Progress = Callable[[str], None]
_ANY_PORT = ("127.0.0.1", 0)


def start_server(
    cell: Cell, context: LaunchContext, say: Progress, *, fresh: bool = False, address: tuple[str, int] = _ANY_PORT
) -> Server:
    """Bring a cell's server up.

    Args:
        cell: which.
        context: the run.
        say: told what is waited for.
        fresh: use none that an earlier run kept.
        address: where it shall listen, if it is started; port 0 for any free one.

    Raises:
        CellUnavailable: it cannot run on this machine.
        ConfigError: what was asked for does not exist.
        ProvisionError: it does not come up.
    """
    backend = backend_named(cell.backend)
    if cell.url is not None:
        return attach_url(
            cell.url,
            backend,
            model=cell.served_model,
            timeout_s=context.settings.server_timeout,
            clock=SYSTEM_CLOCK,
            version=INSTALLED if cell.version == RUNNING else cell.version,
            headers=request_headers(context.settings, cell),
            ca=str(context.settings.path("ca")) if context.settings.ca is not None else None,
            progress=say,
        )
    timeout_s = context.settings.server_timeout
    folder = cache_folder() / "leases"
    lease = lease_gpus(cell.gpus, NVML, folder, timeout_s=timeout_s, clock=SYSTEM_CLOCK, progress=say)
    start = _Start(cell, backend, context, lease, say, fresh, address)
    try:
        server = start.container() if cell.provision == "docker" else start.process()
    except BaseException:
        lease.release()
        raise
    model = file_of(cell.location, context.settings.rootdir, backend.formats, say)
    facts = replace(server.facts, **model_facts(model))
    if not lease.gpus:
        return replace(server, facts=facts)
    return replace(server, facts=facts, life=Leased(server.life, lease), gpus=lease.gpus)


def server_plan(cell: Cell, backend: Backend, model: str, gpus: int) -> ServerPlan:
    """The server of a cell.

    Args:
        cell: which.
        backend: the cell's backend.
        model: the model's file or folder, or its repository id.
        gpus: how many GPUs it gets.
    """
    return ServerPlan(
        backend=cell.backend,
        model_path=model,
        model_name=cell.model,
        version=cell.version,
        args={**backend.gpu_args(gpus), **dict(cell.args)},
        python=cell.python,
        program=cell.program,
    )


def check_model(cell: Cell, backend: Backend, model: str) -> None:
    """A server that fetches no models itself has its model here.

    Args:
        cell: what is to start.
        backend: the cell's backend.
        model: what it would be given to load: an absolute path, or the id of a repository that was not fetched.

    Raises:
        CellUnavailable: it is not on this machine.
    """
    if not Path(model).is_absolute() and cell.provision == "process" and not backend.pulls:
        raise CellUnavailable(
            f"{cell.location} is not on this machine; fetch it: inferbench fetch --model {cell.model}"
        )


def cell_image(cell: Cell, context: LaunchContext, say: Progress, gpus: int) -> Image:
    """The image of a cell, made or pulled where it is not there.

    Raises:
        CellUnavailable: there is no engine, or the image's registry cannot be reached.
        ConfigError: the backend has no such image.
        ProvisionError: the registry has none of that name, or the build failed.
    """
    wish = ImageWish(cell.version, cell.image, cell.image_type, gpus)
    return images_of(context).obtain(backend_named(cell.backend), wish, say)


def images_of(context: LaunchContext) -> Images:
    """What gets images for this run; made at its first use, when what dead runs left is removed too."""
    if context.images is None:
        engine = connect()
        reap_orphans(engine)
        context.images = Images(
            engine,
            (context.settings.rootdir / "docker",),
            context.folder / "servers",
            cache_folder() / "locks",
            renew=context.settings.rebuild,
        )
    return context.images


def remove_orphans() -> None:
    """Remove containers whose owner is dead, where an engine answers."""
    with suppress(CellUnavailable, ProvisionError):  # the engine is gone: the next run removes them
        reap_orphans(connect())


def remove_left(context: LaunchContext) -> None:
    """Remove containers of this run that a killed process of it left; all of its processes have ended."""
    with suppress(CellUnavailable, ProvisionError):  # the engine is gone: the next run removes them
        remove_run(connect(), context.run_id)


@dataclass(frozen=True, slots=True)
class _Start:
    """One start of a server on this machine."""

    cell: Cell
    backend: Backend
    context: LaunchContext
    lease: Lease
    say: Progress
    fresh: bool
    address: tuple[str, int]

    def process(self) -> Server:
        # Without the driver's own order CUDA counts devices by speed; a UUID means the same to everybody.
        gpus = {"CUDA_VISIBLE_DEVICES": ",".join(gpu.uuid for gpu in self.lease.gpus)} if self.lease.gpus else {}
        return start_process(
            self._plan(),
            self.backend,
            log_dir=self.context.folder / "servers",
            timeout_s=self.context.settings.server_timeout,
            clock=SYSTEM_CLOCK,
            progress=self.say,
            env={**gpus, **self._extra_environment()},
            held=self.lease.held,
        )

    def container(self) -> Server:
        image = cell_image(self.cell, self.context, self.say, len(self.lease.gpus))
        start = ContainerStart(
            engine=images_of(self.context).engine,
            run_id=self.context.run_id,
            log_dir=self.context.folder / "servers",
            timeout_s=self.context.settings.server_timeout,
            clock=SYSTEM_CLOCK,
            progress=self.say,
            keep=self.context.settings.keep_server,
            fresh=self.fresh,
            environ={**os.environ, **self._extra_environment()},
        )
        limits = {"memory_bytes": self.cell.memory, "pids": self.cell.pids}
        return start.start(self._plan(), self.backend, image, gpus=self.lease.gpus, **limits)

    def _extra_environment(self) -> dict[str, str]:
        """What the config adds to the environment.

        Raises:
            ConfigError: it names a variable that is not set.
        """
        cell, given = self.cell, {}
        if cell.hub_token is not None:
            where = dict(cell.sources)["hub_token"]
            given[HUB_TOKEN] = content(cell.hub_token, f"{where}: hub_token", os.environ)
        if cell.engine_cache is not None:
            given[ENGINE_CACHE] = cell.engine_cache
        return given

    def _plan(self) -> ServerPlan:
        host, port = self.address
        model = file_of(self.cell.location, self.context.settings.rootdir, self.backend.formats, self.say)
        check_model(self.cell, self.backend, model)
        plan = server_plan(self.cell, self.backend, model, len(self.lease.gpus))
        return replace(plan, host=host, port=port)
