"""What one reply is like: when each chunk leaves, how it is cut up, and how it goes wrong.

Limits: a frozen value of JSON types; the same fields in the constructor, in the `X-Script` header, in the body's
`script` field and on the server's command line. Nothing here sends or waits.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """Where the chunk that only names the role goes."""

    EARLY = "early"  # with the headers, as soon as the request is served
    FIRST = "first"  # in one piece with the first output chunk
    NONE = "none"


class UsagePlace(StrEnum):
    """Which chunk carries `usage` (each of these is what some real server does)."""

    OWN = "own"  # a chunk of its own, `choices` empty
    OWN_WITH_CHOICES = "own-choices"  # a chunk of its own, `choices` not empty
    FINISH = "finish"  # the chunk with the finish reason
    EVERY = "every"  # a running count on every chunk
    NONE = "none"


class Cut(StrEnum):
    """How a connection is cut."""

    RST = "rst"
    FIN = "fin"


class ScriptError(ValueError):
    """A script that cannot be played."""


@dataclass(frozen=True, slots=True)
class Script:
    """One reply.

    Attributes:
        first_ms: request fully received -> first output chunk.
        gap_ms: between output chunks, on an absolute schedule (lateness does not add up).
        tokens: output tokens; None takes the request's `max_tokens`, else 16.
        jitter_ms: each wait is moved by up to this much either way, drawn from `seed` and the request's id.
        seed: the jitter's seed.
        delay_ms: added to `first_ms` and to each gap (a slower server, for regression tests).
        tokens_per_chunk: output tokens in each chunk.
        pieces: separate sends each output chunk is cut into.
        piece_ms: wait between the pieces of one chunk.
        role: where the role chunk goes.
        reasoning: how many of the tokens are reasoning, ahead of the content.
        usage: which chunk carries the counts.
        done: whether the stream ends with `[DONE]`.
        tail_ms: last output chunk -> finish chunk, usage and `[DONE]` (one send).
        error_after: an error object inside the stream after so many output chunks.
        stall_after, stall_s: hold the stream for so long after so many output chunks.
        cut_after, cut: cut the connection after so many output chunks.
        truncated_utf8: the last output chunk ends inside a character.
        status: an HTTP error instead of a stream.
        retry_after: its Retry-After, in seconds.
        empty: 200 with no event at all.
        silent: read the request and never answer.
        close_after: close the connection, unannounced, after its n-th reply.
        quick_asides: answer at once what is asked beside a load: one token (which counts a prompt's), or an answer
            that may end by itself (which tells servers apart).
    """

    first_ms: float = 50.0
    gap_ms: float = 20.0
    tokens: int | None = None
    jitter_ms: float = 0.0
    seed: int = 0
    delay_ms: float = 0.0
    tokens_per_chunk: int = 1
    pieces: int = 1
    piece_ms: float = 0.0
    role: Role = Role.EARLY
    reasoning: int = 0
    usage: UsagePlace = UsagePlace.OWN
    done: bool = True
    tail_ms: float = 0.0
    error_after: int | None = None
    stall_after: int | None = None
    stall_s: float = 0.0
    cut_after: int | None = None
    cut: Cut = Cut.RST
    truncated_utf8: bool = False
    status: int = 200
    retry_after: int | None = None
    empty: bool = False
    silent: bool = False
    close_after: int | None = None
    quick_asides: bool = False

    def but(self, changes: Mapping[str, Any]) -> Script:
        """This script with some fields replaced by JSON values.

        Raises:
            ScriptError: an unknown field, or a value of another type.
        """
        if not changes:
            return self
        known = {f.name: f for f in dataclasses.fields(self)}
        checked: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                raise ScriptError(f"no script field {name!r}; there are {', '.join(known)}")
            checked[name] = _typed(name, value, str(known[name].type))
        return dataclasses.replace(self, **checked)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON types."""
        return dataclasses.asdict(self)


_CHOICES: dict[str, type[StrEnum]] = {"Role": Role, "UsagePlace": UsagePlace, "Cut": Cut}
_NUMBERS: dict[str, tuple[type[float], ...]] = {"int": (int,), "float": (int, float), "bool": (bool,)}


def _typed(name: str, value: Any, wanted: str) -> Any:
    base = wanted.removesuffix(" | None")
    if value is None and base != wanted:
        return None
    if base in _CHOICES:
        try:
            return _CHOICES[base](value)
        except ValueError:
            raise ScriptError(f"{name}={value!r}; expected one of {', '.join(_CHOICES[base])}") from None
    if not isinstance(value, _NUMBERS[base]) or (isinstance(value, bool) and base != "bool"):
        raise ScriptError(f"{name}={value!r}; expected {wanted}")
    if base != "bool" and value < 0:
        raise ScriptError(f"{name}={value!r}; expected nothing below 0")
    return value
