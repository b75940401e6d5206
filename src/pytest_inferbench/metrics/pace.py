"""What the arrivals of a case's answers can say of the pace at which they were generated.

Idea: a pace needs evidence. Chunks that arrive together show no gap; tokens that were counted and never seen (reasoning
that is not streamed, several tokens in a chunk that does not say how many) took time that the stamps do not hold. Both
make a time per token look better than it was.

Limits: pure; one judgement for all answers of a case, since leaving out single answers would leave out the fast ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from pytest_inferbench.records import RequestRecord

TOGETHER_SHARE = 0.05
"""Chunks closer than this part of their answer's mean gap show no gap: a proxy that lets go of what it held back writes
one event after the other. Nor do the chunks of an answer that took less than this part of its time to arrive ..."""

TOGETHER_NS = 50_000
"""... if they are this close: the whole answer was held back. (Tiny models do generate a token in this time.)"""

CLUMPED_SHARE = 0.4
"""Of the steps from one chunk to the next, those without a gap that a stream may have. Clumps of two make it a half."""

OUTRUN_NS = 1_000_000
"""A server that makes a chunk in less outruns who reads it: what then arrives together waited for somebody to wake up,
and is nobody's buffer. (Tiny models do, through a container's port and on a busy machine.)"""

TOKENS_A_CHUNK = 1.2
"""Tokens for each chunk that does not say how many it holds, beside the one that ends each answer and shows nothing.
Tokenizers that hold back half a character make it 1.1."""

CHUNKS_A_TOKEN = 1.1
"""Chunks for each token. A chunk holds one or more, but for a few that a tool call's parser makes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the pace of a case's answers can be told.

    Attributes:
        streams: answers of several chunks.
        steps: their steps from one output chunk to the next.
        together: those of them that show no gap.
        span_ns: from the first to the last chunk of each answer, over all of them.
        drafted: share of the tokens that accepted drafts gave; such tokens arrive with the one before them.
        counted: whether it is known for every answer how many tokens each of its chunks holds.
        tokens, chunks: of those streams that the server counted, by its count and as they arrived.
        seen: of `tokens`, without reasoning that was not streamed and without one that ended each answer.
        whole: answers of several tokens that came in one chunk.
        answers: all of them.
    """

    streams: int = 0
    steps: int = 0
    together: int = 0
    span_ns: int = 0
    drafted: float = 0.0
    counted: bool = True
    tokens: int = 0
    chunks: int = 0
    seen: int = 0
    whole: int = 0
    answers: int = 0

    @property
    def clumped(self) -> bool:
        """Whether more chunks arrive together than drafts explain, because something held them back."""
        apart = self.steps - self.together
        outrun = apart > 0 and self.span_ns < OUTRUN_NS * self.steps
        return not outrun and apart < (1.0 - CLUMPED_SHARE) * (1.0 - self.drafted) * self.steps

    @property
    def clump(self) -> float:
        """Chunks that arrive together, on average."""
        chunks = self.streams + self.steps
        return chunks / (chunks - self.together) if chunks else 1.0

    @property
    def unseen(self) -> bool:
        """Whether more tokens were counted than the chunks that arrived account for."""
        return not self.counted and self.seen > TOKENS_A_CHUNK * self.chunks

    @property
    def miscounted(self) -> bool:
        """Whether fewer tokens were counted than chunks arrived."""
        return self.tokens > 0 and self.chunks > CHUNKS_A_TOKEN * self.tokens

    @property
    def shown(self) -> bool:
        """Whether arrivals and counts show a pace at all."""
        return not (self.clumped or self.unseen or self.miscounted)


def pace_of(requests: Iterable[RequestRecord]) -> Pace:
    """The evidence in the completed requests."""
    completed = [record for record in requests if record.failure is None and record.output_ns]
    several = [record for record in completed if len(record.output_ns) > 1]
    by_usage = [record for record in several if record.usage and record.usage.output_tokens]
    tokens = sum(_counted(record) for record in by_usage)
    drafted = sum((record.usage.drafted_tokens or 0) for record in by_usage if record.usage)
    return Pace(
        streams=len(several),
        steps=sum(len(record.output_ns) - 1 for record in several),
        together=sum(map(_together, several)),
        span_ns=sum(record.output_ns[-1] - record.output_ns[0] for record in several),
        drafted=min(drafted / tokens, 1.0) if tokens else 0.0,
        counted=all(chunk_tokens(record) is not None for record in several),
        tokens=tokens,
        chunks=sum(len(record.output_ns) for record in by_usage),
        seen=sum(_counted(record) - unstreamed_reasoning(record) - 1 for record in by_usage),
        whole=sum(len(record.output_ns) == 1 and _counted(record) > 1 for record in completed),
        answers=len(completed),
    )


def chunk_tokens(record: RequestRecord) -> tuple[int, ...] | None:
    """Tokens of each output chunk: as the server says, else one each where there are as many tokens as chunks."""
    if record.chunk_tokens is not None:
        return record.chunk_tokens
    chunks = len(record.output_ns)
    return (1,) * chunks if chunks and _counted(record) == chunks else None


def first_arrival(record: RequestRecord) -> int:
    """Output chunks that arrived with the first one, itself included."""
    first = record.output_ns[0]
    return sum(1 for _ in takewhile(lambda stamp: stamp == first, record.output_ns))


def unstreamed_reasoning(record: RequestRecord) -> int:
    """Output tokens that were counted as reasoning and not streamed.

    Some servers count reasoning beside the output instead of in it: then what is left would be less than arrived.
    """
    reasoning = record.usage.reasoning_tokens if record.usage else None
    if not reasoning or record.reasoned:
        return 0
    return reasoning if _counted(record) - reasoning >= len(record.output_ns) else 0


def _counted(record: RequestRecord) -> int:
    return (record.usage.output_tokens or 0) if record.usage else 0


def _together(record: RequestRecord) -> int:
    """Steps of one answer that show no gap."""
    gaps = np.diff(np.array(record.output_ns, dtype=np.float64))
    sent_ns = record.output_ns[0] if record.sent_ns is None else record.sent_ns
    held = float(gaps.sum()) < TOGETHER_SHARE * (record.output_ns[-1] - sent_ns)
    return int(np.count_nonzero(gaps <= max(TOGETHER_NS * held, TOGETHER_SHARE * float(gaps.mean()))))
