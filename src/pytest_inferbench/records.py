"""Observations: what was seen, before anything is made of it.

Limits: frozen, raw, monotonic nanoseconds. Metrics, token attribution and validity are derived from these later
and elsewhere, so that a better formula can be applied to an old run. A field that was not seen is None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class FailureKind(StrEnum):
    """Why a request did not complete."""

    CONNECT = "connect"  # no connection could be opened
    HTTP = "http"  # an HTTP status other than 200
    IN_STREAM = "in_stream"  # an error object inside a 200 stream (vLLM does this)
    CUT = "cut"  # the stream ended before the answer did
    ABORTED = "aborted"  # the server ended the answer, and not because it was complete (`finish_reason: abort`)
    EMPTY = "empty"  # a complete 200 answer without any output
    PROTOCOL = "protocol"  # bytes that are not the protocol that was asked for
    TIMEOUT = "timeout"  # the request's time limit passed
    STALL = "stall"  # no byte for the stall limit
    TOO_LARGE = "too_large"  # more bytes than an answer may have


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one request failed.

    Attributes:
        kind: the class of failure.
        message: the evidence (server's words, or ours), at most a few hundred characters.
        status: the HTTP status where one was received.
    """

    kind: FailureKind
    message: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server reported them for one request; None where it did not say.

    Attributes:
        prompt_tokens: of the prompt.
        output_tokens: generated, reasoning included.
        cached_tokens: of the prompt, taken from the prefix cache.
        reasoning_tokens: of the output, whether it was streamed or not.
        drafted_tokens: of the output, that came from accepted drafts and so without a step of their own.
    """

    prompt_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    drafted_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ServerTiming:
    """The server's own account of one request in milliseconds (llama.cpp `timings`, Ollama durations)."""

    prompt_ms: float | None = None
    generation_ms: float | None = None


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as it went.

    Attributes:
        index: its number within its round, from 0.
        worker: which load worker sent it.
        stream: which closed-loop stream (or open-loop connection) carried it.
        tag: the workload's label for it ("turn2", "warm"), or "".
        scheduled_ns: when the plan wanted it out; None in a closed loop.
        sent_ns: when its last byte was handed to the socket; None if it never was.
        output_ns: arrival of each chunk that carried output (content, reasoning or tool call), in order.
        answer_ns: arrival of the first non-reasoning content.
        reasoned: whether any of the output was reasoning.
        unread: the field of a delta that carried text, again and again, that the protocol does not read; None for none.
        end_ns: when its stream ended or failed.
        planned_prompt_tokens: what the workload meant to send; None where it does not know.
        planned_output_tokens: what the workload asked to have generated, exactly; None where it may end sooner.
        usage: the server's counts, None where it sent none.
        chunk_tokens: tokens in each output chunk, aligned with `output_ns`, where the server says them.
        finish: the finish reason as the server put it.
        timing: the server's own timing.
        text: the answer's text, kept only where the request asked for it.
        failure: why it failed; None if it completed.
        load: which load of its round carried it, from 0.
        counted: whether the case's figures rest on it; not so the steps that only prepare or search.
    """

    index: int
    worker: int
    stream: int
    tag: str
    scheduled_ns: int | None
    sent_ns: int | None
    output_ns: tuple[int, ...]
    answer_ns: int | None
    end_ns: int
    planned_prompt_tokens: int | None = None
    planned_output_tokens: int | None = None
    usage: Usage | None = None
    chunk_tokens: tuple[int, ...] | None = None
    finish: str | None = None
    timing: ServerTiming | None = None
    text: str | None = None
    failure: Failure | None = None
    reasoned: bool = False
    unread: str | None = None
    load: int = 0
    counted: bool = True


def extent_ns(records: Sequence[RequestRecord]) -> tuple[int, int] | None:
    """From the first send to the last end; None where nothing was sent."""
    sent = [record.sent_ns for record in records if record.sent_ns is not None]
    return (min(sent), max(record.end_ns for record in records)) if sent else None


@dataclass(frozen=True, slots=True)
class WorkerReading:
    """A load worker's account of its own health over one round.

    Attributes:
        worker: its number.
        seconds: length of the round as the worker saw it.
        cpu_seconds: processor time it used meanwhile.
        loop_lag_ns: for each wake-up sampled, how late the loop read a socket after its data was there.
        schedule_lag_ns: sent - scheduled of each open-loop request.
        received_bytes: bytes read from sockets.
        reads: socket reads that brought data.
        reconnects: connections replaced after the first.
        kernel_stamps: whether arrivals are the kernel's receive stamps.
        clock_step_ns: largest step seen of CLOCK_REALTIME against the monotonic clock.
        decode_seconds: processor time spent on decoding after the clock had stopped.
        pause_ns: the longest time in which it did not look at its sockets, less what it may wait for them.
        realtime: whether it ran with real-time priority, so that a busy machine does not delay its reads.
    """

    worker: int
    seconds: float
    cpu_seconds: float
    loop_lag_ns: tuple[int, ...]
    schedule_lag_ns: tuple[int, ...]
    received_bytes: int
    reads: int
    reconnects: int
    kernel_stamps: bool
    clock_step_ns: int = 0
    pause_ns: int = 0
    realtime: bool = False
    decode_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram as Prometheus writes it: how many observations were at most each bound.

    Attributes:
        bounds: upper bounds in ascending order; the last is infinite.
        counts: observations up to each bound, so they never fall.
        total: sum of all observations.
    """

    bounds: tuple[float, ...]
    counts: tuple[float, ...]
    total: float

    @property
    def n(self) -> float:
        """All observations."""
        return self.counts[-1]


