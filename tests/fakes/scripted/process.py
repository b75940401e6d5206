"""The scripted server for a test: started, asked for the truth, ended.

Limits: a process of its own, because a server that shares the client's interpreter measures the interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .script import Script

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_TESTS = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Sent:
    """The truth about one generation request; monotonic nanoseconds.

    Attributes:
        id: the client's id for it (`X-Request-Id`, or `request_id` in the body), else its number in order.
        connection: number of the connection it came on, from 0.
        received_ns: when the kernel had its last byte.
        start_ns: when its service began; None while it queued.
        begun_ns: for each output chunk, just before the send that completed it: no client can have it earlier.
        sent_ns: for each output chunk, when that send returned: the chunk was the client's by then.
        end_ns: the last send of any kind; None where nothing was sent.
        ending: "complete", "cut", "client left"; None while it runs.
    """

    id: str
    connection: int
    received_ns: int
    start_ns: int | None
    begun_ns: tuple[int, ...]
    sent_ns: tuple[int, ...]
    end_ns: int | None
    ending: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """How well the server kept to its script; None where no output has left yet.

    Attributes:
        cpu_share: processor time over the time it served, 1.0 being a whole core.
        lag_us: how late output chunks left, by `p50`, `p99` and `max`.
    """

    cpu_share: float | None
    lag_us: dict[str, float] | None


class ScriptedServer:
    """A context manager around the server's process.

    Args:
        script: what requests get that bring no script of their own.
        capacity: requests served at once, the others queue; None: no limit.
        freeze_at_s: this long after its first generation request the whole server stands still; None: never.
        freeze_s: for how long.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        capacity: int | None = None,
        freeze_at_s: float | None = None,
        freeze_s: float = 0.0,
    ) -> None:
        self._arguments = ["--owned", "--script", json.dumps((script or Script()).to_json()), "--freeze", str(freeze_s)]
        if capacity is not None:
            self._arguments += ["--capacity", str(capacity)]
        if freeze_at_s is not None:
            self._arguments += ["--freeze-at", str(freeze_at_s)]
        self._cleanup = ExitStack()
        self.port = 0
        self.pid = 0

    @property
    def url(self) -> str:
        """The base URL, without `/v1`."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        # -S: the standard library is all it needs, and site-packages triple its start.
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "fakes.scripted", *self._arguments],
            env={**os.environ, "PYTHONPATH": str(_TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._cleanup.enter_context(process)
        self._cleanup.callback(process.terminate)
        line = process.stdout.readline() if process.stdout else ""
        if not line.strip().isdigit():
            self._cleanup.close()
            raise RuntimeError(f"the scripted server did not start (exit {process.returncode}); see its stderr above")
        self.port = int(line)
        self.pid = process.pid
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def sent_log(self) -> list[Sent]:
        """The truth about every generation request so far, in order of acceptance."""
        return self.truth()[0]

    def sent(self, request_id: str) -> Sent:
        """The truth about one request.

        Raises:
            ValueError: the server has none, or several, of that id.
        """
        found = [sent for sent in self.sent_log() if sent.id == request_id]
        if len(found) != 1:
            raise ValueError(f"the server has {len(found)} requests with id {request_id!r}; expected 1")
        return found[0]

    def truth(self) -> tuple[list[Sent], Health]:
        """The same with the server's own health over those requests."""
        page = self._ask("GET", "/truth")
        return [_sent(row) for row in page["requests"]], Health(**page["server"])

    def forget(self) -> None:
        """Start the truth afresh; requests still running stay."""
        self._ask("DELETE", "/truth")

    def _ask(self, method: str, path: str) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


def _sent(row: dict[str, Any]) -> Sent:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Sent(**fields)
