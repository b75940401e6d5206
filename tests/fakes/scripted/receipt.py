"""When the kernel had a request, on the clock that everything else is stamped with.

Limits: Linux's SO_TIMESTAMPNS is CLOCK_REALTIME; it is converted with an offset taken at each use, so that a step of
that clock can spoil one stamp at most.
"""

from __future__ import annotations

import socket
import struct
from time import monotonic_ns, time_ns

_NS = 1_000_000_000
_SO_TIMESTAMPNS = 35  # Linux; Python's socket module does not name it
_TIMESPEC = struct.Struct("qq")
_READINGS = 5
_CALM_NS = 20_000
NOTES_SIZE = socket.CMSG_SPACE(_TIMESPEC.size)


def ask_for_stamps(listener: socket.socket) -> None:
    """Have the kernel stamp what arrives on every connection that `listener` accepts; they inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def received_ns(notes: list[tuple[int, int, bytes]]) -> int:
    """The kernel's stamp in `recvmsg`'s ancillary data, as monotonic time; the present where there is none."""
    for level, kind, value in notes:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            return int(seconds) * _NS + int(nanoseconds) + _offset_ns()
    return monotonic_ns()


def _offset_ns() -> int:
    """CLOCK_MONOTONIC - CLOCK_REALTIME, read again where something came between the readings."""
    for _ in range(_READINGS):
        before, real, after = monotonic_ns(), time_ns(), monotonic_ns()
        if after - before < _CALM_NS:
            break
    return (before + after) // 2 - real
