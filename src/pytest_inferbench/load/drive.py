"""The load loop: one poll loop that owns its sockets and sends, stamps and spools until every request has ended.

Limits: no event-loop library, no parsing beyond what `connection` needs to see an answer's end, no allocation that a
read does not need. The loop never raises for what a server does: that becomes a request's failure.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable

from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.load.connection import Connection, State
from pytest_inferbench.load.job import EncodedRequest, Limits
from pytest_inferbench.load.outcome import LoopReading, Outcome
from pytest_inferbench.load.overdue import HUNG, end_overdue
from pytest_inferbench.load.pool import POLL_NS, Pool
from pytest_inferbench.load.spool import Spool, Trace
from pytest_inferbench.load.stamps import realtime_offset, step_since
from pytest_inferbench.records import Failure, FailureKind

_CONTROL_NS = 100_000_000  # how often the owner is asked
_SWEEP_EVERY = 5  # controls; time limits are looked at as often, and looking at a thousand streams takes a millisecond
_LAGS_KEPT = 65_536
_LAG_OFTEN, _LAG_SELDOM = 4, 16  # reads a lag sample (powers of 2): at first, and once there are enough
_LAG_ENOUGH = 1024 * _LAG_OFTEN
_AT_ONCE = 32  # sends, or first looks at answers, from one poll to the next: a millisecond or two of work
_SPARES = 2  # open connections that an open loop keeps ready, so that no send waits for a handshake
_READABLE = select.POLLIN
_now_ns = SYSTEM_CLOCK.now_ns
_realtime_ns = SYSTEM_CLOCK.realtime_ns


class Drive:
    """One round of load over a pool of connections.

    Args:
        pool: connections, open before the clock starts.
        requests: what to send, in order; with offsets for an open loop.
        streams: closed-loop streams; None for an open loop.
        limits: time limits.
        spool: where finished answers go.
        control: called about every 100 ms with (finished, reads); what it raises ends the round.
    """

    def __init__(
        self,
        pool: Pool,
        requests: tuple[EncodedRequest, ...],
        streams: int | None,
        limits: Limits,
        spool: Spool,
        control: Callable[[int, int], None],
    ) -> None:
        self._pool = pool
        self._queue = deque(requests)
        self._total = len(requests)
        self._streams = streams
        self._limits = limits
        self._spool = spool
        self._control = control
        self._start_ns = 0
        self._free: list[int] = []  # closed-loop streams without a request; open-loop places that are free again
        self._unseen: deque[Connection] = deque()  # answers that have begun and were not looked at
        self._lags = 0  # samples so far
        self._hung = 0
        self._places = 0  # open-loop places so far: as many as there were requests in flight at once
        self.outcomes: list[Outcome] = []
        self.reading = LoopReading()

    def run(self, start_ns: int) -> None:
        """Carry the load; returns when every request has an outcome."""
        self._start_ns = start_ns
        first, suspended_ns = realtime_offset(_realtime_ns, _now_ns), SYSTEM_CLOCK.suspended_ns()
        looked_ns, longest_ns = _now_ns(), 0
        next_control, controls = _now_ns() + _CONTROL_NS, 0
        if self._streams is not None:
            self._free = list(range(self._streams))[::-1]
            self._fill()
        closed, poll = self._streams is not None, self._pool.poll
        while len(self.outcomes) < self._total:
            if closed:
                events = self._pool.wait(0) if self._unseen or (self._free and self._queue) else poll()
            else:
                events = self._wait_open(next_control)
            # In this order, a pause between the two makes an arrival late, never earlier than it was sent.
            realtime = _realtime_ns()
            now = _now_ns()
            if now - looked_ns > longest_ns:  # noqa: PLR1730 - a call of max() takes longer, thousands of times a second
                longest_ns = now - looked_ns
            looked_ns = now
            self._read_all(events, now - realtime)
            if self._unseen:
                self._see()
            if closed and self._free:
                self._fill()
            if now >= next_control:
                next_control = _now_ns() + _CONTROL_NS
                controls += 1
                if not controls % _SWEEP_EVERY:
                    for connection in end_overdue(self._pool, self._limits, self._spool, now):
                        self._finish(connection)
                self.reading.clock_step_ns = max(self.reading.clock_step_ns, step_since(first, _realtime_ns, _now_ns))
                self._control(len(self.outcomes), self.reading.reads)
        self.reading.clock_step_ns = max(self.reading.clock_step_ns, step_since(first, _realtime_ns, _now_ns))
        self.reading.pause_ns = max(0, longest_ns - POLL_NS, SYSTEM_CLOCK.suspended_ns() - suspended_ns)

    def _wait_open(self, next_control: int) -> list[tuple[int, int]]:
        """Send what is due in an open loop, then events until the next send or control."""
        due_ns = self._send_due()
        return self._pool.wait(0 if self._unseen else min(next_control - _now_ns(), due_ns, POLL_NS), exact=True)

    def _read_all(self, events: list[tuple[int, int]], offset_ns: int) -> None:
        """One batch of events; a read in the middle of an answer takes the shortest way.

        What an answer's first read means is found out afterwards: a thousand answers may begin at once, and looking at
        their heads takes longer than their next tokens, whose reads would then have swallowed others'.
        """
        connections, reading = self._pool.connections, self.reading
        reads = reading.reads
        between_lags = (_LAG_OFTEN if reads < _LAG_ENOUGH else _LAG_SELDOM) - 1
        for fd, mask in events:
            connection = connections.get(fd)
            if connection is None:
                continue
            if connection.steady and mask == _READABLE:
                reads += 1
                look = connection.take(offset_ns)
                if not reads & between_lags:
                    self._note_lag(connection)
                if not look:
                    continue
                connection.look()
                self._settle(connection)
            elif mask == _READABLE and connection.state is State.RECEIVING:
                reads += 1
                if connection.take(offset_ns) and not connection.unseen:
                    connection.unseen = True
                    self._unseen.append(connection)
            else:
                reads += self._handle(connection, mask, offset_ns)
            if self._free and self._streams is not None:
                self._fill()
        reading.reads = reads

    def _see(self) -> None:
        """Look at answers that have begun, some at a time."""
        for _ in range(min(len(self._unseen), _AT_ONCE)):
            connection = self._unseen.popleft()
            if connection.unseen:
                connection.look()
                self._settle(connection)

    def _send_due(self) -> int:
        """Send what is due in an open loop; returns ns until the next send."""
        while self._queue:
            left = self._start_ns + (self._queue[0].offset_ns or 0) - _now_ns()
            if left > 0:
                self._pool.keep_spares(_SPARES)
                return left
            self._send_next()
        self._pool.keep_spares(_SPARES)
        return _CONTROL_NS

    def _fill(self) -> None:
        """Give closed-loop streams that have none their next request, some at a time."""
        for _ in range(_AT_ONCE):
            if not (self._free and self._queue):
                return
            self._send_next()

    def _send_next(self) -> None:
        """Give the next request to a connection; without one it has failed."""
        request = self._queue.popleft()
        stream = self._take_stream()
        connection = self._pool.take()
        if isinstance(connection, Failure):
            self.outcomes.append(Outcome(request, stream, None, _now_ns(), Trace(), connection))
            self._free.append(stream)
            return
        connection.stream = stream
        if connection.state is State.CONNECTING:
            connection.request = request
        else:
            self._send_on(connection, request)

    def _take_stream(self) -> int:
        if self._free:
            return self._free.pop()
        self._places += 1
        return self._places - 1

    def _send_on(self, connection: Connection, request: EncodedRequest) -> None:
        done = connection.send(request)
        if not done:
            self._pool.watch(connection, writing=True)
        elif connection.failure is not None:
            self._finish(connection)
        else:
            self._note_sent(connection)

    def _note_sent(self, connection: Connection) -> None:
        request = connection.request
        if request is not None and request.offset_ns is not None and connection.sent_ns is not None:
            self.reading.schedule_lags_ns.append(connection.sent_ns - self._start_ns - request.offset_ns)

    def _handle(self, connection: Connection, mask: int, offset_ns: int) -> int:
        """Anything but a read in the middle of an answer; how many reads it took."""
        reads = 0
        if connection.state is State.CONNECTING:
            self._settle_connect(connection)
            return reads
        if mask & select.POLLOUT and connection.state is State.SENDING and connection.send_more():
            self._pool.watch(connection, writing=False)
            self._note_sent(connection)
        if mask & ~select.POLLOUT and connection.state is not State.CLOSED:
            idle = connection.state is State.IDLE
            reads = 1
            if connection.take(offset_ns):
                connection.look()
            if idle:
                self._pool.drop_if_closed(connection)
                return reads
        self._settle(connection)
        return reads

    def _settle(self, connection: Connection) -> None:
        if connection.state is State.IDLE or connection.state is State.CLOSED:
            self._finish(connection)

    def _note_lag(self, connection: Connection) -> None:
        """Sample how late a read came; a long round's later samples overwrite earlier ones."""
        if connection.state is not State.RECEIVING:
            return
        lags, lag_ns = self.reading.lags_ns, _now_ns() - connection.last_stamp()
        if len(lags) < _LAGS_KEPT:
            lags.append(lag_ns)
        else:
            lags[self._lags % _LAGS_KEPT] = lag_ns
        self._lags += 1

    def _settle_connect(self, connection: Connection) -> None:
        request = connection.request
        failure = self._pool.settle_one(connection)
        if failure is None and request is None:
            self._pool.release(connection)
        elif failure is None and request is not None:
            self._send_on(connection, request)
        elif request is not None:
            connection.failure = failure
            connection.end_ns = _now_ns()
            self._finish(connection)

    def _finish(self, connection: Connection) -> None:
        """Turn what a connection carried into an outcome and give the connection its next request."""
        request = connection.request
        if request is None:
            self._pool.release(connection)
            return
        if connection.was_stale:
            self._send_again(connection, request)
            return
        trace = connection.settle(self._spool)
        self.reading.received_bytes += trace.received_bytes
        self.reading.kernel_stamps = self.reading.kernel_stamps and connection.kernel_stamps
        self.outcomes.append(
            Outcome(request, connection.stream, connection.sent_ns, connection.end_ns, trace, connection.failure)
        )
        self._free.append(connection.stream)
        self._pool.release(connection)
        if connection.failure is not None and connection.failure.kind in HUNG:
            self._note_hung(connection.stream)

    def _note_hung(self, stream: int) -> None:
        """Have what is left fail at once where a server that hangs has taken more requests than it may."""
        self._hung += 1
        if self._limits.hung is None or self._hung <= self._limits.hung:
            return
        failure = Failure(FailureKind.STALL, f"not sent: {self._hung} before it hung, more than the case may have")
        while self._queue:
            self.outcomes.append(Outcome(self._queue.popleft(), stream, None, _now_ns(), Trace(), failure))

    def _send_again(self, stale: Connection, request: EncodedRequest) -> None:
        """Give a request that met a closed connection a new one; its clock goes on from the first send."""
        self._pool.single_use = True
        first_sent_ns, stream = stale.sent_ns, stale.stream
        self._pool.release(stale)
        connection = self._pool.take()
        if isinstance(connection, Failure):
            self.outcomes.append(Outcome(request, stream, first_sent_ns, _now_ns(), Trace(), connection))
            self._free.append(stream)
            return
        connection.first_sent_ns, connection.stream = first_sent_ns, stream
        if connection.state is State.CONNECTING:
            connection.request = request
        else:
            self._send_on(connection, request)
