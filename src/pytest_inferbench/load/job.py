"""What crosses the pipe between the engine and a load worker.

Limits: picklable values only; everything that can be computed before the clock starts has been.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_inferbench.records import RequestRecord, WorkerReading


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect.

    Attributes:
        host, port: the server's address.
        tls: whether to speak TLS.
        ca: path of a CA bundle to trust instead of the system's; None for the system's.
    """

    host: str
    port: int
    tls: bool = False
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """One request, ready to be sent.

    Attributes:
        index: its number in the whole load (over all workers).
        data: head and body, the bytes that go out.
        planned_prompt_tokens, planned_output_tokens, tag, keep_text: carried into its record.
        offset_ns: send time after the load's start; None in a closed loop.
    """

    index: int
    data: bytes
    planned_prompt_tokens: int | None
    planned_output_tokens: int | None
    tag: str
    keep_text: bool
    offset_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait.

    Attributes:
        connect_s: for a connection to open.
        request_s: for a whole request, from `sent`.
        stall_s: without any byte of an answer.
        hung: requests that may be late or stall; once there are more, what is not sent yet is not sent, because the
            figures cannot be used any more and each of them would cost its whole time limit. None for any number.
    """

    connect_s: float = 10.0
    request_s: float = 600.0
    stall_s: float = 60.0
    hung: int | None = None


@dataclass(frozen=True, slots=True)
class Prepare:
    """Engine to worker: get ready; answered by `Ready` or `Refused`.

    Attributes:
        worker: the worker's number.
        target: where to connect.
        protocol: the wire protocol's name.
        requests: this worker's share, in sending order.
        connections: how many to have open before the clock starts.
        streams: closed-loop streams of this worker; None in an open loop.
        limits: time limits.
    """

    worker: int
    target: Target
    protocol: str
    requests: tuple[EncodedRequest, ...]
    connections: int
    streams: int | None
    limits: Limits


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker to engine: connections are open."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Worker to engine: the load cannot start (no connection, too few file descriptors)."""

    message: str


@dataclass(frozen=True, slots=True)
class Go:
    """Engine to worker: start at this monotonic time."""

    start_ns: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Worker to engine, now and then: what has been done so far."""

    finished: int
    reads: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Worker to engine: the round is over and decoded."""

    records: tuple[RequestRecord, ...]
    reading: WorkerReading
