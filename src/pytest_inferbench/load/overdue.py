"""Requests that are past a limit: late, silent or too long. What the load loop ends now and then, not at each read.

Limits: the loop calls it twice a second; it ends requests and takes nothing else from the loop's hands.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.load.connection import Connection, State
from pytest_inferbench.load.job import Limits
from pytest_inferbench.load.pool import Pool
from pytest_inferbench.load.spool import Spool
from pytest_inferbench.records import Failure, FailureKind

HUNG = (FailureKind.TIMEOUT, FailureKind.STALL)
"""Failures that took their whole time limit."""


def end_overdue(pool: Pool, limits: Limits, spool: Spool, now_ns: int) -> Iterator[Connection]:
    """End what is past a limit, and yield each connection whose request has ended by that.

    Args:
        pool: the connections.
        limits: their requests' limits.
        spool: where long answers' reads are put.
        now_ns: monotonic time.
    """
    for connection in pool.busy():
        since = now_ns - (connection.sent_ns or connection.opened_ns)
        connection.sweep(now_ns, spool)
        quiet = now_ns - connection.quiet_since_ns
        if connection.state is State.CONNECTING:
            if now_ns - connection.opened_ns > limits.connect_s * NS_PER_S:
                connection.fail(FailureKind.CONNECT, f"no connection within {limits.connect_s:g} s")
                pool.count_failure(Failure(FailureKind.CONNECT, "connecting timed out"))
        elif since > limits.request_s * NS_PER_S:
            connection.fail(FailureKind.TIMEOUT, f"not complete within {limits.request_s:g} s")
        elif quiet > limits.stall_s * NS_PER_S:
            connection.fail(FailureKind.STALL, f"no byte for {limits.stall_s:g} s")
        if connection.state is State.CLOSED:
            yield connection
