"""A server process under its guard.

Limits: whatever becomes of us, the server ends: the guard (`guard.py`) watches a pipe that only our life keeps open.
The server's output goes to one log file.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.servers import guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_inferbench.backends.backend import Command

_GUARD = Path(guard.__file__)
_STOP_S = 2 * guard.GRACE_S
_TAIL_BYTES = 64 * 1024


class ServerProcess:
    """A started server; made by `start`.

    Attributes:
        pid: the server's process id (not its guard's); also its process group.
        log_path: the file with all it wrote.
    """

    def __init__(self, guard_process: subprocess.Popen[bytes], pid: int, log_path: Path) -> None:
        self._guard = guard_process
        self.pid = pid
        self.log_path = log_path

    @classmethod
    def start(cls, command: Command, log_path: Path, held: Sequence[int] = ()) -> ServerProcess:
        """Start `command`, writing to `log_path`; does not wait for it to be ready.

        Args:
            command: the program.
            log_path: the file.
            held: descriptors of locks that are to be held until the server has ended, also where we are killed.

        Raises:
            ProvisionError: the program cannot be started.
        """
        with log_path.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the command is a backend's
                # -I -S: the guard needs nothing of the environment, and starts faster without.
                (sys.executable, "-I", "-S", str(_GUARD), "--", *command.argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **command.env},
                pass_fds=held,  # the guard keeps them, the server does not get them
                start_new_session=True,  # Ctrl+C is for us; the guard ends the server when we say so
            )
        assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for above
        with process.stdout as said:
            pid = said.readline().strip()
        if not pid:
            process.communicate()
            raise ProvisionError(f"{command.argv[0]} could not be started", tail(log_path, 5))
        return cls(process, int(pid), log_path)

    def alive(self) -> str | None:
        """None while it runs; afterwards how it ended ("exited with status 1", "killed by signal 9")."""
        status = self._guard.poll()
        if status is None:
            return None
        return f"killed by signal {-status}" if status < 0 else f"exited with status {status}"

    def stop(self) -> None:
        """End it and all it started; returns when they are gone. May be called again."""
        assert self._guard.stdin is not None  # noqa: S101 - for the type checker: it was asked for in `start`
        if self._guard.stdin.closed:
            return  # done before; the process id may be somebody else's by now
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.close()
        self._guard.terminate()  # a forked child of ours may hold a copy of that pipe
        try:
            status = self._guard.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            status = self._guard.wait()
        if status == -signal.SIGKILL:
            # Somebody killed the server, or the guard itself, which then could not end the server's children.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def discard(self) -> None:
        """The same: a process is never kept."""
        self.stop()

    def log_tail(self, n: int = 20) -> tuple[str, ...]:
        """The last `n` lines it wrote, oldest first."""
        return tail(self.log_path, n)

    def listens_on(self, port: int) -> bool | None:
        """Whether it, or a process it started, listens on `port`; None where the system does not let us see."""
        try:
            server = psutil.Process(self.pid)
            family = [server, *server.children(recursive=True)]
        except psutil.NoSuchProcess:
            return False
        for one in family:
            try:
                connections = one.net_connections(kind="tcp")
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied:
                return None
            if any(seen.status == psutil.CONN_LISTEN and seen.laddr.port == port for seen in connections):
                return True
        return False


def new_log(folder: Path, label: str) -> Path:
    """A new, empty log file in `folder` (made where it is missing), claimed against other processes.

    A label from a configuration cannot leave the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", label)
    for number in itertools.count(1):
        path = folder / f"{stem}-{number}.log"
        with contextlib.suppress(FileExistsError):
            path.touch(exist_ok=False)
            break
    return path


def tail(path: Path, n: int) -> tuple[str, ...]:
    """The last `n` lines of a log that may be long and may not be UTF-8; empty where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-n:])
