"""What every request of a run carries beside its prompt: headers, key, extra body.

Limits: a key comes from the environment, goes into a header, and is in no message, no log and no result.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pytest_inferbench.config.variables import content
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell


def request_headers(settings: Settings, cell: Cell) -> tuple[tuple[str, str], ...]:
    """The headers that the options ask for, and the key that the config names for the cell's server.

    Raises:
        ConfigError: a header is not `Name: value`, or the key's variable is not set.
    """
    headers = written_headers(settings)
    variable: str | None = settings.api_key_env
    if variable is not None:
        key = os.environ.get(variable, "")
        if not key:
            raise ConfigError(f"--bench-api-key-env: the environment has no {variable}; export it, or name another")
        headers.append(("Authorization", f"Bearer {key}"))
    elif cell.api_key is not None:
        where = dict(cell.sources)["api_key"]
        headers.append(("Authorization", f"Bearer {content(cell.api_key, f'{where}: api_key', os.environ)}"))
    return tuple(headers)


def written_headers(settings: Settings) -> list[tuple[str, str]]:
    """The headers that the options write out.

    Raises:
        ConfigError: one is not `Name: value`.
    """
    headers = []
    for written in settings.header:
        name, colon, value = written.partition(":")
        if not colon or not name.strip():
            raise ConfigError("--bench-header: expected `Name: value`, like `X-Team: search`")
        headers.append((name.strip(), value.strip()))
    return headers


def extra_body(settings: Settings) -> dict[str, Any]:
    """The body fields that the options ask for.

    Raises:
        ConfigError: --bench-extra-body is not a JSON object.
    """
    body: dict[str, Any] = {"temperature": settings.temperature} if settings.temperature else {}
    text: str | None = settings.extra_body
    if text is None:
        return body
    try:
        extra = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--bench-extra-body: got {text!r}, expected a JSON object ({error})") from None
    if not isinstance(extra, dict):
        raise ConfigError(f"--bench-extra-body: got {text!r}, expected a JSON object")
    return {**body, **extra}
