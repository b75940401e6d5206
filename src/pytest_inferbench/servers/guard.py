"""Run a server so that it cannot outlive its owner: `guard.py -- PROGRAM ARGUMENT...`.

Limits: standalone, standard library only; it holds nothing but the server's life. The owner keeps this process's
standard input open: when that ends (the owner closed it, died or was killed), or on SIGTERM, the server's whole process
group gets SIGTERM, GRACE_S seconds, and SIGKILL. When this process ends, all of them have ended; on Linux that includes
what the server started outside its group.

The first line on standard output is the server's process id, which is also the id of its session and group. All the
server writes goes to this process's standard error. The exit status, or the signal that ended it, is the server's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S = 5.0

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_OWNER_CHECK_S = 1.0
_USAGE, _NOT_RUNNABLE = 2, 127
_STDIN = 0


def main(argv: list[str]) -> int:
    """Run the server after `--` until it ends or its owner is gone; returns the exit status."""
    if argv[:1] != ["--"] or len(argv) == 1:
        sys.stderr.write("usage: guard.py -- PROGRAM [ARGUMENT...]\n")
        return _USAGE
    owner = os.getppid()
    wakeup = _signals_as_bytes()
    _adopt_orphans()
    try:
        server = subprocess.Popen(  # noqa: S603 - the command line is our caller's
            argv[1:],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 - there is one thread here
        )
    except OSError as error:
        sys.stderr.write(f"cannot start {argv[1]}: {error.strerror}\n")
        return _NOT_RUNNABLE
    with contextlib.suppress(BrokenPipeError):  # the owner is gone already: its end of stdin says so below
        os.write(sys.stdout.fileno(), f"{server.pid}\n".encode())
    try:
        _wait(server, wakeup, owner)
    finally:
        _end_group(server)
    return _end_like(server.returncode)


def _signals_as_bytes() -> int:
    """A descriptor on which SIGCHLD and the signals that end us can be read, one byte each."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _note_signal)
    return reader


def _note_signal(number: int, frame: object) -> None:
    """A handler that lets the wakeup descriptor tell of the signal."""


def _adopt_orphans() -> None:
    """Become the parent of what the server's processes leave behind, so that it can be found and awaited."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _die_with_parent() -> Callable[[], None] | None:
    """What the server's process runs before its program, so that the kernel kills it if this guard is killed."""
    if not sys.platform.startswith("linux"):
        return None
    guard, prctl = os.getpid(), ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:  # killed between fork and prctl
            os._exit(_NOT_RUNNABLE)

    return prepare


def _wait(server: subprocess.Popen[bytes], wakeup: int, owner: int) -> None:
    """Return when the server has ended or must.

    A descendant of the owner may hold a copy of our input's other end, so the owner's death is also looked for.
    """
    with selectors.SelectSelector() as selector:
        for descriptor in (_STDIN, wakeup):
            selector.register(descriptor, selectors.EVENT_READ)
        while server.poll() is None and os.getppid() == owner:
            readable = {key.fd for key, _ in selector.select(_OWNER_CHECK_S)}
            if wakeup in readable and set(os.read(wakeup, 512)) - {signal.SIGCHLD}:
                return
            if _STDIN in readable and not os.read(_STDIN, 512):
                return


def _end_group(server: subprocess.Popen[bytes]) -> None:
    """Ask the server's group to end, then end what is left of it and of all the server started."""
    if server.poll() is None:
        _signal_group(server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(GRACE_S)
    _signal_group(server.pid, signal.SIGKILL)
    server.wait()
    while orphans := _children():
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)
        for orphan in orphans:
            os.waitpid(orphan, 0)


def _children() -> list[int]:
    """This process's children, the dead ones that nobody awaited included; none where the system does not tell."""
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(pid) for pid in listed.split()]


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the latter for a group of zombies
        os.killpg(group, number)


def _end_like(status: int) -> int:
    """The status to exit with; where a signal ended the server, the same signal ends this process."""
    if status >= 0:
        return status
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -status not in {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
