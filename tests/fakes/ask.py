"""Questions to a server under test that are not generations: a page, a counter, and waiting until something holds.

Limits: one connection a question, nothing kept.
"""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scripted import ScriptedServer

_ATTEMPTS = 5000


def page(server: ScriptedServer, path: str, method: str = "GET", body: str | bytes | None = None) -> tuple[int, str]:
    """The status and the text of one page."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def metric(server: ScriptedServer, name: str) -> int:
    """One figure of /metrics, by its name without the `llamacpp:`."""
    (line,) = [line for line in page(server, "/metrics")[1].splitlines() if line.startswith(f"llamacpp:{name} ")]
    return int(line.split()[1])


def wait_until(holds: Callable[[], bool]) -> None:
    """Ask until it holds. `holds` asks the server, whose answer takes as long as the machine is slow.

    Raises:
        TimeoutError: it never did.
    """
    for _ in range(_ATTEMPTS):
        if holds():
            return
    raise TimeoutError(f"did not hold in {_ATTEMPTS} attempts")
