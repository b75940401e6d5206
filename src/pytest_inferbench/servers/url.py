"""A server that is already there.

Limits: it is not ours; it is asked and measured, never started, watched or stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_inferbench.backends.backend import INSTALLED
from pytest_inferbench.backends.endpoint import Endpoint, parse_url
from pytest_inferbench.errors import ProvisionError
from pytest_inferbench.models.progress import Progress, silent
from pytest_inferbench.servers.ready import wait_ready
from pytest_inferbench.servers.server import Server
from pytest_inferbench.servers.versions import fits

if TYPE_CHECKING:
    from pytest_inferbench.backends.backend import Backend
    from pytest_inferbench.clock import Clock


# What was started just before may still bind its port; a wrong address should not be waited for as long as a model.
_SILENCE_S = 30.0


class NotOurs:
    """The life of a server that somebody else holds up."""

    def alive(self) -> str | None:
        """Not for us to see."""
        return None

    def stop(self) -> None:
        """Not for us to end."""

    def discard(self) -> None:
        """Not for us to end either."""

    def log_tail(self, n: int) -> tuple[str, ...]:  # noqa: ARG002 - Life's signature
        """Not for us to read."""
        return ()


def attach_url(
    url: str,
    backend: Backend,
    *,
    model: str,
    timeout_s: float,
    clock: Clock,
    headers: tuple[tuple[str, str], ...] = (),
    ca: str | None = None,
    version: str = INSTALLED,
    progress: Progress = silent,
) -> Server:
    """Wait until the server at `url` is ready.

    Args:
        url: its base URL as the user wrote it.
        backend: what it is.
        model: the name it must list; "" for the only one it lists.
        timeout_s: how long it may take to be ready.
        clock: the clock.
        headers: sent with every request.
        ca: a CA bundle to trust.
        version: the version it must say; INSTALLED for any.
        progress: told what is waited for.

    Raises:
        ConfigError: the URL or the CA bundle cannot be used.
        ProvisionError: it is not ready in time, refuses us, or serves another model or version.
    """
    endpoint = Endpoint(parse_url(url, "--server-url"), model, headers, ca)
    life = NotOurs()
    limits = {"timeout_s": timeout_s, "silence_s": _SILENCE_S}
    ready = wait_ready(endpoint, backend, alive=life.alive, clock=clock, progress=progress, **limits)
    if not fits(version, ready.version):
        raise ProvisionError(
            f"the server at {endpoint.base_url} says it is {backend.name} {ready.version}, not {version}; "
            "correct the version or the address"
        )
    return Server(
        endpoint=replace(endpoint, model=ready.model),
        backend=backend,
        version=ready.version or (version if version != INSTALLED else "unknown"),
        kind="url",
        ready_seconds=ready.seconds,
        log_path=None,
        life=life,
    )
