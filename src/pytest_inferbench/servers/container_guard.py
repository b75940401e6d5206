"""Remove a process's containers once it has died: what `guard` is for server processes.

Idea: one small process beside each that starts containers. It reads from a pipe that only its owner's life keeps open;
where that ends without a word, it asks the engine for its dead owner's containers, and removes them.
Limits: a program of its own, which imports nothing heavy before it is needed, and ends with its owner in any case.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache

_LOOKS, _BETWEEN_LOOKS_S = 10, 0.5  # a container that was being started when its owner died comes up a moment later


@cache
def guard_containers() -> None:
    """Have this process's containers removed should it die; once is enough for all of them."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pytest_inferbench.servers.container_guard"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(process.communicate, b"done")


def main() -> None:
    """Wait for the owner's end; clean up where it could not."""
    owner = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read():
        return
    from pytest_inferbench.errors import CellUnavailable, ProvisionError  # noqa: PLC0415 - as below
    from pytest_inferbench.servers.docker_engine import connect  # noqa: PLC0415 - only where the owner has died
    from pytest_inferbench.servers.orphans import reap_orphans  # noqa: PLC0415

    for _ in range(_LOOKS):
        with suppress(CellUnavailable, ProvisionError):  # the engine is gone: the next run removes them
            reap_orphans(connect(), owner)
        threading.Event().wait(_BETWEEN_LOOKS_S)


if __name__ == "__main__":
    main()
