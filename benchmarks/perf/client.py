"""What a measured client is given, and what it gives back.

Limits: plain values that cross a process boundary as JSON. Stamps are `time.monotonic_ns`.
"""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

PATH = "/v1/chat/completions"
_PROMPT = "Write a short story about a lighthouse keeper who counts the ships that pass each night"
_SPARE_FILES = 64


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one client.

    Attributes:
        url: the server's base URL, without `/v1`.
        streams: requests in flight at once, all started together.
        turns: requests each stream makes, one after another.
        tokens: output tokens of each request; the server sends one a chunk.
        label: unique for the run; part of every request's id.
    """

    url: str
    streams: int
    turns: int
    tokens: int
    label: str

    def request_id(self, stream: int, turn: int) -> str:
        """The id the server knows a request by."""
        return f"{self.label}-{stream}-{turn}"

    def body(self, stream: int, turn: int) -> dict[str, Any]:
        """A request; `request_id` in it is what the server goes by, so no header is needed."""
        return {
            "model": "scripted",
            "messages": [{"role": "user", "content": _PROMPT}],
            "max_tokens": self.tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "request_id": self.request_id(stream, turn),
        }


@dataclass(frozen=True, slots=True)
class Timeline:
    """One request as the client saw it.

    Attributes:
        id: `Job.request_id`.
        sent_ns: when the client says that it sent it.
        output_ns: arrival of each chunk that carried output, in order.
    """

    id: str
    sent_ns: int
    output_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What a client reports of one run.

    Attributes:
        requests: one timeline for each request; one that failed is left out, and counted by the comparison.
        cpu_seconds: processor time of all its processes, from just before the first request to the last arrival.
        decode_seconds: what decoding afterwards takes, where it decodes afterwards.
        peak_rss_bytes: the sum of its processes' peaks (`peak_rss_bytes()` for one).
    """

    requests: tuple[Timeline, ...]
    cpu_seconds: float
    peak_rss_bytes: int
    decode_seconds: float = 0.0

    def to_json(self) -> str:
        """The run as text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> ClientRun:
        """The run back from its text."""
        fields = json.loads(text)
        rows = tuple(Timeline(row["id"], row["sent_ns"], tuple(row["output_ns"])) for row in fields.pop("requests"))
        return ClientRun(rows, **fields)


class Client(Protocol):
    """What can be measured."""

    def __call__(self, job: Job) -> ClientRun:
        """Make all of the job's requests; open connections and build requests first where the client can."""
        ...


def is_output(payload: bytes) -> bool:
    """Whether one event's payload carries output, found out as ordinary tools do: by parsing it."""
    if payload == b"[DONE]":
        return False
    choices = json.loads(payload)["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


def peak_rss_bytes() -> int:
    """This process's peak resident memory.

    From VmHWM: `ru_maxrss` of a fresh program starts at what its parent held.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM line; this suite needs Linux")


def allow_connections(streams: int) -> None:
    """Raise this process's limit of open files so that `streams` connections fit.

    Raises:
        SystemExit: the system allows fewer.
    """
    needed = streams + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SystemExit(
            f"{streams} streams need {needed} open files and this system allows {hard} (`ulimit -Hn`); "
            "raise the hard limit or pass a smaller --streams"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
