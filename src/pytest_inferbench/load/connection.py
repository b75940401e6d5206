"""One HTTP/1.1 connection of the load: sends prepared bytes, collects reads with their stamps, sees an answer end.

Limits: a read is kept with its stamp before anything looks at it, and is looked at only as far as needed to know
whether the answer has ended. A chunked body ends in CR LF 0 CR LF CR LF (RFC 9112, 7.1), so any other read costs one
comparison; exact framing (`wire.http`) is consulted where the last bytes leave a doubt. The decoder frames everything
exactly once the clock has stopped, so a body that only looked ended is a failed request, never a wrong figure.
"""

from __future__ import annotations

import os
import socket
from enum import Enum, auto

from pytest_inferbench.clock import SYSTEM_CLOCK
from pytest_inferbench.load.job import EncodedRequest
from pytest_inferbench.load.spool import Read, Spool, Trace
from pytest_inferbench.load.stamps import CONTROL_SIZE, ask_for_stamps, monotonic
from pytest_inferbench.records import Failure, FailureKind
from pytest_inferbench.wire.errors import WireError
from pytest_inferbench.wire.http import BodyReader, ResponseHead, parse_head

READ_SIZE = 16 * 1024
ANSWER_BYTES = 64 * 2**20  # 100,000 tokens of 600 bytes each; an answer with more fails
_SPILL_READS = 256  # at each sweep, an unfinished answer with more reads than this goes to the spool
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_LAST_SIZE = len(_LAST_CHUNK)
_BLANK = _LAST_CHUNK[-4:]
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
        steady: whether it receives a chunked body, so that `take` alone is enough for most reads.
        unseen: whether its answer has begun and waits to be looked at.
        end_ns: stamp of the last read, once the answer has ended.
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
        self.steady = False
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
        self._reads: list[Read] = []
        self._head: ResponseHead | None = None
        self._body: BodyReader | None = None
        self._framed = 0  # reads that the body reader has seen
        self._unsent = memoryview(b"")
        self._reads_before = 0
        self._flood = 0  # bytes of reads that filled their buffer
        self.quiet_since_ns = 0
        self.steady = False
        self.unseen = False

    def finish_connect(self) -> Failure | None:
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
        self._unsent = memoryview(self._to_send(request))
        self.state = State.SENDING
        return self.send_more()

    def _to_send(self, request: EncodedRequest) -> bytes:
        return request.data

    def send_more(self) -> bool:
        """Go on sending; True when the last byte has been handed over (or the connection failed)."""
        self._send_ns = _now_ns()
        try:
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except BlockingIOError:
            return False
        except OSError as error:
            self.fail(FailureKind.CUT, f"the connection broke while the request was sent: {error.strerror}")
            return True
        if self._unsent:
            return False
        self.sent_ns = self.first_sent_ns or self._send_ns
        self.state = State.RECEIVING
        return True

    def take(self, offset_ns: int) -> bool:
        """Take what has arrived; the whole work of a read in the middle of an answer.

        Args:
            offset_ns: what makes a kernel stamp of this batch of reads monotonic.

        Returns:
            Whether `look` must see what it means.
        """
        try:
            data, control, _flags, _address = self.sock.recvmsg(READ_SIZE, CONTROL_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            self._on_peer_closed(f"the connection broke: {error.strerror}")
            return True
        self._reads.append((data, control or _now_ns(), offset_ns))
        return not self.steady or data[-4:] == _BLANK or not _LAST_SIZE <= len(data) < READ_SIZE

    def _doubtful(self, data: bytes) -> bool:
        """Whether a read of a chunked body may be its last, or one of too many."""
        return data[-4:] == _BLANK or not _LAST_SIZE <= len(data) < READ_SIZE

    def last_stamp(self) -> int:
        """The arrival of the newest read, monotonic ns."""
        _data, mark, offset_ns = self._reads[-1]
        return monotonic(mark, offset_ns)

    def look(self) -> None:
        """See what the newest reads mean: a head, the end of the answer, the end of the connection."""
        self.unseen = False
        if self.state is State.CLOSED:
            return
        data = self._reads[-1][0]
        if not data:
            while self._reads and not self._reads[-1][0]:
                self._reads.pop()
            self._on_peer_closed("the server closed the connection before the answer was complete")
            return
        if self.state is State.SENDING:  # an early refusal; the connection is not used again
            self.sent_ns, self.state = self._send_ns, State.RECEIVING
        elif self.state is not State.RECEIVING:
            self._reads.pop()
            self.close()  # bytes that nobody asked for: the framing is lost
            return
        if len(data) >= READ_SIZE:
            self._flood += len(data)
            if self._flood > ANSWER_BYTES:
                self._refuse_size()
                return
        if self.steady and data[-_LAST_SIZE:] == _LAST_CHUNK:
            self._complete(more=b"")
            return
        self._frame()

    def _frame(self) -> None:
        """Frame exactly what has not been framed yet."""
        try:
            if self._body is None:
                data = self._joined(0)
                parsed = parse_head(data)
                if parsed is None:
                    return
                self._head, start = parsed
                self._body = BodyReader(self._head)
                self.steady = self._head.body.chunked
                data = data[start:]
            else:
                data = self._joined(self._framed)
            self._framed = len(self._reads)
            self._body.feed(data)
        except WireError as error:
            self.fail(FailureKind.PROTOCOL, str(error))
            return
        if self._body.fault is not None:
            self.fail(FailureKind.PROTOCOL, str(self._body.fault))
        elif self._body.complete:
            self._complete(more=self._body.unread)

    def _joined(self, start: int) -> bytes:
        return b"".join([read[0] for read in self._reads[start:]])

    def _complete(self, more: bytes) -> None:
        keep = self._head is not None and self._head.keep_alive and not more and not self._unsent
        self.state = State.IDLE
        self.steady = False
        if not keep:
            self.close()

    def sweep(self, now_ns: int, spool: Spool) -> None:
        """What needs no hurry: note whether anything arrived, and spool a long answer's reads."""
        reads = self.trace.reads + len(self._reads)
        if reads != self._reads_before or not self.quiet_since_ns:
            self._reads_before = reads
            self.quiet_since_ns = now_ns
        if len(self._reads) > _SPILL_READS and self.state is State.RECEIVING:
            if self._framed < len(self._reads):
                self._frame()
            self._spill(spool)
            if self.trace.received_bytes > ANSWER_BYTES:
                self._refuse_size()

    def _refuse_size(self) -> None:
        self.fail(FailureKind.TOO_LARGE, f"the answer has more than {ANSWER_BYTES:,} bytes")

    def _spill(self, spool: Spool) -> None:
        spool.keep(self.trace, self._reads)
        self._reads, self._framed = [], 0

    @property
    def was_stale(self) -> bool:
        """Whether the server had closed this kept connection before it saw the request: no byte came back."""
        nothing = not self._reads and not self.trace.reads
        return self.failure is not None and self.failure.kind is FailureKind.CUT and self.uses > 1 and nothing

    def settle(self, spool: Spool) -> Trace:
        """Spool what is left of the finished answer and let go of it."""
        if self._reads:
            if self.failure is None:
                self.end_ns = self.last_stamp()
            self._spill(spool)
        trace = self.trace
        self.first_sent_ns = None
        self._reset()
        return trace

    def _on_peer_closed(self, message: str) -> None:
        """The peer is gone: complete for a body that runs until close, else a failure."""
        if self.state is State.RECEIVING and self._framed < len(self._reads):
            self._frame()
        receiving = self.state in (State.RECEIVING, State.SENDING)
        if receiving and not (self._head is not None and self._head.body.until_close):
            self.fail(FailureKind.CUT, message)
        else:
            self.close()

    def fail(self, kind: FailureKind, message: str) -> None:
        """End the request under way as failed; closing the connection tells the server to stop."""
        self.failure = Failure(kind, message)
        self.end_ns = _now_ns()
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.state = State.CLOSED
        self.steady = False
        self.sock.close()
