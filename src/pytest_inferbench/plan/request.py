"""What every request of a run carries beside its prompt: headers, key, extra body.

Limits: a key comes from the environment, goes into a header, and is in no message, no log and no result.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pytest_inferbench.config.variables import content
from pytest_inferbench.config.wording import quote_value, shorten_name
from pytest_inferbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_inferbench.options import Settings
    from pytest_inferbench.plan.cell import Cell

_DEEPEST: Final = 100
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAYABLE: Final = re.compile(r"[^\t\x20-\x7e]")


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
            raise ConfigError(
                f"--bench-api-key-env: the environment has no {shorten_name(variable)}; export it, or name another"
            )
        headers.append(("Authorization", f"Bearer {_sayable(key, '--bench-api-key-env', variable)}"))
    elif cell.api_key is not None:
        where = dict(cell.sources)["api_key"]
        key = content(cell.api_key, f"{where}: api_key", os.environ)
        headers.append(("Authorization", f"Bearer {_sayable(key, f'{where}: api_key', cell.api_key)}"))
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
        if not _HEADER_NAME.fullmatch(name.strip()) or _UNSAYABLE.search(value.strip()):
            raise ConfigError(
                f"--bench-header: {quote_value(name.strip())}: a header's name is of letters, digits and -, its value "
                "of ASCII characters on one line"
            )
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
        extra = json.loads(text, parse_constant=_refuse_constant)
        deep = _is_deep(extra)
    except ValueError as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else str(error).partition(";")[0]
        raise ConfigError(f"--bench-extra-body: got {quote_value(text)}, expected a JSON object ({why})") from None
    except RecursionError:
        deep = True
    if deep:
        raise ConfigError(
            f"--bench-extra-body: got {quote_value(text)}, nested more than {_DEEPEST} levels deep; expected a JSON "
            "object that a server can read"
        )
    if not isinstance(extra, dict):
        raise ConfigError(f"--bench-extra-body: got {quote_value(text)}, expected a JSON object")
    return {**body, **extra}


def _sayable(key: str, where: str, variable: str) -> str:
    """The key, which no message shows, if a header can hold it."""
    found = _UNSAYABLE.search(key)
    if found is None:
        return key
    raise ConfigError(
        f"{where}: character {found.start() + 1} of {len(key)} of what {shorten_name(variable)} holds cannot stand in "
        "a header, which takes ASCII on one line; export the key as its server gave it"
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [each for one in level for each in _members(one)]
    return bool(level)


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
