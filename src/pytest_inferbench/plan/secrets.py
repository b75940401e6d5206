"""Keys and tokens that a run knows, and the one way of everything that is shown: without them, and harmless.

Idea: a server may say a key back in whatever it says, as JSON, as a URL or as Python writes it, in base64 or in
capitals, and what it says may have been shortened since. So each form is searched for, and a long part of a key is as
secret as the whole.
Limits: pure; the environment is an argument.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from pytest_inferbench.neutral import neutral
from pytest_inferbench.options import Settings
from pytest_inferbench.plan.cell import Cell
from pytest_inferbench.records import RequestRecord, RoundRecord

HUB_TOKEN: Final = "HF_TOKEN"  # noqa: S105 - a variable's name
_MASK: Final = "***"
_SHORTEST: Final = 6  # a shorter one is no secret, and its letters stand in other words
_PART: Final = 12  # so much of a longer one is as secret as all of it


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be shown.

    Attributes:
        values: the keys and tokens in all their forms, the longest first.
    """

    values: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{len(self.values)} secrets>"

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(_longest_first((*self.values, *other.values)))

    def shown(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """The same text or JSON value as it may be shown: *** for each secret, and nothing that would be obeyed."""
        if isinstance(value, str):
            return neutral(self.masked(value))
        if isinstance(value, Mapping):
            return {self.shown(key): self.shown(one) for key, one in value.items()}
        return type(value)(map(self.shown, value)) if isinstance(value, list | tuple) else value

    def masked(self, text: str) -> str:
        """The text with *** for each secret and each long part of one."""
        for secret in self.values:
            text = _without(text, secret) if len(secret) > _PART else text.replace(secret, _MASK)
        return text

    def masked_in(self, rounds: Iterable[RoundRecord]) -> list[RoundRecord]:
        """The same rounds; what servers said in them is searched."""
        return [replace(one, requests=tuple(map(self._masked_in, one.requests))) for one in rounds]

    def _masked_in(self, request: RequestRecord) -> RequestRecord:
        said: dict[str, Any] = {
            name: self.masked(text) for name in ("finish", "text", "unread") if (text := getattr(request, name))
        }
        if request.failure is not None:
            said["failure"] = replace(request.failure, message=self.masked(request.failure.message))
        return replace(request, **said) if said else request


def secrets_of(settings: Settings, cells: Iterable[Cell], environ: Mapping[str, str]) -> Secrets:
    """The keys and tokens that the options, some cells and the environment give a run."""
    names = [HUB_TOKEN, settings.api_key_env]
    for cell in cells:
        names += [cell.api_key, cell.hub_token]
    written = [header.partition(":")[2].strip() for header in settings.header]
    return as_secrets([*(environ.get(name, "") for name in names if name), *written])


def as_secrets(values: Iterable[str]) -> Secrets:
    """Keys and tokens, or values of headers with a key as their last word, as what must not be shown."""
    known = {part for value in values for part in (value, value.rpartition(" ")[2]) if len(part) >= _SHORTEST}
    return Secrets(_longest_first(form for value in known for form in _forms(value)))


def within(thing: Any, said: Any) -> Any:  # noqa: ANN401 - pytest's types of reports are private
    """A text, or an object of pytest's that is made of texts, with each text as `said` has it; the object in place."""
    if isinstance(thing, str):
        return said(thing)
    if isinstance(thing, list | tuple):
        return type(thing)(within(each, said) for each in thing)
    if type(thing).__module__.startswith("_pytest."):
        for name, value in list(vars(thing).items()):
            setattr(thing, name, within(value, said))
    return thing


def _forms(value: str) -> Iterator[str]:
    """A key as JSON, Python, URLs, pages and headers write it, in base64 (also of a header with it), in hex digits."""
    raw = value.encode(errors="replace")
    yield value
    for around in (b"", b"Bearer ", b"Basic "):
        yield base64.b64encode(around + raw).decode()
        yield base64.urlsafe_b64encode(around + raw).decode()
    yield raw.hex()
    yield "".join(f"%{byte:02x}" for byte in raw)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield quote(value, safe="")
    yield html.escape(value)
    yield raw.decode("latin-1")


def _longest_first(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values), key=lambda each: (-len(each), each)))


def _without(text: str, secret: str) -> str:
    """The text with *** for each part of it that is a part of the secret, if the part is long."""
    if len(text) < _PART:
        return text
    step = _PART // 2  # of twelve characters in a row, six are one of these blocks
    small, secret = _in_small_letters(text), _in_small_letters(secret)
    for start in range(0, len(secret) - step + 1, step):
        at = small.find(secret[start : start + step])
        while at != -1:
            first, last = _common(small, at, secret, start)
            if last - first >= _PART:
                text, small = text[:first] + _MASK + text[last:], small[:first] + _MASK + small[last:]
                last = first + len(_MASK)
            at = small.find(secret[start : start + step], max(last, at + 1))
    return text


def _in_small_letters(text: str) -> str:
    """The text in small letters, one for each of its characters."""
    return text.lower() if text.isascii() else "".join(each if len(each.lower()) > 1 else each.lower() for each in text)


def _common(text: str, at: int, secret: str, start: int) -> tuple[int, int]:
    """From where to where a text is like a secret, around a place where both are."""
    first, before = at, start
    while first and before and text[first - 1] == secret[before - 1]:
        first, before = first - 1, before - 1
    last, after = at, start
    while last < len(text) and after < len(secret) and text[last] == secret[after]:
        last, after = last + 1, after + 1
    return first, last
