"""Failed requests in a few words: how many of each kind, and what the first of each said.

Limits: pure. Kinds are told apart by their HTTP status too; the server's words stand on one line, shortened, and
however many kinds there are, the text has an end.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_inferbench.records import Failure, FailureKind

_KINDS = 5
_CHARACTERS = 160


def in_words(failures: Iterable[Failure]) -> str:
    """`8 HTTP 429: slow down; 2 timeout: no answer within 60 s`, the most frequent first; "" of none."""
    alike: dict[str, list[Failure]] = {}
    for failure in failures:
        alike.setdefault(_kind(failure), []).append(failure)
    ranked = sorted(alike.items(), key=lambda pair: -len(pair[1]))
    parts = [f"{len(same)} {kind}{_message_of(same)}" for kind, same in ranked[:_KINDS]]
    if rest := ranked[_KINDS:]:
        parts.append(f"{sum(len(same) for _, same in rest)} of {len(rest)} other kinds")
    return "; ".join(parts)


def _kind(failure: Failure) -> str:
    if failure.kind is FailureKind.HTTP:
        return "HTTP" if failure.status is None else f"HTTP {failure.status}"
    return "error in the stream" if failure.kind is FailureKind.IN_STREAM else failure.kind.value


def _message_of(same: list[Failure]) -> str:
    """What the first said; that it was the first where others said something else."""
    words = [" ".join("".join(each if each.isprintable() else " " for each in one.message).split()) for one in same]
    if not words[0]:
        return ""
    first = words[0] if len(words[0]) <= _CHARACTERS else f"{words[0][:_CHARACTERS]}…"
    return f": {first}" if len(set(words)) == 1 else f", the first: {first}"
