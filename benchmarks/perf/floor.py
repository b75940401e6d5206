"""The floor: a bare epoll loop that reads, stamps and keeps the bytes. No client can be cheaper and still stamp.

`run_stamped` is the same loop with the kernel's receive stamps instead of its own: what they cost by themselves.

Limits: requests are bytes and connections are open before the clock starts; what the bytes say is found out after it
stopped, and is not part of the figure: this is the lower bound, not a client to use.
"""

from __future__ import annotations

import gc
import json
import select
import socket
import struct
from collections.abc import Callable
from time import monotonic_ns, process_time, time_ns
from typing import TypeAlias
from urllib.parse import urlsplit

from .client import PATH, ClientRun, Job, Timeline, peak_rss_bytes

_END = b"0\r\n\r\n"
_OUTPUT = b'"content":"'
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_CONTROL = socket.CMSG_SPACE(16)

Mark: TypeAlias = "int | list[tuple[int, int, bytes]]"  # a stamp, or the control messages that hold the kernel's


class _Stream:
    """One connection: its requests as bytes, and what came back with its stamps."""

    __slots__ = ("pieces", "requests", "sent_ns", "sock", "stamps", "turn")

    def __init__(self, sock: socket.socket, requests: list[bytes]) -> None:
        self.sock = sock
        self.requests = requests
        self.turn = 0
        self.sent_ns: list[int] = []
        self.pieces: list[list[bytes]] = []
        self.stamps: list[list[Mark]] = []

    def send(self) -> None:
        """Send the next request."""
        self.pieces.append([])
        self.stamps.append([])
        self.sock.sendall(self.requests[self.turn])
        self.sent_ns.append(monotonic_ns())

    def ended(self, data: bytes) -> bool:
        """An answer has ended with this read: send the next request; whether there is none."""
        if not data:
            raise ConnectionError("the server closed a stream before its end")
        self.turn += 1
        if self.turn < len(self.requests):
            self.send()
        return self.turn == len(self.requests)


def run(job: Job) -> ClientRun:
    """Make the job's requests."""
    return _run(job, _drive)


def run_stamped(job: Job) -> ClientRun:
    """Make the job's requests and take the kernel's stamps."""
    return _run(job, _drive_stamped)


def _run(job: Job, drive: Callable[[list[_Stream]], int]) -> ClientRun:
    streams = [_open(job, number) for number in range(job.streams)]
    gc.collect()
    gc.freeze()
    gc.disable()
    before = process_time()
    offset_ns = drive(streams)
    cpu_seconds = process_time() - before
    timelines = [
        Timeline(
            job.request_id(number, turn),
            sent_ns,
            _arrivals(stream.pieces[turn], [_monotonic(mark, offset_ns) for mark in stream.stamps[turn]]),
        )
        for number, stream in enumerate(streams)
        for turn, sent_ns in enumerate(stream.sent_ns)
    ]
    return ClientRun(tuple(timelines), cpu_seconds, peak_rss_bytes())


def _open(job: Job, number: int) -> _Stream:
    address = urlsplit(job.url)
    sock = socket.create_connection((address.hostname or "", address.port or 80))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    requests = []
    for turn in range(job.turns):
        body = json.dumps(job.body(number, turn)).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
        requests.append(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
    return _Stream(sock, requests)


def _begin(streams: list[_Stream]) -> tuple[select.epoll, dict[int, _Stream]]:
    """Watch every stream, and send its first request."""
    epoll, by_fd = select.epoll(), {}
    for stream in streams:
        by_fd[stream.sock.fileno()] = stream
        epoll.register(stream.sock, select.EPOLLIN)
        stream.send()
    return epoll, by_fd


def _drive(streams: list[_Stream]) -> int:
    """Read, stamp and send the next request until all are through; 0: no offset."""
    epoll, by_fd = _begin(streams)
    left = len(streams)
    while left:
        for fd, _ in epoll.poll():
            stream = by_fd[fd]
            data = stream.sock.recv(65536)
            stamp = monotonic_ns()
            stream.pieces[-1].append(data)
            stream.stamps[-1].append(stamp)
            if data[-5:] == _END or not data:
                left -= stream.ended(data)
    return 0


def _drive_stamped(streams: list[_Stream]) -> int:
    """The same with `recvmsg`, keeping the control messages that hold the stamp; CLOCK_REALTIME - monotonic."""
    offset = time_ns() - monotonic_ns()
    for stream in streams:
        stream.sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    epoll, by_fd = _begin(streams)
    left = len(streams)
    while left:
        for fd, _ in epoll.poll():
            stream = by_fd[fd]
            data, control, _, _ = stream.sock.recvmsg(65536, _CONTROL)
            stream.pieces[-1].append(data)
            stream.stamps[-1].append(control)
            if data[-5:] == _END or not data:
                left -= stream.ended(data)
    return offset


def _monotonic(mark: Mark, offset_ns: int) -> int:
    if isinstance(mark, int):
        return mark
    seconds, nanoseconds = struct.unpack("@ll", mark[0][2])
    return int(seconds * 1_000_000_000 + nanoseconds - offset_ns)


def _arrivals(pieces: list[bytes], stamps: list[int]) -> tuple[int, ...]:
    """The stamp of the piece that ended each event with output."""
    found: list[int] = []
    rest = b""
    for piece, stamp in zip(pieces, stamps, strict=True):
        *events, rest = (rest + piece).split(b"\n\n")
        found += [stamp for event in events if _OUTPUT in event]
    return tuple(found)
