"""Rules about pace and tokens: do the stamps and the counts cover the same answers?

Limits: each rule is a pure function of the evidence and yields findings; `validity` lists them. What a figure rests on
is `metrics.pace`; where that leaves figures out, the case is still valid and a finding says why they are missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_inferbench.document.figures import Finding
from pytest_inferbench.measure.evidence import Evidence
from pytest_inferbench.metrics.pace import CHUNKS_A_TOKEN, CLUMPED_SHARE, TOKENS_A_CHUNK, Pace
from pytest_inferbench.units import RATIO, format_value

_LEFT_OUT = "so tpot_ms, itl_ms, chunk_gap_ms and generation_tok_per_s are left out"
_DIRECT = "turn buffering off there (nginx: `proxy_buffering off`), or measure the server itself"


def clumps(evidence: Evidence) -> Iterator[Finding]:
    """Chunks arrived one after the other; where they did not, the pace of the stream is somebody's buffer."""
    pace = evidence.pace
    if pace.clumped:
        share = pace.together / pace.steps
        yield Finding(
            "clumps",
            invalid=False,
            message=f"the stream arrives in clumps of {pace.clump:.0f}: {format_value(share, RATIO)} of the chunks "
            f"arrive with the one before them, {_LEFT_OUT}",
            remedy=f"something on the way buffers it; {_DIRECT}",
            figure=share,
            limit=CLUMPED_SHARE,
        )
    # A test that times its own requests may do without a stream.
    elif 2 * pace.whole > pace.answers and any(round_.workers for round_ in evidence.rounds):
        yield Finding(
            "clumps",
            invalid=False,
            message=f"{pace.whole} of {pace.answers} answers came whole, in one chunk: they show no pace, and their "
            "time to the first token is that to the last",
            remedy=f"something on the way, or the server, does not stream; {_DIRECT}",
            figure=float(pace.whole),
        )


def unseen_tokens(evidence: Evidence) -> Iterator[Finding]:
    """Tokens were counted only where they were seen, or how many a chunk holds was said."""
    pace = evidence.pace
    if pace.unseen:
        yield Finding(
            "unseen_tokens",
            invalid=False,
            message=f"the server counts {pace.tokens} tokens in answers of {pace.chunks} chunks and does not say how "
            f"many a chunk holds, {_LEFT_OUT}",
            remedy="tokens that were counted and not streamed (reasoning?) would make the pace look better than it is: "
            "have the server stream them, or send its usage with every chunk",
            figure=pace.tokens / pace.chunks,
            limit=TOKENS_A_CHUNK,
        )
    elif pace.miscounted:
        yield _miscount(pace)


def unread_text(evidence: Evidence) -> Iterator[Finding]:
    """No text streamed past us: its tokens would be counted, and its first chunk would not be the first token."""
    fields = Counter(record.unread for record in evidence.completed if record.unread is not None)
    if fields:
        named = ", ".join(map(repr, fields))
        yield Finding(
            "unread_text",
            invalid=True,
            message=f"{fields.total()} of {len(evidence.completed)} answers streamed text in {named}, which is not "
            "read as output: times to the first token and per token leave it out",
            remedy="have the server stream it as `content` or `reasoning_content`, or report the field",
            figure=float(fields.total()),
        )


def _miscount(pace: Pace) -> Finding:
    return Finding(
        "miscounted",
        invalid=True,
        message=f"the server counts {pace.tokens} tokens in answers of {pace.chunks} chunks, each of which holds one "
        "or more: its usage does not cover what it streamed",
        remedy="see what its usage counts (the answer without its reasoning? another tokenizer's tokens?); "
        "measure the server itself where a proxy counts",
        figure=pace.chunks / pace.tokens,
        limit=CHUNKS_A_TOKEN,
    )
