"""A server's metrics page, fetched through one seam.

Limits: a page that cannot be had or read yields nothing, never a wrong figure. Each fetch has a connection of its own:
one that is kept open holds a thread of llama.cpp's server, which the load then lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.clock import Clock
from pytest_inferbench.http_client import OK, HttpClient, NoAnswer
from pytest_inferbench.observe.prometheus_text import parse_page
from pytest_inferbench.records import ServerReading

_TIMEOUT_S = 2.0
_OPEN_METRICS = "application/openmetrics-text"


class MetricsPage(Protocol):
    """Who can read a server's page."""

    def read(self, *, histograms: bool = True) -> ServerReading | None:
        """What it says now; None where it cannot be had or says nothing that is known."""
        ...


class HttpMetricsPage:
    """A page behind an address.

    Args:
        endpoint: the server.
        path: its metrics path.
        names: product name -> the server's names (`Backend.published`).
        clock: stamps readings, in the middle between asking and having.

    Keeps no idle connection, so it needs no closing.
    """

    def __init__(self, endpoint: Endpoint, path: str, names: Mapping[str, tuple[str, ...]], clock: Clock) -> None:
        self._path = path
        self._names = names
        self._model = endpoint.model
        self._clock = clock
        self._client = HttpClient(endpoint, _TIMEOUT_S)

    def read(self, *, histograms: bool = True) -> ServerReading | None:
        """What the page says now."""
        asked_ns = self._clock.now_ns()
        try:
            answer = self._client.ask("GET", self._path)
        except NoAnswer:
            return None
        had_ns = self._clock.now_ns()
        if answer.status != OK:
            return None
        # What is in OpenMetrics' format says itself where it ends; else the transport must.
        whole = not answer.headers.get("content-type", "").startswith(_OPEN_METRICS) and (
            "content-length" in answer.headers or "transfer-encoding" in answer.headers
        )
        page = parse_page(answer.text, self._names, model=self._model, whole=whole, histograms=histograms)
        if not page.values and not page.histograms:
            return None
        return ServerReading((asked_ns + had_ns) // 2, page.values, page.histograms, had_ns - asked_ns)
