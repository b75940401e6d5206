"""A server in a container.

Limits: as for a process: who gets a `Server` must stop it, a start that fails leaves no container, and says why from
the log at once. The container's port is on 127.0.0.1 only; its model cannot be written to; its labels say whose it is.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.errors import ConfigError, ProvisionError
from pytest_inferbench.models.progress import Progress, silent
from pytest_inferbench.servers.container_guard import guard_containers
from pytest_inferbench.servers.container_spec import container_spec
from pytest_inferbench.servers.diagnosis import diagnose
from pytest_inferbench.servers.owner import KEPT, SPEC, owner_labels
from pytest_inferbench.servers.process import new_log, tail
from pytest_inferbench.servers.ready import wait_ready
from pytest_inferbench.servers.server import Server
from pytest_inferbench.servers.versions import fits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_inferbench.backends.backend import Backend, ServerPlan
    from pytest_inferbench.clock import Clock
    from pytest_inferbench.devices.gpu import Gpu
    from pytest_inferbench.servers.container_spec import ContainerSpec
    from pytest_inferbench.servers.docker_engine import Engine
    from pytest_inferbench.servers.images import Image

_KILLED = "killed by signal 9"
_LOOKS, _BETWEEN_LOOKS_S = 10, 0.1
STARTED_CONTAINERS = "containers.txt"  # in the log folder: names of all that were started
_SHOWN_LINES = 200
_READ_LINES = 400
_LOG_END_S = 5.0


class ContainerLife:
    """A started container, whose output is copied to a file as it comes.

    Args:
        engine: where it runs.
        container: its id.
        log_path: the file.
        keep: leave it running when it is stopped.
    """

    def __init__(self, engine: Engine, container: str, log_path: Path, *, keep: bool) -> None:
        self._engine = engine
        self._container = container
        self.log_path = log_path
        self._keep = keep
        self._stopped = False
        self._copier = threading.Thread(target=self._copy, name="inferbench-log", daemon=True)
        self._copier.start()

    def alive(self) -> str | None:
        """None while it runs; afterwards how it ended."""
        if self._engine.end_of(self._container) is None:
            return None
        self._copier.join(_LOG_END_S)  # its last words may still be on their way
        end = self._engine.end_of(self._container)
        for _ in range(_LOOKS):
            if end != _KILLED:
                break
            # The engine notes that a container met its memory limit a moment after it notes that it ended.
            threading.Event().wait(_BETWEEN_LOOKS_S)
            end = self._engine.end_of(self._container)
        return end

    def stop(self) -> None:
        """End and remove it, unless it is to be kept and runs; may be called again."""
        if self._stopped or (self._keep and self.alive() is None):
            return
        self._engine.remove(self._container)
        self._stopped = True
        self._copier.join(_LOG_END_S)

    def discard(self) -> None:
        """End and remove it, also one that was to be kept."""
        self._keep = False
        self.stop()

    def log_tail(self, n: int) -> tuple[str, ...]:
        """The last `n` lines it wrote."""
        return tail(self.log_path, n)

    def _copy(self) -> None:
        with self.log_path.open("ab", buffering=0) as log:
            for chunk in self._engine.logs(self._container):
                log.write(chunk)


@dataclass(frozen=True, slots=True)
class ContainerStart:
    """What starts of one run share.

    Attributes:
        engine: where containers run.
        run_id: the run's name, for labels.
        log_dir: where logs go.
        timeout_s: how long a server may take to be ready.
        clock: the clock.
        progress: told what is waited for.
        keep: leave servers running afterwards, and use one that an earlier run left.
        fresh: use none that was left.
        environ: the environment that tokens and the folders of caches are taken from.
    """

    engine: Engine
    run_id: str
    log_dir: Path
    timeout_s: float
    clock: Clock
    progress: Progress = silent
    keep: bool = False
    fresh: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(os.environ), repr=False)

    def start(
        self,
        plan: ServerPlan,
        backend: Backend,
        image: Image,
        *,
        gpus: tuple[Gpu, ...] = (),
        memory_bytes: int | None = None,
        pids: int | None = None,
    ) -> Server:
        """Start a plan in a container and wait until it is ready.

        Args:
            plan: what to start; its model is the host's path or a repository id.
            backend: the plan's backend.
            image: what to start it from.
            gpus: the GPUs it gets.
            memory_bytes: the most memory it may take.
            pids: the most processes and threads it may have; None for what is enough for its GPUs.

        Raises:
            CellUnavailable: the engine cannot give it GPUs.
            ConfigError: the backend has no containers, or the model cannot be shown to one.
            ProvisionError: it did not become ready; says why, with its last log lines.
        """
        if backend.container is None:
            raise ConfigError(f"{backend.name} has no containers; use --provision url or process")
        spec = container_spec(
            plan,
            backend.container,
            image.reference,
            gpus=[(gpu.uuid, gpu.name) for gpu in gpus],
            memory_bytes=memory_bytes,
            pids=pids,
            environ=self.environ,
        )
        digest = f"{spec.digest}-{image.digest.rpartition(':')[2][:12]}"
        left = self._left_running(digest) if self.keep and not self.fresh else None
        container = left or self._new(spec, digest, plan)
        life = ContainerLife(
            self.engine, container, new_log(self.log_dir, f"{plan.backend}-{plan.model_name}"), keep=self.keep
        )
        try:
            return self._ready(plan, backend, image, spec, container, life, reused=left is not None)
        except ProvisionError as error:
            raise self._explain(error, plan, life) from None
        except BaseException:
            life.discard()
            raise

    def _new(self, spec: ContainerSpec, digest: str, plan: ServerPlan) -> str:
        for mount in spec.mounts:
            if not mount.read_only:
                os.makedirs(mount.source, exist_ok=True)  # noqa: PTH103 - or the engine makes it as root's
        self.progress(f"starting a container of {spec.image}")
        self.log_dir.mkdir(parents=True, exist_ok=True)
        name = f"inferbench-{plan.backend}-{self.run_id}-{secrets.token_hex(3)}"
        # Noted before, so that whoever cleans up after a killed process knows that there may be something.
        with (self.log_dir / STARTED_CONTAINERS).open("a", encoding="ascii") as started:
            started.write(f"{name}\n")
        if not self.keep:
            guard_containers()
        return self.engine.start(spec, owner_labels(self.run_id, digest, kept=self.keep), name)

    def _left_running(self, digest: str) -> str | None:
        """A container that an earlier run kept, of the same spec and image."""
        found = self.engine.list_labelled(f"{SPEC}={digest}")
        return next((one.id for one in found if one.running and KEPT in one.labels), None)

    def _ready(
        self,
        plan: ServerPlan,
        backend: Backend,
        image: Image,
        spec: ContainerSpec,
        container: str,
        life: ContainerLife,
        *,
        reused: bool,
    ) -> Server:
        assert backend.container is not None  # noqa: S101 - for the type checker: `start` looked
        port = self.engine.port(container, spec.port)
        if port is None:
            raise ProvisionError(f"{backend.name} {life.alive() or 'has no port'} before it listened")
        host = "127.0.0.1" if ip_address(plan.host).is_unspecified else plan.host
        endpoint = Endpoint(f"http://{host}:{port}", backend.served_name(plan))
        ready = wait_ready(
            endpoint, backend, alive=life.alive, timeout_s=self.timeout_s, clock=self.clock, progress=self.progress
        )
        asked = backend.container.says(plan.version)
        pinned = asked[-1:].isdigit()  # else a branch or `latest`, which is no version that a server could say
        if image.origin == "prebuilt" and pinned and not fits(asked, ready.version):
            raise ProvisionError(f"it says it is {ready.version}, not {plan.version}")
        return Server(
            endpoint=endpoint,
            backend=backend,
            version=plan.version if pinned else ready.version or plan.version,
            kind="docker",
            ready_seconds=ready.seconds,
            log_path=life.log_path,
            life=life,
            args=plan.args,
            facts=ServerAccount(
                image=image.reference,
                image_digest=image.digest,
                image_origin=image.origin,
                said_version=ready.version or None,
                reused=reused or None,
            ),
        )

    def _explain(self, error: ProvisionError, plan: ServerPlan, life: ContainerLife) -> ProvisionError:
        """Remove what did not start; the error with what its log says and means."""
        end = life.alive()
        with contextlib.suppress(ProvisionError):  # the engine is gone: the first error says what matters
            life.discard()
        known = diagnose(life.log_tail(_READ_LINES), end, life.log_path)
        meaning = f"\n  {known.trouble}: {known.meaning}" if known else ""
        return ProvisionError(
            f"{plan.model_name} could not be started: {error}{meaning}\n  log: {life.log_path}",
            life.log_tail(_SHOWN_LINES),
        )