@dataclass(frozen=True, slots=True)
class ServerReading:
    """The server's own counters and gauges at one moment; a name it does not publish is absent.

    Attributes:
        at_ns: when the page was read.
        values: figure by product name (`metrics/published.py`).
        histograms: likewise, in seconds; only in the readings before and after a round.
        took_ns: from asking for the page to having it.
    """

    at_ns: int
    values: Mapping[str, float]
    histograms: Mapping[str, Histogram] = field(default_factory=lambda: MappingProxyType({}))
    took_ns: int = 0


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU at one moment; a figure that it or its driver does not tell is absent.

    Attributes:
        at_ns: when it was read.
        index: the GPU's number in NVML's order.
        values: `energy_j` (counted since the driver was loaded), `power_w`, `utilization` (0 to 1), `memory_bytes` in
            use, `processes_bytes` of its compute processes, `temperature_c`, `sm_clock_mhz`, `memory_clock_mhz`,
            `power_limit_w`.
        throttled: why its clocks are held down now (`power_cap`, `thermal`, ...); None where it does not say.
    """

    at_ns: int
    index: int
    values: Mapping[str, float]
    throttled: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """Everything observed in one round of a case.

    Attributes:
        index: the round's number within the case, from 0.
        requests: one record for every request that was issued.
        workers: each load worker's health.
        before, after: the server's counters around the round, where it publishes any.
        pages: the server's counters and gauges while the round ran.
        missed: pages that could not be had while it ran, or came too late for their turn.
        gpu: its GPUs before, while and after it ran.
        concurrency: closed-loop streams kept busy by the loads that count; None in an open loop.
        found: what the workload itself found in the round, metric name -> figure (`max_streams`, `ttft_drift`).
    """

    index: int
    requests: tuple[RequestRecord, ...]
    workers: tuple[WorkerReading, ...]
    before: ServerReading | None = None
    after: ServerReading | None = None
    concurrency: int | None = None
    found: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    pages: tuple[ServerReading, ...] = ()
    missed: int = 0
    gpu: tuple[GpuReading, ...] = ()

    @property
    def counted(self) -> tuple[RequestRecord, ...]:
        """The requests that the case's figures rest on."""
        return tuple(record for record in self.requests if record.counted)
