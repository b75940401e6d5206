"""The load engine: starts the workers, hands each its share of a load, merges what they observed.

Limits: lives in pytest's process but never touches a measured socket. A worker that dies costs its round, not the
run: the next round gets fresh workers. Closing the pipes is what ends a worker, so none outlives its owner. A worker
tells twice a second that it lives; one that is silent, or that goes on past what its plan can take, is ended.
"""

from __future__ import annotations

import contextlib
import multiprocessing.connection as pipes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S, SYSTEM_CLOCK
from pytest_inferbench.errors import InferbenchError, LoadError
from pytest_inferbench.load.job import EncodedRequest, Finished, Go, Limits, Progress, Ready, Refused, Target
from pytest_inferbench.load.split import longest_s, share, workers_for
from pytest_inferbench.records import RequestRecord, WorkerReading

_HEAD_START_NS = 20 * NS_PER_MS  # between the last worker's "ready" and the common start
_POLL_S = 0.1
_STOP_S = 5.0
_SILENT_S = 30.0  # no worker that runs at all is silent for so long


class Cancelled(InferbenchError):  # noqa: N818 - asked for, not an error
    """The run was told to stop."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of one load: one record a request, in the order of their indices, and each worker's health."""

    records: tuple[RequestRecord, ...]
    workers: tuple[WorkerReading, ...]


@dataclass(slots=True)
class _Process:
    """A worker process and our end of its pipe."""

    number: int
    popen: subprocess.Popen[bytes]
    pipe: Connection
    progress: Progress | None = None
    finished: Finished | None = field(default=None)


class LoadEngine:
    """Carries loads with `workers` processes.

    Args:
        workers: how many processes share a load; None for as many as its planned chunk rate wants.
        cancel: when set, a load under way is abandoned.
        on_progress: called with (requests finished, socket reads) of the load so far, about twice a second.
    """

    def __init__(
        self,
        workers: int | None = None,
        cancel: threading.Event | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._workers = workers
        self._cancel = cancel or threading.Event()
        self._on_progress = on_progress
        self._processes: list[_Process] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return tuple(process.popen.pid for process in self._processes)

    def carry(
        self,
        requests: tuple[EncodedRequest, ...],
        *,
        target: Target,
        protocol: str,
        streams: int | None,
        limits: Limits,
    ) -> Observed:
        """Carry one load from its first send to its last byte.

        Args:
            requests: the encoded load.
            target: where to.
            protocol: the wire protocol's name, for decoding.
            streams: closed-loop streams over all workers; None for an open loop.
            limits: time limits of connections and requests.

        Raises:
            LoadError: the load could not be started, or a worker died.
            Cancelled: `cancel` was set.
        """
        wanted = self._workers or workers_for(requests, streams, os.cpu_count() or 1)
        count = min(wanted, streams or wanted, len(requests))
        try:
            self._start(count)
            active = self._processes[:count]
            for process in active:
                process.finished = process.progress = None
                process.pipe.send(share(requests, process.number, count, target, protocol, streams, limits))
            self._await(active, Ready, "getting ready", limits.connect_s + _SILENT_S)
            start_ns = SYSTEM_CLOCK.now_ns() + _HEAD_START_NS
            for process in active:
                process.pipe.send(Go(start_ns))
            self._await(active, Finished, "in mid-run", longest_s(requests, streams, limits) + _SILENT_S)
        except (BrokenPipeError, ConnectionResetError) as error:
            self.close()
            raise LoadError("a load worker died before the load started") from error
        except BaseException:
            self.close()
            raise
        finished = [process.finished for process in active if process.finished is not None]
        records = sorted((record for part in finished for record in part.records), key=lambda record: record.index)
        return Observed(tuple(records), tuple(part.reading for part in finished))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every worker."""
        for process in self._processes:
            process.pipe.close()
        for process in self._processes:
            process.popen.terminate()
            try:
                process.popen.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
        self._processes.clear()

    def _start(self, count: int) -> None:
        if any(process.popen.poll() is not None for process in self._processes):
            self.close()
        while len(self._processes) < count:
            ours, theirs = Pipe()
            with theirs:
                popen = subprocess.Popen(  # noqa: S603 - our own module
                    # -P: nothing of the folder that pytest was started in is imported.
                    [sys.executable, "-P", "-m", "pytest_inferbench.load.worker", str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._processes.append(_Process(len(self._processes), popen, ours))

    def _await(self, active: list[_Process], kind: type[Ready | Finished], when: str, limit_s: float) -> None:
        """Take messages until every worker has sent one of `kind`."""
        waiting = {process.pipe: process for process in active}
        began_ns = SYSTEM_CLOCK.now_ns()
        heard_ns = dict.fromkeys(waiting, began_ns)
        while waiting:
            if self._cancel.is_set():
                raise Cancelled("stopped")
            for pipe in pipes.wait(list(waiting), timeout=_POLL_S):
                process = waiting[pipe]  # type: ignore[index]
                heard_ns[process.pipe] = SYSTEM_CLOCK.now_ns()
                try:
                    message = process.pipe.recv()
                except (EOFError, OSError):
                    raise LoadError(_epitaph(process, when)) from None
                if isinstance(message, Refused):
                    raise LoadError(message.message)
                if isinstance(message, Progress):
                    process.progress = message
                    self._report(active)
                if isinstance(message, Finished):
                    process.finished = message
                if isinstance(message, kind):
                    del waiting[process.pipe]
            _expect_heard(waiting, heard_ns, began_ns, limit_s, when)

    def _report(self, active: list[_Process]) -> None:
        if self._on_progress is not None:
            seen = [process.progress for process in active if process.progress is not None]
            self._on_progress(sum(part.finished for part in seen), sum(part.reads for part in seen))


def _expect_heard(
    waiting: Mapping[Connection, _Process], heard_ns: Mapping[Connection, int], began_ns: int, limit_s: float, when: str
) -> None:
    """Raise where a worker is silent, or has had all the time that its part of the plan can take."""
    now_ns = SYSTEM_CLOCK.now_ns()
    for pipe, process in waiting.items():
        silent_s, took_s = (now_ns - heard_ns[pipe]) / NS_PER_S, (now_ns - began_ns) / NS_PER_S
        if silent_s < min(_SILENT_S, limit_s) and took_s < limit_s:
            continue
        process.popen.kill()  # it may be stopped, and would not end when it is asked to
        how = f"was silent for {silent_s:.0f} s" if silent_s >= _SILENT_S else f"was not done after {took_s:.0f} s"
        raise LoadError(
            f"load worker {process.number} {how} {when}; the round is lost, the server is not to blame. "
            "Was it stopped, or is the machine overloaded? The next case gets a fresh worker."
        )


def _epitaph(process: _Process, when: str) -> str:
    """How a worker ended."""
    code: int | None = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = process.popen.wait(_STOP_S)
    how = f"ended with status {code}"
    if code is None:
        how = "closed its pipe"
    elif code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
    return (
        f"load worker {process.number} {how} {when}; the round is lost, the server is not to blame. "
        "Out of memory, or killed by hand? The next case gets a fresh worker."
    )
