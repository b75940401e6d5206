"""A running server, wherever it came from, and how a local one is started.

Limits: who gets a `Server` must stop it; a start that fails leaves nothing running, and says why from the log at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.document.account import ServerAccount
from pytest_inferbench.errors import CellUnavailable, ProvisionError
from pytest_inferbench.models.progress import Progress, silent
from pytest_inferbench.servers.answers import RefusedError
from pytest_inferbench.servers.diagnosis import Trouble, diagnose
from pytest_inferbench.servers.installed import THIS_MACHINE
from pytest_inferbench.servers.ports import free_port
from pytest_inferbench.servers.process import ServerProcess, new_log
from pytest_inferbench.servers.ready import wait_ready
from pytest_inferbench.servers.versions import fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_inferbench.backends.backend import ArgValue, Backend, Installed, ServerPlan
    from pytest_inferbench.clock import Clock
    from pytest_inferbench.devices.gpu import Gpu

_SHOWN_LINES = 20
_READ_LINES = 400


class Life(Protocol):
    """What holds a server up: a process, a container, or nothing of ours."""

    def alive(self) -> str | None:
        """None while it runs, else how it ended."""
        ...

    def stop(self) -> None:
        """End it, unless it is to be kept; may be called again."""
        ...

    def discard(self) -> None:
        """End it, also where it was to be kept; may be called again."""
        ...

    def log_tail(self, n: int) -> tuple[str, ...]:
        """Its last `n` log lines; empty where there is no log."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A server that was ready.

    Attributes:
        endpoint: where it is; its model is the name it answers to.
        backend: what it is.
        version: what runs: as it says, else as installed, else as stated, else "unknown".
        kind: how it was provided: "process", "docker" or "url".
        ready_seconds: how long it took from its start (or from our first question) to the first token.
        log_path: its log; None where we have none.
        life: what holds it up.
        args: the arguments it was started with, by canonical name; None where it is not ours.
        facts: what else a result shall say of it: its image, its weights.
        gpus: the GPUs that it has to itself.
    """

    endpoint: Endpoint
    backend: Backend
    version: str
    kind: str
    ready_seconds: float
    log_path: Path | None
    life: Life
    args: Mapping[str, ArgValue] | None = None
    facts: ServerAccount = field(default_factory=ServerAccount)
    gpus: tuple[Gpu, ...] = ()

    def alive(self) -> str | None:
        """None while it runs, as far as we can see; else how it ended."""
        return self.life.alive()

    def death(self) -> str | None:
        """None while it runs, as far as we can see; else how it ended and what that means, where that is known."""
        end = self.life.alive()
        known = diagnose(self.life.log_tail(_READ_LINES), end) if end is not None else None
        return f"{end}; {known.trouble}: {known.meaning}" if known else end

    def logs(self, n: int = _SHOWN_LINES) -> tuple[str, ...]:
        """Its last `n` log lines, oldest first."""
        return self.life.log_tail(n)

    def stop(self) -> None:
        """End it if it is ours and not to be kept; may be called again."""
        self.life.stop()

    def discard(self) -> None:
        """End it if it is ours, also where it was to be kept; may be called again."""
        self.life.discard()


class _PortTakenError(ProvisionError):
    """Another process took the port between our choice and the server's bind."""


