"""The loop that owns the sockets: it reads requests, sends what is due and stamps each send.

Limits: one thread, one epoll, one timer heap; the path of a send does nothing but send and stamp. Stamps are
CLOCK_MONOTONIC nanoseconds, one clock for all processes of a Linux host, so a client's own can be compared. A
request counts as received when the kernel had it (SO_TIMESTAMPNS): the server's own backlog is no excuse for a client.
"""

from __future__ import annotations

import select
import socket
import struct
from heapq import heapify, heappop, heappush, heapreplace
from time import monotonic_ns, sleep
from typing import TYPE_CHECKING

from .http1 import BadRequest
from .pages import Reply, answer
from .plan import at_once, error_page
from .receipt import NOTES_SIZE, ask_for_stamps, received_ns
from .script import Cut
from .streams import Connection, Places, Stream
from .truth import Ledger

if TYPE_CHECKING:
    from .script import Script

_BURST = 64  # sends before the sockets are looked at again
_READ = 1 << 16
_NS = 1_000_000_000
_NO_LINGER = struct.pack("ii", 1, 0)  # close() then sends RST
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Engine:
    """The server.

    Args:
        listener: a bound, listening socket; the engine closes it.
        script: what requests get that bring no script of their own.
        capacity: requests served at once, the others wait in order; None: no limit.
        freeze_at_s: this long after its first generation request the whole server stands still; None: never.
        freeze_s: for how long.
        owner: a file descriptor; the server ends when its other side closes.
    """

    def __init__(
        self,
        listener: socket.socket,
        script: Script,
        *,
        capacity: int | None = None,
        freeze_at_s: float | None = None,
        freeze_s: float = 0.0,
        owner: int | None = None,
    ) -> None:
        self._listener = listener
        self._script = script
        self._freeze_at_s = freeze_at_s
        self._freeze_ns = round(freeze_s * _NS)
        self._thaw_ns: int | None = None
        self._owner = owner
        self._ledger = Ledger()
        self._places = Places(capacity, self._ledger)
        self._epoll = select.epoll()
        self._heap: list[tuple[int, int, Stream]] = []
        self._connections: dict[int, Connection] = {}
        self._accepted = 0
        self._replies = 0
        self._open = True

    def serve(self) -> None:
        """Serve until the owner's side is closed."""
        heap, epoll = self._heap, self._epoll
        self._listener.setblocking(False)
        ask_for_stamps(self._listener)
        epoll.register(self._listener, select.EPOLLIN)
        if self._owner is not None:
            epoll.register(self._owner, select.EPOLLIN)
        while self._open:
            if self._thaw_ns is not None and monotonic_ns() >= self._thaw_ns - self._freeze_ns:
                sleep(max(0, self._thaw_ns - monotonic_ns()) / _NS)
                self._thaw_ns = None
            self._send_due()
            # epoll waits in milliseconds; select on the epoll's own descriptor waits in microseconds.
            wait = (heap[0][0] - monotonic_ns()) / _NS if heap else None
            if wait is None or wait > 0:
                select.select([epoll], (), (), wait)
            for fd, event in epoll.poll(0):
                self._ready(fd, event)
        for connection in self._connections.values():
            connection.sock.close()
        self._listener.close()

    def _send_due(self) -> None:
        """Send up to `_BURST` pieces whose time has come, each stamped before and after."""
        heap = self._heap
        for _ in range(_BURST):
            if not heap:
                return
            due, order, stream = heap[0]
            before = monotonic_ns()
            if due > before:
                return
            at = stream.at
            data = stream.data[at]
            try:
                sent = stream.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(stream.connection)
                continue
            after = monotonic_ns()
            stream.stamps.append(before)
            stream.stamps.append(after)
            if sent != len(data):
                heappop(heap)
                stream.rest = data[sent:]
                self._epoll.modify(stream.connection.sock, select.EPOLLIN | select.EPOLLOUT)
                continue
            stream.at = at = at + 1
            if at < stream.size:
                heapreplace(heap, (stream.start_ns + stream.due_ns[at], order, stream))
            else:
                heappop(heap)
                self._finish(stream)

    def _resume(self, connection: Connection) -> None:
        """A full socket has room again; the piece is complete, and stamped, when its rest has gone."""
        stream = connection.stream
        if stream is None or not stream.rest:
            return
        try:
            stream.rest = stream.rest[stream.send(stream.rest) :]
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)
            return
        stream.stamps[-1] = monotonic_ns()
        if stream.rest:
            return
        self._epoll.modify(connection.sock, select.EPOLLIN)
        stream.at += 1
        if stream.at < stream.size:
            self._schedule(stream)
        else:
            self._finish(stream)

    def _schedule(self, stream: Stream) -> None:
        heappush(self._heap, (stream.start_ns + stream.due_ns[stream.at], stream.order, stream))

    def _ready(self, fd: int, event: int) -> None:
        if fd == self._listener.fileno():
            self._accept()
        elif fd == self._owner:
            self._open = False
        elif (connection := self._connections.get(fd)) is not None:
            if event & select.EPOLLOUT:
                self._resume(connection)
            if event & ~select.EPOLLOUT and fd in self._connections:
                self._read(connection)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[sock.fileno()] = Connection(sock, self._accepted)
            self._accepted += 1
            self._epoll.register(sock, select.EPOLLIN)

    def _read(self, connection: Connection) -> None:
        try:
            data, notes, _, _ = connection.sock.recvmsg(_READ, NOTES_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        connection.received_ns = received_ns(notes)
        connection.reader.feed(data)
        if connection.stream is None:
            self._take(connection, connection.received_ns)

    def _take(self, connection: Connection, start_ns: int) -> None:
        """Serve the connection's next request, if it is whole."""
        try:
            request = connection.reader.next()
        except BadRequest as error:
            self._begin(self._stream(connection, Reply(at_once(error_page(400, str(error))), close_after=1)), start_ns)
            return
        if request is None:
            if connection.reader.take_expectation():
                connection.sock.send(_CONTINUE)
            return
        reply = answer(request, self._script, self._ledger, connection.number, connection.received_ns)
        stream = self._stream(connection, reply)
        if reply.served is None:
            self._begin(stream, start_ns)
            return
        self._ledger.admit(reply.served)
        if self._freeze_at_s is not None:
            self._thaw_ns = start_ns + round(self._freeze_at_s * _NS) + self._freeze_ns
            self._freeze_at_s = None
        if self._places.enter(stream):
            self._begin(stream, start_ns)

    def _stream(self, connection: Connection, reply: Reply) -> Stream:
        self._replies += 1
        connection.stream = Stream(connection, reply, self._replies)
        return connection.stream

    def _begin(self, stream: Stream, start_ns: int) -> None:
        """Start a reply's clock: at its reception, or when a place became free."""
        stream.start_ns = start_ns
        if stream.reply.served is not None:
            self._ledger.start(stream.reply.served, start_ns)
        if stream.size:
            self._schedule(stream)

    def _finish(self, stream: Stream) -> None:
        """A reply is out: keep, close or cut its connection, and let the next request in."""
        connection, cut, close_after = stream.connection, stream.reply.plan.cut, stream.reply.close_after
        connection.stream = None
        connection.replies += 1
        self._release(stream, "cut" if cut else "complete")
        if cut is Cut.RST:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        if cut or (close_after is not None and connection.replies >= close_after):
            self._forget(connection)
        else:
            self._take(connection, monotonic_ns())

    def _drop(self, connection: Connection) -> None:
        """The client has gone; as in a real server this ends its generation."""
        stream, connection.stream = connection.stream, None
        self._forget(connection)
        if stream is None:
            return
        self._heap[:] = [entry for entry in self._heap if entry[2] is not stream]
        heapify(self._heap)
        self._release(stream, "client left")

    def _release(self, stream: Stream, ending: str) -> None:
        """A generation ended: give its place to the one that waits longest."""
        served = stream.reply.served
        if served is None:
            return
        self._ledger.close(served, ending)
        following = self._places.leave(stream)
        if following is not None:
            self._begin(following, monotonic_ns())

    def _forget(self, connection: Connection) -> None:
        del self._connections[connection.sock.fileno()]
        self._epoll.unregister(connection.sock)
        connection.sock.close()
