"""Token attribution: how many tokens each answer had, counted one way for the whole case.

Limits: one method per case, the best that holds for every completed request, so that all of its figures compare; the
method is part of the result, and another method than the baseline's is not comparable. The requested maximum is
never a count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from pytest_inferbench.metrics.formulas import RequestView
from pytest_inferbench.metrics.pace import Pace, pace_of
from pytest_inferbench.records import RequestRecord


class TokenMethod(StrEnum):
    """How output tokens were counted, best first."""

    USAGE = "usage"
    CHUNK_TOKENS = "chunk_tokens"
    CHUNKS = "chunks"


def token_method(requests: Iterable[RequestRecord]) -> TokenMethod:
    """The best method that counts every completed request; `chunks` where none completed."""
    completed = [record for record in requests if record.failure is None]
    for method, count in _COUNTS.items():
        if completed and all(count(record) is not None for record in completed):
            return method
    return TokenMethod.CHUNKS


def request_views(
    requests: Sequence[RequestRecord], method: TokenMethod, pace: Pace | None = None
) -> tuple[RequestView, ...]:
    """The requests with their tokens counted; a failed request has no count.

    Args:
        requests: some or all of a case.
        method: how tokens are counted in the whole case.
        pace: what the arrivals of the whole case say of the pace; None: these are all.
    """
    count, pace = _COUNTS[method], pace or pace_of(requests)
    return tuple(RequestView(record, None if record.failure else count(record), pace) for record in requests)


def _by_usage(record: RequestRecord) -> int | None:
    """The server's total. A 0 beside output is a server that does not count."""
    return (record.usage.output_tokens or None) if record.usage else None


def _by_chunk_tokens(record: RequestRecord) -> int | None:
    return (sum(record.chunk_tokens) or None) if record.chunk_tokens else None


def _by_chunks(record: RequestRecord) -> int | None:
    return len(record.output_ns) or None


_COUNTS: dict[TokenMethod, Callable[[RequestRecord], int | None]] = {
    TokenMethod.USAGE: _by_usage,
    TokenMethod.CHUNK_TOKENS: _by_chunk_tokens,
    TokenMethod.CHUNKS: _by_chunks,
}
