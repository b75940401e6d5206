"""Know that a server is ready: it answers, lists the model, and has generated a token.

Limits: nothing is taken on trust; an answer that waiting cannot change ends the waiting at once. A server's process is
watched meanwhile, so that its death is told when it happens and not when the time is over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_inferbench.clock import NS_PER_S
from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.http_client import HttpClient
from pytest_inferbench.servers.answers import Doubtful, NotYet, RefusedError, Unheard
from pytest_inferbench.servers.probe import QUESTION_S, Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_inferbench.backends.backend import Backend
    from pytest_inferbench.backends.endpoint import Endpoint
    from pytest_inferbench.clock import Clock
    from pytest_inferbench.models.progress import Progress

_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.5
_PAUSE_SHARE = 0.02
_MOST_BYTES = 4 * 2**20
# How long an answer may be wrong, on end, of a server that says it is ready: a proxy in front of it may come up last.
_GRACE_S = 5.0
_LATE = "{} at {} was not ready within {} s; last seen: {}; if it needs longer, raise --server-timeout"
_WRONG = (
    "{0} at {1} is not ready, and waiting does not change it: {3}, for {2} s on end; see the server's log, or correct "
    "the address"
)
_SILENT = "nothing listens at {1}: {3} for {2} s; start the server, or correct its address"


@dataclass(frozen=True, slots=True)
class ReadyInfo:
    """What a ready server said.

    Attributes:
        model: the name to put into requests.
        version: its version; None where it does not say.
        seconds: how long it took, from the first question.
    """

    model: str
    version: str | None
    seconds: float


def wait_ready(  # noqa: D417 - "clock" needs no words
    endpoint: Endpoint,
    backend: Backend,
    *,
    alive: Callable[[], str | None],
    timeout_s: float,
    clock: Clock,
    progress: Progress,
    silence_s: float = math.inf,
) -> ReadyInfo:
    """Wait until the server has generated a token.

    Args:
        endpoint: the server; where its model is "", the only one listed is taken.
        backend: how to ask it.
        alive: None while it runs, else how it ended.
        timeout_s: how long to wait.
        progress: told what it answers, whenever that changes.
        silence_s: how long to wait until something listens there at all.

    Raises:
        RefusedError: it answered what waiting cannot change.
        ProvisionError: it died, or the time is over; says the last answer seen.
    """
    start, pause, seen = clock.now_ns(), _FIRST_PAUSE_S, _Seen()
    client = HttpClient(endpoint, QUESTION_S, most_bytes=_MOST_BYTES)
    while True:
        seconds = (clock.now_ns() - start) / NS_PER_S
        if (end := alive()) is not None:
            raise ProvisionError(f"{backend.name} {end} after {seconds:.1f} s, before it was ready")
        limit = timeout_s if seen.heard else min(timeout_s, silence_s)
        if seconds >= limit:
            text = _LATE if limit == timeout_s else _SILENT
            raise ProvisionError(text.format(backend.name, endpoint.base_url, f"{limit:g}", seen.last))
        if seconds - seen.wrong_since >= _GRACE_S:
            raise RefusedError(_WRONG.format(backend.name, endpoint.base_url, f"{_GRACE_S:g}", seen.last))
        probe = Probe(client, backend, timeout_s - seconds)
        try:
            model = probe.ready(endpoint.model)
        except NotYet as answer:
            if seen.adds(answer, seconds):
                progress(f"waiting for {backend.name} at {endpoint.base_url}: {seen.last}")
        else:
            took = (clock.now_ns() - start) / NS_PER_S
            return ReadyInfo(model, probe.version(), took)
        clock.sleep(min(pause, limit - seconds))
        # Short against what has passed, so that the time to ready is known to a fiftieth of itself.
        pause = min(max(_FIRST_PAUSE_S, seconds * _PAUSE_SHARE), _LONGEST_PAUSE_S)


@dataclass(slots=True)
class _Seen:
    """What was seen so far of a server that is waited for.

    Attributes:
        last: what it said last, or why it could not be asked.
        heard: whether anything listens there.
        wrong_since: since when it answers as one that is ready, but wrongly; seconds from the first question.
    """

    last: str = "nothing"
    heard: bool = False
    wrong_since: float = math.inf

    def adds(self, answer: NotYet, seconds: float) -> bool:
        """Take an answer in; whether it says something else than the one before."""
        self.heard = self.heard or not isinstance(answer, Unheard)
        self.wrong_since = min(self.wrong_since, seconds) if isinstance(answer, Doubtful) else math.inf
        new, self.last = str(answer) != self.last, str(answer)
        return new
