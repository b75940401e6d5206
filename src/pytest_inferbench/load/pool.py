"""The pool: connections that are open before they are needed, and the poll object that watches them.

Limits: a connection that died is replaced before the send, never after; a request's clock is never reset. Once the
server refuses several connections in a row it is gone, and what is left fails at once instead of one by one.

Some servers close a connection after a streamed answer without saying so (llama.cpp's does). Once one was caught
at it, its connections are used once each, so that no request is lost in that race.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections import deque
from functools import partial
from typing import Protocol

from pytest_inferbench.clock import NS_PER_MS, NS_PER_S, SYSTEM_CLOCK
from pytest_inferbench.errors import LoadError
from pytest_inferbench.load.connection import Connection, State
from pytest_inferbench.load.job import Target
from pytest_inferbench.load.tls import TlsConnection, tls_context
from pytest_inferbench.records import Failure, FailureKind

_GONE_AFTER = 5
POLL_NS = 10 * NS_PER_MS
"""The longest that the load loop waits for its sockets at once: what keeps it away for longer is seen."""
_EXACT_BELOW_NS = 5 * NS_PER_MS
_SPIN_NS = 400_000
_now_ns = SYSTEM_CLOCK.now_ns


class _Poller(Protocol):
    def register(self, fd: int, eventmask: int) -> object: ...
    def modify(self, fd: int, eventmask: int) -> object: ...
    def unregister(self, fd: int) -> object: ...
    def poll(self, timeout: float) -> list[tuple[int, int]]: ...


class Pool:
    """Connections to one target.

    Args:
        target: where to connect.

    Attributes:
        connections: the open ones by file descriptor.
        opened: how many have been opened so far.
        poll: events as soon as there are any, none after `POLL_NS`.
        single_use: whether each carries one request only.

    Raises:
        LoadError: the host cannot be resolved, or the CA bundle not be read.
    """

    def __init__(self, target: Target) -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise LoadError(f"cannot resolve {target.host!r}: {error.strerror}") from None
        family, _kind, _proto, _name, where = found[0]
        self._address = (family, where)
        self._host = target.host
        self._tls = tls_context(target) if target.tls else None
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._poller: _Poller = self._epoll or select.poll()
        # epoll counts seconds, poll milliseconds
        self.poll = partial(self._poller.poll, POLL_NS / (NS_PER_S if self._epoll is not None else NS_PER_MS))
        self.connections: dict[int, Connection] = {}
        self._idle: deque[Connection] = deque()
        self._failures_in_a_row = 0
        self._last_failure: Failure | None = None
        self.opened = 0
        self._opening = 0  # spares on their way
        self.single_use = False

    def open(self, count: int, timeout_s: float) -> Failure | None:
        """Have `count` idle connections; the last failure if one could not be opened in time."""
        deadline = _now_ns() + int(timeout_s * NS_PER_S)
        self.settle(0)
        while len(self._idle) < count:
            pending = sum(c.state is State.CONNECTING for c in self.connections.values())
            try:
                for _ in range(count - len(self._idle) - pending):
                    self._add()
            except OSError as error:
                return Failure(FailureKind.CONNECT, f"cannot open {count} connections: {error.strerror}")
            left = deadline - _now_ns()
            if left <= 0 or self._failures_in_a_row >= _GONE_AFTER:
                return self._last_failure or Failure(FailureKind.CONNECT, f"no connection within {timeout_s:g} s")
            self.settle(min(left, 50 * NS_PER_MS))
        return None

    def settle(self, timeout_ns: int, *, exact: bool = False) -> None:
        """Complete pending connects and drop idle connections that the server closed."""
        for fd, _mask in self.wait(timeout_ns, exact=exact):
            connection = self.connections.get(fd)
            if connection is None:
                continue
            if connection.state is State.CONNECTING:
                if self.settle_one(connection) is None:
                    self._idle.append(connection)
            elif not connection.still_open():
                self._forget(connection)

    def settle_until(self, start_ns: int) -> None:
        """Wait for the start, exactly."""
        while (left := start_ns - _now_ns()) > 0:
            self.settle(left, exact=True)

    def settle_one(self, connection: Connection) -> Failure | None:
        """Settle one pending connect and count it; None when it is open."""
        failure = connection.finish_connect()
        if connection.request is None and self._opening:
            self._opening -= 1
        if failure is None:
            self._failures_in_a_row = 0
            self.watch(connection, writing=False)
            return None
        self._forget(connection)
        return self.count_failure(failure)

    def take(self) -> Connection | Failure:
        """An idle connection, or a new one that is connecting, or why there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.state is State.IDLE and connection.still_open():
                return connection
            self.single_use = self.single_use or connection.uses > 0
            self._forget(connection)
        if self._failures_in_a_row >= _GONE_AFTER and self._last_failure is not None:
            return Failure(FailureKind.CONNECT, f"the server is gone ({self._last_failure.message})")
        try:
            return self._add()
        except OSError as error:
            return self.count_failure(Failure(FailureKind.CONNECT, f"cannot open a connection: {error.strerror}"))

    def keep_spares(self, count: int) -> None:
        """Have `count` connections that are idle, or on their way to be."""
        spare = len(self._idle) + self._opening
        while spare < count and not self._failures_in_a_row:
            try:
                self._add()
            except OSError:
                return
            self._opening += 1
            spare += 1

    def count_failure(self, failure: Failure) -> Failure:
        """Note that a connection could not be opened; several in a row mean that the server is gone."""
        self._failures_in_a_row += 1
        self._last_failure = failure
        return failure

    def release(self, connection: Connection) -> None:
        """Take a connection back after its request; a closed one is forgotten."""
        connection.request = None
        if connection.state is State.IDLE and not (self.single_use and connection.uses):
            self._idle.append(connection)
        else:
            self._forget(connection)

    def drop_if_closed(self, connection: Connection) -> None:
        """Forget an idle connection that the server closed."""
        if connection.state is State.CLOSED:
            self._forget(connection)

    def busy(self) -> list[Connection]:
        """Connections with a request under way."""
        return [c for c in self.connections.values() if c.request is not None]

    def watch(self, connection: Connection, *, writing: bool) -> None:
        """Wake for reads, and for writes while a request is being sent."""
        if connection.state is not State.CLOSED:
            self._poller.modify(connection.fd, select.POLLIN | (select.POLLOUT if writing else 0))

    def wait(self, timeout_ns: int, *, exact: bool = False) -> list[tuple[int, int]]:
        """Events until the timeout; `exact` waits to the microsecond (poll objects wake on whole milliseconds)."""
        if exact and self._epoll is not None and timeout_ns < _EXACT_BELOW_NS:
            # A sleeping core wakes late, by up to a millisecond in a virtual machine: the last bit is spun through.
            ready, _, _ = select.select([self._epoll], [], [], max(0, timeout_ns - _SPIN_NS) / NS_PER_S)
            return self._poller.poll(0) if ready else []
        if exact:
            timeout_ns -= _EXACT_BELOW_NS // 2
        milliseconds = max(0, -(-timeout_ns // NS_PER_MS))
        return self._poller.poll(milliseconds / 1000 if self._epoll is not None else milliseconds)

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self.connections.values()):
            self._forget(connection)
        self._idle.clear()

    def _add(self) -> Connection:
        if self._tls is None:
            connection = Connection(self._address)
        else:
            connection = TlsConnection(self._address, self._tls, self._host)
        self.opened += 1
        self.connections[connection.fd] = connection
        self._poller.register(connection.fd, select.POLLOUT | select.POLLIN)
        return connection

    def _forget(self, connection: Connection) -> None:
        if self.connections.get(connection.fd) is connection:
            del self.connections[connection.fd]
            with contextlib.suppress(OSError, KeyError, ValueError):  # a closed socket has left the epoll already
                self._poller.unregister(connection.fd)
        connection.close()
