"""A load worker: the process that carries the load. `engine` starts it as `python -m` this module with a pipe.

Limits: it lives as long as its pipe. When the engine's end closes (pytest was killed), the worker exits.
While it measures, nothing is collected (`gc.freeze`) and nothing is decoded.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection as Pipe

from pytest_inferbench.clock import NS_PER_S, SYSTEM_CLOCK
from pytest_inferbench.errors import InferbenchError
from pytest_inferbench.load.decode import decode_outcome
from pytest_inferbench.load.drive import Drive
from pytest_inferbench.load.job import Finished, Go, Prepare, Progress, Ready, Refused
from pytest_inferbench.load.pool import Pool
from pytest_inferbench.load.spool import Spool, lacks_room
from pytest_inferbench.records import RequestRecord, WorkerReading
from pytest_inferbench.wire.catalogue import protocol_named
from pytest_inferbench.wire.protocol import WireProtocol

_PR_SET_TIMERSLACK = 29
_PROGRESS_EVERY = 5  # controls, which come ten times a second
_SPARE_DESCRIPTORS = 64
_MOST_SAID = 300
# With few streams gaps can be short and a late read loses one; with many, reads that come in batches cost half.
_REALTIME_STREAMS = 32


class _EngineGone(Exception):  # noqa: N818 - not an error: the owner ended
    """The engine closed its end of the pipe."""


class Worker:
    """One worker's life: prepare, go, finish, again."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._pool: Pool | None = None
        self._target: object = None
        self._spool = Spool()

    def serve(self) -> None:
        """Answer the engine until it goes away."""
        while True:
            try:
                job = self._pipe.recv()
            except (EOFError, OSError):
                return
            if not isinstance(job, Prepare):
                continue
            try:
                self._round(job)
            except _EngineGone:
                return
            except InferbenchError as error:
                self._pipe.send(Refused(str(error)))
                return  # in what state the connections are nobody knows
            except Exception as error:  # noqa: BLE001 - whatever it is, the engine tells it; our stderr is seen by nobody
                where = traceback.extract_tb(error.__traceback__)[-1]
                said = f"{type(error).__name__}: {error}"[:_MOST_SAID]
                self._pipe.send(Refused(f"load worker {job.worker} failed at {where.name}:{where.lineno}: {said}"))
                return

    def _round(self, job: Prepare) -> None:
        tokens = sum(request.planned_output_tokens or 0 for request in job.requests)
        refusal = _raise_descriptor_limit(job.connections) or lacks_room(tokens) or self._connect(job)
        if refusal is not None:
            self._pipe.send(Refused(refusal))
            return
        gc.collect()
        gc.freeze()
        gc.disable()
        self._pipe.send(Ready())
        finished = self._measure(job, self._receive_go())
        gc.enable()
        self._spool.clear()
        self._pipe.send(finished)

    def _measure(self, job: Prepare, go: Go) -> Finished:
        """Carry the load, then decode it."""
        pool = self._pool
        assert pool is not None  # noqa: S101 - set by _connect
        protocol, opened = protocol_named(job.protocol), pool.opened
        drive = Drive(pool, job.requests, job.streams, job.limits, self._spool, self._control())
        pool.settle_until(go.start_ns)
        cpu_ns = SYSTEM_CLOCK.cpu_ns()
        realtime = job.connections <= _REALTIME_STREAMS and _ask_for_realtime()
        drive.run(go.start_ns)
        _be_ordinary()
        seconds = (SYSTEM_CLOCK.now_ns() - go.start_ns) / NS_PER_S
        cpu_seconds = (SYSTEM_CLOCK.cpu_ns() - cpu_ns) / NS_PER_S
        seen = drive.reading
        cpu_ns = SYSTEM_CLOCK.cpu_ns()
        records = tuple(self._decoded(drive, protocol, job.worker, go.start_ns))
        return Finished(
            records,
            WorkerReading(
                worker=job.worker,
                seconds=seconds,
                cpu_seconds=cpu_seconds,
                loop_lag_ns=tuple(seen.lags_ns),
                schedule_lag_ns=tuple(seen.schedule_lags_ns),
                received_bytes=seen.received_bytes,
                reads=seen.reads,
                reconnects=pool.opened - opened,
                kernel_stamps=seen.kernel_stamps,
                clock_step_ns=seen.clock_step_ns,
                pause_ns=seen.pause_ns,
                realtime=realtime,
                decode_seconds=(SYSTEM_CLOCK.cpu_ns() - cpu_ns) / NS_PER_S,
            ),
        )

    def _decoded(self, drive: Drive, protocol: WireProtocol, worker: int, start_ns: int) -> Iterator[RequestRecord]:
        """The records, while the engine is told now and then that we are alive."""
        told_ns = SYSTEM_CLOCK.now_ns()
        for outcome in drive.outcomes:
            if SYSTEM_CLOCK.now_ns() - told_ns > NS_PER_S:
                told_ns = SYSTEM_CLOCK.now_ns()
                self._pipe.send(Progress(len(drive.outcomes), drive.reading.reads))
            yield decode_outcome(outcome, self._spool, protocol, worker, start_ns)

    def _connect(self, job: Prepare) -> str | None:
        """Have the job's connections open; reuses those of the last round. Why not, if they cannot be had."""
        if self._pool is None or self._target != job.target:
            if self._pool is not None:
                self._pool.close()
            self._pool, self._target = Pool(job.target), job.target
        failure = self._pool.open(job.connections, job.limits.connect_s)
        return None if failure is None else f"{job.target.host}:{job.target.port}: {failure.message}"

    def _receive_go(self) -> Go:
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            raise _EngineGone from None
        if not isinstance(message, Go):
            raise _EngineGone
        return message

    def _control(self) -> Callable[[int, int], None]:
        calls = 0

        def control(finished: int, reads: int) -> None:
            nonlocal calls
            calls += 1
            try:
                if self._pipe.poll(0):
                    self._pipe.recv()  # the engine says nothing in mid-round: this is its end closing
                if calls % _PROGRESS_EVERY == 0:
                    self._pipe.send(Progress(finished, reads))
            except (EOFError, OSError):
                raise _EngineGone from None

        return control


def _raise_descriptor_limit(connections: int) -> str | None:
    """Have room for the connections; why not, if the system's limit is below them."""
    wanted = connections + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return None
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return None
    return (
        f"{connections} connections need {wanted} file descriptors and this process may have {soft}; "
        f"raise the limit (`ulimit -n {wanted}`) or ask for fewer streams"
    )


def _ask_for_realtime() -> bool:
    """Ask to run before ordinary processes: a read that waits for a core is a stamp that is late (sched(7)).

    The worker sleeps in poll() almost always, so it takes nothing from a server that it would not take anyway. Without
    the right (CAP_SYS_NICE) it runs as everybody does, and the loop lag it reports says what that costs.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, OSError):
        return False
    return True


def _be_ordinary() -> None:
    """Decode at everybody's priority: nothing is measured any more."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _sharpen_timers() -> None:
    """Let timed waits end on time: the default slack of 50 us would show as schedule lag (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def main() -> None:
    """Serve the pipe whose file descriptor is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the engine's to handle: it closes the pipe
    _sharpen_timers()
    Worker(Pipe(int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
