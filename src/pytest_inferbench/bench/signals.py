"""Signals that end a run: SIGTERM and SIGHUP are taken as Ctrl+C is, and what is being ended comes to its end.

Idea: CI, systemd and `timeout` send SIGTERM, a closed terminal sends SIGHUP; by default both end a process at once, and
its containers stay. Here they become the interrupt that pytest, its fixtures and asyncio know how to unwind. Once a run
is being ended, another signal is told and changes nothing; the third one leaves at once.
Limits: handlers are set while benchmarks run, in the main thread, and given back. One that somebody else has set stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PATIENCE = 2  # signals that an ending run takes before it is left as it is
_ENDS = "the run is being ended: servers are stopped, files written"

Handler = Callable[[int, FrameType | None], object] | int | None


class Signals:
    """The signals of one process.

    Attributes:
        caught: the name of the signal that ended the run, other than Ctrl+C's; "" for none.
    """

    def __init__(self) -> None:
        self.caught = ""
        self._before: dict[signal.Signals, Handler] = {}
        self._ending = 0

    def take(self, *, with_parent: bool = False) -> None:
        """Have SIGTERM and SIGHUP end this run as Ctrl+C does.

        Args:
            with_parent: the parent's death ends it, too (Linux).
        """
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._set(number, self._interrupt)
        if with_parent and sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def hold(self) -> None:
        """From here on the run is being ended: what else arrives waits for that."""
        if self._ending or threading.current_thread() is not threading.main_thread():
            return
        self._ending = 1
        if self.caught:
            _say(f"{self.caught}: {_ENDS}")
        for number in (signal.SIGINT, *_ENDING):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._set(number, self._wait)

    def pass_on(self, processes: Iterable[int]) -> None:
        """End other processes of the run as this one was ended: they would only be told seconds later."""
        for process in processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGTERM)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While files are written that belong together."""
        if self._ending or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDING)}
        self.hold()
        try:
            yield
        finally:
            self._ending = 0
            for number, handler in before.items():
                signal.signal(number, handler)

    def give_back(self) -> None:
        """The handlers that were there before."""
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._before.items():
                signal.signal(number, handler)
            self._before.clear()

    def _set(self, number: signal.Signals, handler: Handler) -> None:
        before = signal.signal(number, handler)
        self._before.setdefault(number, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.caught = signal.Signals(number).name
        if number == signal.SIGHUP:
            _leave_terminal()
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL, None):  # as under nohup
            signal.default_int_handler(number, frame)
        signal.raise_signal(signal.SIGINT)

    def _wait(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _leave_terminal()
        self._ending += 1
        if self._ending > _PATIENCE:
            signal.default_int_handler(number, frame)
        _say(f"{_ENDS}; once more leaves at once")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"\n{text}\n".encode())


def _leave_terminal() -> None:
    """Write nowhere instead of to a terminal that is gone: each write would be an error in the middle of the ending."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in _own_descriptors():
        try:
            os.write(descriptor, b"")
        except OSError as error:
            if error.errno == errno.EIO:
                os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _own_descriptors() -> list[int]:
    """Those that may be a terminal's: pytest keeps copies of its standard output."""
    try:
        return [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - numbers, no paths
    except OSError:
        return [1, 2]