def start_process(
    plan: ServerPlan,
    backend: Backend,
    *,
    log_dir: Path,
    timeout_s: float,
    clock: Clock,
    progress: Progress = silent,
    installed: Installed = THIS_MACHINE,
    env: Mapping[str, str] = MappingProxyType({}),
    held: Sequence[int] = (),
) -> Server:
    """Start a plan as a local process and wait until it is ready.

    Args:
        plan: what to start; with port 0 a free port is chosen, and once another if it is lost to somebody.
        backend: the plan's backend.
        log_dir: where its log file goes; made where it is missing.
        timeout_s: how long it may take to be ready.
        clock: the clock.
        progress: told what is waited for.
        installed: what is installed here.
        env: further variables for it, like the GPUs it may use.
        held: descriptors of locks that are to be held until it has ended, like those of its GPUs.

    Raises:
        CellUnavailable: its program, or the version that is wanted, is not installed here.
        ProvisionError: it did not become ready; says why, with its last log lines.
    """
    there = check_installed(plan, backend, installed)
    start = _Start(backend, there, log_dir, timeout_s, clock, progress, installed, env, held)
    if plan.port:
        return start.at_port(plan)
    try:
        return start.at_port(replace(plan, port=free_port(plan.host)))
    except _PortTakenError:
        progress(f"{backend.name} lost its port to another process; trying another")
        return start.at_port(replace(plan, port=free_port(plan.host)))


def check_installed(plan: ServerPlan, backend: Backend, installed: Installed) -> str | None:
    """The version that a plan would start; None where only the server can tell.

    Raises:
        CellUnavailable: its program, or the version that is wanted, is not installed here.
    """
    backend.command(plan, installed)  # a missing program is told before a version that does not fit
    there = backend.installed_version(plan, installed)
    if not fits(plan.version, there):
        raise CellUnavailable(
            f"{backend.name} {plan.version} is not installed, {there} is; name an installation of it with `program:` "
            "or `python:`, or set `version: installed`"
        )
    return there


@dataclass(frozen=True, slots=True)
class _Start:
    """What the tries of one start share."""

    backend: Backend
    there: str | None
    log_dir: Path
    timeout_s: float
    clock: Clock
    progress: Progress
    installed: Installed
    env: Mapping[str, str]
    held: Sequence[int]

    def at_port(self, plan: ServerPlan) -> Server:
        """Start `plan` at its port, or leave nothing behind."""
        log_path = new_log(self.log_dir, f"{plan.backend}-{plan.model_name}")
        command = self.backend.command(plan, self.installed)
        process = ServerProcess.start(replace(command, env={**command.env, **self.env}), log_path, self.held)
        try:
            return self._ready(plan, process)
        except ProvisionError as error:
            raise _explain(error, plan, process) from None
        except BaseException:
            process.stop()
            raise

    def _ready(self, plan: ServerPlan, process: ServerProcess) -> Server:
        host = f"[{plan.host}]" if ":" in plan.host else plan.host
        endpoint = Endpoint(f"http://{host}:{plan.port}", self.backend.served_name(plan))
        ready = wait_ready(
            endpoint,
            self.backend,
            alive=process.alive,
            timeout_s=self.timeout_s,
            clock=self.clock,
            progress=self.progress,
        )
        if process.listens_on(plan.port) is False:
            raise RefusedError(f"another server answers at {endpoint.base_url}")
        if not fits(plan.version, ready.version):
            raise ProvisionError(f"it says it is {ready.version}, not {plan.version}")
        return Server(
            endpoint=endpoint,
            backend=self.backend,
            version=ready.version or self.there or "unknown",
            kind="process",
            ready_seconds=ready.seconds,
            log_path=process.log_path,
            life=process,
            args=plan.args,
        )


def _explain(error: ProvisionError, plan: ServerPlan, process: ServerProcess) -> ProvisionError:
    """Stop what did not start; the error with what its log says and means."""
    end = process.alive()
    stranger = isinstance(error, RefusedError) and end is None and process.listens_on(plan.port) is False
    process.stop()
    known = diagnose(process.log_tail(_READ_LINES), end, process.log_path)
    taken = stranger or (known is not None and known.trouble is Trouble.ADDRESS_IN_USE)
    meaning = f"\n  {known.trouble}: {known.meaning}" if known else ""
    message = f"{plan.model_name} could not be started: {error}{meaning}\n  log: {process.log_path}"
    return (_PortTakenError if taken else ProvisionError)(message, process.log_tail(_SHOWN_LINES))
