"""Arrival stamps: the kernel's where it gives them, ours right after the read where it does not.

Law: one place knows SO_TIMESTAMPNS. A kernel stamp is CLOCK_REALTIME; the caller converts it with an offset it
took for that batch of reads (`realtime_offset`), and a step of that offset within a round is reported.

Source: Linux Documentation/networking/timestamping.rst; for TCP the stamp is that of the last segment read.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; not in the socket module of Python 3.11
CONTROL_SIZE = socket.CMSG_SPACE(16)
KERNEL_STAMPS = sys.platform == "linux"

_unpack: Callable[[bytes], tuple[int, int]] = struct.Struct("@ll").unpack
_NS = 1_000_000_000


def ask_for_stamps(sock: socket.socket) -> bool:
    """Turn kernel receive stamps on; False where the platform has none."""
    if not KERNEL_STAMPS:
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def kernel_stamp(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The receive stamp of a `recvmsg` in CLOCK_REALTIME nanoseconds; None where the kernel sent none."""
    for _level, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _unpack(data)
            return seconds * _NS + nanoseconds
    return None
