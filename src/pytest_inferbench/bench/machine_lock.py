"""Turns at measuring: what is measured on this machine's processor is measured alone.

Limits: one lock for all processes of the machine, which the system lets go of when its holder ends. It is held while
load is on its way, never while a server starts. Servers with GPUs of their own measure beside each other, and never
beside one that has none: those all share the processor. What runs on another machine needs no turn here.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_inferbench.errors import ConfigError
from pytest_inferbench.files import try_lock
from pytest_inferbench.load.engine import Cancelled
from pytest_inferbench.models.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_inferbench.clock import Clock

_FILE = "measuring.lock"
_PAUSE_S = 0.1


@contextlib.contextmanager
def turn(
    folder: Path, *, alone: bool, clock: Clock, cancelled: Callable[[], bool], progress: Progress = silent
) -> Iterator[None]:
    """Wait for a turn, and have it.

    Args:
        folder: where the lock is; the same for all processes of the machine.
        alone: nobody else may measure meanwhile; else others who need not be alone may.
        clock: the clock.
        cancelled: whether the run was told to stop.
        progress: told when others measure.

    Raises:
        ConfigError: the folder cannot be written to.
        Cancelled: the run was told to stop while it waited.
    """
    with open_lock(folder) as lock:
        while not try_lock(lock.fileno(), shared=not alone):
            if cancelled():
                raise Cancelled("the run was told to stop while it waited for another benchmark on this machine")
            progress("waiting: another benchmark measures on this machine")
            clock.sleep(_PAUSE_S)
        yield


def open_lock(folder: Path) -> IO[str]:
    """The lock's file.

    Raises:
        ConfigError: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / _FILE).open("a", encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"{folder}: benchmarks of one machine take turns by a lock there, and it cannot be written: "
            f"{error.strerror or error}. Make it writable, or name another folder in $INFERBENCH_CACHE."
        ) from None


def runs_here(url: str) -> bool:
    """Whether the server at `url` shares this machine, as far as its address tells."""
    host = urlsplit(url).hostname or ""
    if host in {"localhost", socket.gethostname()} or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
