"""Arrival stamps: the kernel's where it gives them, ours right after the read where it does not.

Limits: one place knows SO_TIMESTAMPNS. A kernel stamp is CLOCK_REALTIME; the caller converts it with an offset it
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
_LOOKS = 5

Mark = list[tuple[int, int, bytes]] | int
"""What tells a read's arrival: `recvmsg`'s control messages, or where the kernel gives none, a monotonic stamp."""


def realtime_offset(realtime_ns: Callable[[], int], now_ns: Callable[[], int]) -> tuple[int, int]:
    """CLOCK_REALTIME - monotonic, and how far it may be off: the tightest of a few looks, since a pause is no step.

    Args:
        realtime_ns: CLOCK_REALTIME.
        now_ns: the monotonic clock.
    """
    looks = []
    for _ in range(_LOOKS):
        before, realtime, after = now_ns(), realtime_ns(), now_ns()
        looks.append(((after - before + 1) // 2, realtime - (before + after) // 2))
    off_by, offset = min(looks)
    return offset, off_by


def step_since(first: tuple[int, int], realtime_ns: Callable[[], int], now_ns: Callable[[], int]) -> int:
    """How far CLOCK_REALTIME has certainly stepped against the monotonic clock since the first `realtime_offset`."""
    offset, off_by = realtime_offset(realtime_ns, now_ns)
    return max(0, abs(offset - first[0]) - first[1] - off_by)


def ask_for_stamps(sock: socket.socket) -> bool:
    """Turn kernel receive stamps on; False where the platform has none."""
    if not KERNEL_STAMPS:
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def monotonic(mark: Mark, offset_ns: int) -> int:
    """A read's arrival in monotonic nanoseconds.

    Args:
        mark: the read's control messages, of which the stamp is the only one asked for; or a stamp of ours.
        offset_ns: monotonic - CLOCK_REALTIME, taken for the batch of reads.
    """
    if isinstance(mark, int):
        return mark
    seconds, nanoseconds = _unpack(mark[0][2])
    return seconds * _NS + nanoseconds + offset_ns
