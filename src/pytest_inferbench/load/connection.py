"""One HTTP/1.1 connection of the load: sends prepared bytes, collects reads with their stamps, sees an answer end.

Law: a read is stamped before anything looks at it, and looked at only as far as needed to know whether the answer
has ended: a chunked body can only end in CR LF CR LF, so any other read costs one comparison. Exact framing
(`wire.http`) is consulted only when that hint fires.
"""

from __future__ import annotations

import contextlib
import os
import socket
from array import array
from enum import Enum, auto

from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.load.job import EncodedRequest
from pytest_inferbench.load.spool import Spool, Trace
from pytest_inferbench.load.stamps import CONTROL_SIZE, ask_for_stamps, kernel_stamp
from pytest_inferbench.records import Failure, FailureKind
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.http import BodyReader, ResponseHead, parse_head

READ_SIZE = 16 * 1024
SPILL_READS = 256  # an unfinished answer keeps at most this many reads in memory
_BLANK = b"\r\n\r\n"
_now_ns = SYSTEM_CLOCK.now_ns


class State(Enum):
    """Where a connection is in its life."""

    CONNECTING = auto()
    IDLE = auto()
    SENDING = auto()
    RECEIVING = auto()
    CLOSED = auto()


class Connection:
    """A non-blocking connection that carries one request at a time.

    Attributes:
        stream: the closed-loop stream (or open-loop place) whose request it carries.
        fd: its file descriptor, also after it was closed.
        state: where it is in its life.
        request: the request under way; None while idle.
        sent_ns: when the last byte of the request was handed to the socket: taken just before the call that took it,
            since the receiver may run before that call returns.
        end_ns: stamp of the last read.
        trace: the spooled reads of the answer.
        failure: why the request under way failed, once it has.
        uses: requests it has been given.
        first_sent_ns: when the request under way was sent on a connection that turned out to be closed; its clock
            is not set back.
    """

    def __init__(self, address: tuple[socket.AddressFamily, object]) -> None:
        family, where = address
        self.stream = -1
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kernel_stamps = ask_for_stamps(self.sock)
        self.state = State.CONNECTING
        self.opened_ns = _now_ns()
        self.request: EncodedRequest | None = None
        self.sent_ns: int | None = None
        self.end_ns = 0
        self.failure: Failure | None = None
        self.uses = 0
        self._send_ns = 0
        self.first_sent_ns: int | None = None
        self.trace = Trace()
        self._reset()
        self.fd = self.sock.fileno()
        try:
            self.sock.connect(where)  # type: ignore[arg-type]
        except BlockingIOError:
            pass
        except OSError:
            self.sock.close()
            raise

    def _reset(self) -> None:
        self._pieces: list[bytes] = []
        self._stamps = array("q")
        self._head: ResponseHead | None = None
        self._body: BodyReader | None = None
        self._unframed: list[bytes] = []
        self._unsent = memoryview(b"")

    def connected(self) -> Failure | None:
        """Settle a pending connect: None when it is open, else why it is not."""
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.close()
            return Failure(FailureKind.CONNECT, f"cannot connect: {os.strerror(error)}")
        self.state = State.IDLE
        return None

    def still_open(self) -> bool:
        """Whether an idle connection can carry a request: the server has neither closed it nor spoken unasked."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.close()
        return False

    def send(self, request: EncodedRequest) -> bool:
        """Start a request; True when its last byte has been handed over."""
        self._reset()
        self.trace = Trace()
        self.request = request
        self.uses += 1
        self.failure = None
        self.sent_ns = None
        self.end_ns = 0
        self._unsent = memoryview(request.data)
        self.state = State.SENDING
        return self.send_more()

    def send_more(self) -> bool:
        """Go on sending; True when the last byte has been handed over (or the connection failed)."""
        self._send_ns = _now_ns()
        try:
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except BlockingIOError:
            return False
        except OSError as error:
            self._fail(FailureKind.CUT, f"the connection broke while the request was sent: {error.strerror}")
            return True
        if self._unsent:
            return False
        self.end_ns = self._send_ns
        self.sent_ns = self.first_sent_ns or self.end_ns
        self.state = State.RECEIVING
        return True

    def read(self, offset_ns: int, spool: Spool) -> int:
        """Take what has arrived.

        Args:
            offset_ns: what to add to a kernel stamp to make it monotonic.
            spool: where a long answer's reads are put.

        Returns:
            How late the read came after the data, in ns; -1 when nothing was read.
        """
        try:
            data, ancillary, _flags, _address = self.sock.recvmsg(READ_SIZE, CONTROL_SIZE)
        except BlockingIOError:
            return -1
        except OSError as error:
            self._ended(f"the connection broke: {error.strerror}")
            return -1
        now = _now_ns()
        if not data:
            self._ended("the server closed the connection before the answer was complete")
            return -1
        stamp = now
        if ancillary and (kernel := kernel_stamp(ancillary)) is not None:
            stamp = min(kernel + offset_ns, now)
        if self.state is State.SENDING:  # an early refusal; the connection is not used again
            self.sent_ns, self.state = now, State.RECEIVING
        elif self.state is not State.RECEIVING:
            self.close()  # bytes that nobody asked for: the framing is lost
            return -1
        self.end_ns = stamp
        self._pieces.append(data)
        self._stamps.append(stamp)
        if self._body is None or not self._may_go_on(data):
            self._frame(data)
        elif len(self._pieces) >= SPILL_READS:
            self._spill(spool)
        return now - stamp

    def _may_go_on(self, data: bytes) -> bool:
        """Whether this read of a chunked body surely does not end it; remembers it for exact framing if so."""
        if self._head is None or not self._head.body.chunked:
            return False
        if data[-4:] == _BLANK or len(data) < len(_BLANK):
            return False
        self._unframed.append(data)
        return True

    def _frame(self, data: bytes) -> None:
        try:
            if self._body is None:
                parsed = parse_head(b"".join(self._pieces))
                if parsed is None:
                    return
                self._head, start = parsed
                self._body = BodyReader(self._head)
                data = b"".join(self._pieces)[start:]
            else:
                self._unframed.append(data)
                data = b"".join(self._unframed)
            self._unframed.clear()
            self._body.feed(data)
        except WireError as error:
            self._fail(FailureKind.PROTOCOL, str(error))
            return
        if self._body.fault is not None:
            self._fail(FailureKind.PROTOCOL, str(self._body.fault))
            return
        if self._body.complete:
            keep = self._head is not None and self._head.keep_alive and not self._body.unread and not self._unsent
            self.state = State.IDLE
            if not keep:
                self.close()

    def _spill(self, spool: Spool) -> None:
        spool.write(self.trace, self._pieces, self._stamps)
        self._pieces = []
        self._stamps = array("q")
        if self._body is not None and self._unframed:
            with contextlib.suppress(WireError):  # the decoder will meet it again and report it
                self._body.feed(b"".join(self._unframed))
        self._unframed.clear()

    @property
    def was_stale(self) -> bool:
        """Whether the server had closed this kept connection before it saw the request: no byte came back."""
        nothing = not self._pieces and not self.trace.lengths
        return self.failure is not None and self.failure.kind is FailureKind.CUT and self.uses > 1 and nothing

    def settle(self, spool: Spool) -> Trace:
        """Spool what is left of the finished answer and let go of it."""
        if self._pieces:
            spool.write(self.trace, self._pieces, self._stamps)
        trace = self.trace
        self.first_sent_ns = None
        self._reset()
        return trace

    def _ended(self, message: str) -> None:
        """The peer is gone: complete for a body that runs until close, else a failure."""
        receiving = self.state in (State.RECEIVING, State.SENDING)
        if receiving and not (self._head is not None and self._head.body.until_close):
            self._fail(FailureKind.CUT, message)
        else:
            self.close()

    def _fail(self, kind: FailureKind, message: str) -> None:
        self.failure = Failure(kind, message)
        self.end_ns = max(self.end_ns, _now_ns())
        self.close()

    def give_up(self, kind: FailureKind, message: str) -> None:
        """End the request under way as failed; closing the connection tells the server to stop."""
        self._fail(kind, message)

    def close(self) -> None:
        """Close the socket."""
        self.state = State.CLOSED
        self.sock.close()
