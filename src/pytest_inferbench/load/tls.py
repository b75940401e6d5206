"""The same connection over TLS: ciphertext on the socket, plaintext in the reads.

Limits: a read's stamp is that of the ciphertext that completed it. The handshake is done when the connection opens,
which is before the clock starts for every connection but a replaced one; it holds the loop for its round trips, and the
loop lag shows it.
"""

from __future__ import annotations

import socket
import ssl

from pytest_inferbench.clock import NS_PER_S, SYSTEM_CLOCK
from pytest_inferbench.errors import LoadError
from pytest_inferbench.load.connection import READ_SIZE, Connection, State
from pytest_inferbench.load.job import EncodedRequest, Target
from pytest_inferbench.load.stamps import CONTROL_SIZE
from pytest_inferbench.records import Failure, FailureKind

_HANDSHAKE_S = 10.0


def tls_context(target: Target) -> ssl.SSLContext:
    """What to trust for a target.

    Raises:
        LoadError: the CA bundle cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=target.ca)
    except (OSError, ssl.SSLError) as error:
        raise LoadError(f"the CA bundle {target.ca} cannot be used: {error}; give a PEM file") from None


class TlsConnection(Connection):
    """A connection that speaks TLS.

    Args:
        address: family and socket address.
        context: what to trust.
        host: the name that the certificate must be for.
    """

    def __init__(self, address: tuple[socket.AddressFamily, object], context: ssl.SSLContext, host: str) -> None:
        super().__init__(address)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def finish_connect(self) -> Failure | None:
        """Settle the connect and shake hands."""
        failure = super().finish_connect()
        if failure is not None:
            return failure
        try:
            self._shake_hands()
        except (OSError, ssl.SSLError) as error:
            self.close()
            return Failure(FailureKind.CONNECT, f"TLS: {error}")
        self.sock.setblocking(False)
        return None

    def _shake_hands(self) -> None:
        end_ns = SYSTEM_CLOCK.now_ns() + round(_HANDSHAKE_S * NS_PER_S)
        while True:
            left_ns = end_ns - SYSTEM_CLOCK.now_ns()
            if left_ns <= 0:
                raise TimeoutError(f"no handshake within {_HANDSHAKE_S:g} s")
            self.sock.settimeout(left_ns / NS_PER_S)
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self.sock.sendall(self._outgoing.read())
                self._incoming.write(self.sock.recv(READ_SIZE))
            else:
                self.sock.sendall(self._outgoing.read())
                return

    def _to_send(self, request: EncodedRequest) -> bytes:
        self._tls.write(request.data)
        return self._outgoing.read()

    def still_open(self) -> bool:
        """Whether an idle connection can carry a request; takes in what TLS itself has to say (session tickets)."""
        if self._receive(0):
            self.close()
        return self.state is not State.CLOSED

    def take(self, offset_ns: int) -> bool:
        """Take what has arrived; a record that is not whole yet is no read."""
        known = len(self._reads)
        broken = self._receive(offset_ns)
        news = self._reads[known:]
        return broken or (bool(news) and (not self.steady or any(self._doubtful(read[0]) for read in news)))

    def _receive(self, offset_ns: int) -> bool:
        """Decrypt what has arrived into reads; whether the connection ended, or an idle one was spoken to."""
        try:
            data, control, _flags, _address = self.sock.recvmsg(READ_SIZE, CONTROL_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            self._on_peer_closed(f"the connection broke: {error.strerror}")
            return True
        mark = control or SYSTEM_CLOCK.now_ns()
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        try:
            while plain := self._tls.read(READ_SIZE):
                self._reads.append((plain, mark, offset_ns))
        except ssl.SSLWantReadError:
            return self.state is State.IDLE and bool(self._reads)
        except ssl.SSLError as error:
            if not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                self._on_peer_closed(f"TLS: {error}")
                return True
        self._reads.append((b"", mark, offset_ns))
        return True
