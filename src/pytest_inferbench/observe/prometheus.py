"""A server's counters, read from its Prometheus page through one seam.

Law: parsing is pure; a page that cannot be had or read yields nothing, never a wrong figure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from pytest_inferbench.backends.endpoint import Endpoint
from pytest_inferbench.clock import Clock
from pytest_inferbench.records import ServerReading

_SAMPLE = re.compile(
    r"^(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)(?:\{[^}]*\})?[ \t]+(?P<value>[^ \t]+)(?:[ \t]+-?[0-9]+)?[ \t]*$", re.MULTILINE
)
_TIMEOUT_S = 5.0


def parse_page(text: str, names: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """The figures of a metrics page under the product's names.

    Args:
        text: the page, in Prometheus' text format.
        names: product name -> the server's names for it, newest first; the first that is on the page counts.

    Returns:
        Product name -> value, summed over label sets; a name that is not on the page is absent.
    """
    complete = text[: text.rfind("\n") + 1]  # a line without its end may be cut in its figure
    found: dict[str, float] = {}
    for sample in _SAMPLE.finditer(complete):
        try:
            value = float(sample["value"])
        except ValueError:
            continue
        if value == value:  # noqa: PLR0124 - NaN is "no figure" in this format
            found[sample["name"]] = found.get(sample["name"], 0.0) + value
    figures = {}
    for product, candidates in names.items():
        for candidate in candidates:
            if candidate in found:
                figures[product] = found[candidate]
                break
    return figures


def read_counters(
    endpoint: Endpoint, path: str | None, names: Mapping[str, tuple[str, ...]], clock: Clock
) -> ServerReading | None:
    """The server's counters now; None where it publishes none.

    Args:
        endpoint: the server.
        path: its metrics path; None where it has none.
        names: product name -> the server's names.
        clock: stamps the reading.
    """
    if path is None or not names:
        return None
    try:
        answer = httpx.get(
            endpoint.base_url + path,
            headers=dict(endpoint.headers),
            timeout=_TIMEOUT_S,
            verify=endpoint.verify,
            trust_env=False,
        )
    except httpx.HTTPError:
        return None
    if answer.status_code != httpx.codes.OK:
        return None
    values = parse_page(answer.text, names)
    return ServerReading(clock.now_ns(), values) if values else None
