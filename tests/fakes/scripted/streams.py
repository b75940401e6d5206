"""What the engine holds while it serves: connections, replies under way, and the places they are served in.

Limits: state and its rules; no system calls.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .http1 import RequestReader

if TYPE_CHECKING:
    import socket

    from .pages import Reply
    from .truth import Ledger


class Connection:
    """One client connection: what it asked so far, and the reply that is under way on it."""

    __slots__ = ("number", "reader", "received_ns", "replies", "sock", "stream")

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.reader = RequestReader()
        self.received_ns = 0
        self.replies = 0
        self.stream: Stream | None = None


class Stream:
    """A reply under way: flat, because the path of a send reads it 50 000 times a second."""

    __slots__ = ("at", "connection", "data", "due_ns", "order", "reply", "rest", "send", "size", "stamps", "start_ns")

    def __init__(self, connection: Connection, reply: Reply, order: int) -> None:
        self.connection = connection
        self.reply = reply
        self.order = order
        self.data = reply.plan.data
        self.due_ns = reply.plan.due_ns
        self.size = len(self.data)
        self.send = connection.sock.send
        self.stamps: list[int] = reply.served.stamps if reply.served else []
        self.start_ns = 0
        self.at = 0
        self.rest = b""


class Places:
    """How many generations are served at once; the others wait in order.

    Args:
        capacity: the number of places; None: no limit.
        ledger: told how many are served and how many wait.
    """

    def __init__(self, capacity: int | None, ledger: Ledger) -> None:
        self._capacity = capacity
        self._ledger = ledger
        self._waiting: deque[Stream] = deque()

    def enter(self, stream: Stream) -> bool:
        """Take a place, or queue for one; whether it was taken."""
        free = self._capacity is None or self._ledger.processing < self._capacity
        if free:
            self._ledger.processing += 1
        else:
            self._waiting.append(stream)
            self._ledger.deferred += 1
        return free

    def leave(self, stream: Stream) -> Stream | None:
        """Give up a place, or the wait for one; the stream that takes the place over."""
        if stream in self._waiting:
            self._waiting.remove(stream)
            self._ledger.deferred -= 1
            return None
        if self._waiting:
            self._ledger.deferred -= 1
            return self._waiting.popleft()
        self._ledger.processing -= 1
        return None
