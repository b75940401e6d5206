"""What was really served, and when: the ledger that clients are held against.

Limits: written by the engine, read by `/truth` and `/metrics`; nothing here sends. All stamps are CLOCK_MONOTONIC
nanoseconds.
"""

from __future__ import annotations

from time import process_time_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plan import Plan


class Served:
    """One generation request.

    Attributes:
        id: the client's id for it, else its number in order of acceptance.
        connection: number of the connection it came on, from 0.
        received_ns: when the kernel had its last byte.
        start_ns: when its service began (later than `received_ns` only where it had to queue); None while it waits.
        stamps: before and after each send, alternating.
        ending: "complete", "cut", "client left"; None while it runs.
    """

    __slots__ = ("connection", "ending", "id", "plan", "prompt_tokens", "received_ns", "stamps", "start_ns")

    def __init__(self, request_id: str, connection: int, received_ns: int, plan: Plan, prompt_tokens: int) -> None:
        self.id = request_id
        self.connection = connection
        self.received_ns = received_ns
        self.plan = plan
        self.prompt_tokens = prompt_tokens
        self.start_ns: int | None = None
        self.stamps: list[int] = []
        self.ending: str | None = None

    @property
    def tokens(self) -> int:
        """Output tokens sent so far."""
        return sum(self.plan.tokens[: len(self.stamps) // 2])

    def to_json(self) -> dict[str, Any]:
        """The truth about it; `begun_ns` and `sent_ns` hold one stamp for each output chunk, in order.

        A chunk that went out in several pieces counts from and to its last one.
        """
        sends = zip(self.plan.tokens, self.stamps[::2], self.stamps[1::2], strict=False)
        outputs = [(before, after) for tokens, before, after in sends if tokens]
        return {
            "id": self.id,
            "connection": self.connection,
            "received_ns": self.received_ns,
            "start_ns": self.start_ns,
            "begun_ns": [before for before, _ in outputs],
            "sent_ns": [after for _, after in outputs],
            "end_ns": self.stamps[-1] if self.stamps else None,
            "ending": self.ending,
        }

    def lags_ns(self) -> list[int]:
        """How late the send of each output chunk began."""
        start = self.start_ns or 0
        sends = zip(self.plan.tokens, self.plan.due_ns, self.stamps[::2], strict=False)
        return [before - start - due for tokens, due, before in sends if tokens]


class Ledger:
    """Every generation since the last `forget`, and totals since the start.

    Attributes:
        processing: requests being served.
        deferred: requests waiting for a place.
        prompt_tokens: words of all prompts whose service began.
    """

    def __init__(self) -> None:
        self.processing = 0
        self.deferred = 0
        self.prompt_tokens = 0
        self._accepted = 0
        self._ended_tokens = 0
        self._kept: list[Served] = []
        self._running: dict[int, Served] = {}
        self._window: tuple[int, int] | None = None  # processor time at the first admission and at the last end

    @property
    def predicted_tokens(self) -> int:
        """Output tokens sent since the start."""
        return self._ended_tokens + sum(served.tokens for served in self._running.values())

    def number(self) -> str:
        """The id of a request that brought none."""
        return str(self._accepted)

    def admit(self, served: Served) -> None:
        """A request was received."""
        self._accepted += 1
        self._kept.append(served)
        if self._window is None:
            self._window = (process_time_ns(), 0)

    def start(self, served: Served, start_ns: int) -> None:
        """Its service begins."""
        served.start_ns = start_ns
        self.prompt_tokens += served.prompt_tokens
        self._running[id(served)] = served

    def close(self, served: Served, ending: str) -> None:
        """It ended."""
        served.ending = ending
        if self._running.pop(id(served), None) is not None:
            self._ended_tokens += served.tokens
        if self._window is not None:
            self._window = (self._window[0], process_time_ns())

    def forget(self) -> None:
        """Drop every request that has ended; the totals stay."""
        self._kept = [served for served in self._kept if served.ending is None]
        self._window = None

    def to_json(self) -> dict[str, Any]:
        """All kept requests in order of acceptance, and the server's own health over them.

        `cpu_share` is its processor time over the time from the first request received to the last byte sent;
        `lag_us` how late output chunks left against the script. Both are None where none has left yet.
        """
        ended = [served for served in self._kept if served.ending is not None and served.stamps]
        health: dict[str, Any] = {"cpu_share": None, "lag_us": None}
        lags = sorted(lag for served in ended for lag in served.lags_ns())
        if lags and self._window is not None:
            seconds = max(served.stamps[-1] for served in ended) - self._kept[0].received_ns
            health["cpu_share"] = (self._window[1] - self._window[0]) / seconds
            health["lag_us"] = {name: lags[int(q * (len(lags) - 1))] / 1000 for name, q in _QUANTILES}
        return {"requests": [served.to_json() for served in self._kept], "server": health}


_QUANTILES = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
